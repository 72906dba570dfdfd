/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qmp_monitor__last_words_are_what_qemu_said_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
