/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of all versions: each knows its place and the commit before it, whoever makes them. */
#include <pthread.h>

#include "store_chain.h"

static void execute(struct scene *scene, const char *sql)
{
	sqlite3 *database = database_of(scene);
	char *message = NULL;

	if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(database);
}

static void store_chain__runs_through_all_domains(void **state)
{
	struct scene *scene = *state;

	define(scene, UUID_A, "web", "one");
	define(scene, UUID_B, "mail", "one");
	change(scene, UUID_A, "web", 1, "two");
	change(scene, UUID_B, "mail", 1, "two");
	scene_reopen(scene);
	change(scene, UUID_A, "web", 2, "three");
	assert_chain(scene, 5);
}

static void store_chain__what_fails_takes_no_place(void **state)
{
	struct scene *scene = *state;
	struct step late = {.uuid = UUID_A, .name = "web", .base = 7, .xml = "x"};
	struct step same_name = {.uuid = UUID_B, .name = "web", .xml = "x"};

	define(scene, UUID_A, "web", "one");
	assert_int_equal(step_apply(scene->book, &late, NULL, &scene->err), DD_CONFLICT);
	assert_int_equal(step_apply(scene->book, &same_name, NULL, &scene->err), DD_EXISTS);
	change(scene, UUID_A, "web", 1, "two");
	assert_chain(scene, 2);
}

static void store_chain__nobody_else_names_a_place(void **state)
{
	struct scene *scene = *state;
	static const char *const keys[] = {"Book-Seq", "book-prev"};
	struct tree_file file = {"domain.xml", "x", 1};
	struct index_draft index = {.name = "web"};

	for (size_t i = 0; i < 2; i++) {
		struct trailer trailer = {keys[i], "1"};
		struct version_draft version = {.subject = "define",
			.author = {"Ada Operator", "ada@example.org"},
			.trailers = &trailer,
			.trailer_count = 1,
			.files = &file,
			.file_count = 1};
		struct book_change forged = {.uuid = UUID_A, .version = &version, .index = &index};

		assert_int_equal(book_apply(scene->book, &forged, NULL, &scene->err), DD_INVALID);
	}
}

enum { WRITERS = 6, EACH = 40 };

struct writer {
	struct scene *scene;
	int number;
};

/* One domain of its own, from version 1 to EACH; a checkpoint now and then. */
static void *write_own(void *context)
{
	const struct writer *writer = context;
	struct book_options options = {.host_name = "alpha"};
	CLEANUP(book) struct book *book = NULL;
	struct dd_error err = {0};
	char uuid[UUID_SIZE], name[16], xml[32];
	struct step step = {.uuid = uuid, .name = name, .xml = xml};

	snprintf(uuid, sizeof uuid, "11111111-2222-4333-8444-%012d", writer->number);
	snprintf(name, sizeof name, "d%d", writer->number);
	if (book_open(writer->scene->place, &options, &book, &err))
		return writer->scene;
	for (step.base = 0; step.base < EACH; step.base++) {
		snprintf(xml, sizeof xml, "%d %u", writer->number, step.base);
		if (step_apply(book, &step, NULL, &err))
			return writer->scene;
		if (writer->number == 0 && step.base % 10 == 0 && book_checkpoint(book, &err))
			return writer->scene;
	}
	return NULL;
}

static void store_chain__processes_leave_no_gap(void **state)
{
	struct scene *scene = *state;
	pid_t pids[WRITERS];

	for (int i = 0; i < WRITERS; i++) {
		struct writer writer = {scene, i};

		FORK(pids[i], if (write_own(&writer)) _exit(1));
	}
	for (int i = 0; i < WRITERS; i++)
		assert_child_ok(pids[i]);
	assert_chain(scene, WRITERS * EACH);
}

static void store_chain__threads_leave_no_gap(void **state)
{
	struct scene *scene = *state;
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS];
	void *failed;

	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){scene, i};
		assert_int_equal(pthread_create(&threads[i], NULL, write_own, &writers[i]), 0);
	}
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_chain(scene, WRITERS * EACH);
}

/* Takes from the book what format 1 did not have. */
static void make_old(struct scene *scene)
{
	book_close(TAKE(scene->book));
	execute(scene,
		FORMAT_3 "DROP INDEX version_seq; ALTER TABLE version DROP COLUMN seq;"
			 "DROP TABLE tag; DROP TABLE secret; DELETE FROM setting WHERE key = "
			 "'genesis'; PRAGMA "
			 "user_version = 1");
}

static void store_chain__a_book_of_before_gets_one(void **state)
{
	struct scene *scene = *state;

	define(scene, UUID_A, "web", "one");
	change(scene, UUID_A, "web", 1, "two");
	make_old(scene);
	scene_open(scene);
	assert_file(scene, UUID_A, 1, "domain.xml", "one");
	assert_file(scene, UUID_A, 2, "domain.xml", "two");
	change(scene, UUID_A, "web", 2, "three");
	define(scene, UUID_B, "mail", "one");
	assert_chain(scene, 2);
}

static void store_chain__a_book_of_before_is_brought_up_once(void **state)
{
	struct scene *scene = *state;
	pid_t pids[WRITERS];

	define(scene, UUID_C, "old", "one");
	make_old(scene);
	for (int i = 0; i < WRITERS; i++) {
		struct writer writer = {scene, i};

		FORK(pids[i], if (write_own(&writer)) _exit(1));
	}
	for (int i = 0; i < WRITERS; i++)
		assert_child_ok(pids[i]);
	scene_open(scene);
	assert_file(scene, UUID_C, 1, "domain.xml", "one");
	assert_chain(scene, WRITERS * EACH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_chain__runs_through_all_domains),
		TEST(store_chain__what_fails_takes_no_place),
		TEST(store_chain__nobody_else_names_a_place),
		TEST(store_chain__processes_leave_no_gap),
		TEST(store_chain__threads_leave_no_gap),
		TEST(store_chain__a_book_of_before_gets_one),
		TEST(store_chain__a_book_of_before_is_brought_up_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
