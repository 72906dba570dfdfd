/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BOOKS_H
#define STORE_BOOKS_H

/*
 * The branches "book" of hosts that domains came from: their keys signed what came with them. Each
 * is kept under BOOKS_REFS, by the name of its first commit. What is in book.db already, and no ref
 * leads to yet, is noted as a setting, and the next checkpoint makes the ref.
 */

#include "store/room.h"

#define BOOKS_REFS "refs/heads/books/" /* the first commit of another host's branch "book" */

/* Notes one. Inside database_change(). */
int books_due(struct book *book, const git_oid *genesis, const git_oid *head, struct dd_error *err);

/* Makes the refs of those that were noted. Under SLOT_CHECKPOINT. */
int books_settle(struct book *book, struct dd_error *err);

#endif
