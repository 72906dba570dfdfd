/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a process is believed to be, and what may stand in a record as its reason. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "domain/caller.h"
#include "domain/reason.h"

static void caller__the_kernel_is_believed_before_a_variable(void **state)
{
	static const struct {
		uint32_t acting;
		const char *login, *sudo;
		uint32_t uid;
		const char *known_by;
	} rows[] = {
		{0, "1000\n", "2000", 1000, "login"},
		{0, "1000", NULL, 1000, "login"},
		{1001, "1000", NULL, 1000, "login"}, /* through su */
		{0, "0", "1000", 0, "login"},        /* root logged in */
		{0, "4294967295\n", "1000", 1000, "sudo"},
		{0, NULL, "1000", 1000, "sudo"},
		{0, NULL, "0", 0, "sudo"},
		{0, NULL, NULL, 0, "process"},
		/* a variable of somebody who is not root says nothing */
		{1001, NULL, "1000", 1001, "process"},
		{1001, "4294967295", "0", 1001, "process"},
		/* and neither does what is no number */
		{0, NULL, "", 0, "process"},
		{0, NULL, "ada", 0, "process"},
		{0, NULL, "10 00", 0, "process"},
		{0, NULL, " 1000", 0, "process"},
		{0, NULL, "+1000", 0, "process"},
		{0, NULL, "-1", 0, "process"},
		{0, NULL, "0x10", 0, "process"},
		{0, NULL, "4294967295", 0, "process"},
		{0, NULL, "4294967296", 0, "process"},
		{0, NULL, "18446744073709551617", 0, "process"},
		{0, NULL, "1000\nActing-Uid: 7", 0, "process"},
		{0, "1000\n2000\n", "3000", 3000, "sudo"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct caller caller = caller_decide(rows[i].acting, rows[i].login, rows[i].sudo,
			i % 2 ? "         0          0 4294967295\n" : NULL);

		if (caller.uid != rows[i].uid || strcmp(caller.known_by, rows[i].known_by) != 0)
			fail_msg("row %zu: %u by %s", i, caller.uid, caller.known_by);
		assert_int_equal(caller.acting, rows[i].acting);
	}
}

/* Whoever made the namespace chose what its users are called. */
static void caller__in_a_namespace_is_who_it_is_outside(void **state)
{
	static const char several[] = "         0       1234          1\n"
				      "         1     100000      65536\n";
	static const struct {
		uint32_t acting;
		const char *login, *map;
		uint32_t uid, outside;
	} rows[] = {
		{0, NULL, "0 1234 1\n", 1234, 1234},
		{0, "4294967295", "0 1234 1\n", 1234, 1234},
		{0, "0", several, 1234, 1234},
		{1, "0", several, 1234, 100000},
		{65536, NULL, several, 165535, 165535},
		{65537, NULL, several, 65537, 65537},
		{65534, NULL, "", 65534, 65534},
		{0, NULL, "0 0 1\n", 0, 0},
		{7, NULL, "0 1 4294967294\n", 8, 8},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct caller caller =
			caller_decide(rows[i].acting, rows[i].login, "77", rows[i].map);

		if (caller.uid != rows[i].uid || caller.acting != rows[i].outside)
			fail_msg("row %zu: %u, acting %u", i, caller.uid, caller.acting);
		assert_string_equal(caller.known_by, "namespace");
	}
}

static void caller__a_user_without_a_name_is_a_number(void **state)
{
	char *name = NULL;

	(void)state;
	assert_int_equal(caller_name(3999999999u, &name, NULL), 0);
	assert_string_equal(name, "uid-3999999999");
	free(name);
	assert_int_equal(caller_name(0, &name, NULL), 0);
	assert_string_equal(name, "root");
	free(name);
}

static void reason__is_one_line_that_means_itself(void **state)
{
	static const char *const good[] = {"ticket 4711", "größer, für die Ärztin \xe2\x98\x83",
		"Operation: define", "a-b --- c", "\xf0\x9f\x98\x80"};
	static const struct {
		const char *reason, *says;
	} bad[] = {
		{"", "empty"},
		{"  \t ", "empty"},
		{"\xc2\xa0", "empty"},                  /* a space that does not part words */
		{"\xe2\x80\x8b \xe3\x80\x80", "empty"}, /* of no width, and of a wide one */
		{"one\ntwo", "more than one line"},
		{"one\r\nDomain: x", "more than one line"},
		{"a\tb", "U+0009"},
		{"bell\a", "U+0007"},
		{"\x1b[2J", "U+001B"},
		{"\x7f", "U+007F"},
		{"\xc2\x9b"
		 "31m",
			"U+009B"},          /* a terminal's CSI in one character */
		{"\xc2\x85", "U+0085"},     /* next line */
		{"\xe2\x80\xa8", "U+2028"}, /* line separator */
		{"\xd8\x9c", "U+061C"},     /* a mark of direction */
		{"\xe2\x80\xae"
		 "gpj.exe",
			"U+202E"}, /* right to left */
		{"\xe2\x81\xa6", "U+2066"},
		{"\xff", "UTF-8"},
		{"\xc3", "UTF-8"},
		{"\xc0\x8a", "UTF-8"}, /* a newline in two bytes */
		{"\xe0\x80\x8a", "UTF-8"},
		{"\xf5\x80\x80\x80", "UTF-8"},
		{"--- a/x", "'---'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_int_equal(reason_check(good[i], NULL), 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct dd_error err = {.code = 0};

		if (reason_check(bad[i].reason, &err) != DD_INVALID ||
			!strstr(err.message, bad[i].says))
			fail_msg("row %zu: %s", i, err.message);
	}
}

static void reason__has_a_limit(void **state)
{
	char reason[REASON_LIMIT + 2];

	(void)state;
	memset(reason, 'x', sizeof reason);
	reason[REASON_LIMIT] = '\0';
	assert_int_equal(reason_check(reason, NULL), 0);
	reason[REASON_LIMIT] = 'x';
	reason[REASON_LIMIT + 1] = '\0';
	assert_int_equal(reason_check(reason, NULL), DD_INVALID);
}

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
	(void)status;
	(void)flag;
	(void)walk;
	return remove(path);
}

static int folder_make(void **state)
{
	static char folder[4096];

	snprintf(folder, sizeof folder, "%s/domesday-caller-XXXXXX",
		getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(folder));
	*state = folder;
	return 0;
}

static int folder_remove(void **state)
{
	return nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void caller__names_that_would_forge_a_record_open_nothing(void **state)
{
	static const struct {
		const char *author, *program;
	} rows[] = {
		{"Eve <eve@x>\nOperation: forged", NULL},
		{"", NULL},
		{"\x1b[2J", NULL},
		{"\xe2\x80\xae"
		 "eve",
			NULL},
		{NULL, "nova\nCaller-Uid: 0"},
		{NULL, ""},
		{NULL, "\xff"},
		{NULL, "0123456789012345678901234567890123456789012345678901234567890123456789"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct dd_host_options options = {.book = *state,
			.create = true,
			.author = rows[i].author,
			.program = rows[i].program};
		struct dd_host *host = NULL;

		if (dd_host_open(&options, &host, NULL) != DD_INVALID)
			fail_msg("row %zu", i);
		assert_null(host);
	}
}

static int see_version(const struct dd_version_info *info, void *context)
{
	struct caller mine = caller_find();

	(void)context;
	assert_string_equal(info->author, "root  Operation: forged <eve@example.org>");
	assert_int_equal(info->caller.uid, mine.uid);
	assert_int_equal(info->caller.acting_uid, mine.acting);
	assert_string_equal(info->caller.known_by, mine.known_by);
	assert_string_equal(info->caller.program, "nova-compute");
	assert_string_equal(info->operation, "define");
	assert_string_equal(info->reason, "by the host");
	return 0;
}

/* A program acts for its users, and still is whose it is. */
static void caller__who_names_an_author_does_not_hide_itself(void **state)
{
	static const char definition[] = "<domain type='qemu'><name>a</name><memory>65536</memory>"
					 "<os><type arch='x86_64'>hvm</type></os></domain>";
	struct dd_host_options options = {.book = *state,
		.create = true,
		.host_name = "alpha",
		.author = "root > Operation: forged <eve@example.org>",
		.program = "nova-compute",
		.reason = "by the host"};
	struct dd_host *host = NULL;

	assert_int_equal(dd_host_open(&options, &host, NULL), 0);
	assert_int_equal(
		dd_define(host, definition, strlen(definition), NULL, NULL, NULL, NULL, NULL, NULL),
		0);
	assert_int_equal(dd_log(host, "a", 0, see_version, NULL, NULL), 0);
	dd_host_close(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caller__the_kernel_is_believed_before_a_variable),
		cmocka_unit_test(caller__in_a_namespace_is_who_it_is_outside),
		cmocka_unit_test(caller__a_user_without_a_name_is_a_number),
		cmocka_unit_test(reason__is_one_line_that_means_itself),
		cmocka_unit_test(reason__has_a_limit),
		cmocka_unit_test_setup_teardown(
			caller__names_that_would_forge_a_record_open_nothing, folder_make,
			folder_remove),
		cmocka_unit_test_setup_teardown(caller__who_names_an_author_does_not_hide_itself,
			folder_make, folder_remove),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
