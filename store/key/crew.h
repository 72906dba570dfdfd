/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CREW_H
#define STORE_CREW_H

/*
 * Many signatures at once. Each takes as long as reading several commits, and nothing but its own
 * commit; so they are gathered, and looked at by two threads.
 */

#include "store/git/object.h"

#define CREW_MOST 1024

/* A signed commit: whose, and who should have signed it, is for the one who asks. */
struct crew_task {
	git_oid oid;
	uint32_t number;
	int64_t seq;
	const struct signers *due;
	enum signature_state state; /* once the crew has run */
	unsigned char signer[KEY_PUBLIC_SIZE];
	size_t at, size; /* in commits */
	bool failed;     /* for want of memory */
};

struct crew {
	struct crew_task *tasks; /* CREW_MOST */
	size_t count;
	struct text commits;
};

/* There is room: count is less than CREW_MOST. */
int crew_add(struct crew *crew, const struct crew_task *task, const char *commit, size_t size,
	struct dd_error *err);
/* Looks at all. DD_NO_MEMORY. */
int crew_run(struct crew *crew, struct dd_error *err);
void crew_clear(struct crew *crew);
void crew_release(struct crew *crew);

#endif
