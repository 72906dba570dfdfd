/* SPDX-License-Identifier: Apache-2.0 */

/* Which QEMU of a domain has it, and what the others have left. */
#include "domain/instance.h"

#include <sys/stat.h>

#include "base/file.h"
#include "qmp/process.h"
#include "tests/support/hosted.h"

static char *folder_of(struct hosted *hosted, unsigned instance)
{
	char *folder = NULL;

	must(instance_folder(hosted->host, HOSTED_UUID, instance, &folder, &hosted->err),
		&hosted->err);
	return folder;
}

/* As if a QEMU had been there; the descriptor is its life. */
static int inhabit(struct hosted *hosted, unsigned instance)
{
	CLEANUP(free) char *folder = folder_of(hosted, instance);
	int fd = -1;

	must(directory_make(NULL, folder, 0700, &hosted->err), &hosted->err);
	must(process_lock(folder, &fd, &hosted->err), &hosted->err);
	return fd;
}

static bool is_there(struct hosted *hosted, unsigned instance)
{
	CLEANUP(free) char *folder = folder_of(hosted, instance);

	return access(folder, F_OK) == 0;
}

static unsigned found(struct hosted *hosted, const char *runtime)
{
	struct domain_row row = hosted->op.row;
	CLEANUP(free) char *folder = NULL;
	unsigned instance = 0;

	row.state = runtime ? STATE_RUNNING : STATE_SHUT_OFF;
	row.runtime = (char *)(uintptr_t)runtime;
	must(instance_find(hosted->host, &row, &instance, &folder, &hosted->err), &hosted->err);

	CLEANUP(free) char *expected = folder_of(hosted, instance);

	assert_string_equal(folder, expected);
	return instance;
}

static void domain_instance__each_has_a_folder_in_that_of_the_first(void **state)
{
	struct hosted *hosted = *state;
	CLEANUP(free) char *first = folder_of(hosted, 1);
	CLEANUP(free) char *tenth = folder_of(hosted, 10);

	assert_int_equal(strncmp(tenth, first, strlen(first)), 0);
	assert_string_equal(tenth + strlen(first), "/10");
}

static void domain_instance__the_index_says_which_has_it(void **state)
{
	struct hosted *hosted = *state;
	CLEANUP(close) int life = inhabit(hosted, 2);

	assert_int_equal(found(hosted, "{\"id\":1,\"instance\":3,\"live\":\"<domain/>\"}"), 3);
	/* of an earlier release */
	assert_int_equal(found(hosted, "{\"id\":1,\"live\":\"<domain/>\"}"), 1);
}

static void domain_instance__one_that_lives_is_found_without_it(void **state)
{
	struct hosted *hosted = *state;
	int life;

	assert_int_equal(found(hosted, NULL), 1);
	life = inhabit(hosted, 4);
	assert_int_equal(found(hosted, NULL), 4);
	close(life);
	assert_int_equal(found(hosted, NULL), 1);
}

static void domain_instance__what_is_left_of_the_dead_is_removed(void **state)
{
	struct hosted *hosted = *state;
	CLEANUP(close) int living = inhabit(hosted, 3);

	for (unsigned instance = 1; instance <= 5; instance++)
		if (instance != 3)
			close(inhabit(hosted, instance));
	instance_clean(hosted->host, HOSTED_UUID, 5);
	assert_true(is_there(hosted, 1));
	assert_false(is_there(hosted, 2));
	assert_true(is_there(hosted, 3));
	assert_false(is_there(hosted, 4));
	assert_true(is_there(hosted, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTED_TEST(domain_instance__each_has_a_folder_in_that_of_the_first),
		HOSTED_TEST(domain_instance__the_index_says_which_has_it),
		HOSTED_TEST(domain_instance__one_that_lives_is_found_without_it),
		HOSTED_TEST(domain_instance__what_is_left_of_the_dead_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
