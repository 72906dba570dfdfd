/* SPDX-License-Identifier: Apache-2.0 */
/*
 * versions FOLDER FILE COUNT: how many versions a second the library makes, beside what bare SQLite
 * makes of the same rows.
 *
 * The domain of FILE is defined in a fresh book and then given COUNT descriptions, each of which is
 * one version: read, parsed, changed, written, hashed, signed and committed durably. After that the
 * rows that the book now holds are put into an empty database of the same layout, WAL and
 * synchronous=FULL too, in as many transactions: git objects, version, head and uses. What is left
 * out is everything that is not storing; so the ratio says what history and signatures cost.
 */
#include <domesday.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"

#define COUNT_MAX 1000000
#define GIT_COMMIT 1 /* staged.type of a version's last object */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- through the library ---- */

static int make_versions(
	struct dd_host *host, unsigned count, double *seconds, struct dd_error *err)
{
	struct dd_change change = {.reason = NULL};
	struct dd_result result;
	char words[64];
	double began = now();
	int rc = 0;

	for (unsigned i = 0; !rc && i < count; i++) {
		snprintf(words, sizeof words, "description number %u", i);
		rc = dd_set_description(host, "versions", words, &change, &result, err);
	}
	*seconds = now() - began;
	return rc;
}

static int define(struct dd_host *host, const char *file, struct dd_error *err)
{
	CLEANUP(text) struct text xml = TEXT_INIT;
	struct dd_change change = {.reason = NULL};
	struct dd_result result;
	int rc = file_read(file, 1u << 20, &xml, err);

	if (rc)
		return rc;
	return dd_define(
		host, text_string(&xml), xml.size, file, &change, NULL, NULL, &result, err);
}

/* ---- through SQLite alone ---- */

struct bare {
	sqlite3 *sqlite;
	int rc; /* the first failure; nothing is done after it */
};

static void bare_run(struct bare *bare, const char *sql)
{
	if (bare->rc == SQLITE_OK)
		bare->rc = sqlite3_exec(bare->sqlite, sql, NULL, NULL, NULL);
}

static sqlite3_stmt *bare_prepare(struct bare *bare, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	if (bare->rc == SQLITE_OK)
		bare->rc = sqlite3_prepare_v2(bare->sqlite, sql, -1, &statement, NULL);
	return statement;
}

static void bare_step(struct bare *bare, sqlite3_stmt *statement)
{
	if (bare->rc != SQLITE_OK)
		return;
	bare->rc = sqlite3_step(statement);
	if (bare->rc == SQLITE_DONE)
		bare->rc = SQLITE_OK;
	sqlite3_reset(statement);
}

/* The same tables and indexes, and the rows kept in memory so that reading them costs nothing. */
static void bare_lay_out(struct bare *bare, const char *book)
{
	sqlite3_stmt *attach = bare_prepare(bare, "ATTACH ?1 AS book");
	sqlite3_stmt *schema;

	bare_run(bare, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
	sqlite3_bind_text(attach, 1, book, -1, SQLITE_STATIC);
	bare_step(bare, attach);
	sqlite3_finalize(attach);

	schema = bare_prepare(bare, "SELECT sql FROM book.sqlite_schema WHERE sql IS NOT NULL AND "
				    "name NOT LIKE 'sqlite%'");
	while (bare->rc == SQLITE_OK && sqlite3_step(schema) == SQLITE_ROW)
		bare_run(bare, (const char *)sqlite3_column_text(schema, 0));
	sqlite3_finalize(schema);
	bare_run(bare, "ATTACH ':memory:' AS memory;"
		       "CREATE TABLE memory.staged AS SELECT * FROM book.staged ORDER BY id;"
		       "CREATE TABLE memory.version AS SELECT * FROM book.version;"
		       "CREATE UNIQUE INDEX memory.version_oid ON version(oid);"
		       "CREATE TABLE memory.use AS SELECT * FROM book.use;"
		       "INSERT INTO domain SELECT * FROM book.domain;"
		       "DETACH book");
}

/* One transaction a version, as the book makes them. */
static void bare_copy(struct bare *bare, unsigned *count)
{
	sqlite3_stmt *rows =
		bare_prepare(bare, "SELECT id, type, oid FROM memory.staged ORDER BY id");
	sqlite3_stmt *object =
		bare_prepare(bare, "INSERT INTO staged SELECT * FROM memory.staged WHERE id = ?1");
	sqlite3_stmt *version = bare_prepare(
		bare, "INSERT INTO version SELECT * FROM memory.version WHERE oid = ?1");
	sqlite3_stmt *head = bare_prepare(bare,
		"UPDATE domain SET head = ?1, version = (SELECT number FROM memory.version"
		" WHERE oid = ?1) WHERE id = (SELECT domain FROM memory.version WHERE oid = ?1)");
	bool open = false;

	while (bare->rc == SQLITE_OK && sqlite3_step(rows) == SQLITE_ROW) {
		if (!open)
			bare_run(bare, "BEGIN IMMEDIATE");
		open = true;
		sqlite3_bind_int64(object, 1, sqlite3_column_int64(rows, 0));
		bare_step(bare, object);
		if (sqlite3_column_int(rows, 1) != GIT_COMMIT)
			continue;
		sqlite3_bind_value(version, 1, sqlite3_column_value(rows, 2));
		sqlite3_bind_value(head, 1, sqlite3_column_value(rows, 2));
		bare_step(bare, version);
		bare_step(bare, head);
		bare_run(bare, "DELETE FROM use; INSERT INTO use SELECT * FROM memory.use; COMMIT");
		open = false;
		++*count;
	}
	if (open)
		bare_run(bare, "COMMIT");
	sqlite3_finalize(rows);
	sqlite3_finalize(object);
	sqlite3_finalize(version);
	sqlite3_finalize(head);
}

static int store_bare(const char *folder, unsigned *count, double *seconds, struct dd_error *err)
{
	struct bare bare = {.sqlite = NULL};
	char path[512], book[512];

	snprintf(path, sizeof path, "%s/bare.db", folder);
	snprintf(book, sizeof book, "%s/book/book.db", folder);
	bare.rc = sqlite3_open(path, &bare.sqlite);
	bare_lay_out(&bare, book);

	double began = now();

	bare_copy(&bare, count);
	*seconds = now() - began;
	sqlite3_close(bare.sqlite);
	if (bare.rc == SQLITE_OK)
		return 0;
	return error_set(err, DD_SYSTEM, "bare SQLite: %s", sqlite3_errstr(bare.rc));
}

/* ---- both ---- */

static int compare(struct dd_host *host, const char *folder, const char *file, unsigned count,
	struct dd_error *err)
{
	double library = 0, bare = 0;
	unsigned stored = 0;
	int rc = define(host, file, err);

	if (!rc)
		rc = make_versions(host, count, &library, err);
	if (!rc)
		rc = store_bare(folder, &stored, &bare, err);
	if (rc)
		return rc;
	if (stored < count)
		printf("(of %u versions, %u were still staged)\n", count, stored);
	double ours = count / library, theirs = stored / bare;

	printf("versions through the library %8.0f/s, bare SQLite with the same rows %8.0f/s, "
	       "ratio "
	       "%.2f\n",
		ours, theirs, ours / theirs);
	return 0;
}

int main(int argc, char **argv)
{
	char book[512];
	char line[2048] = "";
	struct dd_error err = {.code = 0};
	struct dd_host *host = NULL;
	unsigned long count = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

	if (count == 0 || count > COUNT_MAX) {
		fprintf(stderr, "usage: versions FOLDER FILE COUNT\n");
		return 2;
	}
	snprintf(book, sizeof book, "%s/book", argv[1]);

	const struct dd_host_options options = {.book = book, .create = true, .program = "bench"};
	int rc = dd_host_open(&options, &host, &err);

	if (!rc)
		rc = compare(host, argv[1], argv[2], (unsigned)count, &err);
	dd_host_close(host);
	if (rc) {
		dd_error_format(&err, line, sizeof line);
		fprintf(stderr, "versions: %s\n", line);
	}
	return rc ? 1 : 0;
}
