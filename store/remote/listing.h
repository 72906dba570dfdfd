/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LISTING_H
#define STORE_LISTING_H

/*
 * Of a repository on this machine libgit2 lists what it can: of a folder that it cannot read, and
 * of packed-refs where it has no memory for it, it says nothing. Who takes what is not listed for
 * what is not there would miss domains, tags, or owners. So we look, too, before; and as branches
 * are not taken away, and tags seldom, all that we find has to be in its list, or be gone by then.
 */

#include <git2.h>

#include "base/text.h"

struct listing {
	struct text names; /* of branches and tags of hosts, each with a NUL */
};

static inline void cleanup_listing(struct listing *listing)
{
	text_release(&listing->names);
}

/* What is there now. folder: of the repository; NULL: it is not on this machine, nothing. */
int listing_read(const char *folder, struct listing *out, struct dd_error *err);

/* DD_SYSTEM: libgit2's list, which is of a later moment, lacks something that is there still. */
int listing_compare(const struct listing *listing, const char *folder, git_remote *remote,
	struct dd_error *err);

#endif
