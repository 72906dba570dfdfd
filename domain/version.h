/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_VERSION_H
#define DOMAIN_VERSION_H

/* Telling a caller of a version. */

#include <domesday.h>

#include "store/book.h"

/* The tags of a domain, by version. */
struct version_names {
	struct version_name {
		uint32_t number;
		char *label;
	} * list;
	size_t count, room;
};

void version_names_release(struct version_names *names);
static inline void cleanup_version_names(struct version_names *names)
{
	version_names_release(names);
}

int version_names_read(
	struct version_names *names, struct book *book, const char *uuid, struct dd_error *err);

/* visit may be NULL. Gives on what it returns. */
int version_tell(const struct version_info *info, const struct domain_row *row,
	const struct version_names *names, dd_version_fn visit, void *context);

#endif
