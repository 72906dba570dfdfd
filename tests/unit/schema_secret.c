/* SPDX-License-Identifier: Apache-2.0 */
/* Where a definition carries secrets, and what it is without them. */
#include "schema/diff.h"
#include "schema/secret.h"
#include "tests/support/document.h"

#define NAME "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"

#define COOKIES(value) "<cookies><cookie name='a'>" value "</cookie></cookies>"
#define SOURCE(value) \
	"<source protocol='https' name='i'><host name='h' port='443'/>" value "</source>"

static const char whole[] =
	"<domain type='qemu'><name>a</name><memory>1</memory><devices>"
	"<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>"
	"<disk type='network'>" SOURCE(
		COOKIES("s3cret")) "<backingStore type='network'><format "
				   "type='raw'/>" SOURCE(COOKIES("d33per")) "</"
									    "backingStore><target "
									    "dev='vdb' "
									    "bus='virtio'/></disk>"
									    "<graphics "
									    "type='spice' "
									    "passwd='spicy'/>"
									    "<graphics type='vnc' "
									    "passwd='p4ss'/></"
									    "devices></domain>";

static const char *const places[] = {"disk[2]/source/cookies",
	"disk[2]/backingStore/source/cookies", "graphics[1]/@passwd", "graphics[2]/@passwd"};
#define PLACES (sizeof places / sizeof places[0])

static void secrets_of(const struct document *document, struct secret_list *list)
{
	struct dd_error err = {0};

	must(secrets_find(document, list, &err), &err);
}

static void schema_secret__is_found_in_each_place(void **state)
{
	CLEANUP(document) struct document *document = document_of(whole);
	CLEANUP(secret_list) struct secret_list list = {.items = NULL};
	size_t seen = 0;

	(void)state;
	secrets_of(document, &list);
	assert_int_equal(list.count, PLACES);
	for (size_t i = 0; i < PLACES; i++)
		for (size_t j = 0; j < PLACES; j++)
			seen += strcmp(list.items[i].place, places[j]) == 0;
	assert_int_equal(seen, PLACES);
	assert_int_equal(secrets_sealed(document, NULL), DD_CORRUPT);
	assert_int_equal(secrets_check(document, NULL), 0);
}

static void schema_secret__goes_without_a_trace_and_comes_back(void **state)
{
	CLEANUP(document) struct document *document = document_of(whole);
	CLEANUP(document) struct document *hidden = NULL;
	CLEANUP(free) char *before = written(document);
	CLEANUP(free) char *without = NULL;
	CLEANUP(free) char *again = NULL;
	struct text values[PLACES] = {TEXT_INIT};
	CLEANUP(secret_list) struct secret_list list = {.items = NULL};
	CLEANUP(secret_list) struct secret_list tokens = {.items = NULL};
	struct dd_error err = {0};

	(void)state;
	must(document_copy(document, &hidden, &err), &err);
	must(secrets_hide(hidden, &err), &err);
	without = written(hidden);
	for (size_t i = 0; i < 4; i++)
		assert_null(strstr(
			without, ((const char *const[]){"s3cret", "d33per", "spicy", "p4ss"})[i]));
	assert_null(strstr(without, "passwd"));
	assert_null(strstr(without, "cookies"));
	secrets_of(document, &list);
	for (size_t i = 0; i < list.count; i++) {
		must(secret_get(&list.items[i], &values[i], &err), &err);
		must(secret_restore(hidden, list.items[i].place, NAME, &err), &err);
	}
	must(document_canonicalise(hidden, &err), &err);
	assert_int_equal(secrets_sealed(hidden, NULL), 0);
	secrets_of(hidden, &tokens);
	assert_int_equal(tokens.count, list.count);
	for (size_t i = 0; i < tokens.count; i++) {
		assert_string_equal(tokens.items[i].place, list.items[i].place);
		assert_string_equal(secret_name(&tokens.items[i]), NAME);
		must(secret_put(&tokens.items[i], text_string(&values[i]), &err), &err);
	}
	again = written(hidden);
	assert_string_equal(again, before);
	for (size_t i = 0; i < PLACES; i++)
		text_release(&values[i]);
}

static void schema_secret__has_no_place_in_another_definition(void **state)
{
	static const char *const bad[] = {"disk[3]/source/cookies", "disk[0]/source/cookies",
		"disk/source/cookies", "disk[1]", "disk[1]/mirror/source/cookies", "",
		"[1]/@passwd", "disk[1x]/@passwd", "graphics[99999999999999999999]/@passwd"};
	CLEANUP(document) struct document *document = document_of(whole);
	CLEANUP(free) char *before = written(document);
	CLEANUP(free) char *after = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (secret_restore(document, bad[i], NAME, NULL) != DD_CORRUPT)
			fail_msg("%s", bad[i]);
	after = written(document);
	assert_string_equal(after, before);
}

static void schema_secret__is_not_told_of_in_differences(void **state)
{
	CLEANUP(document) struct document *before = document_of(whole);
	CLEANUP(document) struct document *after = document_of(whole);
	CLEANUP(secret_list) struct secret_list list = {.items = NULL};
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	struct dd_error err = {0};

	(void)state;
	secrets_of(after, &list);
	for (size_t i = 0; i < list.count; i++)
		must(secret_put(&list.items[i], list.items[i].attribute ? "n3w" : COOKIES("n3w"),
			     &err),
			&err);
	must(document_diff(before, after, &changes, &err), &err);
	assert_true(changes.count >= PLACES);
	for (size_t i = 0; i < changes.count; i++) {
		const struct change *change = &changes.items[i];

		assert_string_equal(change->before, SECRET_HIDDEN);
		assert_string_equal(change->after, SECRET_HIDDEN);
		assert_non_null(strstr(change->sentence, " changed"));
		assert_null(strstr(change->sentence, "3"));
	}
}

static void schema_secret__cannot_be_just_anything(void **state)
{
	static const char *const bad[] = {"<graphics type='vnc' passwd='123456789'/>",
		"<graphics type='vnc' passwd='sealed:" NAME "'/>",
		"<graphics type='spice' passwd='sealed:" OTHER "'/>",
		"<disk type='network'>" SOURCE("<cookies><cookie name='sealed'>sealed:" NAME
					       "</cookie></cookies>") "<target dev='vda'/></disk>"};
	static const char *const good[] = {"<graphics type='vnc' passwd='12345678'/>",
		"<graphics type='vnc' passwd=''/>", "<graphics type='vnc'/>",
		"<graphics type='spice' passwd='123456789'/>",
		"<graphics type='spice' passwd='sealed:0123'/>"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CLEANUP(document) struct document *device = device_of(bad[i]);
		struct dd_error err = {0};

		assert_int_equal(secrets_check(device, &err), DD_INVALID);
		assert_null(strstr(err.message, "123456789"));
	}
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		CLEANUP(document) struct document *device = device_of(good[i]);

		assert_int_equal(secrets_check(device, NULL), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_secret__is_found_in_each_place),
		cmocka_unit_test(schema_secret__goes_without_a_trace_and_comes_back),
		cmocka_unit_test(schema_secret__has_no_place_in_another_definition),
		cmocka_unit_test(schema_secret__is_not_told_of_in_differences),
		cmocka_unit_test(schema_secret__cannot_be_just_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
