/* SPDX-License-Identifier: Apache-2.0 */
#include "store_support.h"

struct names {
	char text[256];
};

static int add_name(const struct domain_row *row, void *context)
{
	struct names *names = context;

	snprintf(names->text + strlen(names->text), sizeof names->text - strlen(names->text),
		"%s@%u ", row->name, row->version);
	return 0;
}

static void assert_listed(struct scene *scene, bool gone_too, const char *expected)
{
	struct names names = {""};

	assert_ok(scene, book_list(scene->book, gone_too, add_name, &names, &scene->err));
	assert_string_equal(names.text, expected);
}

static void store_index__a_stale_base_is_a_conflict(void **state)
{
	struct scene *scene = *state;
	struct step stale = {.uuid = UUID_A, .name = "web", .base = 1, .xml = "late"};
	uint32_t number = 77;

	define(scene, UUID_A, "web", "one");
	change(scene, UUID_A, "web", 1, "two");
	assert_int_equal(step_apply(scene->book, &stale, &number, &scene->err), DD_CONFLICT);
	assert_string_equal(scene->err.message, "the domain 'web' is at version 2, not at 1");
	assert_int_equal(number, 77);
	assert_file(scene, UUID_A, 0, "domain.xml", "two");
}

static void store_index__a_name_or_uuid_that_is_taken_is_refused(void **state)
{
	struct scene *scene = *state;
	struct step same_uuid = {.uuid = UUID_A, .name = "new", .xml = "x"};
	struct step same_name = {.uuid = UUID_B, .name = "web", .xml = "x"};
	struct step unknown = {.uuid = UUID_C, .name = "c", .base = 3, .xml = "x"};

	define(scene, UUID_A, "web", "one");
	assert_int_equal(step_apply(scene->book, &same_uuid, NULL, &scene->err), DD_EXISTS);
	assert_int_equal(step_apply(scene->book, &same_name, NULL, &scene->err), DD_EXISTS);
	assert_string_equal(scene->err.message, "another domain has the name 'web': " UUID_A);
	assert_int_equal(step_apply(scene->book, &unknown, NULL, &scene->err), DD_NOT_FOUND);
	assert_listed(scene, true, "web@1 ");
}

static void store_index__rename_frees_the_name(void **state)
{
	struct scene *scene = *state;

	define(scene, UUID_A, "web", "one");
	change(scene, UUID_A, "www", 1, "one");
	define(scene, UUID_B, "web", "other");
	assert_listed(scene, false, "web@1 www@2 ");
}

static void store_index__gone_frees_the_name_and_the_uuid_comes_back(void **state)
{
	struct scene *scene = *state;
	CLEANUP(domain_row) struct domain_row row = {0};
	struct step again = {.uuid = UUID_A, .name = "web", .xml = "back"};

	define(scene, UUID_A, "web", "one");
	undefine(scene, UUID_A, "web", 1);
	assert_int_equal(book_find(scene->book, "web", &row, &scene->err), DD_NOT_FOUND);
	assert_string_equal(scene->err.message, "there is no domain 'web'");
	assert_ok(scene, book_find(scene->book, UUID_A, &row, &scene->err));
	assert_int_equal(row.state, STATE_GONE);
	assert_listed(scene, false, "");
	assert_listed(scene, true, "web@2 ");

	assert_int_equal(step_apply(scene->book, &again, NULL, &scene->err), DD_EXISTS);
	again.base = row.version;
	assert_ok(scene, step_apply(scene->book, &again, NULL, &scene->err));
	assert_listed(scene, false, "web@3 ");
	assert_file(scene, UUID_A, 1, "domain.xml", "one");
}

static void store_index__the_index_alone_may_change(void **state)
{
	struct scene *scene = *state;
	CLEANUP(domain_row) struct domain_row row = {0};
	struct index_draft index = {
		.name = "web", .state = STATE_RUNNING, .runtime = "pid 7", .title = "T"};
	struct book_change draft = {.uuid = UUID_A, .base = 1, .index = &index};
	uint32_t number = 0;

	define(scene, UUID_A, "web", "one");
	assert_ok(scene, book_apply(scene->book, &draft, &number, &scene->err));
	assert_int_equal(number, 1);
	assert_ok(scene, book_find(scene->book, "web", &row, &scene->err));
	assert_int_equal(row.state, STATE_RUNNING);
	assert_string_equal(row.runtime, "pid 7");
	assert_int_equal(row.version, 1);
	draft.base = 2;
	assert_int_equal(book_apply(scene->book, &draft, NULL, &scene->err), DD_CONFLICT);
}

static void store_index__what_runs_is_listed_by_name(void **state)
{
	struct scene *scene = *state;
	struct names names = {""};
	struct step stop = {.uuid = UUID_B, .name = "mail", .base = 1, .xml = "two"};
	struct step starts[] = {
		{.uuid = UUID_A, .name = "web", .xml = "one", .state = STATE_RUNNING},
		{.uuid = UUID_B, .name = "mail", .xml = "one", .state = STATE_RUNNING},
	};

	define(scene, UUID_C, "news", "one");
	for (int i = 0; i < 2; i++)
		assert_ok(scene, step_apply(scene->book, &starts[i], NULL, &scene->err));
	assert_ok(scene, book_list_running(scene->book, add_name, &names, &scene->err));
	assert_string_equal(names.text, "mail@1 web@1 ");
	assert_ok(scene, step_apply(scene->book, &stop, NULL, &scene->err));
	names.text[0] = '\0';
	assert_ok(scene, book_list_running(scene->book, add_name, &names, &scene->err));
	assert_string_equal(names.text, "web@1 ");
}

static int add_use(const struct domain_row *row, const struct use_row *use, void *context)
{
	struct names *names = context;

	snprintf(names->text + strlen(names->text), sizeof names->text - strlen(names->text),
		"%s:%s:%c:%d ", row->name, use->kind, use->mode, use->scope);
	return 0;
}

static void assert_users(
	struct scene *scene, const char *kind, const char *value, const char *expected)
{
	struct names names = {""};

	assert_ok(scene, book_who_uses(scene->book, kind, value, add_use, &names, &scene->err));
	assert_string_equal(names.text, expected);
}

static void store_index__who_uses_follows_every_change(void **state)
{
	struct scene *scene = *state;
	const struct use_row first[] = {
		{"disk", "/a", 'w', USE_CONFIG},
		{"disk", "/a", 'w', USE_LIVE},
		{"disk", "/b", 'r', USE_CONFIG},
		{"mac", "/a", 'w', USE_CONFIG},
	};
	const struct use_row second[] = {
		{"disk", "/c", 'w', USE_CONFIG},
		{"disk", "/a", 'w', USE_CONFIG},
	};
	struct step define_web = {
		.uuid = UUID_A, .name = "web", .xml = "x", .uses = first, .use_count = 4};
	struct step change_web = {.uuid = UUID_A,
		.name = "web",
		.base = 1,
		.xml = "y",
		.uses = second,
		.use_count = 2};

	assert_ok(scene, step_apply(scene->book, &define_web, NULL, &scene->err));
	assert_users(scene, "disk", "/a", "web:disk:w:3 ");
	assert_users(scene, NULL, "/a", "web:disk:w:3 web:mac:w:1 ");
	assert_users(scene, NULL, "/none", "");
	assert_ok(scene, step_apply(scene->book, &change_web, NULL, &scene->err));
	assert_users(scene, NULL, "/a", "web:disk:w:1 ");
	assert_users(scene, NULL, "/b", "");
	assert_users(scene, NULL, "/c", "web:disk:w:1 ");
}

static void store_index__malformed_drafts_are_refused(void **state)
{
	struct scene *scene = *state;
	const struct use_row bad_mode = {"disk", "/a", 'x', USE_CONFIG};
	const struct step cases[] = {
		{.uuid = "not-a-uuid", .name = "web", .xml = "x"},
		{.uuid = "11111111-2222-4333-8444-00000000000A", .name = "web", .xml = "x"},
		{.uuid = UUID_A, .name = "", .xml = "x"},
		{.uuid = UUID_A, .name = "a\nb", .xml = "x"},
		{.uuid = UUID_A, .name = "web", .xml = "x", .uses = &bad_mode, .use_count = 1},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(step_apply(scene->book, &cases[i], NULL, &scene->err), DD_INVALID);
	assert_listed(scene, true, "");
}

static void store_index__the_cache_keeps_what_was_put_last(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text text = TEXT_INIT;

	assert_int_equal(book_cache_get(scene->book, "qemu", &text, &scene->err), DD_NOT_FOUND);
	assert_ok(scene, book_cache_put(scene->book, "qemu", "old", &scene->err));
	assert_ok(scene, book_cache_put(scene->book, "qemu", "new", &scene->err));
	scene_reopen(scene);
	assert_ok(scene, book_cache_get(scene->book, "qemu", &text, &scene->err));
	assert_string_equal(text_string(&text), "new");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_index__a_stale_base_is_a_conflict),
		TEST(store_index__a_name_or_uuid_that_is_taken_is_refused),
		TEST(store_index__rename_frees_the_name),
		TEST(store_index__gone_frees_the_name_and_the_uuid_comes_back),
		TEST(store_index__the_index_alone_may_change),
		TEST(store_index__what_runs_is_listed_by_name),
		TEST(store_index__who_uses_follows_every_change),
		TEST(store_index__malformed_drafts_are_refused),
		TEST(store_index__the_cache_keeps_what_was_put_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
