/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_PAGES_H
#define DOMAIN_PAGES_H

/*
 * A version's definition and the one before it, for somebody who goes through a history from its
 * newest version: each is read once, and not at all where it has the bytes of the one read last.
 */

#include "schema/document.h"
#include "store/book.h"

struct page {
	char uuid[UUID_SIZE];
	uint32_t number;
	char object[COMMIT_SIZE]; /* of git: alike where the bytes are */
	struct document *document;
};

struct pages {
	struct book *book;
	struct page before, after;
};

void pages_release(struct pages *pages);
static inline void cleanup_pages(struct pages *pages)
{
	pages_release(pages);
}

/*
 * The definition of version number and of the one before, NULL for version 1; the very same where
 * nothing in them differs. They belong to pages until the next call.
 */
int pages_turn(struct pages *pages, const char *uuid, uint32_t number,
	const struct document **before, const struct document **after, struct dd_error *err);

#endif
