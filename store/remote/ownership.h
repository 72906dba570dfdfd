/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_OWNERSHIP_H
#define STORE_OWNERSHIP_H

/*
 * Who owns a domain, between hosts that know of each other by a remote alone. For each domain that
 * was ever taken over the remote has a ref OWNER_REFS/UUID, at a version of its owner. Git changes
 * a ref only from the value that whoever pushes has seen, and we push only what goes on from there:
 * so of two hosts that take a domain at the same time one succeeds, and the other learns it. What
 * was taken over is its new host's as soon as that push has succeeded, not before; what another
 * took is not this host's any more as soon as it has seen the ref.
 */

#include "store/room.h"

#define OWNER_REFS "refs/owners/"                 /* UUID, of a remote */
#define FETCHED_OWNER "refs/remotes/%s/owners/%s" /* remote, UUID: the same, as fetched last */

/* Does this host own it, or claim it, and is that to be said? Only what came from another host. */
int ownership_claimed(struct book *book, const char *uuid, bool *claimed, struct dd_error *err);
/* A push has told it. */
int ownership_told(struct book *book, const char *uuid, struct dd_error *err);

/*
 * The host from which this one took the domain, where no remote has been told yet; else "". That
 * host may have come back and gone on with it: then it was taken in vain.
 */
int ownership_source(struct book *book, const char *uuid, const git_oid *head, char *host,
	size_t size, struct dd_error *err);
int ownership_vain(struct book *book, const char *uuid, const char *host, struct dd_error *err);

/* The remote's owner is at that commit: that is this host, if its own last claim leads there. */
int ownership_confirm(
	struct book *book, const char *uuid, const git_oid *owned, struct dd_error *err);

/*
 * What a remote says of the owner of a domain. host has it there, in the history that ends with
 * head; host_book is the newest commit of its branch "book"; owned is the commit of the ref. *lost:
 * the domain was this host's and is not any more, or claimed in vain; the index says so now. What
 * does not hold is not believed, and is no error.
 */
struct owner_claim {
	const char *uuid, *host;
	git_oid owned, head, host_book;
};
int ownership_heed(
	struct book *book, const struct owner_claim *claim, bool *lost, struct dd_error *err);

/*
 * Is the domain in the book, or its undefined own, and does its own history not go on from that
 * commit?
 */
int ownership_doubtful(struct book *book, const char *uuid, const git_oid *owned, bool *doubtful,
	struct dd_error *err);

#endif
