/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LINEAGE_H
#define STORE_LINEAGE_H

/* A domain's history as another host has it, checked from its end to version 1 (tenure.h). */

#include "store/key/crew.h"
#include "store/key/tenure.h"

#define LINEAGE_LIMIT 1000000 /* versions, and owners */

struct lineage {
	git_oid *commits; /* of version 1 first; all zeros before what was known */
	uint32_t count;
	uint32_t epoch;   /* as the newest version says */
	git_oid *books;   /* newest commit of the branch "book" of each host that it came through */
	git_oid *genesis; /* and the first one */
	size_t book_count;
	unsigned char key[KEY_PUBLIC_SIZE]; /* that signs now in the host's book */
};

void lineage_release(struct lineage *lineage);
static inline void cleanup_lineage(struct lineage *lineage)
{
	lineage_release(lineage);
}

/* A version that was checked before, with all that it stands on. */
struct lineage_known {
	uint32_t number, epoch;
	git_oid commit;
};

/*
 * head: its newest commit; host_book: the newest of the branch "book" of the host that has it. All
 * of it must be here; whether its trees are, too, is looked for with trees alone. Where it comes to
 * what is known (NULL: nothing is), it is not read further. crew may have begun to look at its
 * commits, newest first (NULL: none did). DD_CORRUPT says which version is not signed as it should
 * be, is of another domain, does not follow the one before, or counts its owners wrong.
 */
int lineage_read(struct book *book, const char *uuid, const git_oid *head, const git_oid *host_book,
	const struct lineage_known *known, bool trees, struct crew *crew, struct lineage *out,
	struct dd_error *err);

/* Is that commit one of its versions? */
bool lineage_has(const struct lineage *lineage, const git_oid *commit);

#endif
