/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LINEAGE_H
#define STORE_LINEAGE_H

/* A domain's history as another host has it, checked from its end to version 1 (tenure.h). */

#include "store/key/tenure.h"

#define LINEAGE_LIMIT 1000000 /* versions, and owners */

struct lineage {
	git_oid *commits; /* of version 1 first */
	uint32_t count;
	uint32_t epoch;   /* as the newest version says */
	git_oid *books;   /* newest commit of the branch "book" of each host that it came through */
	git_oid *genesis; /* and the first one */
	size_t book_count;
};

void lineage_release(struct lineage *lineage);
static inline void cleanup_lineage(struct lineage *lineage)
{
	lineage_release(lineage);
}

/*
 * head: its newest commit; book: the newest of the branch "book" of the host that has it. All of it
 * must be here. DD_CORRUPT says which version is not signed as it should be, is of another domain,
 * or does not follow the one before.
 */
int lineage_read(struct book *book, const char *uuid, const git_oid *head, const git_oid *host_book,
	struct lineage *out, struct dd_error *err);

/* Is that commit one of its versions? */
bool lineage_has(const struct lineage *lineage, const git_oid *commit);

#endif
