/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SIGNERS_H
#define STORE_SIGNERS_H

/*
 * Whose signatures count, and for which part of the chain. The first commit of the branch "book"
 * brings the first key in its file allowed_signers, and is signed with it. Each later commit of the
 * branch names the key that comes next (trailer New-Key), is signed with the key before, and has
 * its place in the chain: what stands behind it is signed with the new key, all before it with the
 * old. Where the key before was lost, the new one signs that itself, and a trailer Adopted says
 * why: nothing from before vouches for such a key.
 */

#include "store/git/signature.h"
#include "store/room.h"

struct signer {
	unsigned char open[KEY_PUBLIC_SIZE];
	int64_t after; /* the place of its commit in the chain; 0: of the first key */
	git_oid commit;
	int64_t when;
	char *who;         /* "Name <email>" */
	char *adopted;     /* why the key before could not vouch for it; NULL: it did */
	const char *fault; /* why the key does not count; NULL: it does */
};

/* From the first on. */
struct signers {
	struct signer *list;
	size_t count;
};

/* DD_CORRUPT: the branch "book" cannot be read back to its first commit. */
int signers_read(struct book *book, struct signers *out, struct dd_error *err);
/* Those of the branch "book" of any book, from its newest commit; out of the objects alone. */
int signers_read_from(
	struct book *book, const git_oid *head, struct signers *out, struct dd_error *err);
void signers_release(struct signers *signers);
static inline void cleanup_signers(struct signers *signers)
{
	signers_release(signers);
}

/* The key that is to sign at that place; the first where the place is 0. NULL: there is none. */
const struct signer *signers_at(const struct signers *signers, int64_t seq);
const struct signer *signers_newest(const struct signers *signers);

/* Number of a key, from 0; -1: not one of the book's. */
int signers_find(const struct signers *signers, const unsigned char open[KEY_PUBLIC_SIZE]);

/* The file allowed_signers of the newest commit of the branch "book". */
int signers_file(struct book *book, struct text *out, struct dd_error *err);

#endif
