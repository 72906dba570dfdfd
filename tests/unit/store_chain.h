/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CHAIN_TEST_H
#define STORE_CHAIN_TEST_H

/* Following the chain of all versions, from outside. */

#include <sqlite3.h>

#include "store_support.h"

static inline sqlite3 *database_of(struct scene *scene)
{
	char path[PATH_MAX + 32];
	sqlite3 *database;

	assert_true(snprintf(path, sizeof path, "%s/book.db", scene->place) < (int)sizeof path);
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	sqlite3_busy_timeout(database, 10000);
	return database;
}

/* What git says of the repository, without the newline. */
static inline void git_line(
	struct scene *scene, struct text *out, const char *word, const char *name)
{
	char path[PATH_MAX + 32];
	const char *const argv[] = {"git", "-C", path, word, name, NULL};

	snprintf(path, sizeof path, "%s/book.git", scene->place);
	text_clear(out);
	if (run(argv, out) != 0)
		fail_msg("git %s %s: %s", word, name, text_string(out));
	assert_true(out->size > 0);
	out->data[--out->size] = '\0';
}

static inline void assert_place(struct scene *scene, const char *uuid, uint32_t number, int64_t seq,
	char commit[COMMIT_SIZE])
{
	CLEANUP(version_info) struct version_info info = {0};
	char expected[32];

	snprintf(expected, sizeof expected, "%lld", (long long)seq);
	assert_ok(scene, book_version(scene->book, uuid, number, &info, &scene->err));
	assert_non_null(version_trailer(&info, "Book-Seq"));
	assert_string_equal(version_trailer(&info, "Book-Seq"), expected);
	assert_string_equal(version_trailer(&info, "Book-Prev"), commit);
	memcpy(commit, info.commit, COMMIT_SIZE);
}

/* Follows the chain from the genesis commit through count versions, and sees that there it ends. */
static inline void assert_chain(struct scene *scene, int64_t count)
{
	CLEANUP(text) struct text line = TEXT_INIT;
	sqlite3 *database = database_of(scene);
	sqlite3_stmt *rows;
	char commit[COMMIT_SIZE];
	int64_t seq = 0;

	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	git_line(scene, &line, "rev-parse", "book");
	snprintf(commit, sizeof commit, "%s", text_string(&line));
	assert_int_equal(sqlite3_prepare_v2(database,
				 "SELECT v.seq, d.uuid, v.number FROM version v JOIN domain d"
				 " ON d.id = v.domain WHERE v.seq IS NOT NULL ORDER BY v.seq",
				 -1, &rows, NULL),
		SQLITE_OK);
	while (sqlite3_step(rows) == SQLITE_ROW) {
		assert_int_equal(sqlite3_column_int64(rows, 0), ++seq);
		assert_place(scene, (const char *)sqlite3_column_text(rows, 1),
			(uint32_t)sqlite3_column_int(rows, 2), seq, commit);
	}
	sqlite3_finalize(rows);
	sqlite3_close(database);
	assert_int_equal(seq, count);
	/* book.git knows where it ends, too */
	git_line(scene, &line, "rev-parse", "refs/book/chain");
	assert_string_equal(text_string(&line), commit);
}

#endif
