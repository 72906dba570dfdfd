/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_REMOTE_H
#define STORE_REMOTE_H

#include "store/room.h"

#define REMOTE_REFS "refs/remotes/"
#define HOST_REFS "refs/heads/hosts/"    /* HOST/domains/UUID, HOST/book, of a remote */
#define HOST_TAG_REFS "refs/tags/hosts/" /* HOST/domains/UUID/LABEL, of a remote */

/* A connection to a remote. */
struct remote_link {
	struct book *book;
	git_remote *remote;
	char *identity;
	int offered;             /* how many ways to prove who we are it has been shown */
	bool keyless;            /* the book has no key yet that could be shown */
	struct dd_error refusal; /* why none is left */
	bool contended;          /* it is refused for what somebody else does just now */
};

/* By name or address. DD_NOT_FOUND: there is none of that name; DD_SYSTEM: it is out of reach. */
int remote_connect(struct book *book, const char *name, git_direction way, struct remote_link *out,
	struct dd_error *err);
void remote_release(struct remote_link *link);
static inline void cleanup_remote_link(struct remote_link *link)
{
	remote_release(link);
}

/* Takes "HOST/domains/UUID" (or, with *uuid NULL, "HOST/book", "HOST/books/…") apart; false: none.
 */
bool branch_parts(const char *rest, char *host, size_t size, const char **uuid);

/* Where the remote is a folder of this machine; NULL: it is not. */
const char *remote_folder(const struct remote_link *link);

/* What libgit2 has just said about the link. */
int remote_failure(struct remote_link *link, int code, const char *what, struct dd_error *err);

/*
 * Fetches all that a host has pushed into the book.git of an empty book, as the branches and tags
 * that they were there. Other names than those of a host's book are left out. DD_NOT_FOUND says
 * which hosts there are; DD_REFUSED: another book pushes there under the name that this one has.
 */
int remote_fetch_host(struct book *book, const char *name, const char *host, struct dd_error *err);

/* Callbacks that prove who we are. */
void remote_callbacks(struct remote_link *link, git_remote_callbacks *out);

#endif
