/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_REFS_H
#define STORE_REFS_H

#include "store/room.h"

/*
 * The refs of book.git. Where much has changed, or the book is small, they are all written in one
 * file, packed-refs: that is one sync for any number of domains, and one rename after which every
 * reader of git sees them all. Where little has changed in a large book, the chain and the branches
 * that moved become loose files, which git prefers; so a checkpoint costs as much as has changed,
 * and packed-refs takes them in when they have become many. Refs that are not ours (a tag that
 * somebody set) are kept; ours that others moved are put right.
 */

struct refs_plan {
	bool whole; /* all of them; or else those that have changed */
	struct text lines;
};

/*
 * What is to be written once the staged objects up to last (0: none) are packed, as book.db has it
 * in the caller's snapshot. No lines: nothing is.
 */
int refs_plan(struct book *book, int64_t last, struct refs_plan *plan, struct dd_error *err);

/* Durably. Under SLOT_CHECKPOINT. */
int refs_write(struct book *book, const struct refs_plan *plan, struct dd_error *err);

#endif
