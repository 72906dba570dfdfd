/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_REFS_H
#define STORE_REFS_H

#include "store/room.h"

/*
 * The refs of book.git, all in one file, packed-refs: that is one sync for any number of domains,
 * and one rename after which every reader of git sees them all. Refs that are not ours (a tag that
 * somebody set) are kept. Ours as loose files, which git would prefer, are removed.
 */

/* Has somebody removed the file? */
int refs_lost(struct book *book, bool *lost, struct dd_error *err);

/* Appends lines for the chain, the branch "book", each domain and each tag, in git's order, as
 * book.db has them. */
int refs_read(struct book *book, struct text *out, struct dd_error *err);

/* Makes them the repository's. Under SLOT_CHECKPOINT. */
int refs_write(struct book *book, const struct text *refs, struct dd_error *err);

#endif
