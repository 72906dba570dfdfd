/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_REQUEST_H
#define STORE_REQUEST_H

#include "store/commit/commit.h"

/*
 * A prepared change as bytes, so that another process with the same book can make it. Numbers are
 * in the machine's own order: it never leaves the machine.
 */

/* Appends it. */
void request_write(const struct prepared *prepared, struct text *out);

struct request {
	struct prepared prepared;
	struct book_change change;
	struct version_draft version; /* says no more than that there is one */
	struct index_draft index;
	struct use_row *uses;
};

/* Reads it for a book; what it holds points into data. DD_CORRUPT where it is none. */
int request_read(
	struct book *book, const struct text *data, struct request *out, struct dd_error *err);
void request_release(struct request *request);
static inline void cleanup_request(struct request *request)
{
	request_release(request);
}

#endif
