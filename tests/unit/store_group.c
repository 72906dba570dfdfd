/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit: one who has the turn makes the changes of those who wait. What each of them is told
 * is true, and nobody waits for one who died. DOMESDAY_SEED and DOMESDAY_KILLS choose other kills,
 * DOMESDAY_KILL_STEP=1 kills the leader at each of its system calls.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <time.h>

#include "store/commit/board.h"
#include "store/database/database.h"
#include "store/lock/lock.h"
#include "store_chain.h"

static long setting(const char *name, long fallback)
{
	const char *value = getenv(name);

	return value ? strtol(value, NULL, 10) : fallback;
}

static void rest(long milliseconds)
{
	nanosleep(&(struct timespec){.tv_sec = milliseconds / 1000,
			  .tv_nsec = milliseconds % 1000 * 1000000},
		NULL);
}

/* Has the turn, so that whoever comes must wait. */
static int turn_hold(struct scene *scene)
{
	char path[PATH_MAX + 16];
	int fd = -1;

	snprintf(path, sizeof path, "%s/lock", scene->place);
	assert_ok(scene, lock_file_open(path, &fd, &scene->err));
	assert_ok(scene, lock_slot_take(fd, SLOT_CHANGE, 1000, 1000, &scene->err));
	return fd;
}

static void turn_release(int fd)
{
	/* children have the same open file, so that closing it is not enough */
	lock_slot_drop(fd, SLOT_CHANGE);
	close(fd);
}

/* Makes one change in a process of its own, and ends with what it was told. */
static pid_t change_apart(struct scene *scene, const struct step *step, bool traced)
{
	pid_t pid;

	FORK(pid, {
		struct book_options options = {.host_name = "alpha", .wait_ms = 20000};
		struct book *book = NULL;
		int rc = book_open(scene->place, &options, &book, &scene->err);

		if (traced)
			be_traced();
		if (!rc)
			rc = step_apply(book, step, NULL, &scene->err);
		if (rc)
			fprintf(stderr, "# %s\n", scene->err.message);
		_exit(rc < 0 ? -rc : rc);
	});
	return pid;
}

static int told(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

/* Transactions in the write-ahead log: its frames that say how large the database is. */
static int transactions(struct scene *scene)
{
	enum { HEAD = 32, FRAME = 24, PAGE = 4096 };
	char path[PATH_MAX + 32];
	unsigned char head[FRAME];
	int fd, count = 0;

	snprintf(path, sizeof path, "%s/book.db-wal", scene->place);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	for (off_t at = HEAD; pread(fd, head, sizeof head, at) == FRAME; at += FRAME + PAGE)
		count += (head[4] | head[5] | head[6] | head[7]) != 0;
	close(fd);
	return count;
}

enum { TOGETHER = 8 };

static void uuid_of(int number, char uuid[UUID_SIZE])
{
	snprintf(uuid, UUID_SIZE, "11111111-2222-4333-8444-%012d", number);
}

static void store_group__those_who_wait_share_a_transaction(void **state)
{
	struct scene *scene = *state;
	pid_t pids[TOGETHER];
	int before = transactions(scene);
	int turn = turn_hold(scene);

	for (int i = 0; i < TOGETHER; i++) {
		char uuid[UUID_SIZE], name[16];
		struct use_row uses[] = {
			{"disk", name, 'w', USE_CONFIG}, {"mac", uuid, 'w', USE_CONFIG}};
		struct step step = {
			.uuid = uuid, .name = name, .xml = name, .uses = uses, .use_count = 2};

		uuid_of(i, uuid);
		snprintf(name, sizeof name, "d%d", i);
		pids[i] = change_apart(scene, &step, false);
	}
	rest(200);
	turn_release(turn);
	for (int i = 0; i < TOGETHER; i++)
		assert_int_equal(told(pids[i]), 0);
	assert_in_range(transactions(scene) - before, 1, TOGETHER / 2);
	for (int i = 0; i < TOGETHER; i++) {
		char uuid[UUID_SIZE], name[16];
		CLEANUP(domain_row) struct domain_row row = {0};

		uuid_of(i, uuid);
		snprintf(name, sizeof name, "d%d", i);
		assert_file(scene, uuid, 1, "domain.xml", name);
		assert_ok(scene, book_find(scene->book, name, &row, &scene->err));
		assert_string_equal(row.uuid, uuid);
	}
	assert_chain(scene, TOGETHER);
}

static void store_group__who_fails_fails_alone(void **state)
{
	struct scene *scene = *state;
	struct step steps[] = {
		{.uuid = UUID_A, .name = "web", .base = 1, .xml = "two"},
		{.uuid = UUID_A, .name = "web", .base = 1, .xml = "two"},
		{.uuid = UUID_B, .name = "mail", .xml = "one"},
		{.uuid = UUID_C, .name = "mail", .xml = "one"},
		{.uuid = "11111111-2222-4333-8444-00000000000d", .name = "news", .xml = "one"},
	};
	enum { STEPS = sizeof steps / sizeof steps[0] };
	pid_t pids[STEPS];
	int codes[STEPS], turn;

	define(scene, UUID_A, "web", "one");
	turn = turn_hold(scene);
	for (int i = 0; i < STEPS; i++)
		pids[i] = change_apart(scene, &steps[i], false);
	rest(200);
	turn_release(turn);
	for (int i = 0; i < STEPS; i++)
		codes[i] = told(pids[i]);
	/* one of each pair, whichever came first */
	assert_true(codes[0] == 0 || codes[1] == 0);
	assert_int_equal(codes[0] + codes[1], DD_CONFLICT);
	assert_true(codes[2] == 0 || codes[3] == 0);
	assert_int_equal(codes[2] + codes[3], DD_EXISTS);
	assert_int_equal(codes[4], 0);
	assert_file(scene, UUID_A, 2, "domain.xml", "two");
	assert_chain(scene, 4);
}

static void store_group__what_fits_no_seat_waits_in_line(void **state)
{
	struct scene *scene = *state;
	CLEANUP(free) char *large = calloc(1, 300001);
	struct step first = {.uuid = UUID_A, .name = "web", .xml = large};
	struct step second = {.uuid = UUID_B, .name = "mail", .xml = "small"};
	pid_t pids[2];
	int turn = turn_hold(scene);

	assert_non_null(large);
	memset(large, 'x', 300000);
	pids[0] = change_apart(scene, &first, false);
	pids[1] = change_apart(scene, &second, false);
	rest(100);
	turn_release(turn);
	assert_int_equal(told(pids[0]), 0);
	assert_int_equal(told(pids[1]), 0);
	assert_file(scene, UUID_A, 1, "domain.xml", large);
	assert_file(scene, UUID_B, 1, "domain.xml", "small");
}

static void store_group__who_waits_too_long_is_told_and_changes_nothing(void **state)
{
	struct scene *scene = *state;
	struct book_options options = {.host_name = "alpha", .wait_ms = 100};
	struct step step = {.uuid = UUID_A, .name = "web", .xml = "x"};
	CLEANUP(domain_row) struct domain_row row = {0};
	int turn = turn_hold(scene);

	book_close(TAKE(scene->book));
	assert_ok(scene, book_open(scene->place, &options, &scene->book, &scene->err));
	assert_int_equal(step_apply(scene->book, &step, NULL, &scene->err), DD_BUSY);
	turn_release(turn);
	/* whoever is next does not find it on the board */
	define(scene, UUID_B, "mail", "one");
	assert_int_equal(book_find(scene->book, "web", &row, &scene->err), DD_NOT_FOUND);
	assert_ok(scene, step_apply(scene->book, &step, NULL, &scene->err));
}

static void store_group__who_stops_over_the_lock_file_holds_others_for_their_time_only(void **state)
{
	struct scene *scene = *state;
	struct book_options options = {.create = true, .host_name = "alpha", .wait_ms = 100};
	struct step step = {.uuid = UUID_A, .name = "web", .xml = "x"};
	char path[PATH_MAX + 16];
	int64_t began;
	int fd = -1;

	snprintf(path, sizeof path, "%s/lock", scene->place);
	assert_ok(scene, book_open(scene->place, &options, &scene->book, &scene->err));
	define(scene, UUID_B, "mail", "one");
	book_close(TAKE(scene->book));
	assert_ok(scene, lock_file_open(path, &fd, &scene->err));
	assert_int_equal(lock_slot_take(fd, MAKING_LOCK, 0, 0, &scene->err), 0);
	assert_ok(scene, book_open(scene->place, &options, &scene->book, &scene->err));
	began = lock_clock_us();
	assert_int_equal(step_apply(scene->book, &step, NULL, &scene->err), DD_BUSY);
	assert_true(lock_clock_us() - began < 10000000);
	assert_non_null(strstr(scene->err.message, path));
	close(fd);
	assert_ok(scene, step_apply(scene->book, &step, NULL, &scene->err));
}

/* ---- deaths ---- */

/* Two wait, asleep so that the leader finds them whatever it does; it dies; they go on. */
static enum outcome leader_killed_at(struct scene *scene, long calls)
{
	struct step steps[] = {
		{.uuid = UUID_A, .name = "web", .xml = "followed"},
		{.uuid = UUID_B, .name = "mail", .xml = "followed"},
		{.uuid = UUID_C, .name = "news", .xml = "led"},
	};
	CLEANUP(domain_row) struct domain_row row = {0};
	enum outcome outcome;
	pid_t pids[3];
	int turn, led;

	snprintf(scene->place, sizeof scene->place, "%.4000s/book%ld", scene->folder, calls);
	scene_open(scene);
	turn = turn_hold(scene);
	pids[0] = change_apart(scene, &steps[0], false);
	pids[1] = change_apart(scene, &steps[1], false);
	rest(30);
	kill(pids[0], SIGSTOP);
	kill(pids[1], SIGSTOP);
	turn_release(turn);
	pids[2] = change_apart(scene, &steps[2], true);
	outcome = kill_at(pids[2], calls);
	kill(pids[0], SIGCONT);
	kill(pids[1], SIGCONT);
	assert_int_equal(told(pids[0]), 0);
	assert_int_equal(told(pids[1]), 0);
	assert_file(scene, UUID_A, 0, "domain.xml", "followed");
	assert_file(scene, UUID_B, 0, "domain.xml", "followed");
	led = book_find(scene->book, "news", &row, NULL) == 0;
	if (outcome == ENDED)
		assert_true(led);
	assert_chain(scene, 2 + led);
	book_close(TAKE(scene->book));
	return outcome;
}

static void store_group__every_step_of_a_leader_may_be_its_last(void **state)
{
	struct scene *scene = *state;
	enum outcome outcome = KILLED;
	long step = setting("DOMESDAY_KILL_STEP", 11);

	book_close(TAKE(scene->book));
	for (long calls = setting("DOMESDAY_SEED", 1086) % step; outcome == KILLED; calls += step)
		outcome = leader_killed_at(scene, calls);
	if (outcome == UNTRACEABLE)
		skip();
}

struct writer {
	pid_t pid;
	int reports;
	uint32_t acknowledged;
	uint32_t deaths; /* since then: each may have left a version that nobody was told of */
};

/* Changes one domain for ever, and says of each version that it is there. */
static void write_for_ever(struct scene *scene, int number, int reports)
{
	struct book_options options = {.host_name = "alpha", .wait_ms = 20000};
	struct book *book = NULL;
	char uuid[UUID_SIZE], name[16], xml[32];
	struct step step = {.uuid = uuid, .name = name, .xml = xml};

	uuid_of(number, uuid);
	snprintf(name, sizeof name, "d%d", number);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (book_open(scene->place, &options, &book, &scene->err))
		_exit(1);
	for (;;) {
		CLEANUP(domain_row) struct domain_row row = {0};
		CLEANUP(job_lock) struct job_lock *lock = NULL;

		/* who has it need not fear what the one who died here before had asked for */
		if (job_lock_take(book, uuid, "write", 20000, &lock, &scene->err))
			_exit(4);
		step.base = book_find(book, uuid, &row, NULL) ? 0 : row.version;
		snprintf(xml, sizeof xml, "%d %u", number, step.base + 1);
		if (step_apply(book, &step, &step.base, &scene->err)) {
			fprintf(stderr, "# %s\n", scene->err.message);
			_exit(2);
		}
		if (write(reports, &step.base, sizeof step.base) != sizeof step.base)
			_exit(3);
	}
}

static void writer_begin(struct scene *scene, struct writer *writer, int number)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	FORK(writer->pid, write_for_ever(scene, number, ends[1]));
	close(ends[1]);
	writer->reports = ends[0];
}

static void writer_told(struct writer *writer, uint32_t version)
{
	writer->acknowledged = version;
	writer->deaths = 0;
}

static void writer_kill(struct writer *writer)
{
	uint32_t version;
	int status;

	kill(writer->pid, SIGKILL);
	assert_int_equal(waitpid(writer->pid, &status, 0), writer->pid);
	/* none ends by itself unless something went wrong */
	assert_true(WIFSIGNALED(status));
	while (read(writer->reports, &version, sizeof version) == sizeof version)
		writer_told(writer, version);
	writer->deaths++;
	close(writer->reports);
}

/* Each goes on, whoever died: a version more within a few seconds. */
static void assert_alive(struct writer *writer)
{
	struct pollfd poll_for = {.fd = writer->reports, .events = POLLIN};
	uint32_t version;

	assert_int_equal(poll(&poll_for, 1, 10000), 1);
	assert_int_equal(read(writer->reports, &version, sizeof version), sizeof version);
	writer_told(writer, version);
}

static int64_t versions_check(struct scene *scene, const struct writer *writers)
{
	int64_t sum = 0;

	for (int i = 0; i < TOGETHER; i++) {
		CLEANUP(domain_row) struct domain_row row = {0};
		char uuid[UUID_SIZE], xml[32];

		uuid_of(i, uuid);
		(void)book_find(scene->book, uuid, &row, NULL);
		assert_in_range(row.version, writers[i].acknowledged,
			writers[i].acknowledged + writers[i].deaths);
		for (uint32_t number = 1; number <= row.version; number++) {
			snprintf(xml, sizeof xml, "%d %u", i, number);
			assert_file(scene, uuid, number, "domain.xml", xml);
		}
		sum += row.version;
	}
	return sum;
}

static void store_group__nothing_acknowledged_is_lost_and_nobody_stuck(void **state)
{
	struct scene *scene = *state;
	unsigned seed = (unsigned)setting("DOMESDAY_SEED", 1086);
	long kills = setting("DOMESDAY_KILLS", 60);
	struct writer writers[TOGETHER] = {0};

	for (int i = 0; i < TOGETHER; i++)
		writer_begin(scene, &writers[i], i);
	for (long i = 0; i < kills; i++) {
		int victim = rand_r(&seed) % TOGETHER;

		nanosleep(&(struct timespec){.tv_nsec = rand_r(&seed) % 8000 * 1000}, NULL);
		writer_kill(&writers[victim]);
		writer_begin(scene, &writers[victim], victim);
	}
	for (int i = 0; i < TOGETHER; i++)
		assert_alive(&writers[i]);
	for (int i = 0; i < TOGETHER; i++)
		writer_kill(&writers[i]);
	scene_reopen(scene);
	assert_chain(scene, versions_check(scene, writers));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_group__those_who_wait_share_a_transaction),
		TEST(store_group__who_fails_fails_alone),
		TEST(store_group__what_fits_no_seat_waits_in_line),
		TEST(store_group__who_waits_too_long_is_told_and_changes_nothing),
		cmocka_unit_test_setup_teardown(
			store_group__who_stops_over_the_lock_file_holds_others_for_their_time_only,
			scene_setup, scene_teardown),
		TEST(store_group__every_step_of_a_leader_may_be_its_last),
		TEST(store_group__nothing_acknowledged_is_lost_and_nobody_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
