/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_KEPT_H
#define DOMAIN_KEPT_H

/*
 * What a git repository kept of domains: for each UUID what became of its file, commit by commit.
 * A file that gets another name stays the same domain; one that is deleted and comes back goes on
 * with its history; one in which another UUID appears is another domain from then on.
 */

#include <libxml/hash.h>

#include "schema/document.h"
#include "store/history/foreign.h"

#define KEPT_EVENTS_MAX 20000 /* of one domain */
#define KEPT_MESSAGE_MAX 300  /* bytes of a commit's first line */
#define KEPT_SHORT_ID 12      /* digits of a commit's name, where people read it */

struct kept_commit {
	char id[COMMIT_SIZE];
	char *author_name, *author_email;
	char *message; /* its first line */
	int64_t when;  /* the author's; 0: not known */
};

enum kept_kind {
	KEPT_SET,
	KEPT_GONE,
	KEPT_BROKEN, /* what was committed then is no definition */
};

struct kept_event {
	enum kept_kind kind;
	const struct kept_commit *commit;
	char *file;             /* its name in the folder */
	char blob[COMMIT_SIZE]; /* of KEPT_SET */
	char *why;              /* of KEPT_BROKEN */
	bool other;             /* of KEPT_BROKEN: it is something else of libvirt's */
};

struct kept_domain {
	char uuid[UUID_SIZE]; /* "" for a file that never was a definition */
	struct kept_event *events;
	size_t count, room;
	size_t files;  /* that have it at HEAD */
	bool there;    /* as far as the events say */
	bool too_many; /* events: the last of them is the newest, and some are missing */
};

struct kept {
	struct foreign *repository;
	char *folder;
	struct kept_commit **commits;
	size_t commit_count, commit_room;
	struct kept_domain **domains; /* as they first appear */
	size_t domain_count, domain_room;
	xmlHashTable *by_uuid, *by_file;
};

/* folder is below the top of the repository, "" for itself. repository stays the caller's. */
int kept_read(
	struct kept *kept, struct foreign *repository, const char *folder, struct dd_error *err);
void kept_release(struct kept *kept);
static inline void cleanup_kept(struct kept *kept)
{
	kept_release(kept);
}

/* Appends what a KEPT_SET brought. */
int kept_xml(const struct kept *kept, const struct kept_event *event, struct text *xml,
	struct dd_error *err);

/* The path of a file of the folder in the repository, fit for a line of text. */
int kept_path(const struct kept *kept, const char *file, char **out, struct dd_error *err);

/* Does the name end as those of definitions do? */
bool kept_name(const char *name);

#endif
