/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_LINE 9000 /* a command line of many devices */

static char long_start[LONG_LINE + 64];

static void make_long_start(void)
{
	int length = snprintf(long_start, sizeof long_start, "--- 2026-01-01T00:00:00Z starting ");

	memset(long_start + length, 'x', LONG_LINE);
	long_start[length + LONG_LINE] = '\n';
}

static void write_log(int log, const char *first, const char *second)
{
	assert_int_equal(ftruncate(log, 0), 0);
	assert_int_equal(pwrite(log, first, strlen(first), 0), strlen(first));
	assert_int_equal(pwrite(log, second, strlen(second), (off_t)strlen(first)), strlen(second));
}

static void qmp_monitor__last_words_are_what_qemu_said_and_nothing_else(void **state)
{
	static const struct {
		const char *said;
		const char *message;
	} cases[] = {
		{"", "it has ended"},
		{"bad luck\n", "it has ended; QEMU's last words: bad luck"},
		{"first\n2026-01-01 qemu-system-x86_64: no such disk\n",
			"it has ended; QEMU's last words: first; no such disk"},
		{"one\ntwo\n2026-01-01 qemu-system-x86_64: warning: odd\nthree\nfour\n",
			"it has ended; QEMU's last words: two; three; four"},
	};
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	make_long_start();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct dd_error err = {.code = 0};

		write_log(fileno(file), long_start, cases[i].said);
		error_set(&err, DD_HYPERVISOR, "it has ended");
		log_explain(fileno(file), &err);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(err.code, DD_HYPERVISOR);
	}
	fclose(file);
}

static void says(int qemu, const char *line)
{
	assert_int_equal(write(qemu, line, strlen(line)), strlen(line));
}

static void qmp_monitor__a_late_answer_is_nobodys(void **state)
{
	CLEANUP(monitor) struct monitor *monitor = NULL;
	CLEANUP(json) struct json *reply = NULL;
	struct dd_error err = {.code = 0};
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	says(ends[1], "{\"QMP\": {\"version\": {}}}\n{\"return\": {}, \"id\": 0}\n");
	assert_int_equal(monitor_new(ends[0], -1, MONITOR_GREETING_MS, &monitor, &err), 0);
	assert_int_equal(monitor_tell(monitor, "migrate-continue", NULL, 20, &err), 0);
	says(ends[1], "{\"return\": {\"of\": 1}, \"id\": 1}\n");
	says(ends[1], "{\"return\": {\"of\": 2}, \"id\": 2}\n");
	assert_int_equal(monitor_call(monitor, "query-status", NULL, &reply, &err), 0);
	assert_int_equal(json_get_number(reply, "of", 0), 2);
	says(ends[1],
		"{\"error\": {\"class\": \"GenericError\", \"desc\": \"not now\"}, \"id\": 3}\n");
	assert_int_equal(monitor_tell(monitor, "migrate-continue", NULL, 20, &err), DD_HYPERVISOR);
	assert_non_null(strstr(err.message, "not now"));
	close(ends[1]);
	assert_int_equal(monitor_tell(monitor, "migrate-continue", NULL, 20, &err), DD_HYPERVISOR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qmp_monitor__last_words_are_what_qemu_said_and_nothing_else),
		cmocka_unit_test(qmp_monitor__a_late_answer_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
