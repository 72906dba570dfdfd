/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_TENURE_H
#define STORE_TENURE_H

/*
 * Whose signatures stand in a history that came from host to host. The version with which a host
 * takes a domain over is signed by it and says in its trailer Taken-Book which commit the branch
 * "book" of the host before was at. So what stands before that version counts if it is signed with
 * the key that was in force there at its place in that book's chain; and each link of this is
 * signed by the next owner, the last of which is the book that holds the history.
 */

#include "store/key/signers.h"

/* Signers of other books, each read once. */
struct tenure {
	struct tenure *next;
	git_oid book; /* newest commit of its branch "book" */
	struct signers signers;
};

struct tenures {
	struct tenure *first;
};

void tenures_release(struct tenures *tenures);
static inline void cleanup_tenures(struct tenures *tenures)
{
	tenures_release(tenures);
}

/* *out is valid until tenures are released. DD_CORRUPT: that branch cannot be read. */
int tenures_signers(struct tenures *tenures, struct book *book, const git_oid *head,
	const struct signers **out, struct dd_error *err);

/* Is it the key that was to sign at that place? */
bool signers_due(
	const struct signers *signers, const unsigned char open[KEY_PUBLIC_SIZE], int64_t seq);

#endif
