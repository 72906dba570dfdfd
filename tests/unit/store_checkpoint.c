/* SPDX-License-Identifier: Apache-2.0 */
#include "store_support.h"

#define GIT(scene, out, ...) git_run((scene), (out), (const char *const[]){__VA_ARGS__, NULL})

static int git_run(struct scene *scene, struct text *out, const char *const *arguments)
{
	char path[PATH_MAX + 32];
	const char *argv[24] = {"git", "-C", path};
	size_t count = 3;

	snprintf(path, sizeof path, "%s/book.git", scene->place);
	for (size_t i = 0; arguments[i]; i++)
		argv[count++] = arguments[i];
	text_clear(out);
	return run(argv, out);
}

static size_t count_of(const struct text *text, const char *words)
{
	size_t count = 0;

	for (const char *at = text_string(text); (at = strstr(at, words)); at++)
		count++;
	return count;
}

static void assert_git_agrees(struct scene *scene)
{
	CLEANUP(text) struct text out = TEXT_INIT;

	if (GIT(scene, &out, "fsck", "--strict", "--full") != 0)
		fail_msg("fsck: %s", text_string(&out));
	assert_int_equal(count_of(&out, "error"), 0);
	assert_int_equal(count_of(&out, "missing"), 0);
	assert_int_equal(count_of(&out, "dangling"), 0);
}

static void store_checkpoint__stock_git_reads_and_verifies_every_version(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text out = TEXT_INIT;
	char clone[PATH_MAX + 32];
	uint64_t staged = 1;

	define(scene, UUID_A, "web", "one\n");
	define(scene, UUID_B, "mail", "other\n");
	for (uint32_t base = 1; base < 6; base++)
		change(scene, UUID_A, "web", base, base % 2 ? "two\n" : "one\n");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_ok(scene, book_staged(scene->book, &staged, &scene->err));
	assert_int_equal(staged, 0);
	assert_git_agrees(scene);

	assert_int_equal(GIT(scene, &out, "log", "--show-signature", "domains/" UUID_A), 0);
	assert_int_equal(count_of(&out, "Good \"git\" signature for domesday@alpha"), 6);
	assert_int_equal(count_of(&out, "Version: 6"), 1);
	assert_int_equal(GIT(scene, &out, "verify-commit", "book", "domains/" UUID_B), 0);
	assert_int_equal(GIT(scene, &out, "show", "domains/" UUID_A "~1:domain.xml"), 0);
	assert_string_equal(text_string(&out), "one\n");

	snprintf(clone, sizeof clone, "%s/clone", scene->folder);
	assert_int_equal(GIT(scene, &out, "clone", "-q", ".", clone), 0);
	text_clear(&out);
	const char *const branches[] = {"git", "-C", clone, "branch", "-r", NULL};
	assert_int_equal(run(branches, &out), 0);
	assert_int_equal(count_of(&out, "origin/domains/"), 2);
	const char *const verify[] = {"git", "-C", clone, "-c",
		"gpg.ssh.allowedSignersFile=allowed_signers", "verify-commit",
		"origin/domains/" UUID_A, NULL};
	assert_int_equal(run(verify, &out), 0);
}

static void store_checkpoint__may_be_repeated_and_goes_on(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text out = TEXT_INIT;

	define(scene, UUID_A, "web", "one");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	change(scene, UUID_A, "web", 1, "two");
	assert_file(scene, UUID_A, 1, "domain.xml", "one");
	assert_file(scene, UUID_A, 2, "domain.xml", "two");
	scene_reopen(scene);
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_file(scene, UUID_A, 1, "domain.xml", "one");
	assert_file(scene, UUID_A, 2, "domain.xml", "two");
	assert_git_agrees(scene);
	assert_int_equal(GIT(scene, &out, "rev-list", "--count", "domains/" UUID_A), 0);
	assert_string_equal(text_string(&out), "2\n");
}

static void store_checkpoint__sets_refs_that_were_lost(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text out = TEXT_INIT;
	char path[PATH_MAX + 64];

	define(scene, UUID_A, "web", "one");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	snprintf(path, sizeof path, "%s/book.git/packed-refs", scene->place);
	assert_int_equal(unlink(path), 0);
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_int_equal(GIT(scene, &out, "rev-list", "--count", "domains/" UUID_A), 0);
	assert_string_equal(text_string(&out), "1\n");
}

static void store_checkpoint__a_book_without_domains_is_a_repository(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text out = TEXT_INIT;

	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_git_agrees(scene);
	assert_int_equal(GIT(scene, &out, "show", "HEAD:allowed_signers"), 0);
	assert_int_equal(
		strncmp(text_string(&out), "domesday@alpha namespaces=\"git\" ssh-ed25519 ", 44),
		0);
}

static void store_checkpoint__refs_of_others_stay_and_forged_ones_go(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text out = TEXT_INIT;
	CLEANUP(version_info) struct version_info info = {0};

	define(scene, UUID_A, "web", "one");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_int_equal(GIT(scene, &out, "-c", "user.name=a", "-c", "user.email=b", "tag", "-a",
				 "-m", "kept", "kept", "domains/" UUID_A),
		0);
	assert_int_equal(GIT(scene, &out, "branch", "aaa", "book"), 0);
	assert_int_equal(GIT(scene, &out, "branch", "zzz", "book"), 0);
	assert_int_equal(GIT(scene, &out, "pack-refs", "--all"), 0);
	assert_int_equal(
		GIT(scene, &out, "update-ref", "refs/heads/domains/" UUID_A, "refs/heads/book"), 0);
	change(scene, UUID_A, "web", 1, "two");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_git_agrees(scene);
	assert_int_equal(GIT(scene, &out, "for-each-ref", "--format=%(refname)"), 0);
	assert_string_equal(text_string(&out),
		"refs/book/chain\nrefs/heads/aaa\nrefs/heads/book\nrefs/heads/domains/" UUID_A
		"\nrefs/heads/zzz\nrefs/tags/kept\n");
	assert_int_equal(GIT(scene, &out, "rev-parse", "kept^{}", "domains/" UUID_A "~1"), 0);
	assert_memory_equal(text_string(&out), text_string(&out) + COMMIT_SIZE, COMMIT_SIZE - 1);
	assert_ok(scene, book_version(scene->book, UUID_A, 2, &info, &scene->err));
	assert_int_equal(GIT(scene, &out, "rev-parse", "domains/" UUID_A), 0);
	assert_memory_equal(text_string(&out), info.commit, COMMIT_SIZE - 1);
}

static void store_checkpoint__takes_gc_by_stock_git(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text out = TEXT_INIT;

	define(scene, UUID_A, "web", "one");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	change(scene, UUID_A, "web", 1, "two");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	/* the book has the packs open that go away now */
	assert_file(scene, UUID_A, 2, "domain.xml", "two");
	assert_int_equal(GIT(scene, &out, "gc", "-q", "--prune=now"), 0);
	assert_file(scene, UUID_A, 1, "domain.xml", "one");
	change(scene, UUID_A, "web", 2, "three");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_git_agrees(scene);
	scene_reopen(scene);
	assert_file(scene, UUID_A, 1, "domain.xml", "one");
}

static void store_checkpoint__many_small_packs_become_few(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text out = TEXT_INIT;
	struct book_options options = {.host_name = "alpha"};
	CLEANUP(book) struct book *other = NULL;

	define(scene, UUID_A, "web", "0");
	assert_ok(scene, book_open(scene->place, &options, &other, &scene->err));
	for (uint32_t base = 1; base < 70; base++) {
		CLEANUP(text) struct text text = TEXT_INIT;
		char xml[16];

		snprintf(xml, sizeof xml, "%u", base);
		change(scene, UUID_A, "web", base, xml);
		assert_ok(scene, book_checkpoint(scene->book, &scene->err));
		/* whoever had the packs open before they went still finds everything */
		assert_ok(scene,
			book_read(other, UUID_A, base / 2 + 1, "domain.xml", &text, &scene->err));
	}
	assert_git_agrees(scene);
	assert_int_equal(GIT(scene, &out, "count-objects", "-v"), 0);
	const char *packs = strstr(text_string(&out), "packs: ");

	assert_non_null(packs);
	assert_in_range(strtoul(packs + 7, NULL, 10), 1, 31);
	for (uint32_t number = 1; number <= 70; number++) {
		char xml[16];

		snprintf(xml, sizeof xml, "%u", number - 1);
		assert_file(scene, UUID_A, number, "domain.xml", xml);
	}
}

static void commit_many(struct scene *scene, uint32_t versions)
{
	struct book_options options = {.host_name = "alpha"};
	struct book *book = NULL;

	if (book_open(scene->place, &options, &book, NULL))
		_exit(1);
	for (uint32_t base = 0; base < versions; base++) {
		char xml[32];
		struct step step = {.uuid = UUID_B, .name = "busy", .base = base, .xml = xml};

		snprintf(xml, sizeof xml, "%u", base + 1);
		if (step_apply(book, &step, NULL, NULL))
			_exit(2);
	}
	book_close(book);
}

static void store_checkpoint__loses_no_commit_made_meanwhile(void **state)
{
	struct scene *scene = *state;
	const uint32_t versions = 150;
	CLEANUP(domain_row) struct domain_row row = {0};
	pid_t pid;

	define(scene, UUID_A, "web", "one");
	FORK(pid, commit_many(scene, versions));
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		assert_ok(scene, book_checkpoint(scene->book, &scene->err));
		assert_file(scene, UUID_A, 1, "domain.xml", "one");
	}
	assert_ok(scene, book_find(scene->book, "busy", &row, &scene->err));
	assert_int_equal(row.version, versions);
	for (uint32_t number = 1; number <= versions; number++) {
		char xml[32];

		snprintf(xml, sizeof xml, "%u", number);
		assert_file(scene, UUID_B, number, "domain.xml", xml);
	}
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_git_agrees(scene);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_checkpoint__stock_git_reads_and_verifies_every_version),
		TEST(store_checkpoint__may_be_repeated_and_goes_on),
		TEST(store_checkpoint__sets_refs_that_were_lost),
		TEST(store_checkpoint__a_book_without_domains_is_a_repository),
		TEST(store_checkpoint__refs_of_others_stay_and_forged_ones_go),
		TEST(store_checkpoint__takes_gc_by_stock_git),
		TEST(store_checkpoint__many_small_packs_become_few),
		TEST(store_checkpoint__loses_no_commit_made_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
