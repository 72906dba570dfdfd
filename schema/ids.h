/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_IDS_H
#define SCHEMA_IDS_H

/* Sets of small numbers, written "0-3,^2,7": vCPUs, I/O threads, NUMA nodes. */

#include <stdlib.h>

#include "schema/limits.h"
#include "schema/tree.h"

struct id_set {
	bool has[ID_MAX];
};

/* An empty set. *out is released with free(). */
int id_set_new(struct id_set **out, struct dd_error *err);

static inline void id_set_free(struct id_set *set)
{
	free(set);
}
CLEANUP_DEFINE(id_set, struct id_set *, id_set_free)

/* Adds what the attribute of node says; nothing where it is absent. DD_INVALID names the place. */
int id_set_read(
	struct id_set *set, const xmlNode *node, const char *attribute, struct dd_error *err);

/* Makes it what it was not, of the numbers below limit. */
void id_set_invert(struct id_set *set, unsigned limit);

/* Appends "0-2,5". */
void id_set_write(const struct id_set *set, struct text *out);

#endif
