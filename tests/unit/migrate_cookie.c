/* SPDX-License-Identifier: Apache-2.0 */
/* What a client carries between two hosts: read as it was written, and nothing else is one. */
#include "migrate/cookie.h"
#include "tests/support/document.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define ID "0123456789abcdef0123456789abcdef"
#define UUID "11111111-2222-4333-8444-00000000000a"
#define TOKEN ID ID
#define REST ",\"copy_storage\":false,\"overwrite_storage\":false,\"unsafe\":false"

static struct json *json_of(const char *text)
{
	struct json *json = NULL;
	struct dd_error err = {0};

	must(json_parse(text, strlen(text), &json, &err), &err);
	return json;
}

static char *cookie_of(enum cookie_phase phase, const char *wishes)
{
	CLEANUP(json) struct json *wished = json_of(wishes);
	CLEANUP(json) struct json *statistics = json_of("{\"sent\":12,\"total_ms\":0}");
	struct dd_error err = {0};
	char *text = NULL;
	const struct cookie cookie = {
		.phase = phase,
		.id = ID,
		.uuid = UUID,
		.from = "alpha",
		.to = "beta",
		.wishes = wished,
		.token = TOKEN,
		.statistics = statistics,
		.state = DESTINATION_RUNNING,
	};

	must(cookie_write(&cookie, &text, &err), &err);
	return text;
}

static const char everything[] =
	"{\"name\":\"b\",\"xml\":\"<domain/>\",\"persistent_xml\":\"<d a='\\u00e9'/>\","
	"\"maps\":[\"bridge:a=b\",\"path:/a/=/b/"
	"\"],\"paused\":true,\"copy_storage\":true,\"overwrite_storage\":false,\"unsafe\":false}";

static void migrate_cookie__what_is_written_is_read(void **state)
{
	(void)state;
	for (int phase = COOKIE_BEGIN; phase <= COOKIE_FINISH; phase++) {
		CLEANUP(free) char *text = cookie_of((enum cookie_phase)phase, everything);
		CLEANUP(json) struct json *wishes = json_of(everything);
		CLEANUP(cookie) struct cookie cookie = {.json = NULL};
		struct dd_error err = {0};

		assert_null(strchr(text, '\n'));
		must(cookie_read(text, &cookie, &err), &err);
		assert_int_equal(cookie.phase, phase);
		assert_string_equal(cookie.id, ID);
		assert_string_equal(cookie.uuid, UUID);
		assert_string_equal(cookie.from, "alpha");
		assert_string_equal(cookie.to, "beta");
		assert_int_equal(json_equal(cookie.wishes, wishes), phase == COOKIE_BEGIN);
		/* the token goes no further than it has to */
		assert_int_equal(strstr(text, TOKEN) != NULL, phase == COOKIE_PERFORM);
		assert_int_equal(cookie.state == DESTINATION_RUNNING, phase == COOKIE_FINISH);
		if (phase == COOKIE_PERFORM)
			assert_int_equal(json_get_number(cookie.statistics, "sent", 0), 12);
	}
}

/* A cookie in which a member is the JSON text value; the caller frees it. */
static char *changed(enum cookie_phase phase, const char *member, const char *value)
{
	CLEANUP(free) char *text = cookie_of(phase, everything);
	CLEANUP(json) struct json *json = json_of(text);
	CLEANUP(text) struct text out = TEXT_INIT;
	struct dd_error err = {0};

	json_put(json, member, json_of(value));
	must(json_write(json, &out, &err), &err);
	return text_take(&out);
}

static void assert_refused(const char *text, const char *says)
{
	CLEANUP(cookie) struct cookie cookie = {.json = NULL};
	struct dd_error err = {0};

	if (!cookie_read(text, &cookie, &err))
		fail_msg("it was read: %s", text);
	assert_error(&err, DD_INVALID, says);
	assert_null(cookie.json);
}

static void migrate_cookie__each_member_is_looked_at(void **state)
{
	static const struct {
		enum cookie_phase phase;
		const char *member, *value, *says;
	} cases[] = {
		{COOKIE_BEGIN, "version", "2", "'version'"},
		{COOKIE_BEGIN, "version", "\"1\"", "'version'"},
		{COOKIE_BEGIN, "phase", "\"confirm\"", "'phase'"},
		{COOKIE_BEGIN, "phase", "\"prepare\"", "does not belong"},
		{COOKIE_BEGIN, "id", "\"../../../../../../../../../../etc\"", "'id'"},
		{COOKIE_BEGIN, "uuid", "\"../../2222-4333-8444-00000000000a\"", "'uuid'"},
		{COOKIE_BEGIN, "uuid", "null", "'uuid'"},
		{COOKIE_BEGIN, "from", "\"al/pha\"", "'from'"},
		{COOKIE_BEGIN, "to", "\"\"", "'to'"},
		{COOKIE_BEGIN, "wishes", "null", "does not belong"},
		{COOKIE_BEGIN, "wishes", "[]", "does not belong"},
		{COOKIE_BEGIN, "wishes", "{}", "does not belong"},
		{COOKIE_BEGIN, "wishes", "{\"maps\":[],\"paused\":1" REST "}", "does not belong"},
		{COOKIE_BEGIN, "wishes", "{\"maps\":[],\"paused\":false" REST ",\"uid\":0}",
			"does not belong"},
		{COOKIE_BEGIN, "wishes", "{\"maps\":[7],\"paused\":false" REST "}",
			"does not belong"},
		{COOKIE_BEGIN, "wishes", "{\"maps\":\"bridge:a=b\",\"paused\":false" REST "}",
			"does not belong"},
		{COOKIE_BEGIN, "wishes", "{\"maps\":[],\"paused\":false" REST ",\"name\":7}",
			"does not belong"},
		{COOKIE_BEGIN, "token", "\"" TOKEN "\"", "does not belong"},
		{COOKIE_PREPARE, "wishes", "{\"maps\":[],\"paused\":false}", "does not belong"},
		{COOKIE_PREPARE, "disks", "{}", "does not belong"},
		{COOKIE_PREPARE, "disks", "null", "does not belong"},
		{COOKIE_PERFORM, "token", "\"0\"", "'token'"},
		{COOKIE_PERFORM, "token", "null", "'token'"},
		{COOKIE_PERFORM, "statistics", "7", "does not belong"},
		{COOKIE_PERFORM, "statistics", "{\"sent\":\"12\"}", "does not belong"},
		{COOKIE_FINISH, "state", "\"DONE\"", "'state'"},
		{COOKIE_FINISH, "state", "7", "'state'"},
		{COOKIE_FINISH, "more", "1", "does not belong"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(free)
		char *text = changed(cases[i].phase, cases[i].member, cases[i].value);

		assert_refused(text, cases[i].says);
	}
}

static void migrate_cookie__what_is_cut_is_none(void **state)
{
	(void)state;
	for (int phase = COOKIE_BEGIN; phase <= COOKIE_FINISH; phase++) {
		CLEANUP(free) char *text = cookie_of((enum cookie_phase)phase, everything);

		while (*text) {
			text[strlen(text) - 1] = '\0';
			assert_refused(text, "cookie");
		}
	}
}

static void migrate_cookie__anything_else_is_none(void **state)
{
	static const char *const cases[] = {
		"", " ", "null", "7", "[]", "{}", "\"begin\"", "{\"a\":"};
	char *much = malloc(DD_COOKIE_MAX + 2);
	CLEANUP(json) struct json *wishes = json_object();
	const struct cookie large = {
		.id = ID, .uuid = UUID, .from = "a", .to = "b", .wishes = wishes};
	struct dd_error err = {0};
	char *text = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_refused(cases[i], "cookie");
	assert_refused(NULL, "a cookie has 1 to");
	assert_non_null(much);
	memset(much, '[', DD_COOKIE_MAX + 1);
	much[DD_COOKIE_MAX + 1] = '\0';
	assert_refused(much, "a cookie has 1 to");
	much[DD_COOKIE_MAX] = '\0';
	assert_refused(much, "that is no cookie");
	json_put_string(wishes, "xml", much);
	assert_int_equal(cookie_write(&large, &text, &err), DD_INVALID);
	assert_mentions(err.message, "more than 1048576 bytes");
	assert_null(text);
	free(much);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(migrate_cookie__what_is_written_is_read),
		cmocka_unit_test(migrate_cookie__each_member_is_looked_at),
		cmocka_unit_test(migrate_cookie__what_is_cut_is_none),
		cmocka_unit_test(migrate_cookie__anything_else_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
