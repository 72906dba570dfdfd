/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CHAIN_H
#define STORE_CHAIN_H

/*
 * One chain through all versions of the book, whatever their domain. Each names its place, from 1
 * on with no gap, and the commit at the place before; the first names the genesis commit, and with
 * it the book. Both stand in the signed commit, so a version cannot be taken out, moved or changed
 * without every later one showing it. What a book had before it knew the chain has no place in it.
 *
 * The chain is the table "version" by its column seq; no other row says where it ends, so the two
 * cannot disagree. A checkpoint makes CHAIN_REF of book.git point to the newest that is packed:
 * what is cut off from one of book.db and book.git is seen in the other.
 */

#include "store/room.h"

#define CHAIN_REF "refs/book/chain"

struct chain_link {
	int64_t seq;  /* 1, 2, 3… */
	git_oid prev; /* the commit at seq - 1, or the genesis commit */
};

/* The place of the next version. Inside database_change(), where nobody else can take it. */
int chain_next(struct book *book, struct chain_link *out, struct dd_error *err);

#endif
