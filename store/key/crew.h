/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CREW_H
#define STORE_CREW_H

/*
 * Many signatures at once. Each takes as long as reading several commits, and nothing but its own
 * commit; so a thread looks at them, in the order in which they are added, while whoever adds them
 * goes on; who asks for one that is not done yet looks at some meanwhile. A crew belongs to one
 * thread.
 */

#include "store/git/object.h"

struct crew;

/* Whose signature it should be is for the one who asks. */
struct crew_task {
	git_oid oid;
	enum signature_state state;
	unsigned char signer[KEY_PUBLIC_SIZE];
	size_t at, size; /* in the commits that it was added with */
};

/* DD_NO_MEMORY, as from all of these. */
int crew_new(struct crew **out, struct dd_error *err);
/* A signed commit, which is copied; the first is number 0. */
int crew_add(struct crew *crew, const git_oid *oid, const char *commit, size_t size,
	struct dd_error *err);
size_t crew_count(const struct crew *crew);
/* Is it the one of that number, or soon after it? Its number then, and else crew_count(). */
size_t crew_find(const struct crew *crew, size_t from, const git_oid *oid);
/* *out is the crew's, and valid until it is released. */
int crew_result(
	struct crew *crew, size_t number, const struct crew_task **out, struct dd_error *err);
void crew_release(struct crew *crew); /* NULL does nothing; what is not done yet is left */
CLEANUP_DEFINE(crew, struct crew *, crew_release)

#endif
