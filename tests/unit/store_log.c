/* SPDX-License-Identifier: Apache-2.0 */
/* The log of book.db: what a transaction writes there is seen by all, or by nobody. */
#include <sqlite3.h>
#include <sys/resource.h>

#include "store/database/vfs.h"
#include "store_support.h"

#define ROWS 3000 /* of 2,000 bytes: many times what is written at once */
#define FILL                                                                             \
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)" \
	" INSERT INTO t SELECT i, randomblob(2000) FROM n"

static sqlite3 *open_one(struct scene *scene)
{
	char path[PATH_MAX + 16];
	sqlite3 *sqlite = NULL;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

	snprintf(path, sizeof path, "%s/some.db", scene->folder);
	assert_int_equal(sqlite3_open_v2(path, &sqlite, flags, database_vfs()), SQLITE_OK);
	return sqlite;
}

static void sql_run(sqlite3 *sqlite, const char *sql)
{
	if (sqlite3_exec(sqlite, sql, NULL, NULL, NULL))
		fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
}

static int64_t sql_number(sqlite3 *sqlite, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t value;

	assert_int_equal(sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

/* So few pages stay in memory that a transaction reads back what it has written to the log. */
static sqlite3 *open_small(struct scene *scene)
{
	sqlite3 *sqlite = open_one(scene);

	sql_run(sqlite, "PRAGMA journal_mode = WAL; PRAGMA cache_size = 10;"
			"CREATE TABLE t(i INTEGER PRIMARY KEY, b BLOB)");
	return sqlite;
}

static void store_log__a_transaction_reads_what_it_wrote(void **state)
{
	struct scene *scene = *state;
	sqlite3 *sqlite = open_small(scene);
	sqlite3 *other = open_one(scene);

	sql_run(sqlite, "BEGIN; " FILL);
	assert_int_equal(sql_number(sqlite, "SELECT sum(length(b)) FROM t"), ROWS * 2000);
	assert_int_equal(sql_number(other, "SELECT count(*) FROM t"), 0);
	sql_run(sqlite, "SAVEPOINT s; DELETE FROM t; ROLLBACK TO s");
	assert_int_equal(sql_number(sqlite, "SELECT count(*) FROM t"), ROWS);
	sql_run(sqlite, "COMMIT");
	assert_int_equal(sql_number(other, "SELECT sum(length(b)) FROM t"), ROWS * 2000);
	assert_int_equal(sql_number(other, "SELECT count(*) FROM pragma_integrity_check"), 1);
	sql_run(sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(sql_number(other, "SELECT sum(i) FROM t"), (int64_t)ROWS * (ROWS + 1) / 2);
	sqlite3_close(other);
	sqlite3_close(sqlite);
}

static void store_log__what_is_rolled_back_was_never_there(void **state)
{
	struct scene *scene = *state;
	sqlite3 *sqlite = open_small(scene);
	sqlite3 *other = open_one(scene);

	sql_run(sqlite, "BEGIN; " FILL "; ROLLBACK; INSERT INTO t VALUES(7, x'07')");
	assert_int_equal(sql_number(other, "SELECT sum(i) FROM t"), 7);
	sqlite3_close(other);
	sqlite3_close(sqlite);
	other = open_one(scene);
	assert_int_equal(sql_number(other, "SELECT sum(i) FROM t"), 7);
	assert_int_equal(sql_number(other, "SELECT count(*) FROM pragma_integrity_check"), 1);
	sqlite3_close(other);
}

/* The log may not grow any more, which is found when it is written down. */
static void store_log__a_commit_that_cannot_be_written_is_none(void **state)
{
	struct scene *scene = *state;
	sqlite3 *sqlite = open_small(scene);
	sqlite3 *other = open_one(scene);
	struct rlimit before, limit;

	sql_run(sqlite, "INSERT INTO t VALUES(1, x'01')");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 65536;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_not_equal(
		sqlite3_exec(sqlite, "PRAGMA cache_size = 1000; " FILL, NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(sql_number(other, "SELECT count(*) FROM t"), 1);
	sql_run(sqlite, "INSERT INTO t VALUES(2, x'02')");
	assert_int_equal(sql_number(other, "SELECT sum(i) FROM t"), 3);
	sqlite3_close(other);
	sqlite3_close(sqlite);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_log__a_transaction_reads_what_it_wrote),
		TEST(store_log__what_is_rolled_back_was_never_there),
		TEST(store_log__a_commit_that_cannot_be_written_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
