/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_VERIFYING_H
#define STORE_VERIFYING_H

/* For tests that change a book behind its back, and look what verify says of it. */

#include <fcntl.h>
#include <sqlite3.h>

#include "store/database/vfs.h"
#include "store/key/key.h"
#include "store_support.h"

/* ---- what verify says ---- */

struct told {
	struct text words; /* "KIND WHERE NAME@VERSION: SENTENCE", a line a finding */
	uint64_t count;
};

static inline void cleanup_told(struct told *told)
{
	text_release(&told->words);
}

static inline int keep(const struct finding *finding, void *context)
{
	struct told *told = context;

	told->count++;
	text_printf(&told->words, "%s %s %s@%u: %s\n", finding->kind, finding->where,
		finding->name ? finding->name : "", finding->version, finding->sentence);
	return 0;
}

/* Opens the book anew, as a damaged one may not stay open; what fails is told too. */
static inline void verify(struct scene *scene, const char *uuid, struct told *told)
{
	struct book_options options = {.host_name = "alpha"};
	struct dd_error err = {0};
	CLEANUP(book) struct book *book = NULL;
	struct verify_counts counts = {0};
	int rc;

	text_clear(&told->words);
	told->count = 0;
	book_close(TAKE(scene->book));
	rc = book_open(scene->place, &options, &book, &err);
	if (!rc)
		rc = book_verify(book, uuid, keep, told, &counts, &err);
	if (rc) {
		told->count++;
		text_printf(&told->words, "error %s\n", err.message);
	} else {
		assert_int_equal(counts.findings, told->count);
	}
}

static inline void assert_sound(struct scene *scene, const char *uuid)
{
	CLEANUP(told) struct told told = {.words = TEXT_INIT};

	verify(scene, uuid, &told);
	if (told.count)
		fail_msg("%s", text_string(&told.words));
}

static inline void assert_told(
	struct scene *scene, const char *uuid, const char *first, const char *then)
{
	CLEANUP(told) struct told told = {.words = TEXT_INIT};

	verify(scene, uuid, &told);
	if (!strstr(text_string(&told.words), first) || !strstr(text_string(&told.words), then))
		fail_msg("neither '%s' nor '%s' is missing from\n%s", first, then,
			text_string(&told.words));
}

/* ---- changing it behind its back ---- */

static inline void execute(struct scene *scene, const char *sql)
{
	char path[PATH_MAX + 32], *message = NULL;
	sqlite3 *database;

	book_close(TAKE(scene->book));
	snprintf(path, sizeof path, "%s/book.db", scene->place);
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(database);
}

/* Somebody who puts another key into keys/ tells book.db of it, too; else nothing is signed with
 * it. */
static inline void name_signer(struct scene *scene)
{
	CLEANUP(key) struct key *key = NULL;
	unsigned char open[KEY_PUBLIC_SIZE];
	char path[PATH_MAX + 32], hex[2 * KEY_PUBLIC_SIZE + 1], sql[256];

	snprintf(path, sizeof path, "%s/keys/host", scene->place);
	assert_ok(scene, key_load(path, &key, &scene->err));
	key_public(key, open);
	for (size_t i = 0; i < sizeof open; i++)
		snprintf(hex + 2 * i, 3, "%02x", open[i]);
	snprintf(sql, sizeof sql,
		"INSERT INTO setting(key, value) VALUES('signer', x'%s')"
		" ON CONFLICT(key) DO UPDATE SET value = excluded.value",
		hex);
	execute(scene, sql);
}

static inline void git(struct scene *scene, const char *const *words)
{
	CLEANUP(text) struct text out = TEXT_INIT;
	char path[PATH_MAX + 32];
	const char *argv[20] = {"git", "-C", path};

	snprintf(path, sizeof path, "%s/book.git", scene->place);
	for (size_t i = 0; words[i]; i++)
		argv[3 + i] = words[i];
	if (run(argv, &out) != 0)
		fail_msg("git %s: %s", words[0], text_string(&out));
}

/* Takes what is in SQLite's log into the file. */
static inline void flush(struct scene *scene)
{
	char path[PATH_MAX + 32];
	sqlite3 *database;

	book_close(TAKE(scene->book));
	snprintf(path, sizeof path, "%s/book.db", scene->place);
	assert_int_equal(
		sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, database_vfs()), 0);
	assert_int_equal(sqlite3_exec(database, "PRAGMA wal_checkpoint(TRUNCATE)", 0, 0, 0), 0);
	sqlite3_close(database);
}

static inline void flip(const char *path, off_t at, int bit)
{
	unsigned char byte;
	int fd;

	assert_int_equal(chmod(path, 0600), 0);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte = (unsigned char)(byte ^ (1 << bit));
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

#endif
