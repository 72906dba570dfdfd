/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_GENESIS_H
#define STORE_GENESIS_H

#include "store/git/object.h"

/* A commit of the branch "book": a README, and the file allowed_signers. */
struct branch_draft {
	const git_oid *parent; /* NULL: the first */
	const struct text *signers;
	const struct text *message; /* whole */
	struct person author;
	int64_t when;
};

/* Adds it to the set, signed with the key at hand. */
int branch_commit(struct book *book, const struct branch_draft *draft, struct object_set *set,
	git_oid *oid, struct dd_error *err);

/*
 * Stages the first commit of the branch "book", which HEAD points to: a README and allowed_signers.
 * Inside the transaction that makes the tables.
 */
int genesis_stage(struct book *book, struct dd_error *err);

#endif
