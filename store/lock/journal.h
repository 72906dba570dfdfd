/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "store/room.h"

/*
 * Ends the change's journal row with success: its claims go where the change brings an index with
 * it, and stay as uses of the running guest otherwise. DD_CONFLICT: there is no such open row of
 * this domain. Inside database_change().
 */
int journal_close(
	struct book *book, const struct book_change *change, int64_t domain, struct dd_error *err);

#endif
