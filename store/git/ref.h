/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_REF_H
#define STORE_REF_H

/* Refs of book.git that no checkpoint moves, and what lies between two commits. */

#include "store/room.h"

/*
 * Points a ref of book.git that no checkpoint moves to a commit. Under SLOT_CHECKPOINT: a lock that
 * lies beside it is of somebody who died.
 */
int ref_point(struct book *book, const char *name, const git_oid *oid, struct dd_error *err);

/* Does the one history go on from the other, or end there? False where either is not here. */
int history_follows(struct book *book, const git_oid *head, const git_oid *from, bool *result,
	struct dd_error *err);

#endif
