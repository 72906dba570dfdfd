/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>

#include "store_support.h"

/* Changes the domain count times, beginning anew whenever somebody else was faster. */
static void change_shared(struct scene *scene, const char *who, int count)
{
	struct book_options options = {.host_name = "alpha"};
	CLEANUP(book) struct book *book = NULL;

	if (book_open(scene->place, &options, &book, &scene->err))
		_exit(1);
	for (int done = 0; done < count;) {
		CLEANUP(domain_row) struct domain_row row = {0};
		char xml[64];
		struct step step = {.uuid = UUID_A, .name = "shared", .xml = xml};
		int rc = book_find(book, UUID_A, &row, &scene->err);

		if (rc)
			_exit(2);
		step.base = row.version;
		snprintf(xml, sizeof xml, "%s %d", who, done);
		rc = step_apply(book, &step, NULL, &scene->err);
		if (rc && rc != DD_CONFLICT)
			_exit(3);
		done += rc == 0;
	}
}

static void store_concurrent__two_writers_lose_and_double_nothing(void **state)
{
	struct scene *scene = *state;
	enum { EACH = 100 };
	CLEANUP(domain_row) struct domain_row row = {0};
	int seen[2] = {0};
	pid_t first, second;

	define(scene, UUID_A, "shared", "begin");
	FORK(first, change_shared(scene, "a", EACH));
	FORK(second, change_shared(scene, "b", EACH));
	assert_child_ok(first);
	assert_child_ok(second);
	assert_ok(scene, book_find(scene->book, "shared", &row, &scene->err));
	assert_int_equal(row.version, 1 + 2 * EACH);
	for (uint32_t number = 2; number <= row.version; number++) {
		CLEANUP(text) struct text text = TEXT_INIT;
		char who, expected[64];

		assert_ok(scene,
			book_read(scene->book, UUID_A, number, "domain.xml", &text, &scene->err));
		who = text_string(&text)[0];
		assert_true(who == 'a' || who == 'b');
		snprintf(expected, sizeof expected, "%c %d", who, seen[who - 'a']++);
		assert_string_equal(text_string(&text), expected);
	}
	assert_int_equal(seen[0], EACH);
	assert_int_equal(seen[1], EACH);
}

static void define_and_change(struct scene *scene, int number)
{
	struct book_options options = {.host_name = "alpha"};
	CLEANUP(book) struct book *book = NULL;
	char uuid[UUID_SIZE], name[16];
	struct step step = {.uuid = uuid, .name = name, .xml = "one"};

	snprintf(uuid, sizeof uuid, "11111111-2222-4333-8444-%012d", number);
	snprintf(name, sizeof name, "d%03d", number);
	if (book_open(scene->place, &options, &book, &scene->err) ||
		step_apply(book, &step, NULL, &scene->err))
		_exit(1);
	step.base = 1;
	step.xml = "two";
	if (step_apply(book, &step, NULL, &scene->err) ||
		(number % 10 == 0 && book_checkpoint(book, &scene->err))) {
		fprintf(stderr, "%s\n", scene->err.message);
		_exit(2);
	}
}

static int count_second(const struct domain_row *row, void *context)
{
	*(int *)context += row->version == 2;
	return 0;
}

static void store_concurrent__a_hundred_processes_all_get_their_turn(void **state)
{
	struct scene *scene = *state;
	enum { PROCESSES = 100 };
	pid_t pids[PROCESSES];
	int count = 0;

	for (int i = 0; i < PROCESSES; i++)
		FORK(pids[i], define_and_change(scene, i));
	for (int i = 0; i < PROCESSES; i++)
		assert_child_ok(pids[i]);
	assert_ok(scene, book_list(scene->book, false, count_second, &count, &scene->err));
	assert_int_equal(count, PROCESSES);
	assert_file(scene, "11111111-2222-4333-8444-000000000042", 1, "domain.xml", "one");
	assert_file(scene, "11111111-2222-4333-8444-000000000099", 2, "domain.xml", "two");
}

static int hold_the_book(const struct domain_row *row, void *context)
{
	(void)row;
	if (write(*(int *)context, "x", 1) != 1)
		return -1;
	for (;;)
		pause();
}

static void read_for_ever(struct scene *scene, int ready)
{
	struct book_options options = {.host_name = "alpha"};
	struct book *book = NULL;

	if (!book_open(scene->place, &options, &book, NULL))
		book_list(book, false, hold_the_book, &ready, NULL);
	_exit(1);
}

static void store_concurrent__readers_stop_nobody(void **state)
{
	struct scene *scene = *state;
	int ready[2];
	char byte;
	pid_t pid;

	define(scene, UUID_A, "web", "one");
	assert_int_equal(pipe(ready), 0);
	FORK(pid, read_for_ever(scene, ready[1]));
	assert_int_equal(read(ready[0], &byte, 1), 1);
	change(scene, UUID_A, "web", 1, "two");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	change(scene, UUID_A, "web", 2, "three");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
}

static int read_inside(const struct domain_row *row, void *context)
{
	struct scene *scene = context;
	CLEANUP(domain_row) struct domain_row again = {0};

	assert_ok(scene, book_find(scene->book, row->name, &again, &scene->err));
	assert_file(scene, row->uuid, 0, "domain.xml", row->name);
	return 0;
}

static void store_concurrent__a_visitor_may_read_the_book(void **state)
{
	struct scene *scene = *state;

	define(scene, UUID_A, "web", "web");
	define(scene, UUID_B, "mail", "mail");
	assert_ok(scene, book_list(scene->book, false, read_inside, scene, &scene->err));
}

static void *change_in_a_thread(void *context)
{
	const struct scene *scene = context;
	struct scene own = *scene;

	own.book = NULL;
	change_shared(&own, "t", 20);
	return NULL;
}

static void store_concurrent__threads_with_a_struct_each(void **state)
{
	struct scene *scene = *state;
	CLEANUP(domain_row) struct domain_row row = {0};
	pthread_t threads[4];

	define(scene, UUID_A, "shared", "begin");
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, change_in_a_thread, scene), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_ok(scene, book_find(scene->book, "shared", &row, &scene->err));
	assert_int_equal(row.version, 81);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_concurrent__two_writers_lose_and_double_nothing),
		TEST(store_concurrent__a_hundred_processes_all_get_their_turn),
		TEST(store_concurrent__readers_stop_nobody),
		TEST(store_concurrent__a_visitor_may_read_the_book),
		TEST(store_concurrent__threads_with_a_struct_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
