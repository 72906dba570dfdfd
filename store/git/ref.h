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

/* ---- ref_list.c ---- */

/*
 * Adds the names of refs, each with a NUL, of a repository on this machine. folders: "refs/tags/"
 * and so on. What is a file of its own and in packed-refs, too, comes twice.
 */
int refs_list(const char *repository, const char *const *folders, size_t count, struct text *out,
	struct dd_error *err);

/* Visits each ref of book.git in a folder once, until visit gives anything but 0, which is given.
 */
int refs_visit(struct book *book, const char *folder, int (*visit)(const char *name, void *context),
	void *context, struct dd_error *err);

/* Does the one history go on from the other, or end there? False where either is not here. */
int history_follows(struct book *book, const git_oid *head, const git_oid *from, bool *result,
	struct dd_error *err);

#endif
