/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <unistd.h>

#include "store_support.h"

static uint64_t open_row(
	struct scene *scene, const char *uuid, const struct use_row *claims, size_t claim_count)
{
	struct journal_draft draft = {.uuid = uuid,
		.operation = "start",
		.base = 1,
		.detail = "{\"pid\":7}",
		.claims = claims,
		.claim_count = claim_count};
	uint64_t id = 0;

	assert_ok(scene, journal_open(scene->book, &draft, &id, NULL, &scene->err));
	assert_true(id != 0);
	return id;
}

static void store_journal__a_row_survives_until_it_is_settled(void **state)
{
	struct scene *scene = *state;
	CLEANUP(journal_row) struct journal_row row = {0};
	struct journal_draft second = {.uuid = UUID_A, .operation = "destroy"};
	uint64_t id, other;

	define(scene, UUID_A, "web", "one");
	id = open_row(scene, UUID_A, NULL, 0);
	scene_reopen(scene);
	assert_ok(scene, journal_find(scene->book, UUID_A, &row, &scene->err));
	assert_true(row.id == id);
	assert_string_equal(row.operation, "start");
	assert_string_equal(row.detail, "{\"pid\":7}");
	assert_int_equal(row.base, 1);

	assert_int_equal(journal_open(scene->book, &second, &other, NULL, &scene->err), DD_BUSY);
	assert_string_equal(
		scene->err.message, "the domain 'web' has an unfinished operation: start");
	assert_ok(scene, journal_undo(scene->book, id, &scene->err));
	assert_int_equal(journal_undo(scene->book, id, &scene->err), DD_NOT_FOUND);
	assert_ok(scene, journal_open(scene->book, &second, &other, NULL, &scene->err));
	assert_true(other != id);
}

static void store_journal__closes_with_the_version_or_not_at_all(void **state)
{
	struct scene *scene = *state;
	CLEANUP(journal_row) struct journal_row row = {0};
	struct step step = {.uuid = UUID_A, .name = "web", .base = 1, .xml = "two"};

	define(scene, UUID_A, "web", "one");
	define(scene, UUID_B, "mail", "one");
	/* a row of another domain cannot be closed along with this one */
	step.journal = open_row(scene, UUID_B, NULL, 0);
	assert_int_equal(step_apply(scene->book, &step, NULL, &scene->err), DD_CONFLICT);
	assert_file(scene, UUID_A, 0, "domain.xml", "one");
	step.journal = open_row(scene, UUID_A, NULL, 0);
	assert_ok(scene, step_apply(scene->book, &step, NULL, &scene->err));
	assert_int_equal(journal_find(scene->book, UUID_A, &row, &scene->err), DD_NOT_FOUND);
	assert_file(scene, UUID_A, 0, "domain.xml", "two");
}

static void store_journal__claims_of_two_running_guests(void **state)
{
	struct scene *scene = *state;
	static const struct {
		const char *kind;
		char held, wanted;
		bool refused;
	} cases[] = {
		{"disk", 'w', 'w', true},
		{"disk", 'w', 's', true},
		{"disk", 's', 'w', true},
		{"disk", 's', 's', false},
		{"disk", 'r', 'r', false},
		{"disk", 'r', 'w', true},
		{"disk", 'w', 'r', true},
		{"disk", 's', 'r', true},
		{"hostdev", 'w', 'w', true},
		{"mac", 'w', 'w', false},
	};

	define(scene, UUID_A, "web", "one");
	define(scene, UUID_B, "mail", "one");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct use_row held = {cases[i].kind, "/a", cases[i].held, USE_LIVE};
		struct use_row wanted = {cases[i].kind, "/a", cases[i].wanted, USE_LIVE};
		struct journal_draft draft = {
			.uuid = UUID_B, .operation = "start", .claims = &wanted, .claim_count = 1};
		char holder[UUID_SIZE] = "";
		uint64_t first = open_row(scene, UUID_A, &held, 1), second = 0;
		int rc = journal_open(scene->book, &draft, &second, holder, &scene->err);

		if ((rc == DD_REFUSED) != cases[i].refused)
			fail_msg("case %zu: %d", i, rc);
		if (cases[i].refused) {
			assert_string_equal(holder, UUID_A);
			assert_non_null(
				strstr(scene->err.message, "/a is in use by the domain 'web'"));
		} else {
			assert_ok(scene, journal_undo(scene->book, second, &scene->err));
		}
		assert_ok(scene, journal_undo(scene->book, first, &scene->err));
	}
}

/* What mail would be told when it wanted the disk /a now. */
static int wanted_by_mail(struct scene *scene)
{
	struct use_row wanted = {"disk", "/a", 'w', USE_LIVE};
	struct journal_draft draft = {
		.uuid = UUID_B, .operation = "start", .claims = &wanted, .claim_count = 1};
	uint64_t id;
	int rc = journal_open(scene->book, &draft, &id, NULL, &scene->err);

	if (!rc)
		assert_ok(scene, journal_undo(scene->book, id, &scene->err));
	return rc;
}

static void store_journal__a_claim_lives_on_in_the_index(void **state)
{
	struct scene *scene = *state;
	struct use_row live = {"disk", "/a", 'w', USE_CONFIG | USE_LIVE};
	struct use_row config = {"disk", "/a", 'w', USE_CONFIG};
	struct step start = {.uuid = UUID_A,
		.name = "web",
		.base = 1,
		.xml = "x",
		.state = STATE_RUNNING,
		.uses = &live,
		.use_count = 1};
	struct step stop = {.uuid = UUID_A,
		.name = "web",
		.base = 2,
		.xml = "x",
		.uses = &config,
		.use_count = 1};

	define(scene, UUID_A, "web", "one");
	define(scene, UUID_B, "mail", "one");
	start.journal = open_row(scene, UUID_A, &live, 1);
	assert_ok(scene, step_apply(scene->book, &start, NULL, &scene->err));
	assert_int_equal(wanted_by_mail(scene), DD_REFUSED);
	assert_ok(scene, step_apply(scene->book, &stop, NULL, &scene->err));
	assert_int_equal(wanted_by_mail(scene), 0);
}

static void store_journal__a_claim_stays_where_the_index_does(void **state)
{
	struct scene *scene = *state;
	struct use_row live = {"disk", "/a", 'w', USE_LIVE};
	struct book_change close_only = {.uuid = UUID_A, .base = 1};

	define(scene, UUID_A, "web", "one");
	define(scene, UUID_B, "mail", "one");
	close_only.journal = open_row(scene, UUID_A, &live, 1);
	assert_ok(scene, book_apply(scene->book, &close_only, NULL, &scene->err));
	assert_int_equal(wanted_by_mail(scene), DD_REFUSED);
}

static void store_journal__a_domain_may_claim_what_it_has(void **state)
{
	struct scene *scene = *state;
	struct use_row live = {"disk", "/a", 'w', USE_LIVE};
	struct step define_web = {
		.uuid = UUID_A, .name = "web", .xml = "x", .uses = &live, .use_count = 1};

	assert_ok(scene, step_apply(scene->book, &define_web, NULL, &scene->err));
	define(scene, UUID_B, "mail", "one");
	uint64_t id = open_row(scene, UUID_A, &live, 1);

	assert_ok(scene, journal_undo(scene->book, id, &scene->err));
	assert_int_equal(wanted_by_mail(scene), DD_REFUSED);
}

static int count_row(const struct journal_row *row, void *context)
{
	(void)row;
	++*(int *)context;
	return 0;
}

static void store_journal__list_shows_rows_of_domains_to_come(void **state)
{
	struct scene *scene = *state;
	int count = 0;

	open_row(scene, UUID_A, NULL, 0);
	open_row(scene, UUID_C, NULL, 0);
	assert_ok(scene, journal_list(scene->book, count_row, &count, &scene->err));
	assert_int_equal(count, 2);
}

/* ---- the job lock ---- */

static void store_job__a_busy_domain_says_by_whom(void **state)
{
	struct scene *scene = *state;
	CLEANUP(job_lock) struct job_lock *lock = NULL;
	struct job_lock *other = NULL;
	char pid[32];

	define(scene, UUID_A, "web", "one");
	assert_ok(
		scene, job_lock_take(scene->book, UUID_A, "attach-device", 0, &lock, &scene->err));
	assert_int_equal(
		job_lock_take(scene->book, UUID_A, "start", 30, &other, &scene->err), DD_BUSY);
	snprintf(pid, sizeof pid, "(pid %d)", (int)getpid());
	assert_non_null(strstr(scene->err.message, "the domain 'web' is busy: attach-device by "));
	assert_non_null(strstr(scene->err.message, pid));
	assert_ok(scene, job_lock_take(scene->book, UUID_B, "start", 0, &other, &scene->err));
	job_lock_release(other);
	job_lock_release(TAKE(lock));
	assert_ok(scene, job_lock_take(scene->book, UUID_A, "start", 0, &lock, &scene->err));
}

static void hold_and_wait(struct scene *scene, int ready)
{
	struct book_options options = {.host_name = "alpha"};
	struct book *book = NULL;
	struct job_lock *lock = NULL;

	if (book_open(scene->place, &options, &book, NULL) ||
		job_lock_take(book, UUID_A, "start", 1000, &lock, NULL) ||
		write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void store_job__a_lock_dies_with_its_holder(void **state)
{
	struct scene *scene = *state;
	CLEANUP(job_lock) struct job_lock *lock = NULL;
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	FORK(pid, hold_and_wait(scene, ready[1]));
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(
		job_lock_take(scene->book, UUID_A, "stop", 20, &lock, &scene->err), DD_BUSY);
	kill(pid, SIGKILL);
	assert_ok(scene, job_lock_take(scene->book, UUID_A, "stop", 5000, &lock, &scene->err));
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
}

static bool lock_is_there(struct scene *scene, const char *uuid)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/locks/%s", scene->place, uuid);
	return access(path, F_OK) == 0;
}

static void store_job__a_lock_of_nothing_leaves_no_file(void **state)
{
	struct scene *scene = *state;
	struct job_lock *lock = NULL;
	int ready[2];
	char byte;
	pid_t pid;

	assert_ok(scene, job_lock_take(scene->book, UUID_B, "settle", 0, &lock, &scene->err));
	assert_true(lock_is_there(scene, UUID_B));
	/* who waits for it gets one that others see */
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct book *book = NULL;
		struct job_lock *other = NULL;

		if (book_open(scene->place, NULL, &book, NULL) || write(ready[1], "x", 1) != 1 ||
			job_lock_take(book, UUID_B, "define", 5000, &other, NULL))
			_exit(1);
		_exit(lock_is_there(scene, UUID_B) ? 0 : 2);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	usleep(100000);
	job_lock_release(TAKE(lock));
	assert_int_equal(waitpid(pid, &pid, 0) > 0, true);
	assert_int_equal(pid, 0);
	/* the child has ended without a release, so what it made stays for the next */
	define(scene, UUID_A, "web", "one");
	assert_ok(scene, job_lock_take(scene->book, UUID_A, "start", 0, &lock, &scene->err));
	job_lock_release(TAKE(lock));
	assert_true(lock_is_there(scene, UUID_A));
	close(ready[0]);
	close(ready[1]);
}

static int no_job(const struct job_row *row, void *context)
{
	(void)row;
	(void)context;
	fail_msg("nothing is under way");
	return 0;
}

static void store_job__the_folder_of_locks_may_be_missing(void **state)
{
	struct scene *scene = *state;
	CLEANUP(job_lock) struct job_lock *lock = NULL;
	struct job_lock *other = NULL;
	char folder[PATH_MAX + 16];
	uint32_t held = 7, left = 7;

	/* as git and tar leave it out, and a copy is made of what they have */
	snprintf(folder, sizeof folder, "%s/locks", scene->place);
	assert_int_equal(rmdir(folder), 0);
	assert_ok(scene, job_list(scene->book, no_job, NULL, &scene->err));
	assert_ok(scene, job_count(scene->book, &held, &left, &scene->err));
	assert_int_equal(held + left, 0);
	assert_ok(scene, job_lock_take(scene->book, UUID_A, "define", 0, &lock, &scene->err));
	assert_int_equal(
		job_lock_take(scene->book, UUID_A, "start", 30, &other, &scene->err), DD_BUSY);
	define(scene, UUID_A, "web", "one");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_journal__a_row_survives_until_it_is_settled),
		TEST(store_journal__closes_with_the_version_or_not_at_all),
		TEST(store_journal__claims_of_two_running_guests),
		TEST(store_journal__a_claim_lives_on_in_the_index),
		TEST(store_journal__a_claim_stays_where_the_index_does),
		TEST(store_journal__a_domain_may_claim_what_it_has),
		TEST(store_journal__list_shows_rows_of_domains_to_come),
		TEST(store_job__a_busy_domain_says_by_whom),
		TEST(store_job__a_lock_dies_with_its_holder),
		TEST(store_job__a_lock_of_nothing_leaves_no_file),
		TEST(store_job__the_folder_of_locks_may_be_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
