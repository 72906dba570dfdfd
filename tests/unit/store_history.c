/* SPDX-License-Identifier: Apache-2.0 */
#include "store_support.h"

static void store_history__a_version_comes_back_as_it_was_given(void **state)
{
	struct scene *scene = *state;
	struct tree_file files[] = {
		{"snapshots/before.xml", "<domainsnapshot/>", 17},
		{"domain.xml", "<domain/>\n", 10},
		{"snapshots.txt", "", 0},
	};
	struct trailer trailers[] = {{"Operation", "attach-device"}, {"Device", "vdb"}};
	struct version_draft version = {
		.subject = "attach disk vdb",
		.body = "First line.\n\nKey: this is no trailer\n\n",
		.author = {"Eve <root>\n", "eve@example.org"},
		.trailers = trailers,
		.trailer_count = 2,
		.files = files,
		.file_count = 3,
	};
	struct index_draft index = {.name = "web",
		.title = "The web",
		.runtime = "{}",
		.state = STATE_RUNNING,
		.autostart = true};
	struct book_change draft = {.uuid = UUID_A, .version = &version, .index = &index};
	CLEANUP(version_info) struct version_info info = {0};
	CLEANUP(domain_row) struct domain_row row = {0};
	uint32_t number = 0;

	assert_ok(scene, book_apply(scene->book, &draft, &number, &scene->err));
	assert_int_equal(number, 1);
	scene_reopen(scene);
	assert_ok(scene, book_version(scene->book, UUID_A, 0, &info, &scene->err));
	assert_int_equal(info.number, 1);
	assert_string_equal(info.subject, "attach disk vdb");
	assert_string_equal(info.body, "First line.\n\nKey: this is no trailer");
	assert_string_equal(info.author, "Eve root <eve@example.org>");
	assert_string_equal(info.committer, "alpha <domesday@alpha>");
	assert_string_equal(version_trailer(&info, "Domain"), UUID_A);
	assert_string_equal(version_trailer(&info, "Version"), "1");
	assert_string_equal(version_trailer(&info, "Device"), "vdb");
	assert_string_equal(version_trailer(&info, "Host"), "alpha");
	assert_null(version_trailer(&info, "Key"));
	assert_file(scene, UUID_A, 1, "domain.xml", "<domain/>\n");
	assert_file(scene, UUID_A, 0, "snapshots/before.xml", "<domainsnapshot/>");
	assert_file(scene, UUID_A, 0, "snapshots.txt", "");

	assert_ok(scene, book_find(scene->book, "web", &row, &scene->err));
	assert_string_equal(row.uuid, UUID_A);
	assert_string_equal(row.title, "The web");
	assert_string_equal(row.runtime, "{}");
	assert_int_equal(row.state, STATE_RUNNING);
	assert_true(row.autostart);
	assert_int_equal(row.version, 1);
}

static void store_history__several_versions_at_once_are_all_or_none(void **state)
{
	struct scene *scene = *state;
	struct tree_file one = {"domain.xml", "one", 3}, two = {"domain.xml", "two", 3};
	struct trailer bad = {"Origin", "two\nlines"};
	struct person author = {"Ada Operator", "ada@example.org"};
	struct version_draft earlier[] = {
		{.subject = "first", .author = author, .files = &one, .file_count = 1},
		{.subject = "second",
			.author = {"Bob", "bob@example.org"},
			.authored = 1000000000,
			.files = &two,
			.file_count = 1},
	};
	struct version_draft last = {
		.subject = "third", .author = author, .files = &one, .file_count = 1};
	struct index_draft index = {.name = "web", .state = STATE_SHUT_OFF};
	struct book_change draft = {.uuid = UUID_A,
		.version = &last,
		.earlier = earlier,
		.earlier_count = 2,
		.index = &index};
	CLEANUP(version_info) struct version_info info = {0};
	CLEANUP(domain_row) struct domain_row row = {0};
	uint32_t number = 0;

	last.trailers = &bad;
	last.trailer_count = 1;
	assert_int_equal(book_apply(scene->book, &draft, NULL, &scene->err), DD_INVALID);
	assert_int_equal(book_find(scene->book, UUID_A, &row, &scene->err), DD_NOT_FOUND);
	last.trailer_count = 0;
	assert_ok(scene, book_apply(scene->book, &draft, &number, &scene->err));
	assert_int_equal(number, 3);
	assert_ok(scene, book_version(scene->book, UUID_A, 2, &info, &scene->err));
	assert_string_equal(info.subject, "second");
	assert_string_equal(info.author, "Bob <bob@example.org>");
	assert_string_equal(version_trailer(&info, "Version"), "2");
	assert_file(scene, UUID_A, 1, "domain.xml", "one");
	assert_file(scene, UUID_A, 2, "domain.xml", "two");
	assert_file(scene, UUID_A, 3, "domain.xml", "one");
	draft.base = 3;
	assert_ok(scene, book_apply(scene->book, &draft, &number, &scene->err));
	assert_int_equal(number, 6);
	assert_int_equal(book_apply(scene->book, &draft, &number, &scene->err), DD_CONFLICT);
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_file(scene, UUID_A, 5, "domain.xml", "two");
}

struct seen {
	uint32_t numbers[16];
	size_t count;
};

static int see(const struct version_info *info, void *context)
{
	struct seen *seen = context;

	seen->numbers[seen->count++] = info->number;
	return 0;
}

static void store_history__log_goes_from_newest_to_oldest(void **state)
{
	struct scene *scene = *state;
	struct seen all = {0}, two = {0};

	define(scene, UUID_A, "web", "one");
	define(scene, UUID_B, "mail", "other");
	change(scene, UUID_A, "web", 1, "two");
	change(scene, UUID_A, "web", 2, "three");
	assert_ok(scene, book_log(scene->book, UUID_A, 0, 0, see, &all, &scene->err));
	assert_int_equal(all.count, 3);
	assert_int_equal(all.numbers[0], 3);
	assert_int_equal(all.numbers[2], 1);
	assert_ok(scene, book_log(scene->book, UUID_A, 0, 2, see, &two, &scene->err));
	assert_int_equal(two.count, 2);
	assert_file(scene, UUID_A, 1, "domain.xml", "one");
	assert_file(scene, UUID_A, 2, "domain.xml", "two");
	assert_file(scene, UUID_A, 0, "domain.xml", "three");
}

static void store_history__a_missing_version_or_file_is_named(void **state)
{
	struct scene *scene = *state;
	CLEANUP(version_info) struct version_info info = {0};
	CLEANUP(text) struct text text = TEXT_INIT;

	define(scene, UUID_A, "web", "one");
	assert_int_equal(book_version(scene->book, UUID_A, 7, &info, &scene->err), DD_NOT_FOUND);
	assert_string_equal(scene->err.message, "the domain 'web' has no version 7, only 1 to 1");
	assert_int_equal(book_version(scene->book, UUID_B, 0, &info, &scene->err), DD_NOT_FOUND);
	assert_string_equal(scene->err.message, "there is no domain '" UUID_B "'");
	assert_int_equal(
		book_read(scene->book, UUID_A, 1, "live.xml", &text, &scene->err), DD_NOT_FOUND);
	assert_string_equal(scene->err.message, "the version has no file live.xml");
	assert_int_equal(book_read(scene->book, UUID_A, 1, "domain.xml/x", &text, &scene->err),
		DD_NOT_FOUND);
}

static void store_history__what_git_could_not_hold_is_refused(void **state)
{
	struct scene *scene = *state;
	static const struct {
		const char *subject, *body, *key, *value, *path;
	} cases[] = {
		{"two\nlines", NULL, "Operation", "x", "domain.xml"},
		{"", NULL, "Operation", "x", "domain.xml"},
		{"s", "bell\a", "Operation", "x", "domain.xml"},
		{"s", NULL, "Operation", "x\nDomain: forged", "domain.xml"},
		{"s", NULL, "Domain", "forged", "domain.xml"},
		{"s", NULL, "no key", "x", "domain.xml"},
		{"s", NULL, "Operation", "x", ""},
		{"s", NULL, "Operation", "x", "/domain.xml"},
		{"s", NULL, "Operation", "x", "a//b"},
		{"s", NULL, "Operation", "x", "../b"},
		{"s", NULL, "Operation", "x", ".git/config"},
		{"s", NULL, "Operation", "x", "snapshots/GIT~1"},
		{"s", NULL, "Operation", "x", "snapshots/\xe2\x80\x8c.git"},
		{"s", NULL, "Operation", "x", "a\\b"},
		{"s", NULL, "Operation", "x", "a\nb"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tree_file file = {cases[i].path, "x", 1};
		struct trailer trailer = {cases[i].key, cases[i].value};
		struct version_draft version = {.subject = cases[i].subject,
			.body = cases[i].body,
			.author = {"a", "b"},
			.trailers = &trailer,
			.trailer_count = 1,
			.files = &file,
			.file_count = 1};
		struct index_draft index = {.name = "web"};
		struct book_change draft = {.uuid = UUID_A, .version = &version, .index = &index};

		if (book_apply(scene->book, &draft, NULL, &scene->err) != DD_INVALID)
			fail_msg("case %zu was not refused", i);
	}
}

static void store_history__a_file_and_a_folder_of_one_name_are_refused(void **state)
{
	struct scene *scene = *state;
	struct tree_file files[] = {{"a/b", "x", 1}, {"a-b", "x", 1}, {"a", "x", 1}};
	struct version_draft version = {
		.subject = "s", .author = {"a", "b"}, .files = files, .file_count = 3};
	struct index_draft index = {.name = "web"};
	struct book_change draft = {.uuid = UUID_A, .version = &version, .index = &index};

	assert_int_equal(book_apply(scene->book, &draft, NULL, &scene->err), DD_INVALID);
	assert_string_equal(scene->err.message, "a/b is below a file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(store_history__a_version_comes_back_as_it_was_given,
			scene_setup_open, scene_teardown),
		cmocka_unit_test_setup_teardown(store_history__log_goes_from_newest_to_oldest,
			scene_setup_open, scene_teardown),
		cmocka_unit_test_setup_teardown(
			store_history__several_versions_at_once_are_all_or_none, scene_setup_open,
			scene_teardown),
		cmocka_unit_test_setup_teardown(store_history__a_missing_version_or_file_is_named,
			scene_setup_open, scene_teardown),
		cmocka_unit_test_setup_teardown(store_history__what_git_could_not_hold_is_refused,
			scene_setup_open, scene_teardown),
		cmocka_unit_test_setup_teardown(
			store_history__a_file_and_a_folder_of_one_name_are_refused,
			scene_setup_open, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
