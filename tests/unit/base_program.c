/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the operator's: what they are given, and what they cannot do to who asks. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/program.h"

static int ask(const char *script, const char *input, struct program_end *end, struct dd_error *err)
{
	static const char *const environment[] = {"ONLY=this", NULL};
	const char *const argv[] = {"/bin/sh", "-c", script, "name", "one two", NULL};
	const struct program program = {
		.argv = argv,
		.environment = environment,
		.input = input,
		.output_max = 64,
		.errors_max = 16,
		.seconds = 2,
		.what = "the program",
	};

	return program_run(&program, end, err);
}

static void base_program__is_given_its_input_and_nothing_else(void **state)
{
	CLEANUP(program_end) struct program_end end = PROGRAM_END_INIT;
	struct dd_error err = {0};

	(void)state;
	setenv("OURS", "secret", 1);
	assert_int_equal(
		ask("cat; echo \"$1,$ONLY,$OURS.\"; echo oops >&2; exit 3", "in\n", &end, &err), 0);
	assert_string_equal(text_string(&end.output), "in\none two,this,.\n");
	assert_string_equal(text_string(&end.errors), "oops\n");
	assert_true(WIFEXITED(end.status));
	assert_int_equal(WEXITSTATUS(end.status), 3);
	assert_false(end.cut);
}

static void base_program__need_not_read(void **state)
{
	CLEANUP(program_end) struct program_end end = PROGRAM_END_INIT;
	CLEANUP(text) struct text much = TEXT_INIT;
	struct dd_error err = {0};

	(void)state;
	while (much.size < 1 << 20)
		text_puts(&much, "line\n");
	assert_int_equal(ask("true", text_string(&much), &end, &err), 0);
	assert_int_equal(end.output.size, 0);
}

static void base_program__says_no_more_than_is_kept(void **state)
{
	CLEANUP(program_end) struct program_end end = PROGRAM_END_INIT;
	struct dd_error err = {0};

	(void)state;
	assert_int_equal(
		ask("head -c 300000 /dev/zero | tr '\\0' a | tee /dev/stderr", NULL, &end, &err),
		0);
	assert_int_equal(end.output.size, 64);
	assert_int_equal(end.errors.size, 16);
	assert_true(end.cut);
}

static void base_program__is_not_waited_for_without_end(void **state)
{
	static const char *const scripts[] = {"exec sleep 60", "sleep 60 & wait", "yes",
		"exec >&- 2>&-; sleep 60", "trap '' TERM; while :; do sleep 1; done"};
	(void)state;
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		CLEANUP(program_end) struct program_end end = PROGRAM_END_INIT;
		struct dd_error err = {0};
		time_t began = time(NULL);

		assert_int_equal(ask(scripts[i], NULL, &end, &err), DD_REFUSED);
		assert_non_null(strstr(err.message, "gave no answer in 2 s"));
		assert_true(time(NULL) - began < 10);
	}
}

/* It is not blamed for what it did not do. */
static void base_program__that_has_ended_says_what_keeps_its_output(void **state)
{
	CLEANUP(program_end) struct program_end end = PROGRAM_END_INIT;
	struct dd_error err = {0};

	(void)state;
	assert_int_equal(ask("sleep 60 & echo answer", NULL, &end, &err), DD_REFUSED);
	assert_non_null(strstr(err.message, "has ended, but what it has started"));
	assert_non_null(strstr(err.hint, "output elsewhere"));
}

/* Also what it has left behind when it ended well. */
static void base_program__leaves_nothing_behind(void **state)
{
	CLEANUP(program_end) struct program_end end = PROGRAM_END_INIT;
	struct dd_error err = {0};
	pid_t left;

	(void)state;
	assert_int_equal(ask("sleep 60 >/dev/null 2>&1 & echo $!", NULL, &end, &err), 0);
	left = (pid_t)strtol(text_string(&end.output), NULL, 10);
	assert_true(left > 1);
	for (int i = 0; i < 100 && kill(left, 0) == 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	assert_int_not_equal(kill(left, 0), 0);
}

static void base_program__has_to_be_there(void **state)
{
	static const char *const argv[] = {"/nowhere/at/all", NULL};
	const struct program program = {.argv = argv, .seconds = 1, .what = "the program"};
	CLEANUP(program_end) struct program_end end = PROGRAM_END_INIT;
	struct dd_error err = {0};

	(void)state;
	assert_int_equal(program_run(&program, &end, &err), DD_SYSTEM);
	assert_non_null(strstr(err.message, "cannot run the program /nowhere/at/all"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_program__is_given_its_input_and_nothing_else),
		cmocka_unit_test(base_program__need_not_read),
		cmocka_unit_test(base_program__says_no_more_than_is_kept),
		cmocka_unit_test(base_program__is_not_waited_for_without_end),
		cmocka_unit_test(base_program__that_has_ended_says_what_keeps_its_output),
		cmocka_unit_test(base_program__leaves_nothing_behind),
		cmocka_unit_test(base_program__has_to_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
