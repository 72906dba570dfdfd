/* SPDX-License-Identifier: Apache-2.0 */

/* The mark that a guest that came may have run. */
#include "migrate/mark.h"

#include "tests/support/hosted.h"

static void migrate_mark__says_that_it_may_have_run(void **state)
{
	struct hosted *hosted = *state;
	CLEANUP(json) struct json *detail = json_object();
	CLEANUP(json) struct json *older = json_object();
	const char *folder = hosted->folder;

	must(mark_put_boot(detail, &hosted->err), &hosted->err);
	assert_false(mark_found(folder, detail));
	must(mark_make(folder, &hosted->err), &hosted->err);
	assert_true(mark_found(folder, detail));
	mark_remove(folder);
	assert_false(mark_found(folder, detail));
	/* before the machine booted anew, whatever is there */
	json_put_string(older, "boot", "00000000-0000-4000-8000-000000000000");
	assert_true(mark_found(folder, older));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTED_TEST(migrate_mark__says_that_it_may_have_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
