/* SPDX-License-Identifier: Apache-2.0 */
/* Books and remotes: what is pushed, and what was fetched of others. */
#include "store_disk.h"
#include "store_verifying.h"

static void remote_begin(const char *remote)
{
	const char *const erase[] = {"rm", "-rf", remote, NULL};
	const char *const make[] = {"git", "init", "-q", "--bare", remote, NULL};
	CLEANUP(text) struct text out = TEXT_INIT;

	assert_int_equal(run(erase, &out), 0);
	assert_int_equal(run(make, &out), 0);
}

static void remote_add(struct scene *scene, const char *remote)
{
	struct remote_row origin = {"origin", remote, NULL};

	assert_ok(scene, book_remote_add(scene->book, &origin, &scene->err));
}

/* Two domains, one of them with tags: in packed-refs, and in a file of its own. */
static void fill(struct scene *scene)
{
	static const char *const alone[] = {"update-ref", "refs/tags/domains/" UUID_A "/alone",
		"refs/tags/domains/" UUID_A "/sold", NULL};
	static const char *const labels[] = {"sold", "alone"};

	define(scene, UUID_A, "web", "one");
	define(scene, UUID_B, "mail", "one");
	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
		struct tag_draft tag = {.uuid = UUID_A,
			.number = 1,
			.label = labels[i],
			.tagger = {"Ada Operator", "ada@example.org"}};
		bool made;

		assert_ok(scene, book_tag(scene->book, &tag, NULL, &made, &scene->err));
	}
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	git(scene, alone);
}

static void assert_pushed(const char *remote, const char *end, long well)
{
	static const char *const refs[] = {"refs/heads/hosts/alpha/book",
		"refs/heads/hosts/alpha/domains/" UUID_A, "refs/heads/hosts/alpha/domains/" UUID_B,
		"refs/tags/hosts/alpha/domains/" UUID_A "/alone",
		"refs/tags/hosts/alpha/domains/" UUID_A "/sold"};
	const char *const list[] = {"git", "-C", remote, "for-each-ref", NULL};
	CLEANUP(text) struct text out = TEXT_INIT;

	assert_int_equal(run(list, &out), 0);
	for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++)
		if (!strstr(text_string(&out), refs[i]))
			fail_msg("%s, %ld: there is no %s in\n%s", end, well, refs[i],
				text_string(&out));
}

/* Does the disk get there? */
static bool push_over(struct scene *scene, const char *remote, const char *end, long well)
{
	int rc;

	remote_begin(remote);
	scene_reopen(scene);
	disk.end = end;
	disk.well = well;
	rc = book_push(scene->book, "origin", NULL, NULL, &scene->err);
	disk.end = NULL;
	if (rc)
		assert_ok(scene, book_push(scene->book, "origin", NULL, NULL, &scene->err));
	assert_pushed(remote, end, well);
	return disk.well < 0;
}

static void store_remote__a_disk_that_fails_once_lets_no_push_pass_over_a_ref(void **state)
{
	static const char *const ends[] = {
		"book.git/packed-refs", "refs/tags/domains", "refs/tags/domains/" UUID_A};
	struct scene *scene = *state;
	char remote[PATH_MAX + 32];

	snprintf(remote, sizeof remote, "%s/remote", scene->folder);
	fill(scene);
	remote_add(scene, remote);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		long well = 0;

		while (push_over(scene, remote, ends[i], well))
			well++;
		assert_true(well > 0);
	}
}

static int count(const struct fetched_row *row, void *context)
{
	(void)row;
	++*(int *)context;
	return 0;
}

static bool look_over(struct scene *scene, const char *host, const char *end, long well)
{
	int seen = 0, rc;

	scene_reopen(scene);
	disk.end = end;
	disk.well = well;
	rc = book_fetched(scene->book, "origin", host, count, &seen, &scene->err);
	disk.end = NULL;
	if (rc) {
		seen = 0;
		assert_ok(scene,
			book_fetched(scene->book, "origin", host, count, &seen, &scene->err));
	}
	if (seen != 2)
		fail_msg("%s, %ld: %d domains", end, well, seen);
	return disk.well < 0;
}

static void store_remote__a_disk_that_fails_once_hides_nothing_that_was_fetched(void **state)
{
	static const char *const pack[] = {"pack-refs", "--all", NULL};
	static const char *const ends[] = {"origin/beta", "beta/domains", "book.git/packed-refs"};
	static const char *const hosts[] = {"beta", NULL};
	struct book_options options = {.create = true, .host_name = "beta"};
	struct scene *scene = *state, other = {.err = {0}};
	char remote[PATH_MAX + 32];

	snprintf(remote, sizeof remote, "%s/remote", scene->folder);
	remote_begin(remote);
	snprintf(other.place, sizeof other.place, "%.4000s/other", scene->folder);
	assert_ok(&other, book_open(other.place, &options, &other.book, &other.err));
	remote_add(&other, remote);
	fill(&other);
	assert_ok(&other, book_push(other.book, "origin", NULL, NULL, &other.err));
	book_close(other.book);
	remote_add(scene, remote);
	assert_ok(scene, book_pull(scene->book, "origin", NULL, NULL, &scene->err));
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		if (strcmp(ends[i], "book.git/packed-refs") == 0)
			git(scene, pack);
		for (size_t j = 0; j < sizeof hosts / sizeof hosts[0]; j++) {
			long well = 0;

			while (look_over(scene, hosts[j], ends[i], well))
				well++;
			assert_true(strcmp(ends[i], "origin/beta") == 0 || well > 0);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_remote__a_disk_that_fails_once_lets_no_push_pass_over_a_ref),
		TEST(store_remote__a_disk_that_fails_once_hides_nothing_that_was_fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
