/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "base/file.h"
#include "store/database/database.h"
#include "store/lock/lock.h"
#include "store_support.h"

static int try_open(struct scene *scene, bool create)
{
	struct book_options options = {.create = create, .host_name = "alpha", .wait_ms = 50};

	return book_open(scene->place, &options, &scene->book, &scene->err);
}

static void in_place(struct scene *scene, const char *name, char path[PATH_MAX * 2])
{
	snprintf(path, PATH_MAX * 2, "%s/%s", scene->place, name);
}

static void write_in_place(struct scene *scene, const char *name, const char *text)
{
	char path[PATH_MAX * 2];
	FILE *file;

	in_place(scene, name, path);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void execute(struct scene *scene, const char *sql)
{
	char path[PATH_MAX * 2];
	sqlite3 *database;

	in_place(scene, "book.db", path);
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(database);
}

static mode_t mode_of(struct scene *scene, const char *name)
{
	char path[PATH_MAX * 2];
	struct stat status;

	in_place(scene, name, path);
	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 0777;
}

static void store_layout__a_book_is_private(void **state)
{
	struct scene *scene = *state;
	mode_t before = umask(0);

	scene_open(scene);
	umask(before);
	assert_int_equal(mode_of(scene, "."), 0700);
	assert_int_equal(mode_of(scene, "book.db"), 0600);
	assert_int_equal(mode_of(scene, "book.db-wal"), 0600);
	assert_int_equal(mode_of(scene, "keys/host"), 0600);
	assert_int_equal(mode_of(scene, "lock"), 0600);
}

static void store_layout__no_book_is_made_unasked(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(try_open(scene, false), DD_NOT_FOUND);
	assert_non_null(strstr(scene->err.message, "there is no book in "));
	assert_int_equal(access(scene->place, F_OK), -1);
}

static void store_layout__a_folder_of_somebody_else_is_left_alone(void **state)
{
	struct scene *scene = *state;
	char path[PATH_MAX * 2];

	assert_int_equal(mkdir(scene->place, 0755), 0);
	write_in_place(scene, "letter.txt", "Dear Ada,");
	assert_int_equal(try_open(scene, true), DD_REFUSED);
	assert_non_null(strstr(scene->err.message, "letter.txt is in it"));
	in_place(scene, "book.db", path);
	assert_int_equal(access(path, F_OK), -1);
}

static void store_layout__a_file_that_is_no_book_is_called_so(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(mkdir(scene->place, 0755), 0);
	write_in_place(scene, "book.db", "This is a shopping list, and a long one at that.");
	assert_int_equal(try_open(scene, true), DD_CORRUPT);
	assert_non_null(strstr(scene->err.message, "book.db is not a book"));
}

static void store_layout__another_programs_database_is_no_book(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(mkdir(scene->place, 0755), 0);
	execute(scene, "CREATE TABLE recipe(name)");
	assert_int_equal(try_open(scene, true), DD_CORRUPT);
}

static void store_layout__a_newer_format_is_refused(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	book_close(TAKE(scene->book));
	execute(scene, "PRAGMA user_version=9");
	assert_int_equal(try_open(scene, true), DD_UNSUPPORTED);
	assert_non_null(
		strstr(scene->err.message, "has format 9; this domesday knows formats up to 4"));
	assert_string_equal(scene->err.hint, "use a newer domesday");
}

/* Formats 1 and 2 are with what they lack, in store_chain.c and store_secret.c. */
static void store_layout__a_book_of_format_3_is_brought_up(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	define(scene, UUID_A, "web", "one");
	book_close(TAKE(scene->book));
	execute(scene, FORMAT_3);
	scene_open(scene);
	change(scene, UUID_A, "web", 1, "two");
	scene_reopen(scene);
	assert_file(scene, UUID_A, 2, "domain.xml", "two");
	execute(scene, "DROP INDEX domain_running");
}

static void store_layout__a_history_without_its_index_is_not_overwritten(void **state)
{
	struct scene *scene = *state;
	char path[PATH_MAX * 2];

	scene_open(scene);
	define(scene, UUID_A, "web", "one");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	book_close(TAKE(scene->book));
	in_place(scene, "book.db", path);
	assert_int_equal(unlink(path), 0);
	for (int create = 0; create < 2; create++) {
		assert_int_equal(try_open(scene, create), DD_CORRUPT);
		assert_non_null(strstr(scene->err.message, "book.db is missing"));
	}
	/* as a reindex leaves it that lost something, and more than a new book has */
	write_in_place(scene, "book.db.old", "");
	assert_int_equal(try_open(scene, true), DD_CORRUPT);
	assert_non_null(strstr(scene->err.message, "book.db is missing"));
}

/* What is made later than the piece that is taken away is taken away too. */
static void store_layout__a_half_made_book_is_completed(void **state)
{
	struct scene *scene = *state;
	static const char *const pieces[] = {
		"book.git/HEAD", "book.git/config", "keys/allowed_signers", "keys/host.pub"};

	scene_open(scene);
	book_close(TAKE(scene->book));
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		char path[PATH_MAX * 2];

		execute(scene, "PRAGMA wal_checkpoint(TRUNCATE)");
		write_in_place(scene, "book.db", "");
		in_place(scene, pieces[i], path);
		assert_int_equal(unlink(path), 0);
		assert_ok(scene, try_open(scene, false));
		define(scene, UUID_A, "web", "one");
		book_close(TAKE(scene->book));
		assert_int_equal(access(path, F_OK), 0);
	}
}

static void store_layout__a_book_that_is_moved_away_does_not_come_back(void **state)
{
	struct scene *scene = *state;
	struct step step = {.uuid = UUID_B, .name = "db", .xml = "<domain/>"};
	char away[PATH_MAX + 16];

	scene_open(scene);
	define(scene, UUID_A, "web", "<domain/>");
	scene_reopen(scene);
	snprintf(away, sizeof away, "%s.away", scene->place);
	assert_int_equal(rename(scene->place, away), 0);
	assert_int_not_equal(step_apply(scene->book, &step, NULL, &scene->err), 0);
	assert_int_not_equal(book_checkpoint(scene->book, &scene->err), 0);
	assert_int_equal(access(scene->place, F_OK), -1);
}

static void store_layout__two_who_make_it_together_both_succeed(void **state)
{
	struct scene *scene = *state;
	enum { MAKERS = 6 };
	pid_t makers[MAKERS];

	for (int i = 0; i < MAKERS; i++)
		FORK(makers[i], {
			char name[16], uuid[UUID_SIZE];
			struct step step = {.uuid = uuid, .name = name, .xml = "x"};
			struct book_options options = {.create = true, .host_name = "alpha"};

			snprintf(name, sizeof name, "d%d", i);
			snprintf(uuid, sizeof uuid, "11111111-2222-4333-8444-%012d", i);
			if (book_open(scene->place, &options, &scene->book, &scene->err) ||
				step_apply(scene->book, &step, NULL, &scene->err)) {
				fprintf(stderr, "%s\n", scene->err.message);
				_exit(1);
			}
			book_close(scene->book);
		});
	for (int i = 0; i < MAKERS; i++)
		assert_child_ok(makers[i]);
	scene_open(scene);
	for (int i = 0; i < MAKERS; i++) {
		char name[16];
		CLEANUP(domain_row) struct domain_row row = {0};

		snprintf(name, sizeof name, "d%d", i);
		assert_ok(scene, book_find(scene->book, name, &row, &scene->err));
	}
}

static void store_layout__who_writes_the_book_is_named(void **state)
{
	struct scene *scene = *state;
	struct step step = {.uuid = UUID_A, .name = "web", .xml = "x"};
	int ready[2];
	char byte, pid_text[32];
	pid_t pid;

	scene_open(scene);
	book_close(TAKE(scene->book));
	assert_int_equal(pipe(ready), 0);
	/* not one of us, so it has SQLite's lock only */
	FORK(pid, {
		char path[PATH_MAX * 2];
		sqlite3 *database;

		in_place(scene, "book.db", path);
		if (sqlite3_open(path, &database) ||
			sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
			write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	});
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(try_open(scene, true), 0);
	assert_int_equal(step_apply(scene->book, &step, NULL, &scene->err), DD_BUSY);
	snprintf(pid_text, sizeof pid_text, "by the process %d", (int)pid);
	assert_non_null(strstr(scene->err.message, pid_text));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_ok(scene, step_apply(scene->book, &step, NULL, &scene->err));
	close(ready[0]);
	close(ready[1]);
}

static void store_layout__who_has_the_turn_is_named(void **state)
{
	struct scene *scene = *state;
	struct step step = {.uuid = UUID_A, .name = "web", .xml = "x"};
	char path[PATH_MAX * 2], expected[64];
	int fd = -1;

	scene_open(scene);
	book_close(TAKE(scene->book));
	in_place(scene, "lock", path);
	assert_ok(scene, lock_file_open(path, &fd, &scene->err));
	assert_ok(scene, lock_slot_take(fd, SLOT_CHANGE, 0, 1000, &scene->err));
	lock_slot_sign(fd, SLOT_CHANGE, "attach disk vdb");
	assert_int_equal(try_open(scene, false), 0);
	assert_int_equal(step_apply(scene->book, &step, NULL, &scene->err), DD_BUSY);
	snprintf(expected, sizeof expected, "(pid %d)", (int)getpid());
	assert_non_null(strstr(scene->err.message, "is held: attach disk vdb by "));
	assert_non_null(strstr(scene->err.message, expected));
	close(fd);
	assert_ok(scene, step_apply(scene->book, &step, NULL, &scene->err));
}

static void store_layout__a_full_disk_leaves_the_book_as_it_was(void **state)
{
	struct scene *scene = *state;
	CLEANUP(free) char *large = malloc(400001);
	struct step step = {.uuid = UUID_A, .name = "web", .base = 1, .xml = large};
	struct rlimit limit, before;
	CLEANUP(domain_row) struct domain_row row = {0};

	assert_non_null(large);
	for (int i = 0; i < 400000; i++)
		large[i] = (char)('a' + i % 23);
	large[400000] = '\0';
	scene_open(scene);
	define(scene, UUID_A, "web", "one");
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 200000;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	int rc = step_apply(scene->book, &step, NULL, &scene->err);
	int checkpointed = book_checkpoint(scene->book, NULL);

	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(rc, DD_SYSTEM);
	assert_non_null(strstr(scene->err.message, "no space left"));
	assert_int_equal(checkpointed, 0);
	assert_ok(scene, book_find(scene->book, "web", &row, &scene->err));
	assert_int_equal(row.version, 1);
	assert_ok(scene, step_apply(scene->book, &step, NULL, &scene->err));
	assert_file(scene, UUID_A, 1, "domain.xml", "one");
	assert_file(scene, UUID_A, 2, "domain.xml", large);
}

static void store_layout__a_damaged_page_is_reported(void **state)
{
	struct scene *scene = *state;
	char path[PATH_MAX * 2], noise[4096];
	CLEANUP(domain_row) struct domain_row row = {0};
	int fd, rc;

	scene_open(scene);
	define(scene, UUID_A, "web", "one");
	book_close(TAKE(scene->book));
	execute(scene, "PRAGMA wal_checkpoint(TRUNCATE)");
	in_place(scene, "book.db", path);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	memset(noise, 0xa5, sizeof noise);
	for (off_t page = 1; page < 12; page++)
		assert_int_equal(pwrite(fd, noise, sizeof noise, page * (off_t)sizeof noise),
			(ssize_t)sizeof noise);
	close(fd);
	rc = try_open(scene, false);
	if (!rc)
		rc = book_find(scene->book, "web", &row, &scene->err);
	assert_int_equal(rc, DD_CORRUPT);
}

static void store_layout__a_key_that_others_may_read_is_not_used(void **state)
{
	struct scene *scene = *state;
	struct step step = {.uuid = UUID_A, .name = "web", .xml = "x"};
	char path[PATH_MAX * 2];

	scene_open(scene);
	scene_reopen(scene);
	in_place(scene, "keys/host", path);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(step_apply(scene->book, &step, NULL, &scene->err), DD_REFUSED);
	assert_int_equal(chmod(path, 0600), 0);
	write_in_place(scene, "keys/host", "nonsense");
	assert_int_equal(step_apply(scene->book, &step, NULL, &scene->err), DD_CORRUPT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(step_apply(scene->book, &step, NULL, &scene->err), DD_NOT_FOUND);
}

/* One bit of the private half: every signature would be one that nobody can verify. */
static void damage_key(const char *path)
{
	static const char head[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
	static const char tail[] = "-----END OPENSSH PRIVATE KEY-----\n";
	CLEANUP(text) struct text text = TEXT_INIT;
	struct dd_error err = {0};
	unsigned char packet[1024];
	char again[2048];
	size_t size;
	FILE *file;

	assert_int_equal(file_read(path, 4096, &text, &err), 0);
	assert_int_equal(
		sodium_base642bin(packet, sizeof packet, text_string(&text) + sizeof head - 1,
			text.size - sizeof head - sizeof tail + 2, "\n", &size, NULL,
			sodium_base64_VARIANT_ORIGINAL),
		0);
	/* the padding, the comment with its length, the public half, and then the seed's last byte
	 */
	for (size_t at = size - 32; at > 64; at--)
		if (memcmp(packet + at, packet + 62, 32) == 0) {
			packet[at - 1] ^= 1;
			break;
		}
	sodium_bin2base64(again, sizeof again, packet, size, sodium_base64_VARIANT_ORIGINAL);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%s%s\n%s", head, again, tail);
	fclose(file);
}

static void store_layout__a_damaged_key_signs_nothing(void **state)
{
	struct scene *scene = *state;
	struct step step = {.uuid = UUID_A, .name = "web", .xml = "x"};
	char path[PATH_MAX * 2];

	scene_open(scene);
	in_place(scene, "keys/host", path);
	damage_key(path);
	scene_reopen(scene);
	assert_int_equal(step_apply(scene->book, &step, NULL, &scene->err), DD_CORRUPT);
	assert_non_null(strstr(scene->err.message, "keys/host"));
}

/* A link to itself is there and cannot be followed, as what a disk fails to read. */
static void store_layout__what_is_out_of_reach_is_not_made_anew(void **state)
{
	static const char *const files[] = {"keys/host", "keys/host.pub", "keys/allowed_signers",
		"book.git/config", "book.git/HEAD"};
	struct scene *scene = *state;

	scene_open(scene);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char path[PATH_MAX * 2], kept[PATH_MAX * 2 + 8];
		struct stat status;

		book_close(TAKE(scene->book));
		/* as who died over it left it */
		execute(scene, "PRAGMA wal_checkpoint(TRUNCATE)");
		write_in_place(scene, "book.db", "");
		in_place(scene, files[i], path);
		snprintf(kept, sizeof kept, "%s.kept", path);
		assert_int_equal(rename(path, kept), 0);
		assert_int_equal(symlink(path, path), 0);
		assert_int_not_equal(try_open(scene, true), 0);
		assert_int_equal(lstat(path, &status), 0);
		assert_true(S_ISLNK(status.st_mode));
		assert_int_equal(rename(kept, path), 0);
		scene_open(scene);
	}
}

static void store_layout__ssh_keygen_takes_the_host_key(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text derived = TEXT_INIT;
	char path[PATH_MAX * 2], line[512] = "";
	const char *const argv[] = {"ssh-keygen", "-y", "-f", path, NULL};
	FILE *file;

	scene_open(scene);
	in_place(scene, "keys/host", path);
	assert_int_equal(run(argv, &derived), 0);
	in_place(scene, "keys/host.pub", path);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof line, file));
	fclose(file);
	assert_string_equal(text_string(&derived), line);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_layout__a_book_is_private),
		TEST(store_layout__no_book_is_made_unasked),
		TEST(store_layout__a_folder_of_somebody_else_is_left_alone),
		TEST(store_layout__a_file_that_is_no_book_is_called_so),
		TEST(store_layout__another_programs_database_is_no_book),
		TEST(store_layout__a_newer_format_is_refused),
		TEST(store_layout__a_book_of_format_3_is_brought_up),
		TEST(store_layout__a_history_without_its_index_is_not_overwritten),
		TEST(store_layout__a_half_made_book_is_completed),
		TEST(store_layout__a_book_that_is_moved_away_does_not_come_back),
		TEST(store_layout__two_who_make_it_together_both_succeed),
		TEST(store_layout__who_writes_the_book_is_named),
		TEST(store_layout__who_has_the_turn_is_named),
		TEST(store_layout__a_full_disk_leaves_the_book_as_it_was),
		TEST(store_layout__a_damaged_page_is_reported),
		TEST(store_layout__a_key_that_others_may_read_is_not_used),
		TEST(store_layout__a_damaged_key_signs_nothing),
		TEST(store_layout__what_is_out_of_reach_is_not_made_anew),
		TEST(store_layout__ssh_keygen_takes_the_host_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
