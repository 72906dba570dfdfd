/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/process.h"

#include "base/file.h"
#include "qmp/socket.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static char folder[64];

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof folder, "%s/domesday-proc-XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static int teardown(void **state)
{
	(void)state;
	process_signal(folder, SIGKILL, NULL);
	process_await_exit(folder, 5000, NULL);
	unlink(in_folder("qemu.lock"));
	unlink(in_folder("qemu.log"));
	unlink(in_folder("sock"));
	return rmdir(folder);
}

static int run(const char *const *argv, const int *keep, size_t count, struct dd_error *err)
{
	CLEANUP(close) int lock = -1;
	CLEANUP(close) int log = -1;
	int code = process_lock(folder, &lock, err);

	if (!code)
		code = process_log(folder, &log, err);
	if (code)
		return code;

	const struct spawn spawn = {.argv = (char *const *)(uintptr_t)argv,
		.log = log,
		.keep = keep,
		.keep_count = count,
		.lock = lock};

	return process_spawn(&spawn, err);
}

static const char *const sleeper[] = {"/bin/sleep", "60", NULL};

static void process_alive__is_true_as_long_as_the_program_runs(void **state)
{
	struct dd_error err = {.code = 0};
	pid_t pid = 0;

	(void)state;
	assert_false(process_alive(folder, NULL));
	assert_int_equal(run(sleeper, NULL, 0, &err), 0);
	assert_true(process_alive(folder, &pid));
	assert_true(pid > 1 && pid != getpid());
	assert_int_equal(run(sleeper, NULL, 0, &err), DD_EXISTS);
	assert_int_equal(process_await_exit(folder, 20, &err), DD_BUSY);
	assert_int_equal(process_signal(folder, SIGTERM, &err), 0);
	assert_int_equal(process_await_exit(folder, 5000, &err), 0);
	assert_false(process_alive(folder, NULL));
	assert_int_equal(process_signal(folder, SIGTERM, &err), DD_NOT_FOUND);
	assert_int_equal(run(sleeper, NULL, 0, &err), 0);
}

static void process_spawn__makes_no_child_of_ours(void **state)
{
	(void)state;
	assert_int_equal(run(sleeper, NULL, 0, NULL), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void process_spawn__says_what_cannot_be_run(void **state)
{
	static const char *const missing[] = {"/no/such/program", NULL};
	static const char *const no_program[] = {"/etc/passwd", NULL};
	struct dd_error err = {.code = 0};

	(void)state;
	assert_int_equal(run(missing, NULL, 0, &err), DD_NOT_FOUND);
	assert_non_null(strstr(err.message, "/no/such/program"));
	assert_false(process_alive(folder, NULL));
	assert_int_equal(run(no_program, NULL, 0, &err), DD_HYPERVISOR);
	assert_false(process_alive(folder, NULL));
}

static void process_spawn__hands_on_only_what_it_is_told_to(void **state)
{
	static const char *const list[] = {"/bin/ls", "/proc/self/fd", NULL};
	CLEANUP(close) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP(close) int leak = fcntl(null, F_DUPFD, 100);
	CLEANUP(close) int keep = fcntl(null, F_DUPFD_CLOEXEC, 200);
	CLEANUP(text) struct text log = TEXT_INIT;
	char line[32];

	(void)state;
	assert_true(leak >= 0 && keep >= 0);
	assert_int_equal(run(list, &keep, 1, NULL), 0);
	assert_int_equal(process_await_exit(folder, 5000, NULL), 0);
	assert_int_equal(file_read(in_folder("qemu.log"), 1 << 16, &log, NULL), 0);
	snprintf(line, sizeof line, "\n%d\n", keep);
	assert_non_null(strstr(text_string(&log), line));
	snprintf(line, sizeof line, "\n%d\n", leak);
	assert_null(strstr(text_string(&log), line));
}

static void process_spawn__ends_a_bound_program_with_its_starter(void **state)
{
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);

	pid_t starter = fork();

	if (starter == 0) {
		pid_t pid;
		const struct spawn spawn = {.argv = (char *const *)(uintptr_t)sleeper,
			.log = 2,
			.keep = &ends[1],
			.keep_count = 1,
			.lock = -1,
			.pid = &pid};

		_exit(process_spawn(&spawn, NULL) ? 1 : 0);
	}
	close(ends[1]);
	waitpid(starter, NULL, 0);
	/* the end of the pipe is told when the last one who has it open has gone */
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

static void process_signal__never_believes_a_stale_pid(void **state)
{
	struct dd_error err = {.code = 0};
	pid_t pid = -1;
	char line[64];

	(void)state;

	pid_t bystander = fork();

	if (bystander == 0) {
		execl("/bin/sleep", "sleep", "60", (char *)NULL);
		_exit(127);
	}
	/* somebody is about to start, and the line is of one that died long ago */
	CLEANUP(close) int lock = -1;

	assert_int_equal(process_lock(folder, &lock, &err), 0);
	snprintf(line, sizeof line, "%d 3\n", (int)bystander);
	assert_int_equal(write(lock, line, strlen(line)), (ssize_t)strlen(line));
	assert_true(process_alive(folder, &pid));
	assert_int_equal(pid, 0);
	assert_int_equal(process_signal(folder, SIGKILL, &err), DD_BUSY);
	assert_int_equal(waitpid(bystander, NULL, WNOHANG), 0);
	kill(bystander, SIGKILL);
	waitpid(bystander, NULL, 0);
}

static void process_alive__is_false_for_a_lock_file_left_behind(void **state)
{
	static const char *const lines[] = {
		"", "1 3\n", "garbage", "-1 -1", "99999999999999999999 3"};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		assert_int_equal(file_replace(in_folder("qemu.lock"), 0600, lines[i],
					 strlen(lines[i]), NULL),
			0);
		assert_false(process_alive(folder, NULL));
		assert_int_equal(process_signal(folder, SIGKILL, NULL), DD_NOT_FOUND);
	}
}

static void process_log__keeps_the_end_of_a_long_one(void **state)
{
	CLEANUP(text) struct text log = TEXT_INIT;
	CLEANUP(text) struct text cut = TEXT_INIT;
	CLEANUP(close) int fd = -1;

	(void)state;
	while (log.size <= PROCESS_LOG_MAX)
		text_puts(&log, "line of a log\n");
	text_puts(&log, "the end\n");
	assert_int_equal(file_replace(in_folder("qemu.log"), 0600, log.data, log.size, NULL), 0);
	assert_int_equal(process_log(folder, &fd, NULL), 0);
	assert_int_equal(file_read(in_folder("qemu.log"), PROCESS_LOG_MAX, &cut, NULL), 0);
	assert_true(cut.size < PROCESS_LOG_MAX / 2);
	assert_string_equal(text_string(&cut) + cut.size - 8, "the end\n");
}

static void socket_connect__tells_nobody_from_too_many(void **state)
{
	CLEANUP(close) int listener = -1;
	int taken[32];
	size_t count = 0;
	int code = 0;
	int fd = -1;

	(void)state;
	assert_int_equal(socket_connect(in_folder("sock"), &fd, NULL), DD_NOT_FOUND);
	assert_int_equal(socket_listen(in_folder("sock"), &listener, NULL), 0);
	while (!code && count < 32) {
		code = socket_connect(in_folder("sock"), &taken[count], NULL);
		count += !code;
	}
	assert_int_equal(code, DD_BUSY);
	while (count--)
		close(taken[count]);
	close(listener);
	listener = -1;
	assert_int_equal(socket_connect(in_folder("sock"), &fd, NULL), DD_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(process_alive__is_true_as_long_as_the_program_runs),
		TEST(process_alive__is_false_for_a_lock_file_left_behind),
		TEST(process_spawn__makes_no_child_of_ours),
		TEST(process_spawn__says_what_cannot_be_run),
		TEST(process_spawn__hands_on_only_what_it_is_told_to),
		TEST(process_spawn__ends_a_bound_program_with_its_starter),
		TEST(process_signal__never_believes_a_stale_pid),
		TEST(process_log__keeps_the_end_of_a_long_one),
		TEST(socket_connect__tells_nobody_from_too_many),
	};

	return cmocka_run_group_tests_name("qmp_process", tests, NULL, NULL);
}
