/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "store/room.h"

#define NAME_BYTES_LIMIT 255
#define USES_LIMIT 10000

int index_draft_check(const struct index_draft *draft, struct dd_error *err);

/* DD_EXISTS where a domain other than uuid, not gone, has the name. */
int index_name_free(struct book *book, const char *uuid, const char *name, struct dd_error *err);

/* Makes row and uses of the domain what the draft says. Inside database_change(). */
int index_write(
	struct book *book, int64_t domain, const struct index_draft *draft, struct dd_error *err);

/*
 * owner NULL: this host. owner_book: newest commit of the branch "book" of the owner, where no
 * version of this host is on top of his; otherwise NULL. Inside database_change().
 */
int index_owner_write(struct book *book, int64_t domain, uint32_t epoch, const char *owner,
	const git_oid *owner_book, struct dd_error *err);

/* Adds one use, or its scope to the one that is there. Inside database_change(). */
int use_add(struct book *book, int64_t domain, const struct use_row *use, struct dd_error *err);

/* Makes the uses of the domain these; what is so already is not written again. */
int uses_write(struct book *book, int64_t domain, const struct use_row *uses, size_t count,
	struct dd_error *err);

bool use_valid(const struct use_row *use);

#endif
