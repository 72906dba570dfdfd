/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_TRANSFER_H
#define STORE_TRANSFER_H

/* What push.c, pull.c and owners.c share about one connection to a remote. */

#include "store/remote/remote.h"

typedef int branch_fn(const struct branch_report *branch, void *context);

struct transfer {
	struct remote_link link;
	const char *name; /* of the remote */
	branch_fn *visit;
	void *context;
	size_t domains, seen; /* that should have a branch here, and those that have */
	size_t diverged;
	bool other_book;                /* the branch "book" is among them */
	char first[2 * UUID_SIZE + 64]; /* that diverged, in words */
	const git_remote_head **heads;  /* what the remote has, by name */
	size_t head_count;
	char **specs; /* refspecs to push */
	size_t spec_count, spec_room;
	bool held;           /* SLOT_CHECKPOINT */
	struct text claimed; /* UUIDs of domains that the remote will know to be ours, with a NUL */
	struct dd_error *err;
};

void transfer_release(struct transfer *transfer);
static inline void cleanup_transfer(struct transfer *transfer)
{
	transfer_release(transfer);
}

/* ---- transfer.c: what both sides have ---- */

/* Lists what the remote has. */
int transfer_heads(struct transfer *transfer);
/* Where its ref of that name points to; NULL: it has none. */
const git_oid *transfer_head(const struct transfer *transfer, const char *name);
/* What becomes of a branch at before (NULL: none) that is to go to after. */
int transfer_compare(struct transfer *transfer, const git_oid *before, const git_oid *after,
	enum branch_outcome *out);
/* Tells the caller, and counts what diverged. uuid NULL: the branch "book". */
int transfer_tell(struct transfer *transfer, const char *host, const char *uuid,
	enum branch_outcome outcome, const git_oid *before, const git_oid *after);
/* DD_CONFLICT where something diverged; what says in which way. */
int transfer_conclude(const struct transfer *transfer, const char *what);

/* ---- pull.c ---- */

/* Everything that the remote has of any host, into book.git. */
int transfer_fetch(struct transfer *transfer);

/* ---- owners.c: who owns what ---- */

/* Heeds owners that we did not know of; *unseen: there is one whose history is not here. */
int transfer_heed_owners(struct transfer *transfer, bool *unseen);
/* The same, once the histories that it takes were fetched. */
int transfer_ask_owners(struct transfer *transfer);

#endif
