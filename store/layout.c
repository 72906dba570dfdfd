/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in a book's folder, and how it comes to be there. Everything is made under SLOT_CREATE of
 * the lock file, each piece only where it is missing, book.db last and in one transaction: so a
 * process that dies in between leaves a folder that the next one completes, and of two that start
 * together one makes the book and the other finds it.
 *
 * book.db carries application_id BOOK_APPLICATION and user_version BOOK_FORMAT. A file with neither
 * and without a table is one that is half made. One of a lower format is brought up under the same
 * lock (upgrade.c) by whoever opens it first. A format that is higher than ours is left alone.
 */
#include "store/room.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/database/page_sum.h"
#include "store/database/upgrade.h"
#include "store/folder.h"
#include "store/history/tag.h"
#include "store/key/genesis.h"
#include "store/key/secret.h"

static const char tables[] =
	/* id is for other tables; a domain that is gone keeps its row and loses its name */
	"CREATE TABLE domain("
	"  id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
	"  title TEXT NOT NULL, state INTEGER NOT NULL, autostart INTEGER NOT NULL,"
	"  version INTEGER NOT NULL, head BLOB NOT NULL, runtime TEXT,"
	/* owner_book: while all of the history is another owner's, whose keys signed it */
	"  epoch INTEGER NOT NULL DEFAULT 1, owner TEXT, owner_book BLOB);"
	"CREATE UNIQUE INDEX domain_name ON domain(name) WHERE state <> 2;" UPGRADE_RUNNING_INDEX
	"CREATE TABLE version("
	"  domain INTEGER NOT NULL, number INTEGER NOT NULL, oid BLOB NOT NULL, seq INTEGER,"
	"  PRIMARY KEY(domain, number)) WITHOUT ROWID;" UPGRADE_SEQ_INDEX "CREATE TABLE use("
	"  domain INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, mode TEXT NOT NULL,"
	"  scope INTEGER NOT NULL, PRIMARY KEY(domain, kind, value, mode)) WITHOUT ROWID;"
	"CREATE INDEX use_value ON use(value);"
	"CREATE TABLE journal("
	/* counted, and never again: an id that was closed must not name a later row */
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE,"
	"  operation TEXT NOT NULL,"
	"  base INTEGER NOT NULL, detail TEXT NOT NULL, since INTEGER NOT NULL);"
	/* uses that an open journal row holds; by UUID, as the domain may not be here yet */
	"CREATE TABLE claim("
	"  journal INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, mode TEXT NOT NULL,"
	"  uuid TEXT NOT NULL, PRIMARY KEY(journal, kind, value, mode)) WITHOUT ROWID;"
	"CREATE INDEX claim_value ON claim(value);"
	/* git objects that no pack holds yet; id grows, so a checkpoint can say up to where */
	"CREATE TABLE staged("
	"  id INTEGER PRIMARY KEY, oid BLOB NOT NULL UNIQUE, type INTEGER NOT NULL,"
	"  domain INTEGER NOT NULL, data BLOB NOT NULL);"
	"CREATE TABLE cache(key TEXT NOT NULL UNIQUE, value TEXT NOT NULL);"
	"CREATE TABLE setting(key TEXT PRIMARY KEY, value) WITHOUT ROWID;";

enum book_stage {
	STAGE_MISSING, /* no book.db, or an empty one */
	STAGE_OLD,     /* a format before ours */
	STAGE_READY,
};

static int read_pragma(
	struct database *database, const char *sql, int64_t *number, struct dd_error *err)
{
	struct statement statement = statement_begin(database, sql);

	if (statement_row(&statement))
		*number = statement_integer(&statement, 0);
	return statement_end(&statement, err);
}

static int stage_judge(struct database *database, enum book_stage *stage, struct dd_error *err)
{
	int64_t application = 0, format = 0, tables_found = 0;
	/* what is made in one transaction is looked for last thing first, as it may come in between
	 */
	int rc = read_pragma(database, "SELECT count(*) FROM sqlite_schema", &tables_found, err);

	if (!rc)
		rc = read_pragma(database, "PRAGMA application_id", &application, err);
	if (!rc)
		rc = read_pragma(database, "PRAGMA user_version", &format, err);
	if (rc)
		return rc;
	if (!application && !format && !tables_found) {
		*stage = STAGE_MISSING;
		return 0;
	}
	if (application != BOOK_APPLICATION || format < 1)
		return error_set(err, DD_CORRUPT, "%s is not a book", database->path);
	if (format > BOOK_FORMAT) {
		error_set(err, DD_UNSUPPORTED,
			"the book %s has format %lld; this domesday knows formats up to %d",
			database->path, (long long)format, BOOK_FORMAT);
		return error_hint(err, "use a newer domesday");
	}
	*stage = format < BOOK_FORMAT ? STAGE_OLD : STAGE_READY;
	return 0;
}

/* SQLite takes an empty database for a new one, and throws its log away. */
static int log_check(struct book *book, struct dd_error *err)
{
	CLEANUP(free) char *log = NULL;
	struct stat database, written;
	int rc = string_format(&log, err, "%s-wal", book->database.path);

	if (rc || stat(book->database.path, &database) < 0 || database.st_size ||
		stat(log, &written) < 0 || !written.st_size)
		return rc;
	error_set(err, DD_CORRUPT, "%s is empty, but its log is not", book->database.path);
	return error_hint(err, "'domesday reindex' brings back what the log has");
}

/* Opens book.db where there is one and says how far it is. */
static int database_try(struct book *book, enum book_stage *stage, struct dd_error *err)
{
	struct database *database = &book->database;
	int rc = 0;

	*stage = STAGE_MISSING;
	if (!database->sqlite && access(database->path, F_OK) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : error_errno(err, errno, "cannot open the book %s", book->folder);
	if (!database->sqlite)
		rc = log_check(book, err);
	if (!rc && !database->sqlite)
		rc = database_open(database, database->path, err);
	if (!rc)
		rc = stage_judge(database, stage, err);
	/* an empty one is what a log that a bit has cut short looks like, too */
	if (!rc && *stage == STAGE_MISSING && database->sqlite)
		rc = database_log_check(database, err);
	return rc;
}

/* ---- making ---- */

/* Was anything ever done to a domain of this book? Who does, locks it. */
static int was_used(struct book *book, bool *used, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	bool there = false;
	int rc = book_path(book, "locks", &path, err);

	*used = false;
	if (!rc)
		rc = file_there(path, &there, err);
	if (!rc && there)
		rc = folder_open(path, &folder, err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err)))
		*used |= uuid_valid(entry->d_name);
	return rc;
}

/* A history without its index, or domains without either, are a damaged book and not a new one. */
static int history_check(struct book *book, struct dd_error *err)
{
	const char *state = access(book->database.path, F_OK) < 0 ? "missing" : "empty";
	CLEANUP(free) char *path = NULL;
	bool filled = false, used;
	int rc = book_path(book, "book.git/packed-refs", &path, err);

	if (!rc)
		rc = file_there(path, &filled, err);
	if (!rc && filled) {
		error_set(err, DD_CORRUPT,
			"the book %s has a history in book.git, but book.db is %s", book->folder,
			state);
		return error_hint(err, "'domesday reindex' makes it anew from the history");
	}
	if (!rc)
		rc = was_used(book, &used, err);
	if (rc || !used)
		return rc;
	error_set(
		err, DD_CORRUPT, "the book %s had domains, but book.db is %s", book->folder, state);
	return error_hint(err, "bring it back from a backup, or from a remote (restore --from)");
}

static bool known_name(const char *name)
{
	static const char *const names[] = {".", "..", "lock", "keys", "locks", "run", "book.git",
		"book.db", "book.db-journal", "book.db-wal", "book.db-shm", "book.db.new",
		"book.db.new-journal"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* A folder that somebody uses for something else is not made into a book. */
static int folder_check(struct book *book, struct dd_error *err)
{
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = folder_open(book->folder, &folder, err);

	while (!rc && folder && (entry = folder_next(folder, book->folder, &rc, err))) {
		if (known_name(entry->d_name))
			continue;
		/* a book that has lost its index has more in it than a new one */
		rc = history_check(book, err);
		if (rc)
			return rc;
		error_set(err, DD_REFUSED, "%s is no book, and %s is in it", book->folder,
			entry->d_name);
		return error_hint(err, "name an empty folder, or one that is not there yet");
	}
	return rc;
}

static int folders_make(struct book *book, struct dd_error *err)
{
	static const char *const names[] = {"keys", "locks", "run"};
	CLEANUP(free) char *keys = NULL;
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof names / sizeof names[0]; i++) {
		CLEANUP(free) char *path = NULL;

		rc = book_path(book, names[i], &path, err);
		if (!rc)
			rc = directory_make(book->folder, path, 0700, err);
	}
	if (!rc)
		rc = book_path(book, "keys", &keys, err);
	/* a key that somebody died over before it was in its place */
	if (!rc)
		rc = folder_clean(keys, "", ".new", err);
	if (!rc)
		rc = key_make(keys, book->committer_email, err);
	if (!rc)
		rc = repository_make(book->folder, err);
	return rc;
}

/* SQLite gives its log and shared memory the mode of the database. */
int layout_database_make(struct book *book, struct dd_error *err)
{
	struct database *database = &book->database;
	CLEANUP(close) int fd = open(database->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int rc = 0;

	if (fd < 0)
		return error_errno(err, errno, "cannot make %s", database->path);
	if (!database->sqlite)
		rc = database_open(database, database->path, err);
	if (!rc && page_sum_reserve(database->sqlite))
		rc = error_set(err, DD_SYSTEM, "SQLite is too old");
	return rc;
}

int layout_tables_make(struct database *database, struct dd_error *err)
{
	CLEANUP(free) char *marks = NULL;
	int rc = string_format(&marks, err, "PRAGMA application_id=%d; PRAGMA user_version=%d",
		BOOK_APPLICATION, BOOK_FORMAT);

	if (!rc)
		rc = database_execute(database, tables, err);
	if (!rc)
		rc = tag_table_make(database, err);
	if (!rc)
		rc = secret_table_make(database, err);
	return rc ? rc : database_execute(database, marks, err);
}

static int tables_make(void *context, struct dd_error *err)
{
	struct book *book = context;
	int rc = layout_tables_make(&book->database, err);

	return rc ? rc : genesis_stage(book, err);
}

/* What SQLite syncs is below the folder; the folder's own name is not. */
static int parent_sync(struct book *book, struct dd_error *err)
{
	CLEANUP(free) char *copy = NULL;
	int rc = string_copy(&copy, book->folder, err);

	return rc ? rc : folder_sync(dirname(copy), err);
}

static int book_make(struct book *book, struct dd_error *err)
{
	int rc = folders_make(book, err);

	if (!rc)
		rc = parent_sync(book, err);
	if (!rc)
		rc = layout_database_make(book, err);
	if (!rc)
		rc = database_execute(&book->database, "PRAGMA journal_mode=WAL", err);
	if (!rc)
		rc = database_change(&book->database, "create", tables_make, book, err);
	return rc;
}

static int book_complete(struct book *book, struct dd_error *err)
{
	enum book_stage stage = STAGE_MISSING;
	int rc = database_lock(&book->database, SLOT_CREATE, "create", book->wait_ms, err);

	if (rc)
		return rc;
	/* somebody else may have done it while we waited */
	rc = database_try(book, &stage, err);
	if (!rc && stage == STAGE_OLD)
		rc = upgrade_run(book, err);
	if (!rc && stage == STAGE_MISSING)
		rc = history_check(book, err);
	if (!rc && stage == STAGE_MISSING)
		rc = book_make(book, err);
	database_unlock(&book->database, SLOT_CREATE);
	return rc;
}

int layout_open(struct book *book, bool create, struct dd_error *err)
{
	enum book_stage stage;
	int rc = database_try(book, &stage, err);

	if (rc || stage == STAGE_READY)
		return rc;
	if (stage == STAGE_OLD)
		return book_complete(book, err);
	/* an empty book.db is one that somebody began to make */
	if (!create && !book->database.sqlite) {
		struct stat status;

		if (stat(book->folder, &status) == 0 && !S_ISDIR(status.st_mode))
			return error_set(err, DD_SYSTEM, "%s is a file, and a book is a folder",
				book->folder);
		rc = history_check(book, err);
		if (rc)
			return rc;
		error_set(err, DD_NOT_FOUND, "there is no book in %s", book->folder);
		return error_hint(err, "name another with --book, or define a domain to make one");
	}
	rc = folder_check(book, err);
	if (!rc)
		rc = directory_make(NULL, book->folder, 0700, err);
	return rc ? rc : book_complete(book, err);
}
