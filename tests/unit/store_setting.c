/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>

#include "store/key/key.h"
#include "store_support.h"

struct listed {
	char text[256];
	int stop; /* what the visit returns */
};

static int add_setting(const char *name, const char *value, void *context)
{
	struct listed *listed = context;

	snprintf(listed->text + strlen(listed->text), sizeof listed->text - strlen(listed->text),
		"%s=%s ", name, value);
	return listed->stop;
}

static void assert_settings(struct scene *scene, const char *prefix, const char *expected)
{
	struct listed listed = {""};

	assert_ok(scene, book_setting_list(scene->book, prefix, add_setting, &listed, &scene->err));
	assert_string_equal(listed.text, expected);
}

static void store_setting__those_with_a_prefix_come_by_name(void **state)
{
	struct scene *scene = *state;
	struct listed listed = {.stop = 7};

	assert_ok(scene, book_setting_put(scene->book, "peer/beta", "b", &scene->err));
	assert_ok(scene, book_setting_put(scene->book, "peer/alpha", "a", &scene->err));
	assert_ok(scene, book_setting_put(scene->book, "peers", "none", &scene->err));
	assert_ok(scene, book_setting_put(scene->book, "other", "o", &scene->err));
	assert_settings(scene, "peer/", "peer/alpha=a peer/beta=b ");
	assert_settings(scene, "pe%", "");
	assert_settings(scene, "", "other=o peer/alpha=a peer/beta=b peers=none ");
	assert_int_equal(
		book_setting_list(scene->book, "peer/", add_setting, &listed, &scene->err), 7);
	assert_string_equal(listed.text, "peer/alpha=a ");
}

static void store_setting__one_that_is_dropped_is_gone_for_good(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text value = TEXT_INIT;

	assert_ok(scene, book_setting_put(scene->book, "peer/alpha", "a", &scene->err));
	assert_ok(scene, book_setting_put(scene->book, "peer/alphabet", "b", &scene->err));
	assert_ok(scene, book_setting_drop(scene->book, "peer/alpha", &scene->err));
	assert_ok(scene, book_setting_drop(scene->book, "peer/alpha", &scene->err));
	scene_reopen(scene);
	assert_int_equal(
		book_setting_get(scene->book, "peer/alpha", &value, &scene->err), DD_NOT_FOUND);
	assert_settings(scene, "", "peer/alphabet=b ");
}

static void store_setting__a_host_vouches_with_the_key_that_signs(void **state)
{
	struct scene *scene = *state;
	struct person author = {"Ada", "ada@example.org"};
	unsigned char open[KEY_PUBLIC_SIZE], next[KEY_PUBLIC_SIZE], signature[KEY_SIGNATURE_SIZE];
	char many[KEY_VOUCH_MAX + 1] = "";

	assert_ok(scene, book_identity(scene->book, open, &scene->err));
	assert_ok(scene, book_vouch(scene->book, "hello", 5, signature, &scene->err));
	assert_true(key_vouched(open, "hello", 5, signature));
	assert_false(key_vouched(open, "hellp", 5, signature));
	assert_false(key_vouched(open, "hell", 4, signature));
	/* what is signed is never the data alone */
	assert_int_not_equal(
		crypto_sign_verify_detached(signature, (const unsigned char *)"hello", 5, open), 0);
	assert_int_equal(
		book_vouch(scene->book, many, sizeof many, signature, &scene->err), DD_INVALID);

	assert_ok(scene, book_rotate_key(scene->book, &author, NULL, &scene->err));
	assert_ok(scene, book_identity(scene->book, next, &scene->err));
	assert_memory_not_equal(open, next, sizeof open);
	assert_ok(scene, book_vouch(scene->book, "hello", 5, signature, &scene->err));
	assert_true(key_vouched(next, "hello", 5, signature));
	assert_false(key_vouched(open, "hello", 5, signature));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_setting__those_with_a_prefix_come_by_name),
		TEST(store_setting__one_that_is_dropped_is_gone_for_good),
		TEST(store_setting__a_host_vouches_with_the_key_that_signs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
