/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_RUNTIME_H
#define DOMAIN_RUNTIME_H

/*
 * What the index remembers of a running guest: its number, whether it is paused, which of its
 * QEMUs has it, and the live document with aliases, ports and ptys. As JSON in the index; never in
 * history.
 */

#include "base/text.h"
#include "store/book.h"

struct runtime {
	int id; /* virsh's Id: counts starts on this host */
	bool paused;
	unsigned instance; /* which of its QEMUs since that start, see domain/instance.h */
	char *live;        /* XML */
};

int runtime_write(const struct runtime *runtime, struct text *out, struct dd_error *err);
/* Of a domain that the index says is running. DD_CORRUPT: not as what. */
int runtime_read(const struct domain_row *row, struct runtime *out, struct dd_error *err);

void runtime_release(struct runtime *runtime);
static inline void cleanup_runtime(struct runtime *runtime)
{
	runtime_release(runtime);
}

#endif
