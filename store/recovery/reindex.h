/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_REINDEX_H
#define STORE_REINDEX_H

/* What reindex.c and old_book.c share. */

#include "store/room.h"
#include "store/verify/verification.h"

struct reindex {
	struct book *book; /* whose database is the new one */
	struct database old;
	bool old_open, old_owners; /* the latter: of a format that has them */
	const struct reindex_calls *calls;
	struct reindex_counts *counts;
	struct dd_error *err;
};

/* Tells of a loss. */
void reindex_lost(struct reindex *reindex, const char *format, ...) PRINTF_LIKE(2, 3);
/*
 * No loss, but a machine that fails at the moment: no memory, a disk that does not answer, a lock.
 * What is damaged stays so, and is given up for the rest; this ends it, with the book as it was.
 */
bool reindex_hindered(int rc);

/*
 * Damage to what libgit2 reads, an object where oid is not NULL, is for the caller to do without.
 */
int reindex_unread(struct reindex *reindex, int code, const git_oid *oid, const char *what);

/* ---- given_away.c ---- */

struct given_away {
	bool found;
	git_oid book; /* newest commit of the branch "book" of the host that has it now */
	char host[256];
	uint32_t epoch;
};

/* Of one domain, all of whose sightings are in the list. */
int given_away_find(struct reindex *reindex, const struct verification *verification,
	const struct sighting *list, size_t count, struct given_away *out);

/* ---- choose.c ---- */

/*
 * Of several commits for one version: the one that the version after it goes on from, and of the
 * newest the one that the old book.db had, if newest names it. These are then marked as listed; the
 * others are told.
 */
void versions_choose(
	struct reindex *reindex, struct sighting *list, size_t count, const git_oid *newest);

/* ---- from_refs.c ---- */

/* refs_visit(); damage is for the caller to do without. visit tells of its own failures. */
int reindex_refs(struct reindex *reindex, const char *beginning,
	int (*visit)(const char *name, void *context), void *context);
int tags_from_refs(struct reindex *reindex);

/* ---- old_book.c ---- */

/* Opens the old database, where there is one that is not damaged. */
int old_open(struct reindex *reindex);

/* Takes its staged objects, as far as they are what their names say. */
int old_staged(struct reindex *reindex);
/* What it says of a domain beside the history; found false where it does not know it. */
int old_domain(struct reindex *reindex, const char *uuid, struct domain_row *row, bool *found);
/* The commit of its newest version; zeros where it does not know one. */
int old_head(struct reindex *reindex, const char *uuid, git_oid *head);
/* Tells of newest versions that it has and the new index has not. */
int old_compare(struct reindex *reindex);
/* Where a history ends that another host owns, and that host's branch "book". */
int old_given_away(
	struct reindex *reindex, const char *uuid, git_oid *head, git_oid *host_book, bool *found);
/* Uses by its running guest. */
int old_uses(struct reindex *reindex, const char *uuid, int64_t domain);
/* Tags; *read false where they cannot be read. */
int old_tags(struct reindex *reindex, bool *read);
/* Settings, counters, cache, and what is under way. */
int old_rest(struct reindex *reindex);
/* A setting that is an object's name; *found false where there is none. */
int old_oid(struct reindex *reindex, const char *key, git_oid *out, bool *found);

#endif
