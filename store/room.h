/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ROOM_H
#define STORE_ROOM_H

/*
 * What the files of this room share about an open book. Nobody else includes it. Its folders, from
 * the bottom up:
 *
 *   lock/        who may do what, and what is under way: jobs and the journal
 *   database/    book.db: its layout, statements, index rows, upgrades
 *   git/         objects, packs and signatures as git has them
 *   key/         the host's key, who else may sign, sealed secrets
 *   commit/      the one commit point, and group commit
 *   checkpoint/  from book.db into book.git: packs, refs
 *   history/     walking versions; tags; histories that others kept
 *   verify/      whether all of it is true
 *   recovery/    backup, restore, and book.db made anew
 *   remote/      other repositories
 *   parcel/      a domain's history from one book to another
 */

#include <git2.h>

#include "store/book.h"
#include "store/database/database.h"
#include "store/key/key.h"

#define BOOK_APPLICATION 0x446f6d45 /* "DomE", application_id of book.db */
#define BOOK_REF "refs/heads/book"
#define REPOSITORY_DESCRIPTION "Domesday: every version of every domain\n" /* for gitweb */
#define DOMAIN_REFS "refs/heads/domains/"
#define TAG_REFS "refs/tags/domains/" /* UUID/LABEL */

struct staging;

struct book {
	char *folder;
	char *host_name;
	char *committer_email; /* domesday@HOST, which is the key's principal too */
	int wait_ms;
	struct database database;
	bool changed; /* through this struct */
	/* opened when first needed, so that looking something up costs neither */
	struct key *key;
	git_repository *repository; /* over the objects alone */
	git_repository *whole;      /* with refs and configuration, for remotes */
	git_odb *objects;           /* staged and packed ones */
	struct staging *staging;    /* owned by objects */
	/* libgit2 failed, and may go on to miss what it could not see then: it is opened anew */
	bool objects_doubtful;
	struct text unsound; /* indexes of packs that verify found damaged: a name a line */
};

/* A book whose database, a file of that name in its folder, is not opened yet. */
#define BOOK_DATABASE "book.db"
int book_prepare(const char *folder, const struct book_options *options, const char *database,
	struct book **out, struct dd_error *err);

/* "FOLDER/name" */
int book_path(const struct book *book, const char *name, char **out, struct dd_error *err);

/* Text that looks like a UUID in the one spelling that is used here. */
bool uuid_valid(const char *text);

/* ---- layout.c: what is in the folder ---- */

/* Opens book.db, making or completing the book where that is wanted and possible. */
int layout_open(struct book *book, bool create, struct dd_error *err);
/* Makes the file of the database, empty, and opens it. */
int layout_database_make(struct book *book, struct dd_error *err);
/* Makes its tables, with nothing in them. In a transaction. */
int layout_tables_make(struct database *database, struct dd_error *err);

/* ---- repository.c ---- */

/* Makes what is missing of book.git in that folder, without any template. */
int repository_make(const char *folder, struct dd_error *err);
/* The same where the folder of refs is gone, without which git takes it for no repository. */
int repository_complete(struct book *book, struct dd_error *err);
/* Sees to it that book->objects is there. */
int repository_need(struct book *book, struct dd_error *err);
/*
 * Packs are left out whose index (a file's name in objects/pack) is in book->unsound: libgit2
 * believes what an index says, and may read beyond a pack's end. Whoever adds one closes first.
 */
bool repository_follows(const struct book *book, const char *index);
/* Lets it be opened anew after a failure; where nobody holds anything of libgit2's. */
void repository_forget(struct book *book);
/* And book->whole. */
int repository_need_whole(struct book *book, struct dd_error *err);
void repository_close(struct book *book);
/* libgit2's last error, or the one of the staging table behind it. */
int repository_failure(struct book *book, int code, const char *what, struct dd_error *err);
/*
 * The same of an object that has to be there, oid where it may be anywhere in the book. Libgit2
 * calls missing what it could not look for, so before that is called damage somebody looks again.
 */
int object_failure(
	struct book *book, int code, const git_oid *oid, const char *what, struct dd_error *err);
/* Is an object in the book? Fails where that cannot be found out. */
int object_there(struct book *book, const git_oid *oid, bool *there, struct dd_error *err);

/* ---- history.c ---- */

/* The commit of a version; *number 0 becomes the newest. DD_NOT_FOUND says which there are. */
int version_find(
	struct book *book, const char *uuid, uint32_t *number, git_oid *oid, struct dd_error *err);
/* Rows of number and commit, from a version down to the first. */
struct statement versions_down(struct book *book, const char *uuid, uint32_t from);
/* What the commit of a version says. */
int version_read(struct book *book, uint32_t number, const git_oid *oid, struct version_info *out,
	struct dd_error *err);
/* Damage that was met there also says which version it is, and what to do. Returns rc. */
int version_failure(
	struct book *book, const char *uuid, uint32_t number, int rc, struct dd_error *err);
/* Appends a file of a commit. DD_NOT_FOUND: it has none of that name. */
int commit_file_read(struct book *book, const git_oid *commit, const char *path, struct text *out,
	struct dd_error *err);

/* ---- staging.c: git objects that are not packed yet, in book.db ---- */

/* Lets objects read staged objects too, before all others. */
int staging_attach(struct database *database, git_odb *objects, struct staging **out);
/* SQLite's code where it, and not a missing object, made a read fail; and forgets it. */
int staging_failed(struct staging *staging);
/* While hidden, no staged object is said to exist. */
void staging_hide(struct staging *staging, bool hidden);

/* ---- guard.c ---- */

/* Refuses to read what libgit2 would look for outside of a pack in that folder. */
int guard_attach(const char *folder, git_odb *objects);

/* ---- setting.c ---- */

/* What book_setting_put() does. Inside database_change(). */
int setting_write(struct book *book, const char *name, const char *value, struct dd_error *err);
/* An object that the book itself is named by: "book-head", "genesis". DD_CORRUPT: it has none. */
int book_own_oid(struct book *book, const char *name, git_oid *out, struct dd_error *err);

/* ---- index.c ---- */

/* Reads a row whose columns are those of INDEX_COLUMNS, the first being column. */
#define INDEX_COLUMNS \
	"d.uuid, d.name, d.title, d.state, d.autostart, d.version, d.runtime, d.epoch, d.owner"
int index_row_read(
	struct statement *statement, int column, struct domain_row *row, struct dd_error *err);
/* The domain's name for a message; the UUID itself where there is none. */
void index_name(struct book *book, const char *uuid, char *name, size_t size);

#endif
