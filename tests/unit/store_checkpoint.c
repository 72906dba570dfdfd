/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "store/git/join.h"
#include "store_support.h"

/* Whoever pulls dies when all has come, and the pack is to have its name. */
static bool dies_pulling;

int link(const char *from, const char *to)
{
	if (dies_pulling)
		_exit(0);
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

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
	/* nor is there anything that takes up room and is of no use */
	assert_int_equal(GIT(scene, &out, "count-objects", "-v"), 0);
	assert_non_null(strstr(text_string(&out), "garbage: 0\n"));
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

/* ---- the refs of a large book ---- */

enum { LARGE = 600 };

static void uuid_of(int number, char uuid[UUID_SIZE])
{
	snprintf(uuid, UUID_SIZE, "11111111-2222-4333-8444-%012d", number);
}

static void define_many(struct scene *scene)
{
	for (int i = 0; i < LARGE; i++) {
		char uuid[UUID_SIZE], name[16];

		uuid_of(i, uuid);
		snprintf(name, sizeof name, "d%d", i);
		define(scene, uuid, name, "one");
	}
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
}

static void change_one(struct scene *scene, int number, uint32_t base, const char *xml)
{
	char uuid[UUID_SIZE], name[16];

	uuid_of(number, uuid);
	snprintf(name, sizeof name, "d%d", number);
	change(scene, uuid, name, base, xml);
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
}

static struct stat packed_refs(struct scene *scene)
{
	char path[PATH_MAX + 64];
	struct stat status;

	snprintf(path, sizeof path, "%s/book.git/packed-refs", scene->place);
	assert_int_equal(stat(path, &status), 0);
	return status;
}

/* Every branch is where book.db has the domain, and there are no others. */
static void assert_heads(struct scene *scene)
{
	CLEANUP(text) struct text out = TEXT_INIT;
	const char *line;

	assert_int_equal(GIT(scene, &out, "for-each-ref", "--format=%(objectname) %(refname)",
				 "refs/heads/domains"),
		0);
	line = text_string(&out);
	for (int i = 0; i < LARGE; i++) {
		CLEANUP(version_info) struct version_info info = {0};
		char uuid[UUID_SIZE], expected[160];

		uuid_of(i, uuid);
		assert_ok(scene, book_version(scene->book, uuid, 0, &info, &scene->err));
		snprintf(
			expected, sizeof expected, "%s refs/heads/domains/%s\n", info.commit, uuid);
		assert_int_equal(strncmp(line, expected, strlen(expected)), 0);
		line += strlen(expected);
	}
	assert_string_equal(line, "");
}

static void store_checkpoint__a_change_costs_no_list_of_all_domains(void **state)
{
	struct scene *scene = *state;
	struct stat before, after;

	define_many(scene);
	before = packed_refs(scene);
	change_one(scene, 7, 1, "two");
	change_one(scene, 8, 1, "two");
	change_one(scene, 7, 2, "three");
	after = packed_refs(scene);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	assert_heads(scene);
	assert_git_agrees(scene);
	/* files of their own do not become many */
	for (int i = 20; i < 30; i++)
		change_one(scene, i, 1, "two");
	after = packed_refs(scene);
	assert_true(before.st_mtim.tv_sec != after.st_mtim.tv_sec ||
		    before.st_mtim.tv_nsec != after.st_mtim.tv_nsec);
	assert_heads(scene);
}

static void store_checkpoint__forged_refs_of_a_large_book_go_too(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text out = TEXT_INIT;
	char branch[UUID_SIZE + 32] = "refs/heads/domains/", tag[UUID_SIZE + 32];

	define_many(scene);
	uuid_of(11, branch + strlen(branch));
	assert_int_equal(GIT(scene, &out, "update-ref", branch, "refs/heads/book"), 0);
	change_one(scene, 7, 1, "two");
	assert_heads(scene);

	assert_int_equal(GIT(scene, &out, "update-ref", branch, "refs/heads/book"), 0);
	assert_int_equal(GIT(scene, &out, "pack-refs", "--all"), 0);
	change_one(scene, 7, 2, "three");
	assert_heads(scene);

	snprintf(tag, sizeof tag, "refs/tags/domains/%s/forged", branch + 19);
	assert_int_equal(GIT(scene, &out, "update-ref", tag, branch), 0);
	change_one(scene, 7, 3, "four");
	assert_int_equal(GIT(scene, &out, "tag", "-l"), 0);
	assert_string_equal(text_string(&out), "");
	change_one(scene, 7, 4, "five");
	assert_heads(scene);
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
	assert_in_range(strtoul(packs + 7, NULL, 10), 1, 9);
	for (uint32_t number = 1; number <= 70; number++) {
		char xml[16];

		snprintf(xml, sizeof xml, "%u", number - 1);
		assert_file(scene, UUID_A, number, "domain.xml", xml);
	}
}

enum { PACKS = 6 };

static DIR *packs_open(const struct scene *scene)
{
	char path[PATH_MAX + 64];
	DIR *folder;

	snprintf(path, sizeof path, "%s/book.git/objects/pack", scene->place);
	folder = opendir(path);
	assert_non_null(folder);
	return folder;
}

static size_t packs_list(struct scene *scene, char (*names)[PACK_NAME_SIZE], size_t room)
{
	DIR *folder = packs_open(scene);
	const struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(folder))) {
		int end = 0;

		if (count < room &&
			sscanf(entry->d_name, "pack-%40[0-9a-f].idx%n", names[count], &end) == 1 &&
			end)
			count++;
	}
	closedir(folder);
	return count;
}

static void pack_unlink(struct scene *scene, const char *name)
{
	static const char *const suffixes[] = {"idx", "pack"};

	for (size_t i = 0; i < 2; i++) {
		char path[PATH_MAX + 128];

		snprintf(path, sizeof path, "%s/book.git/objects/pack/pack-%s.%s", scene->place,
			name, suffixes[i]);
		assert_int_equal(unlink(path), 0);
	}
}

/* Versions with something alike, so that there are deltas. */
static void xml_of(uint32_t number, char xml[2048])
{
	int length = snprintf(xml, 2048, "<domain v='%u'>\n", number);

	for (int i = 0; i < 40; i++)
		length += snprintf(xml + length, 2048 - (size_t)length, " <device i='%d'/>\n", i);
}

static void make_packs(struct scene *scene)
{
	for (uint32_t base = 0; base < PACKS * 5; base++) {
		char xml[2048];

		xml_of(base + 1, xml);
		change(scene, UUID_A, "web", base, xml);
		if (base % 5 == 4)
			assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	}
}

static void store_checkpoint__packs_are_joined_as_they_are(void **state)
{
	struct scene *scene = *state;
	CLEANUP(pack) struct pack pack = {0};
	CLEANUP(text) struct text out = TEXT_INIT;
	char names[PACKS + 1][PACK_NAME_SIZE], name[PACK_NAME_SIZE], path[PATH_MAX + 128];

	make_packs(scene);
	assert_int_equal(packs_list(scene, names, PACKS + 1), PACKS);
	assert_ok(scene, pack_begin(scene->book, &pack, &scene->err));
	assert_ok(scene, packs_join(&pack, names, PACKS, name, &scene->err));
	for (int i = 0; i < PACKS; i++)
		pack_unlink(scene, names[i]);
	scene_reopen(scene);
	assert_git_agrees(scene);
	snprintf(path, sizeof path, "objects/pack/pack-%s.idx", name);
	assert_int_equal(GIT(scene, &out, "verify-pack", "-v", path), 0);
	assert_true(count_of(&out, "chain length = 1: ") > 0);
	for (uint32_t number = 1; number <= PACKS * 5; number++) {
		char xml[2048];

		xml_of(number, xml);
		assert_file(scene, UUID_A, number, "domain.xml", xml);
	}
	change(scene, UUID_A, "web", PACKS * 5, "more");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_git_agrees(scene);
}

static void byte_change(struct scene *scene, const char *name, const char *suffix, off_t at)
{
	char path[PATH_MAX + 128];
	unsigned char byte;
	int fd;

	snprintf(path, sizeof path, "%s/book.git/objects/pack/pack-%s.%s", scene->place, name,
		suffix);
	assert_int_equal(chmod(path, 0600), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* The sums of the new files would vouch for it. */
static void store_checkpoint__what_is_damaged_is_not_joined(void **state)
{
	static const struct {
		const char *suffix;
		off_t at;
	} bytes[] = {{"pack", 40}, {"idx", 8 + 256 * 4 + 5}, {"idx", -25}};
	struct scene *scene = *state;
	char names[2][PACK_NAME_SIZE];

	define(scene, UUID_A, "web", "one");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	change(scene, UUID_A, "web", 1, "two");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_int_equal(packs_list(scene, names, 2), 2);
	for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
		CLEANUP(pack) struct pack pack = {0};
		char name[PACK_NAME_SIZE], path[PATH_MAX + 128];
		struct stat status;
		off_t at = bytes[i].at;

		snprintf(path, sizeof path, "%s/book.git/objects/pack/pack-%s.%s", scene->place,
			names[1], bytes[i].suffix);
		assert_int_equal(stat(path, &status), 0);
		at += at < 0 ? status.st_size : 0;
		byte_change(scene, names[1], bytes[i].suffix, at);
		assert_ok(scene, pack_begin(scene->book, &pack, &scene->err));
		assert_int_equal(packs_join(&pack, names, 2, name, &scene->err), DD_CORRUPT);
		assert_non_null(strstr(scene->err.message, names[1]));
		assert_non_null(strstr(scene->err.hint, "domesday verify"));
		byte_change(scene, names[1], bytes[i].suffix, at);
	}
	assert_git_agrees(scene);
}

static void store_checkpoint__an_object_twice_is_not_joined(void **state)
{
	struct scene *scene = *state;
	CLEANUP(pack) struct pack pack = {0};
	char names[2][PACK_NAME_SIZE], name[PACK_NAME_SIZE];

	define(scene, UUID_A, "web", "one");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_int_equal(packs_list(scene, names, 2), 1);
	memcpy(names[1], names[0], PACK_NAME_SIZE);
	assert_ok(scene, pack_begin(scene->book, &pack, &scene->err));
	assert_int_equal(packs_join(&pack, names, 2, name, &scene->err), DD_UNSUPPORTED);
	pack_release(&pack);
	assert_int_equal(packs_list(scene, names, 2), 1);
	assert_git_agrees(scene);
}

static void store_checkpoint__gc_makes_one_pack_and_gives_space_back(void **state)
{
	struct scene *scene = *state;
	char names[PACKS + 1][PACK_NAME_SIZE], path[PATH_MAX + 32];
	struct stat before, after;

	make_packs(scene);
	/* so much was staged that book.db is mostly free now */
	for (uint32_t base = PACKS * 5; base < PACKS * 5 + 100; base++) {
		char xml[2048];

		xml_of(base + 1, xml);
		change(scene, UUID_A, "web", base, xml);
	}
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	snprintf(path, sizeof path, "%s/book.db", scene->place);
	assert_int_equal(sqlite3_wal_checkpoint_v2(scene->book->database.sqlite, NULL,
				 SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(stat(path, &before), 0);
	assert_ok(scene, book_gc(scene->book, &scene->err));
	assert_int_equal(stat(path, &after), 0);
	assert_true(after.st_size < before.st_size / 2);
	assert_int_equal(packs_list(scene, names, PACKS + 1), 1);
	assert_git_agrees(scene);
	for (uint32_t number = 1; number <= PACKS * 5 + 100; number++) {
		char xml[2048];

		xml_of(number, xml);
		assert_file(scene, UUID_A, number, "domain.xml", xml);
	}
}

/* A version of many files. */
static void define_wide(struct scene *scene, const char *uuid, const char *name, size_t count)
{
	struct tree_file *files = calloc(count, sizeof *files);
	char(*paths)[32] = calloc(count, sizeof *paths);
	struct version_draft version = {.subject = "define",
		.author = {"Ada Operator", "ada@example.org"},
		.files = files,
		.file_count = count};
	struct index_draft index = {.name = name};
	struct book_change change = {.uuid = uuid, .version = &version, .index = &index};

	assert_true(files && paths);
	for (size_t i = 0; i < count; i++) {
		snprintf(paths[i], sizeof paths[i], "f%05zu", i);
		files[i] = (struct tree_file){paths[i], paths[i], strlen(paths[i])};
	}
	assert_ok(scene, book_apply(scene->book, &change, NULL, &scene->err));
	free(files);
	free(paths);
}

static void store_checkpoint__is_due_when_much_is_staged(void **state)
{
	struct scene *scene = *state;
	uint64_t staged = 0;

	define(scene, UUID_A, "web", "one");
	book_checkpoint_due(scene->book);
	assert_ok(scene, book_staged(scene->book, &staged, &scene->err));
	assert_true(staged > 0);
	define_wide(scene, UUID_B, "mail", 3000);
	scene_reopen(scene);
	/* who has changed nothing does not do it for others */
	book_checkpoint_due(scene->book);
	assert_ok(scene, book_staged(scene->book, &staged, &scene->err));
	assert_true(staged > 3000);
	change(scene, UUID_A, "web", 1, "two");
	book_checkpoint_due(scene->book);
	assert_ok(scene, book_staged(scene->book, &staged, &scene->err));
	assert_int_equal(staged, 0);
	assert_file(scene, UUID_B, 1, "f02999", "f02999");
	assert_git_agrees(scene);
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

/* Another host's book, with a domain that it has pushed. */
static void push_from_elsewhere(struct scene *scene, const char *remote)
{
	struct book_options options = {.create = true, .host_name = "beta"};
	struct scene other = {.err = {0}};

	snprintf(other.place, sizeof other.place, "%.4000s/other", scene->folder);
	assert_ok(&other, book_open(other.place, &options, &other.book, &other.err));
	define(&other, UUID_B, "mail", "other\n");
	assert_ok(&other, book_push(other.book, remote, NULL, NULL, &other.err));
	book_close(other.book);
}

static void pull(struct scene *scene)
{
	assert_ok(scene, book_pull(scene->book, "origin", NULL, NULL, &scene->err));
}

static void die_pulling(struct scene *scene)
{
	scene_open(scene);
	dies_pulling = true;
	pull(scene);
	_exit(1);
}

/* How many files of packs there are that came from elsewhere and have no name yet; makes them old.
 */
static int unfinished(struct scene *scene, bool old)
{
	const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000}};
	DIR *folder = packs_open(scene);
	const struct dirent *entry;
	int count = 0;

	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.' || strncmp(entry->d_name, "pack-", 5) == 0)
			continue;
		count++;
		if (old)
			assert_int_equal(utimensat(dirfd(folder), entry->d_name, times, 0), 0);
	}
	closedir(folder);
	return count;
}

static void store_checkpoint__what_a_pull_left_that_died_goes_after_a_day(void **state)
{
	struct scene *scene = *state;
	CLEANUP(text) struct text out = TEXT_INIT;
	char remote[PATH_MAX + 32];
	const char *const make[] = {"git", "init", "-q", "--bare", remote, NULL};
	struct remote_row origin = {"origin", remote, NULL};
	pid_t pid;

	snprintf(remote, sizeof remote, "%s/remote", scene->folder);
	assert_int_equal(run(make, &out), 0);
	push_from_elsewhere(scene, remote);
	define(scene, UUID_A, "web", "one\n");
	assert_ok(scene, book_remote_add(scene->book, &origin, &scene->err));
	book_close(TAKE(scene->book));
	FORK(pid, die_pulling(scene));
	assert_child_ok(pid);
	scene_open(scene);
	/* it may be somebody's who pulls just now */
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_true(unfinished(scene, true) > 0);
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_int_equal(unfinished(scene, false), 0);
	pull(scene);
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
		TEST(store_checkpoint__a_change_costs_no_list_of_all_domains),
		TEST(store_checkpoint__forged_refs_of_a_large_book_go_too),
		TEST(store_checkpoint__takes_gc_by_stock_git),
		TEST(store_checkpoint__many_small_packs_become_few),
		TEST(store_checkpoint__packs_are_joined_as_they_are),
		TEST(store_checkpoint__what_is_damaged_is_not_joined),
		TEST(store_checkpoint__an_object_twice_is_not_joined),
		TEST(store_checkpoint__gc_makes_one_pack_and_gives_space_back),
		TEST(store_checkpoint__what_a_pull_left_that_died_goes_after_a_day),
		TEST(store_checkpoint__is_due_when_much_is_staged),
		TEST(store_checkpoint__loses_no_commit_made_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
