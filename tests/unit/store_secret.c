/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in the book: sealed, each in its place, and under a key of their own. */
#include "store/secrets.h"
#include "store_support.h"

#include <sqlite3.h>

#define SECRET "Gurke-17"

static void put(
	struct scene *scene, struct secret_draft *draft, const char *uuid, const char *value)
{
	draft->value = value;
	assert_ok(scene, book_secret_name(draft->name, &scene->err));
	assert_ok(scene, book_secrets_put(scene->book, uuid, draft, 1, &scene->err));
}

static int get(struct scene *scene, const char *uuid, const char *name, char *out, size_t size)
{
	struct text text = TEXT_INIT;
	int rc = book_secret_get(scene->book, uuid, name, &text, &scene->err);

	snprintf(out, size, "%s", text_string(&text));
	text_release(&text);
	return rc;
}

/* Runs SQL behind the book's back. */
static void execute(struct scene *scene, const char *sql)
{
	char path[PATH_MAX + 32];
	sqlite3 *database = NULL;

	snprintf(path, sizeof path, "%s/book.db", scene->place);
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(database);
}

static void store_secret__comes_back_as_it_was(void **state)
{
	struct scene *scene = *state;
	static char large[3000];
	const char *const values[] = {SECRET, "", "x", large,
		"0123456789012345678901234567890123456789012345678901234567890123"};
	char found[sizeof large + 1];

	memset(large, 'y', sizeof large - 1);
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct secret_draft draft;

		put(scene, &draft, UUID_A, values[i]);
		scene_reopen(scene);
		assert_int_equal(get(scene, UUID_A, draft.name, found, sizeof found), 0);
		assert_string_equal(found, values[i]);
	}
}

static void store_secret__is_of_one_domain_and_one_name(void **state)
{
	struct scene *scene = *state;
	struct secret_draft one, other;
	char found[64];

	put(scene, &one, UUID_A, SECRET);
	put(scene, &other, UUID_A, SECRET);
	assert_string_not_equal(one.name, other.name);
	assert_int_equal(get(scene, UUID_B, one.name, found, sizeof found), DD_NOT_FOUND);
	assert_string_equal(found, "");
	execute(scene, "UPDATE secret SET uuid = '" UUID_B "'");
	assert_int_equal(get(scene, UUID_B, one.name, found, sizeof found), DD_CORRUPT);
	assert_string_equal(found, "");
}

static void store_secret__notices_each_flipped_byte(void **state)
{
	struct scene *scene = *state;
	struct secret_draft draft;
	char found[64], sql[256];

	put(scene, &draft, UUID_A, SECRET);
	for (int i = 0; i < 24 + 64 + 16; i++) {
		/* the byte becomes another one, and then what it was */
		execute(scene, "CREATE TABLE kept AS SELECT sealed FROM secret");
		snprintf(sql, sizeof sql,
			"UPDATE secret SET sealed = CAST(substr(sealed, 1, %d) ||"
			" CASE substr(sealed, %d, 1) WHEN x'00' THEN x'01' ELSE x'00' END ||"
			" substr(sealed, %d) AS BLOB)",
			i, i + 1, i + 2);
		execute(scene, sql);
		if (get(scene, UUID_A, draft.name, found, sizeof found) != DD_CORRUPT || *found)
			fail_msg("byte %d: %s", i, found);
		execute(scene, "UPDATE secret SET sealed = (SELECT sealed FROM kept)");
		execute(scene, "DROP TABLE kept");
	}
	assert_int_equal(get(scene, UUID_A, draft.name, found, sizeof found), 0);
	execute(scene, "UPDATE secret SET sealed = x'00'");
	assert_int_equal(get(scene, UUID_A, draft.name, found, sizeof found), DD_CORRUPT);
}

static void store_secret__needs_its_key(void **state)
{
	struct scene *scene = *state;
	struct secret_draft draft, again;
	char path[PATH_MAX + 32], away[PATH_MAX + 32], found[64];
	struct stat status;

	snprintf(path, sizeof path, "%s/keys/secrets", scene->place);
	snprintf(away, sizeof away, "%s/key", scene->folder);
	assert_int_not_equal(access(path, F_OK), 0); /* nobody wanted it yet */
	put(scene, &draft, UUID_A, SECRET);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(get(scene, UUID_A, draft.name, found, sizeof found), DD_REFUSED);
	/* a new one opens what is sealed from now on */
	put(scene, &again, UUID_A, SECRET);
	assert_int_equal(get(scene, UUID_A, again.name, found, sizeof found), 0);
	assert_int_equal(get(scene, UUID_A, draft.name, found, sizeof found), DD_CORRUPT);
	assert_int_equal(rename(away, path), 0);
	assert_int_equal(get(scene, UUID_A, draft.name, found, sizeof found), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(get(scene, UUID_A, draft.name, found, sizeof found), DD_REFUSED);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 40), 0);
	assert_int_equal(get(scene, UUID_A, draft.name, found, sizeof found), DD_CORRUPT);
}

/* Many at once: one key, and everything opens with it. */
static void store_secret__the_first_key_wins(void **state)
{
	struct scene *scene = *state;
	pid_t pids[8];
	char found[64];
	int rows = 0;

	book_close(TAKE(scene->book));
	for (size_t i = 0; i < sizeof pids / sizeof pids[0]; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct secret_draft draft = {.value = SECRET};

			scene_open(scene);
			_exit(book_secret_name(draft.name, NULL) ||
				book_secrets_put(scene->book, UUID_A, &draft, 1, NULL) ||
				get(scene, UUID_A, draft.name, found, sizeof found) ||
				strcmp(found, SECRET) != 0);
		}
	}
	for (size_t i = 0; i < sizeof pids / sizeof pids[0]; i++) {
		int status = 0;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		rows += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	assert_int_equal(rows, sizeof pids / sizeof pids[0]);
}

static void store_secret__can_be_forgotten(void **state)
{
	struct scene *scene = *state;
	struct secret_draft kept, gone;
	char found[64];

	put(scene, &kept, UUID_A, "kept");
	put(scene, &gone, UUID_A, "gone");
	assert_ok(scene, book_secrets_drop(scene->book, UUID_A, &gone, 1, &scene->err));
	assert_ok(scene, book_secrets_drop(scene->book, UUID_A, &gone, 1, &scene->err));
	assert_int_equal(get(scene, UUID_A, gone.name, found, sizeof found), DD_NOT_FOUND);
	assert_int_equal(get(scene, UUID_A, kept.name, found, sizeof found), 0);
	assert_string_equal(found, "kept");
}

static void store_secret__a_book_of_format_2_gets_the_table(void **state)
{
	struct scene *scene = *state;
	struct secret_draft draft;
	char found[64];

	define(scene, UUID_A, "web", "one");
	book_close(TAKE(scene->book));
	execute(scene, FORMAT_3 "DROP TABLE secret; PRAGMA user_version = 2");
	scene_open(scene);
	put(scene, &draft, UUID_A, SECRET);
	scene_reopen(scene);
	assert_int_equal(get(scene, UUID_A, draft.name, found, sizeof found), 0);
	assert_string_equal(found, SECRET);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_secret__comes_back_as_it_was),
		TEST(store_secret__is_of_one_domain_and_one_name),
		TEST(store_secret__notices_each_flipped_byte),
		TEST(store_secret__needs_its_key),
		TEST(store_secret__the_first_key_wins),
		TEST(store_secret__can_be_forgotten),
		TEST(store_secret__a_book_of_format_2_gets_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
