/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_OBJECT_H
#define STORE_OBJECT_H

/* Git objects in the making: blobs, trees and signed commits, as bytes with their names. */

#include "store/git/signature.h"
#include "store/room.h"

struct object {
	git_oid oid;
	git_object_t type;
	const void *data;
	size_t size;
	char *owned; /* data, where it is not the caller's */
};

struct object_set {
	struct object *list;
	size_t count, room;
};

void object_set_release(struct object_set *set);
static inline void cleanup_object_set(struct object_set *set)
{
	object_set_release(set);
}

/* Names and adds bytes that stay the caller's. Any thread that has libgit2 started. */
int object_add(struct object_set *set, git_object_t type, const void *data, size_t size,
	git_oid *oid, struct dd_error *err);
/* The same with bytes that become the set's; data is left empty. */
int object_add_text(struct object_set *set, git_object_t type, struct text *data, git_oid *oid,
	struct dd_error *err);

/*
 * Adds the blobs and nested trees of these files. DD_INVALID: a path that git would not check out
 * everywhere, one that comes twice, or one that is both a file and a folder.
 */
int tree_build(struct object_set *set, const struct tree_file *files, size_t count, git_oid *oid,
	struct dd_error *err);

/* May a file or a folder of a version be called so? */
bool tree_name_valid(const char *name, size_t length);

struct commit_draft {
	git_oid tree;
	const git_oid *parent; /* NULL: the first */
	struct person author, committer;
	int64_t when;
	int64_t authored; /* 0: when */
};

/* Appends a commit's headers without its signature. */
void commit_headers(const struct commit_draft *draft, struct text *out);

/* Adds the parent to headers that were made without one. */
void commit_parent(struct text *headers, const git_oid *parent);

/* Signs headers and message, and adds the commit that they make; headers is left empty. */
int commit_sign(struct object_set *set, const struct key *key, struct text *headers,
	const struct text *message, git_oid *oid, struct dd_error *err);

/* A commit's text taken apart; what is pointed to is in that text. */
struct commit_parts {
	git_oid tree, parent; /* the parent is all zeros where there is none */
	const char *author;   /* "Name <email>" */
	size_t author_size;
	int64_t when;          /* of the committer */
	const char *signature; /* the armour, its lines set in; NULL: none */
	size_t signature_size;
	size_t header_at, header_end; /* of the signature: what is signed is all but this */
	const char *message;
	size_t message_size;
};

/* False for what has not the form that commit_sign() gives a commit. */
bool commit_parse(const char *data, size_t size, struct commit_parts *out);

/*
 * Who signed such a commit, and does it hold? room is used for what was signed; it may be handed in
 * again and again. signer as in signature_check(). DD_NO_MEMORY.
 */
int commit_check(const char *data, size_t size, const struct commit_parts *parts, struct text *room,
	enum signature_state *state, unsigned char signer[KEY_PUBLIC_SIZE], struct dd_error *err);

/* Writes the set into the table of staged objects; inside database_change(). */
int object_set_stage(const struct object_set *set, struct database *database, int64_t domain,
	struct dd_error *err);

#endif
