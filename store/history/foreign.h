/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FOREIGN_H
#define STORE_FOREIGN_H

/*
 * A git repository that somebody else keeps: what became of the files directly in one of its
 * folders, commit by commit.
 *
 * Nothing in it is believed. Links are not followed, a file is read only up to the caller's limit,
 * and a name is bytes without NUL and '/', which need not be text. It is opened for reading only;
 * its configuration starts no program.
 */

#include "store/book.h"

#define FOREIGN_COMMITS_MAX 1000000
#define FOREIGN_FILES_MAX 20000                  /* in the folder at once */
#define FOREIGN_TREE_SIZE_MAX (size_t)(8u << 20) /* bytes of one folder's list */

struct foreign;

enum foreign_kind {
	FOREIGN_GONE,
	FOREIGN_FILE,
	FOREIGN_OTHER, /* a link, a folder, another repository */
};

struct foreign_file {
	const char *name;
	enum foreign_kind kind;
	char blob[COMMIT_SIZE]; /* "" where there is no file */
};

/* A commit that changed something; all of it is valid during the visit only. */
struct foreign_commit {
	char id[COMMIT_SIZE];
	struct person author;
	int64_t authored; /* 0 where the repository says nothing possible */
	const char *message;
	const struct foreign_file *files; /* what is new or other, and then what went */
	size_t count;
};

/*
 * The repository in folder path itself, or the one whose working tree that is. DD_NOT_FOUND: there
 * is none, or no commit in it. DD_REFUSED: it has not all of its history. Reports what libgit2 says
 * as DD_CORRUPT or DD_SYSTEM.
 */
int foreign_open(const char *path, struct foreign **out, struct dd_error *err);
void foreign_close(struct foreign *foreign); /* NULL does nothing */
CLEANUP_DEFINE(foreign, struct foreign *, foreign_close)

/* The commit that HEAD points to. */
const char *foreign_head(const struct foreign *foreign);

/* What is in a folder ("a/b", "" for the topmost) at HEAD. DD_NOT_FOUND where it is none. */
int foreign_list(struct foreign *foreign, const char *folder,
	int (*visit)(const struct foreign_file *file, void *context), void *context,
	struct dd_error *err);

/*
 * All commits up to HEAD that change the folder, parents before children, the lines of a merge one
 * after the other. A commit brings what it changed against its only parent; a merge, whatever is
 * then still otherwise than in the merge. So after the last the files are those of HEAD. visit
 * returns non-zero to stop with it.
 */
int foreign_walk(struct foreign *foreign, const char *folder,
	int (*visit)(const struct foreign_commit *commit, void *context), void *context,
	struct dd_error *err);

/* Appends a file. DD_INVALID: it has more than limit bytes. DD_CORRUPT: it cannot be read. */
int foreign_read(struct foreign *foreign, const char *blob, size_t limit, struct text *out,
	struct dd_error *err);

#endif
