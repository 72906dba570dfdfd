/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/text.h"

static void base_error__a_message_stays_one_line(void **state)
{
	struct dd_error err = {0};

	(void)state;
	assert_int_equal(error_set(&err, DD_INVALID, "name '%s' is bad", "a\nb"), DD_INVALID);
	assert_string_equal(err.message, "name 'a\\x0ab' is bad");
}

static void base_error__format_leaves_out_what_is_not_known(void **state)
{
	static const struct {
		const char *file;
		int line, column;
		const char *path, *hint, *whole;
	} cases[] = {
		{NULL, 0, 0, NULL, NULL, "broken"},
		{"a.xml", 3, 9, "/domain/name", "fix it",
			"a.xml:3:9: /domain/name: broken (fix it)"},
		{NULL, 7, 0, "/domain", NULL, "line 7: /domain: broken"},
		{"a.xml", 0, 0, NULL, NULL, "a.xml: broken"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct dd_error err = {0};
		char line[256];

		error_set(&err, DD_INVALID, "broken");
		error_place(&err, cases[i].file, cases[i].line, cases[i].column, cases[i].path);
		if (cases[i].hint)
			error_hint(&err, "%s", cases[i].hint);
		size_t length = dd_error_format(&err, line, sizeof line);
		assert_string_equal(line, cases[i].whole);
		assert_int_equal(length, strlen(line));
	}
}

static void base_error__wrap_adds_context_and_keeps_the_rest(void **state)
{
	struct dd_error err = {0};

	(void)state;
	error_errno(&err, ENOENT, "cannot open %s", "/x");
	error_hint(&err, "make it");
	assert_int_equal(error_wrap(&err, "domain %s", "web"), DD_SYSTEM);
	assert_string_equal(err.message, "domain web: cannot open /x: No such file or directory");
	assert_string_equal(err.hint, "make it");
}

static void base_text__grows_and_hands_over(void **state)
{
	struct text text = TEXT_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++)
		text_printf(&text, "%d,", i % 10);
	assert_int_equal(text.size, 2000);
	char *taken = text_take(&text);
	assert_memory_equal(taken, "0,1,2,", 6);
	assert_int_equal(text.size, 0);
	assert_string_equal(text_string(&text), "");
	free(taken);
}

static void base_text__a_failure_is_remembered(void **state)
{
	struct text text = TEXT_INIT;

	(void)state;
	text_puts(&text, "kept");
	text_add(&text, "x", SIZE_MAX / 2);
	text_puts(&text, "lost");
	assert_true(text_failed(&text));
	assert_null(text_take(&text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_error__a_message_stays_one_line),
		cmocka_unit_test(base_error__format_leaves_out_what_is_not_known),
		cmocka_unit_test(base_error__wrap_adds_context_and_keeps_the_rest),
		cmocka_unit_test(base_text__grows_and_hands_over),
		cmocka_unit_test(base_text__a_failure_is_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
