/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_REINDEX_H
#define DOMAIN_REINDEX_H

/* What the store asks when it makes book.db anew. */

#include "domain/derive.h"
#include "domain/host.h"

struct indexing {
	struct derived derived; /* of the domain at hand */
	void (*lost)(const char *sentence, void *context);
	void *context;
};

static inline void cleanup_indexing(struct indexing *indexing)
{
	derived_release(&indexing->derived);
}

/* Answers from the newest definitions; indexing must outlive them. */
struct reindex_calls indexing_calls(struct indexing *indexing);

#endif
