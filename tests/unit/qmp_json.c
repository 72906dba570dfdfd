/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *text, struct json **out, struct dd_error *err)
{
	return json_parse(text, strlen(text), out, err);
}

static void assert_written(const struct json *json, const char *expected)
{
	CLEANUP(text) struct text text = TEXT_INIT;

	assert_int_equal(json_write(json, &text, NULL), 0);
	assert_string_equal(text_string(&text), expected);
}

static void json_parse__writes_back_what_it_read(void **state)
{
	static const char *const cases[] = {
		"{}",
		"[]",
		"null",
		"true",
		"0",
		"-9223372036854775808",
		"18446744073709551615",
		"\"a\\\"b\\\\c\\n\"",
		"{\"b\":1,\"a\":[null,false,{\"x\":\"/a,b c\"}]}",
		"1.5",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(json) struct json *json = NULL;

		assert_int_equal(parse(cases[i], &json, NULL), 0);
		assert_written(json, cases[i]);
	}
}

static void json_parse__takes_white_space_around(void **state)
{
	CLEANUP(json) struct json *json = NULL;

	(void)state;
	assert_int_equal(parse(" \r\n\t{ \"a\" : 1 } \r\n", &json, NULL), 0);
	assert_written(json, "{\"a\":1}");
}

static void json_parse__refuses_what_is_not_json(void **state)
{
	static const char *const cases[] = {
		"",
		"  ",
		"{",
		"[1,2",
		"\"abc",
		"{\"a\":1}x",
		"{} {}",
		"1 2",
		"[1,]",
		"{\"a\":1,}",
		"{'a':1}",
		"{a:1}",
		"nul",
		"NULL",
		"True",
		"[01]",
		"/* comment */ 1",
		"18446744073709551616",
		"-9223372036854775809",
		"\"\\u0000\"",
		"{\"a\":[\"x\\u0000y\"]}",
		"\"\xff\xfe\"",
		"\"\xc0\x80\"",
		"]",
		"NaN",
		"[-Infinity]",
		"-",
		"+1",
		"{\"a\":.5}",
		"\"line\nbreak\"",
		"{\"a\":tru}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json *json = NULL;
		struct dd_error err = {.code = 0};

		if (parse(cases[i], &json, &err) != DD_INVALID)
			fail_msg("'%s' was taken", cases[i]);
		assert_int_equal(err.code, DD_INVALID);
		assert_true(err.message[0]);
		assert_null(json);
	}
}

static void json_parse__refuses_a_nul_byte(void **state)
{
	struct json *json = NULL;

	(void)state;
	assert_int_equal(json_parse("1\0", 2, &json, NULL), DD_INVALID);
	assert_int_equal(json_parse("{\"a\0b\":1}", 9, &json, NULL), DD_INVALID);
	assert_null(json);
}

static char *nested(size_t depth)
{
	char *text = malloc(2 * depth + 1);

	assert_non_null(text);
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	text[2 * depth] = '\0';
	return text;
}

static void json_parse__bounds_the_depth(void **state)
{
	CLEANUP(free) char *good = nested(JSON_DEPTH_MAX - 1);
	CLEANUP(free) char *bad = nested(100000);
	CLEANUP(json) struct json *json = NULL;
	struct json *none = NULL;
	struct dd_error err = {.code = 0};

	(void)state;
	assert_int_equal(parse(good, &json, NULL), 0);
	assert_int_equal(parse(bad, &none, &err), DD_INVALID);
	assert_non_null(strstr(err.message, "deeper"));
	assert_null(none);
}

static void json_get__keeps_large_numbers_exact(void **state)
{
	CLEANUP(json) struct json *json = NULL;

	(void)state;
	assert_int_equal(parse("{\"u\":18446744073709551615,\"i\":-9223372036854775808,"
			       "\"m\":9223372036854775807,\"d\":1.5,\"s\":\"7\"}",
				 &json, NULL),
		0);
	assert_true(json_get_unsigned(json, "u", 1) == UINT64_MAX);
	assert_int_equal(json_get_number(json, "u", 1), 1);
	assert_true(json_get_number(json, "i", 1) == INT64_MIN);
	assert_int_equal(json_get_unsigned(json, "i", 1), 1);
	assert_true(json_get_number(json, "m", 1) == INT64_MAX);
	assert_true(json_get_unsigned(json, "m", 1) == INT64_MAX);
	assert_int_equal(json_get_number(json, "d", 9), 9);
	assert_int_equal(json_get_number(json, "s", 9), 9);
	assert_int_equal(json_get_number(json, "absent", 9), 9);
}

static void json_get__gives_nothing_for_another_kind(void **state)
{
	CLEANUP(json) struct json *json = NULL;

	(void)state;
	assert_int_equal(parse("{\"n\":null,\"a\":[1],\"b\":true}", &json, NULL), 0);
	assert_null(json_get_string(json, "n"));
	assert_null(json_get_string(json, "a"));
	assert_null(json_get(json, "x"));
	assert_null(json_get(json_get(json, "a"), "x"));
	assert_null(json_at(json_get(json, "a"), 1));
	assert_null(json_at(json, 0));
	assert_int_equal(json_count(json), 0);
	assert_int_equal(json_count(json_get(json, "n")), 0);
	assert_int_equal(json_count(NULL), 0);
	assert_true(json_get_bool(json, "b", false));
	assert_true(json_get_bool(json, "a", true));
	assert_null(json_get(NULL, "x"));
}

static void json_build__nests_and_copies(void **state)
{
	CLEANUP(json) struct json *json = json_object();
	struct json *list = json_array();

	(void)state;
	assert_true(json_push(list, json_unsigned(UINT64_MAX)));
	assert_true(json_push(list, json_null()));
	assert_true(json_put_string(json, "path", "/a,b/\"c\""));
	assert_true(json_put_number(json, "n", -1));
	assert_true(json_put_bool(json, "on", true));
	assert_true(json_put(json, "list", list));

	CLEANUP(json) struct json *copy = json_copy(json);

	assert_true(json_put_number(json, "n", 2));
	assert_written(copy, "{\"path\":\"/a,b/\\\"c\\\"\",\"n\":-1,\"on\":true,"
			     "\"list\":[18446744073709551615,null]}");
	assert_int_equal(json_get_number(json, "n", 0), 2);
}

static void json_build__remembers_a_failure(void **state)
{
	CLEANUP(json) struct json *json = json_object();
	struct json *inner = json_object();
	CLEANUP(text) struct text text = TEXT_INIT;

	(void)state;
	assert_false(json_put(inner, "x", NULL));
	assert_true(json_failed(inner));
	assert_false(json_put(json, "inner", inner));
	assert_false(json_put_number(json, "more", 1));
	assert_int_equal(json_write(json, &text, NULL), DD_NO_MEMORY);
	assert_int_equal(text.size, 0);
	assert_false(json_put(NULL, "x", json_number(1)));
	assert_null(json_copy(json));
}

static void json_write_pretty__indents_by_two(void **state)
{
	CLEANUP(json) struct json *json = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;

	(void)state;
	assert_int_equal(parse("{\"a\":[1,2],\"b\":\"/x\"}", &json, NULL), 0);
	assert_int_equal(json_write_pretty(json, &text, NULL), 0);
	assert_string_equal(
		text_string(&text), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": \"/x\"\n}");
}

static int collect(const char *key, const struct json *value, void *context)
{
	text_printf(context, "%s=%lld;", key, (long long)json_as_number(value, -1));
	return strcmp(key, "c") == 0 ? 7 : 0;
}

static void json_each__goes_in_order_and_stops(void **state)
{
	CLEANUP(json) struct json *json = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;

	(void)state;
	assert_int_equal(parse("{\"z\":1,\"b\":null,\"c\":3,\"d\":4}", &json, NULL), 0);
	assert_int_equal(json_each(json, collect, &text), 7);
	assert_string_equal(text_string(&text), "z=1;b=-1;c=3;");
	assert_int_equal(json_each(NULL, collect, &text), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_parse__writes_back_what_it_read),
		cmocka_unit_test(json_parse__takes_white_space_around),
		cmocka_unit_test(json_parse__refuses_what_is_not_json),
		cmocka_unit_test(json_parse__refuses_a_nul_byte),
		cmocka_unit_test(json_parse__bounds_the_depth),
		cmocka_unit_test(json_get__keeps_large_numbers_exact),
		cmocka_unit_test(json_get__gives_nothing_for_another_kind),
		cmocka_unit_test(json_build__nests_and_copies),
		cmocka_unit_test(json_build__remembers_a_failure),
		cmocka_unit_test(json_write_pretty__indents_by_two),
		cmocka_unit_test(json_each__goes_in_order_and_stops),
	};

	return cmocka_run_group_tests_name("qmp_json", tests, NULL, NULL);
}
