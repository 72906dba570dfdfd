/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker commits, checkpoints and journals as fast as it can and is killed at a random moment,
 * again and again on one book. Before each reply it has nothing to promise; after it the version
 * must be there, whatever happens to the worker. DOMESDAY_SEED and DOMESDAY_KILLS choose
 * others. A second test kills at every 17th system call of a small book, or at every one with
 * DOMESDAY_KILL_STEP=1.
 */
#include <signal.h>
#include <time.h>

#include "store_support.h"

enum { DOMAINS = 3 };

struct report {
	int domain;
	uint32_t version; /* acknowledged */
};

static long setting(const char *name, long fallback)
{
	const char *value = getenv(name);

	return value ? strtol(value, NULL, 10) : fallback;
}

static void uuid_of(int domain, char uuid[UUID_SIZE])
{
	snprintf(uuid, UUID_SIZE, "11111111-2222-4333-8444-%012d", domain);
}

/* What the version must hold, so that one lost or mixed up would show. */
static void xml_of(int domain, uint32_t version, char xml[1024])
{
	int length = snprintf(xml, 1024, "<domain n='%d' v='%u'>\n", domain, version);

	for (int i = 0; i < 20; i++)
		length += snprintf(xml + length, 1024 - (size_t)length, "  <device i='%d'/>\n", i);
	snprintf(xml + length, 1024 - (size_t)length, "</domain>\n");
}

static uint32_t version_now(struct book *book, const char *uuid)
{
	CLEANUP(domain_row) struct domain_row row = {0};

	return book_find(book, uuid, &row, NULL) ? 0 : row.version;
}

static void settle(struct book *book, const char *uuid)
{
	CLEANUP(journal_row) struct journal_row row = {0};

	if (!journal_find(book, uuid, &row, NULL) && journal_undo(book, row.id, NULL))
		_exit(4);
}

static void commit_one(struct book *book, int domain, int reports)
{
	char uuid[UUID_SIZE], name[16], xml[1024];
	struct use_row use = {"disk", name, 'w', USE_LIVE};
	struct journal_draft draft = {
		.uuid = uuid, .operation = "edit", .claims = &use, .claim_count = 1};
	struct step step = {.uuid = uuid, .name = name, .xml = xml, .uses = &use, .use_count = 1};
	struct report report = {.domain = domain};

	uuid_of(domain, uuid);
	snprintf(name, sizeof name, "d%d", domain);
	settle(book, uuid);
	step.base = version_now(book, uuid);
	xml_of(domain, step.base + 1, xml);
	if (journal_open(book, &draft, &step.journal, NULL, NULL) ||
		step_apply(book, &step, &report.version, NULL))
		_exit(5);
	if (write(reports, &report, sizeof report) != sizeof report)
		_exit(6);
}

static void work(struct scene *scene, unsigned seed, int reports)
{
	struct book_options options = {.create = true, .host_name = "alpha"};
	struct book *book = NULL;

	if (book_open(scene->place, &options, &book, &scene->err)) {
		fprintf(stderr, "%s\n", scene->err.message);
		_exit(3);
	}
	for (;;) {
		if (rand_r(&seed) % 8 == 0 && book_checkpoint(book, &scene->err)) {
			fprintf(stderr, "%s\n", scene->err.message);
			_exit(7);
		}
		commit_one(book, rand_r(&seed) % DOMAINS, reports);
	}
}

static void kill_a_worker(struct scene *scene, unsigned seed, uint32_t acknowledged[DOMAINS])
{
	int reports[2], status;
	struct report report;
	long microseconds = rand_r(&seed) % 60000;
	pid_t pid;

	assert_int_equal(pipe(reports), 0);
	FORK(pid, work(scene, seed, reports[1]));
	close(reports[1]);
	nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* it never ends by itself unless something went wrong */
	assert_true(WIFSIGNALED(status));
	while (read(reports[0], &report, sizeof report) == sizeof report)
		acknowledged[report.domain] = report.version;
	close(reports[0]);
}

static void check_book(struct scene *scene, uint32_t acknowledged[DOMAINS])
{
	for (int domain = 0; domain < DOMAINS; domain++) {
		char uuid[UUID_SIZE], xml[1024];
		uint32_t now;

		uuid_of(domain, uuid);
		now = version_now(scene->book, uuid);
		/* the last one may have become true without its reply */
		assert_in_range(now, acknowledged[domain], acknowledged[domain] + 1);
		for (uint32_t number = 1; number <= now; number++) {
			xml_of(domain, number, xml);
			assert_file(scene, uuid, number, "domain.xml", xml);
		}
		acknowledged[domain] = now;
	}
}

static void check_git(struct scene *scene, const uint32_t acknowledged[DOMAINS])
{
	CLEANUP(text) struct text out = TEXT_INIT;
	char path[PATH_MAX + 32];
	const char *const fsck[] = {"git", "-C", path, "fsck", "--strict", "--full", NULL};

	snprintf(path, sizeof path, "%s/book.git", scene->place);
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	if (run(fsck, &out) != 0 || strstr(text_string(&out), "missing"))
		fail_msg("fsck: %s", text_string(&out));
	for (int domain = 0; domain < DOMAINS; domain++) {
		char uuid[UUID_SIZE], ref[96], expected[16];
		const char *const count[] = {"git", "-C", path, "rev-list", "--count", ref, NULL};

		if (!acknowledged[domain])
			continue;
		uuid_of(domain, uuid);
		snprintf(ref, sizeof ref, "domains/%s", uuid);
		snprintf(expected, sizeof expected, "%u\n", acknowledged[domain]);
		text_clear(&out);
		assert_int_equal(run(count, &out), 0);
		assert_string_equal(text_string(&out), expected);
	}
}

static void store_crash__nothing_acknowledged_is_lost(void **state)
{
	struct scene *scene = *state;
	unsigned seed = (unsigned)setting("DOMESDAY_SEED", 1086);
	long kills = setting("DOMESDAY_KILLS", 60);
	uint32_t acknowledged[DOMAINS] = {0};

	for (long i = 0; i < kills; i++) {
		kill_a_worker(scene, seed + (unsigned)i * 7919, acknowledged);
		scene_open(scene);
		check_book(scene, acknowledged);
		/* not every time, so that a worker also meets what another left behind */
		if (i % 6 == 5)
			check_git(scene, acknowledged);
		book_close(TAKE(scene->book));
	}
	assert_true(acknowledged[0] + acknowledged[1] + acknowledged[2] > 0);
}

/* ---- at chosen system calls ---- */

/* The whole life of a small book. */
static void follow_script(struct scene *scene, int reports)
{
	struct book_options options = {.create = true, .host_name = "alpha"};
	struct book *book = NULL;

	be_traced();
	if (book_open(scene->place, &options, &book, NULL))
		_exit(3);
	for (int i = 0; i < 4; i++) {
		commit_one(book, i % DOMAINS, reports);
		if (i % 2 && (i == 1 ? book_checkpoint : book_gc)(book, NULL))
			_exit(7);
	}
	book_close(book);
	_exit(0);
}

static enum outcome script_killed_at(struct scene *scene, long calls)
{
	uint32_t acknowledged[DOMAINS] = {0};
	struct report report;
	enum outcome outcome;
	int reports[2];
	pid_t pid;

	snprintf(scene->place, sizeof scene->place, "%.4000s/book%ld", scene->folder, calls);
	assert_int_equal(pipe(reports), 0);
	FORK(pid, follow_script(scene, reports[1]));
	close(reports[1]);
	outcome = kill_at(pid, calls);
	while (read(reports[0], &report, sizeof report) == sizeof report)
		acknowledged[report.domain] = report.version;
	close(reports[0]);
	if (outcome == UNTRACEABLE)
		return outcome;
	scene_open(scene);
	check_book(scene, acknowledged);
	check_git(scene, acknowledged);
	book_close(TAKE(scene->book));
	return outcome;
}

static void store_crash__every_step_of_a_small_book_may_be_the_last(void **state)
{
	struct scene *scene = *state;
	enum outcome outcome = KILLED;
	long step = setting("DOMESDAY_KILL_STEP", 17);

	for (long calls = setting("DOMESDAY_SEED", 1086) % step; outcome == KILLED; calls += step)
		outcome = script_killed_at(scene, calls);
	if (outcome == UNTRACEABLE)
		skip();
}

static void make_book(struct scene *scene)
{
	struct book_options options = {.create = true, .host_name = "alpha"};
	struct book *book = NULL;

	_exit(book_open(scene->place, &options, &book, NULL) ? 1 : 0);
}

static void store_crash__a_book_killed_in_the_making_is_completed(void **state)
{
	struct scene *scene = *state;
	unsigned seed = (unsigned)setting("DOMESDAY_SEED", 1086);
	long kills = setting("DOMESDAY_KILLS", 60) / 2;

	for (long i = 0; i < kills; i++) {
		uint32_t acknowledged[DOMAINS] = {0};
		pid_t pid;

		snprintf(scene->place, sizeof scene->place, "%.4000s/book%ld", scene->folder, i);
		FORK(pid, make_book(scene));
		nanosleep(&(struct timespec){.tv_nsec = rand_r(&seed) % 12000 * 1000}, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		scene_open(scene);
		define(scene, UUID_A, "web", "one");
		check_git(scene, acknowledged);
		book_close(TAKE(scene->book));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_crash__nothing_acknowledged_is_lost),
		TEST(store_crash__every_step_of_a_small_book_may_be_the_last),
		TEST(store_crash__a_book_killed_in_the_making_is_completed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
