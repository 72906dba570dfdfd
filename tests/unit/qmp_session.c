/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char greeting[] =
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, "
	"\"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n";
static const char negotiated[] = "{\"return\": {}, \"id\": 0}\r\n";

static int feed(struct session *session, const char *text, struct text *output)
{
	return session_feed(session, text, strlen(text), output, NULL);
}

static struct session *ready(struct text *output)
{
	struct session *session = session_new();

	assert_non_null(session);
	assert_int_equal(feed(session, greeting, output), 0);
	assert_int_equal(feed(session, negotiated, output), 0);
	assert_int_equal(session_phase(session), SESSION_READY);
	text_clear(output);
	return session;
}

static void session_feed__negotiates_byte_by_byte(void **state)
{
	CLEANUP(session) struct session *session = session_new();
	CLEANUP(text) struct text output = TEXT_INIT;

	(void)state;
	for (const char *at = greeting; *at; at++) {
		assert_int_equal(session_phase(session), SESSION_GREETING);
		assert_int_equal(session_feed(session, at, 1, &output, NULL), 0);
	}
	assert_int_equal(session_phase(session), SESSION_NEGOTIATING);
	assert_string_equal(
		text_string(&output), "{\"execute\":\"qmp_capabilities\",\"id\":0}\r\n");
	for (const char *at = negotiated; *at; at++)
		assert_int_equal(session_feed(session, at, 1, &output, NULL), 0);
	assert_int_equal(session_phase(session), SESSION_READY);
}

static void session_command__gets_its_own_answer(void **state)
{
	CLEANUP(text) struct text output = TEXT_INIT;
	CLEANUP(session) struct session *session = ready(&output);
	CLEANUP(json) struct json *args = json_object();
	CLEANUP(json) struct json *value = NULL;

	(void)state;
	json_put_string(args, "path", "/a,b");
	assert_int_equal(session_command(session, "qom-list", args, &output, NULL), 0);
	assert_string_equal(text_string(&output),
		"{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"/a,b\"},\"id\":1}\r\n");
	assert_int_equal(session_take_answer(session, &value), SESSION_PENDING);
	assert_int_equal(feed(session,
				 "{\"event\":\"STOP\",\"timestamp\":{}}\r\n"
				 "{\"return\":[1,2],\"id\":1}\r\n",
				 &output),
		0);
	assert_int_equal(session_take_answer(session, &value), SESSION_RETURN);
	assert_int_equal(json_count(value), 2);
	json_free(TAKE(value));
	assert_int_equal(session_take_answer(session, &value), SESSION_PENDING);

	CLEANUP(json) struct json *event = session_take_event(session);

	assert_string_equal(json_get_string(event, "event"), "STOP");
	assert_null(session_take_event(session));
}

static void session_command__tells_a_refusal(void **state)
{
	CLEANUP(text) struct text output = TEXT_INIT;
	CLEANUP(session) struct session *session = ready(&output);
	CLEANUP(json) struct json *value = NULL;

	(void)state;
	assert_int_equal(session_command(session, "quit", NULL, &output, NULL), 0);
	assert_int_equal(feed(session,
				 "{\"id\":1,\"error\":{\"class\":\"GenericError\","
				 "\"desc\":\"no\"}}\n",
				 &output),
		0);
	assert_int_equal(session_take_answer(session, &value), SESSION_ERROR);
	assert_string_equal(json_get_string(value, "desc"), "no");
}

static void session_feed__drops_an_answer_that_was_given_up(void **state)
{
	CLEANUP(text) struct text output = TEXT_INIT;
	CLEANUP(session) struct session *session = ready(&output);
	CLEANUP(json) struct json *value = NULL;

	(void)state;
	assert_int_equal(session_command(session, "first", NULL, &output, NULL), 0);
	assert_int_equal(session_command(session, "second", NULL, &output, NULL), 0);
	assert_int_equal(feed(session, "{\"return\":\"old\",\"id\":1}\n", &output), 0);
	assert_int_equal(session_take_answer(session, &value), SESSION_PENDING);
	assert_int_equal(feed(session, "{\"return\":\"new\",\"id\":2}\n", &output), 0);
	assert_int_equal(session_take_answer(session, &value), SESSION_RETURN);
	assert_string_equal(json_as_string(value), "new");
}

static void session_feed__breaks_on_what_is_not_qmp(void **state)
{
	static const char *const cases[] = {
		"hello\n",
		"[]\n",
		"{}\n",
		"null\n",
		"{\"return\":{}}\n",
		"{\"return\":{},\"id\":7}\n",
		"{\"return\":{},\"id\":-1}\n",
		"{\"return\":{},\"id\":\"1\"}\n",
		"{\"error\":{\"class\":\"GenericError\",\"desc\":\"JSON parse error\"}}\n",
		"{\"event\":7}\n",
		"{\"return\":{},\"id\":0}x\n",
		"\xff\xff\n",
		"{\"event\":\"A\\u0000B\"}\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(text) struct text output = TEXT_INIT;
		CLEANUP(session) struct session *session = ready(&output);
		struct dd_error err = {.code = 0};

		if (session_feed(session, cases[i], strlen(cases[i]), &output, &err) !=
			DD_HYPERVISOR)
			fail_msg("'%s' was taken", cases[i]);
		assert_int_equal(err.code, DD_HYPERVISOR);
		assert_int_equal(session_phase(session), SESSION_BROKEN);
		assert_int_equal(feed(session, "\n", &output), DD_HYPERVISOR);
		assert_int_equal(
			session_command(session, "quit", NULL, &output, NULL), DD_HYPERVISOR);
	}
}

static void session_feed__refuses_a_greeting_of_another_protocol(void **state)
{
	static const char *const cases[] = {
		"{\"return\":{},\"id\":0}\n",
		"{\"event\":\"STOP\"}\n",
		"220 mail.example.com ESMTP\r\n",
		"{\"QMP\":{}}\n",
		"{\"QMP\":7}\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(text) struct text output = TEXT_INIT;
		CLEANUP(session) struct session *session = session_new();

		assert_int_equal(feed(session, cases[i], &output), DD_HYPERVISOR);
		assert_int_equal(output.size, 0);
	}
}

static void session_feed__bounds_a_message_without_end(void **state)
{
	CLEANUP(text) struct text output = TEXT_INIT;
	CLEANUP(session) struct session *session = ready(&output);
	static char block[1 << 20];
	int code = 0;
	size_t fed = 0;

	(void)state;
	memset(block, '[', sizeof block);
	while (!code && fed <= SESSION_LINE_MAX) {
		code = session_feed(session, block, sizeof block, &output, NULL);
		fed += sizeof block;
	}
	assert_int_equal(code, DD_HYPERVISOR);
}

static void session_take_event__keeps_the_newest(void **state)
{
	CLEANUP(text) struct text output = TEXT_INIT;
	CLEANUP(session) struct session *session = ready(&output);
	size_t count = 0;
	int64_t last = -1;

	(void)state;
	for (int i = 0; i < SESSION_EVENT_MAX + 10; i++) {
		CLEANUP(text) struct text line = TEXT_INIT;

		text_printf(&line, "{\"event\":\"E\",\"data\":{\"n\":%d}}\r\n", i);
		assert_int_equal(feed(session, text_string(&line), &output), 0);
	}
	for (struct json *event; (event = session_take_event(session)); count++) {
		int64_t number = json_get_number(json_get(event, "data"), "n", -1);

		assert_true(number > last);
		last = number;
		json_free(event);
	}
	assert_int_equal(count, SESSION_EVENT_MAX);
	assert_int_equal(last, SESSION_EVENT_MAX + 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_feed__negotiates_byte_by_byte),
		cmocka_unit_test(session_command__gets_its_own_answer),
		cmocka_unit_test(session_command__tells_a_refusal),
		cmocka_unit_test(session_feed__drops_an_answer_that_was_given_up),
		cmocka_unit_test(session_feed__breaks_on_what_is_not_qmp),
		cmocka_unit_test(session_feed__refuses_a_greeting_of_another_protocol),
		cmocka_unit_test(session_feed__bounds_a_message_without_end),
		cmocka_unit_test(session_take_event__keeps_the_newest),
	};

	return cmocka_run_group_tests_name("qmp_session", tests, NULL, NULL);
}
