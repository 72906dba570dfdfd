/* SPDX-License-Identifier: Apache-2.0 */

/* Who writes to an image, in our eyes and in QEMU's. */
#include "qmp/image_lock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char folder[512];
static char path[sizeof folder + 16];

static int setup(void **state)
{
	const char *temporary = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof folder, "%s/domesday-lock-%d", temporary ? temporary : "/tmp",
		(int)getpid());
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(path, sizeof path, "%s/disk.img", folder);
	assert_int_equal(file_place(path, 0600, "0123456789", 10, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

static bool written(void)
{
	bool found = false;

	assert_int_equal(image_written(path, &found, NULL), 0);
	return found;
}

/* Does qemu-io do so, with that option? */
static bool can(const char *options, const char *command)
{
	const char *const argv[] = {"qemu-io", options, "-f", "raw", "-c", command, path, NULL};
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(nowhere, 1);
		dup2(nowhere, 2);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void one_that_is_held__is_written_until_it_is_let_go(void **state)
{
	int fd = -1;

	(void)state;
	assert_false(written());
	assert_int_equal(image_hold(path, &fd, NULL), 0);
	assert_true(written());
	close(fd);
	assert_false(written());
}

static void one_that_is_held__is_nobody_else_s(void **state)
{
	struct dd_error err = {0};
	int fd = -1, other = -1;

	(void)state;
	assert_int_equal(image_hold(path, &fd, NULL), 0);
	assert_int_equal(image_hold(path, &other, &err), DD_BUSY);
	assert_int_equal(other, -1);
	assert_non_null(strstr(err.message, path));
	close(fd);
	assert_int_equal(image_hold(path, &other, NULL), 0);
	close(other);
}

static void one_that_is_held__qemu_does_not_write(void **state)
{
	int fd = -1;

	(void)state;
	assert_true(can("-tunsafe", "write 0 512"));
	assert_int_equal(image_hold(path, &fd, NULL), 0);
	assert_false(can("-tunsafe", "write 0 512"));
	assert_true(can("-Ur", "read 0 512"));
	close(fd);
	assert_true(can("-tunsafe", "write 0 512"));
}

static void what_has_no_such_locks__is_not_held(void **state)
{
	bool found;
	int fd = -1;

	(void)state;
	assert_int_equal(image_hold(folder, &fd, NULL), DD_REFUSED);
	assert_int_equal(image_hold("/nowhere/disk.img", &fd, NULL), DD_SYSTEM);
	assert_int_equal(image_written("/nowhere/disk.img", &found, NULL), DD_SYSTEM);
	assert_int_equal(fd, -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_is_held__is_written_until_it_is_let_go),
		TEST(one_that_is_held__is_nobody_else_s),
		TEST(one_that_is_held__qemu_does_not_write),
		TEST(what_has_no_such_locks__is_not_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
