/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an old book.db still says, row by row. A table that cannot be read to its end is read as far
 * as it goes, and that is told; a file that is none is told once.
 */
#include "store/recovery/reindex.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/database/index.h"
#include "store/database/log_sum.h"
#include "store/database/page_sum.h"
#include "store/git/object.h"

#define PAGE_BYTES 4096        /* of book.db, any of which begins as zeros */
#define OLD_KEPT "book.db.old" /* by a reindex that was cut short, or that lost something */

/* SQLite would throw the log of an empty database away. */
static int emptiness_mend(struct reindex *reindex, const char *path, const char *log)
{
	struct stat database, written;

	if (stat(path, &database) < 0 || database.st_size || stat(log, &written) < 0 ||
		!written.st_size)
		return 0;
	if (truncate(path, PAGE_BYTES) < 0)
		return error_errno(reindex->err, errno, "cannot write %s", path);
	return 0;
}

/* What no version says is believed with its changed bit, under a new sum. */
static void unsure_tell(struct reindex *reindex, unsigned count, const char *what)
{
	if (count)
		reindex_lost(reindex,
			"a bit was changed in %u of the %s, and it cannot be told which: what only "
			"book.db "
			"knew (settings, autostart, running guests, what was under way) may not be "
			"as it was",
			count, what);
}

/*
 * A log that a changed bit has cut short, and pages that have one, are whole again before SQLite
 * reads them. Whoever has the old database open goes on with what it saw; nobody changes it
 * meanwhile. Pages come first: the log has them as they are now, whatever becomes of them.
 */
static int files_mend(
	struct reindex *reindex, const char *path, const char *log, const char *memory)
{
	struct page_mending pages;
	struct log_mending frames = {0};
	int rc = emptiness_mend(reindex, path, log);

	if (rc)
		return rc;
	rc = page_sum_mend(path, &pages);
	if (rc)
		return error_errno(reindex->err, -rc, "cannot put %s right", path);
	frames.spare = pages.size ? PAGE_SUM_SIZE : 0;
	rc = log_sum_mend(log, &frames);
	if (rc)
		return error_errno(reindex->err, -rc, "cannot put %s right", log);
	if (frames.mended + frames.damaged && unlink(memory) < 0 && errno != ENOENT)
		return error_errno(reindex->err, errno, "cannot remove %s", memory);
	reindex->counts->mended = pages.mended + frames.mended;
	unsure_tell(reindex, pages.damaged, "pages of book.db");
	unsure_tell(reindex, frames.damaged, "frames of book.db-wal");
	if (frames.cut)
		reindex_lost(reindex,
			"book.db-wal is damaged, and it cannot be told where: what was "
			"committed behind that is gone, but for what book.git has");
	return 0;
}

static int old_mend(struct reindex *reindex, const char *path)
{
	CLEANUP(free) char *log = NULL;
	CLEANUP(free) char *memory = NULL;
	int rc = string_format(&log, reindex->err, "%s-wal", path);

	if (!rc)
		rc = string_format(&memory, reindex->err, "%s-shm", path);
	return rc ? rc : files_mend(reindex, path, log, memory);
}

/* The old database in that file, if it is one. */
static int old_read(struct reindex *reindex, char *path)
{
	struct dd_error reason = {0};
	int64_t tables = 0;
	int rc;

	reindex->old = (struct database){
		.path = path, .lock_fd = -1, .seat = -1, .wait_ms = reindex->book->wait_ms};
	rc = old_mend(reindex, path);
	if (rc)
		return rc;
	rc = database_open(&reindex->old, path, &reason);
	if (!rc) {
		struct statement statement = statement_begin(
			&reindex->old, "SELECT count(*) FROM sqlite_schema WHERE name = 'version'");

		if (statement_row(&statement))
			tables = statement_integer(&statement, 0);
		rc = statement_end(&statement, &reason);
	}
	if (reindex_hindered(rc)) {
		error_set(reindex->err, rc, "%s", reason.message);
		return error_hint(reindex->err,
			"where the disk never gives it back, move %s away and try again", path);
	}
	reindex->old_open = !rc && tables;
	if (reindex->old_open) {
		struct statement statement = statement_begin(&reindex->old,
			"SELECT count(*) FROM pragma_table_info('domain') WHERE name = 'epoch'");

		reindex->old_owners = statement_row(&statement) && statement_integer(&statement, 0);
		statement_drop(&statement);
	}
	if (!reindex->old_open)
		reindex_lost(reindex,
			"book.db cannot be read (%s): what was not synced to book.git, and what "
			"only book.db knew, is gone",
			rc ? reason.message : "it is empty");
	return 0;
}

int old_open(struct reindex *reindex)
{
	CLEANUP(free) char *path = NULL;
	bool there = false;
	int rc = book_path(reindex->book, BOOK_DATABASE, &path, reindex->err);

	if (!rc)
		rc = file_there(path, &there, reindex->err);
	if (!rc && !there) {
		free(TAKE(path));
		rc = book_path(reindex->book, OLD_KEPT, &path, reindex->err);
		if (!rc)
			rc = file_there(path, &there, reindex->err);
	}
	if (rc || (!there && reindex->calls->only_history))
		return rc;
	if (!there) {
		reindex_lost(reindex, "there is no book.db: what was not synced to book.git, and "
				      "what only book.db knew, is gone");
		return 0;
	}
	return old_read(reindex, TAKE(path));
}

/* Ends a statement over the old tables: damage is a loss. */
static int old_end(struct reindex *reindex, struct statement *statement, const char *what)
{
	struct dd_error reason = {0};
	int rc = statement_end(statement, &reason);

	if (reindex_hindered(rc))
		return error_set(reindex->err, rc, "%s", reason.message);
	if (rc)
		reindex_lost(reindex, "%s in the old book.db cannot be read to the end: %s", what,
			reason.message);
	return 0;
}

int old_staged(struct reindex *reindex)
{
	struct statement rows;
	int64_t damaged = 0;
	int rc = 0;

	if (!reindex->old_open)
		return 0;
	rows = statement_begin(
		&reindex->old, "SELECT oid, type, domain, data FROM staged ORDER BY id");
	while (!rc && statement_row(&rows)) {
		const void *data = sqlite3_column_blob(rows.handle, 3);
		size_t size = (size_t)sqlite3_column_bytes(rows.handle, 3);
		git_object_t type = (git_object_t)statement_integer(&rows, 1);
		CLEANUP(object_set) struct object_set set = {0};
		git_oid is, wanted;

		if (!statement_oid_maybe(&rows, 0, &wanted) || !git_object_typeisloose(type)) {
			damaged++;
			continue;
		}
		rc = object_add(&set, type, data, size, &is, reindex->err);
		if (rc)
			break;
		if (!git_oid_equal(&is, &wanted)) {
			damaged++;
			continue;
		}
		rc = object_set_stage(
			&set, &reindex->book->database, statement_integer(&rows, 2), reindex->err);
	}
	if (rc) {
		statement_drop(&rows);
		return rc;
	}
	if (damaged)
		reindex_lost(reindex, "%lld objects that were not synced to book.git are damaged",
			(long long)damaged);
	return old_end(reindex, &rows, "what was not synced to book.git");
}

int old_domain(struct reindex *reindex, const char *uuid, struct domain_row *row, bool *found)
{
	struct statement statement;
	int rc = 0;

	*found = false;
	if (!reindex->old_open)
		return 0;
	statement = statement_begin(&reindex->old,
		reindex->old_owners
			? "SELECT " INDEX_COLUMNS " FROM domain d WHERE d.uuid = ?"
			: "SELECT d.uuid, d.name, d.title, d.state, d.autostart, d.version,"
			  " d.runtime, 1, NULL FROM domain d WHERE d.uuid = ?");
	statement_text(&statement, uuid);
	*found = statement_row(&statement);
	if (*found)
		rc = index_row_read(&statement, 0, row, reindex->err);
	if (rc) {
		statement_drop(&statement);
		return rc;
	}
	return old_end(reindex, &statement, "a domain");
}

int old_head(struct reindex *reindex, const char *uuid, git_oid *head)
{
	struct statement statement;

	*head = (git_oid){{0}};
	if (!reindex->old_open)
		return 0;
	statement = statement_begin(&reindex->old, "SELECT head FROM domain WHERE uuid = ?");
	statement_text(&statement, uuid);
	if (statement_row(&statement))
		(void)statement_oid_maybe(&statement, 0, head);
	return old_end(reindex, &statement, "a domain");
}

/* How far the new index has the domain; *same: with that commit. */
static int indexed(struct reindex *reindex, const char *uuid, const git_oid *head, uint32_t *number,
	bool *same)
{
	struct statement statement = statement_begin(&reindex->book->database,
		"SELECT version, (SELECT 1 FROM version v WHERE v.domain = d.id AND v.oid = ?2)"
		" FROM domain d WHERE uuid = ?1");

	statement_text(&statement, uuid);
	statement_blob(&statement, head->id, sizeof head->id);
	*number = 0;
	*same = false;
	if (statement_row(&statement)) {
		*number = (uint32_t)statement_integer(&statement, 0);
		*same = statement_integer(&statement, 1) != 0;
	} else {
		/* where its UUID is damaged here, it was found by another */
		*same = git_odb_exists(reindex->book->objects, head);
	}
	return statement_end(&statement, reindex->err);
}

int old_compare(struct reindex *reindex)
{
	struct statement rows;
	int rc = 0;

	if (!reindex->old_open)
		return 0;
	/* what its own tables say in two ways is damaged, not lost */
	rows = statement_begin(&reindex->old,
		"SELECT d.uuid, d.name, d.version, d.head FROM domain d JOIN version v"
		" ON v.domain = d.id AND v.number = d.version AND v.oid = d.head ORDER BY d.id");
	while (!rc && statement_row(&rows)) {
		uint32_t last = (uint32_t)statement_integer(&rows, 2), number;
		char hex[COMMIT_SIZE];
		git_oid head;
		bool same;

		if (!statement_oid_maybe(&rows, 3, &head))
			continue;
		rc = indexed(reindex, statement_string(&rows, 0), &head, &number, &same);
		if (rc || same)
			continue;
		git_oid_tostr(hex, sizeof hex, &head);
		if (number + 1 < last)
			reindex_lost(reindex,
				"versions %u to %u of '%s', which the old book.db had (the last is "
				"the commit %s), are not in the history",
				number + 1, last, statement_string(&rows, 1), hex);
		else
			reindex_lost(reindex,
				"version %u of '%s', which the old book.db had (the commit %s), is "
				"not in the history",
				last, statement_string(&rows, 1), hex);
	}
	if (rc) {
		statement_drop(&rows);
		return rc;
	}
	return old_end(reindex, &rows, "the list of domains");
}

int old_given_away(
	struct reindex *reindex, const char *uuid, git_oid *head, git_oid *host_book, bool *found)
{
	struct statement statement;

	*found = false;
	if (!reindex->old_open || !reindex->old_owners)
		return 0;
	statement = statement_begin(&reindex->old,
		"SELECT head, owner_book FROM domain WHERE uuid = ? AND owner_book IS NOT NULL");
	statement_text(&statement, uuid);
	*found = statement_row(&statement) && statement_oid_maybe(&statement, 0, head) &&
		 statement_oid_maybe(&statement, 1, host_book);
	return old_end(reindex, &statement, "who owns a domain");
}

int old_uses(struct reindex *reindex, const char *uuid, int64_t domain)
{
	struct statement rows;
	int rc = 0;

	if (!reindex->old_open)
		return 0;
	rows = statement_begin(&reindex->old,
		"SELECT u.kind, u.value, u.mode FROM use u JOIN domain d ON d.id = u.domain"
		" WHERE d.uuid = ? AND u.scope & 2");
	statement_text(&rows, uuid);
	while (!rc && statement_row(&rows)) {
		struct use_row use = {
			.kind = statement_string(&rows, 0),
			.value = statement_string(&rows, 1),
			.mode = statement_string(&rows, 2)[0],
			.scope = USE_LIVE,
		};

		if (use_valid(&use))
			rc = use_add(reindex->book, domain, &use, reindex->err);
	}
	if (rc) {
		statement_drop(&rows);
		return rc;
	}
	return old_end(reindex, &rows, "what a running guest uses");
}

/* Puts the row of the old table in, where sql finds to which domain it belongs now. */
static int tag_put(struct reindex *reindex, const struct statement *row, const char *sql,
	int column, bool *put)
{
	struct database *database = &reindex->book->database;
	struct statement insert = statement_begin(database, sql);
	int rc;

	for (int i = 0; !insert.code && i < 3; i++)
		insert.code = sqlite3_bind_value(
			insert.handle, i + 1, sqlite3_column_value(row->handle, i));
	if (!insert.code)
		insert.code = sqlite3_bind_value(
			insert.handle, 4, sqlite3_column_value(row->handle, column));
	rc = statement_run(&insert, reindex->err);
	*put = !rc && sqlite3_changes(database->sqlite);
	return rc;
}

/* A domain whose UUID was damaged in the old row is found by the version that was tagged. */
static int tag_take(struct reindex *reindex, struct statement *row)
{
	bool put;
	int rc = tag_put(reindex, row,
		"INSERT INTO tag(domain, label, number, oid)"
		" SELECT id, ?1, ?2, ?3 FROM domain WHERE uuid = ?4 ON CONFLICT DO NOTHING",
		3, &put);

	if (!rc && !put)
		rc = tag_put(reindex, row,
			"INSERT INTO tag(domain, label, number, oid)"
			" SELECT domain, ?1, ?2, ?3 FROM version WHERE oid = ?4"
			" ON CONFLICT DO NOTHING",
			4, &put);
	if (!rc && !put)
		reindex_lost(reindex, "the tag '%s' is of no domain that is in the history",
			statement_string(row, 0));
	return rc;
}

int old_tags(struct reindex *reindex, bool *read)
{
	struct statement rows;
	int rc = 0;

	*read = false;
	if (!reindex->old_open)
		return 0;
	rows = statement_begin(&reindex->old,
		"SELECT t.label, t.number, t.oid, d.uuid, v.oid FROM tag t"
		" LEFT JOIN domain d ON d.id = t.domain"
		" LEFT JOIN version v ON v.domain = t.domain AND v.number = t.number");
	*read = true;
	while (!rc && statement_row(&rows))
		rc = tag_take(reindex, &rows);
	if (rc) {
		statement_drop(&rows);
		return rc;
	}
	*read = !rows.code;
	return old_end(reindex, &rows, "the list of tags");
}

/* ---- tables that are taken as they are ---- */

static int table_copy(
	struct reindex *reindex, const char *select, const char *insert, const char *what)
{
	struct statement rows = statement_begin(&reindex->old, select);
	int rc = 0;

	while (!rc && statement_row(&rows)) {
		struct statement put = statement_begin(&reindex->book->database, insert);

		for (int i = 0; !put.code && i < sqlite3_column_count(rows.handle); i++)
			put.code = sqlite3_bind_value(
				put.handle, i + 1, sqlite3_column_value(rows.handle, i));
		rc = statement_run(&put, reindex->err);
	}
	if (rc) {
		statement_drop(&rows);
		return rc;
	}
	return old_end(reindex, &rows, what);
}

int old_rest(struct reindex *reindex)
{
	static const struct {
		const char *select, *insert, *what;
	} tables[] = {
		{"SELECT key, value FROM setting WHERE key NOT IN ('genesis', 'book-head')",
			"INSERT INTO setting(key, value) VALUES(?, ?) ON CONFLICT DO NOTHING",
			"what the book is set to"},
		{"SELECT id, uuid, operation, base, detail, since FROM journal",
			"INSERT INTO journal(id, uuid, operation, base, detail, since)"
			" VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			"what was under way"},
		{"SELECT journal, kind, value, mode, uuid FROM claim",
			"INSERT INTO claim(journal, kind, value, mode, uuid) VALUES(?, ?, ?, ?, ?)"
			" ON CONFLICT DO NOTHING",
			"what was claimed"},
		{"SELECT name, uuid, sealed FROM secret",
			"INSERT INTO secret(name, uuid, sealed) VALUES(?, ?, ?)"
			" ON CONFLICT DO NOTHING",
			"sealed passwords"},
		{"SELECT key, value FROM cache WHERE key NOT GLOB 'packed-refs*'",
			"INSERT INTO cache(key, value) VALUES(?, ?) ON CONFLICT DO NOTHING",
			"what was found out about QEMU"},
	};
	int rc = 0;

	for (size_t i = 0; !rc && reindex->old_open && i < sizeof tables / sizeof tables[0]; i++)
		rc = table_copy(reindex, tables[i].select, tables[i].insert, tables[i].what);
	return rc;
}

int old_oid(struct reindex *reindex, const char *key, git_oid *out, bool *found)
{
	struct statement statement;

	*found = false;
	if (!reindex->old_open)
		return 0;
	statement = statement_begin(&reindex->old, "SELECT value FROM setting WHERE key = ?");
	statement_text(&statement, key);
	*found = statement_row(&statement) && statement_oid_maybe(&statement, 0, out);
	return old_end(reindex, &statement, "where the branch \"book\" ends");
}
