/* SPDX-License-Identifier: Apache-2.0 */
/* book.db anew: what is signed comes back, what only book.db knew comes from what is left of it. */
#include <fcntl.h>

#include "base/file.h"
#include "store_disk.h"
#include "store_verifying.h"

/* Changes of names that go well before this process dies of one. */
static long names_left = LONG_MAX;

static bool name_changes(void)
{
	if (!names_left--)
		_exit(0);
	return true;
}

int rename(const char *from, const char *to)
{
	return name_changes() ? renameat(AT_FDCWD, from, AT_FDCWD, to) : -1;
}

int unlink(const char *path)
{
	return name_changes() ? unlinkat(AT_FDCWD, path, 0) : -1;
}

struct reindexed {
	struct text lost;
	struct reindex_counts counts;
};

static void cleanup_reindexed(struct reindexed *outcome)
{
	text_release(&outcome->lost);
}

/* The tests' domains have no XML to read a name from. */
static int index_of(struct book *book, const char *uuid, struct index_draft *out, void *context,
	struct dd_error *err)
{
	CLEANUP(version_info) struct version_info info = {0};
	int rc = book_version(book, uuid, 0, &info, err);

	(void)context;
	out->name = strcmp(uuid, UUID_A) == 0 ? "web" : strcmp(uuid, UUID_B) == 0 ? "mail" : "old";
	if (!rc && strcmp(info.subject, "undefine") == 0)
		out->state = STATE_GONE;
	return rc;
}

static void keep_loss(const char *sentence, void *context)
{
	text_printf(&((struct reindexed *)context)->lost, "%s\n", sentence);
}

static int reindex(struct scene *scene, struct reindexed *outcome)
{
	struct book_options options = {.host_name = "alpha"};
	struct reindex_calls calls = {index_of, keep_loss, outcome};

	return book_reindex(scene->place, &options, &calls, &outcome->counts, &scene->err);
}

static void path_of(struct scene *scene, const char *name, char out[PATH_MAX + 64])
{
	snprintf(out, PATH_MAX + 64, "%s/%s", scene->place, name);
}

static void remove_database(struct scene *scene)
{
	static const char *const names[] = {"book.db", "book.db-wal", "book.db-shm"};
	char path[PATH_MAX + 64];

	book_close(TAKE(scene->book));
	for (size_t i = 0; i < 3; i++) {
		path_of(scene, names[i], path);
		(void)unlink(path);
	}
}

static void fill(struct scene *scene)
{
	struct tag_draft tag = {.uuid = UUID_A,
		.number = 2,
		.label = "sold",
		.tagger = {"Ada Operator", "ada@example.org"}};
	bool made;

	define(scene, UUID_A, "web", "one");
	change(scene, UUID_A, "web", 1, "two");
	define(scene, UUID_B, "mail", "one");
	define(scene, UUID_C, "old", "one");
	undefine(scene, UUID_C, "old", 1);
	assert_ok(scene, book_tag(scene->book, &tag, NULL, &made, &scene->err));
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
}

static void assert_domain(struct scene *scene, const char *name, uint32_t version)
{
	CLEANUP(domain_row) struct domain_row row = {0};

	assert_ok(scene, book_find(scene->book, name, &row, &scene->err));
	assert_int_equal(row.version, version);
}

static void store_reindex__a_lost_database_comes_back(void **state)
{
	struct scene *scene = *state;
	CLEANUP(reindexed) struct reindexed outcome = {.lost = TEXT_INIT};
	CLEANUP(domain_row) struct domain_row old = {0};
	uint32_t number = 0;

	fill(scene);
	remove_database(scene);
	assert_ok(scene, reindex(scene, &outcome));
	assert_int_equal(outcome.counts.domains, 3);
	assert_int_equal(outcome.counts.versions, 5);
	assert_int_equal(outcome.counts.losses, 1);
	assert_non_null(strstr(text_string(&outcome.lost), "there is no book.db"));
	assert_sound(scene, NULL);
	scene_open(scene);
	assert_domain(scene, "web", 2);
	assert_domain(scene, "mail", 1);
	assert_file(scene, UUID_A, 2, "domain.xml", "two");
	assert_ok(scene, book_tag_find(scene->book, UUID_A, "sold", &number, &scene->err));
	assert_int_equal(number, 2);
	assert_ok(scene, book_find(scene->book, UUID_C, &old, &scene->err));
	assert_int_equal(old.state, STATE_GONE);
	/* and goes on where it was */
	change(scene, UUID_A, "web", 2, "three");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_sound(scene, NULL);
}

static void store_reindex__what_is_not_in_git_yet_is_kept(void **state)
{
	struct scene *scene = *state;
	CLEANUP(reindexed) struct reindexed outcome = {.lost = TEXT_INIT};
	CLEANUP(domain_row) struct domain_row row = {0};
	CLEANUP(journal_row) struct journal_row open = {0};
	struct use_row uses[] = {{"disk", "/a", 'w', USE_CONFIG}, {"disk", "/b", 'w', USE_LIVE}};
	struct index_draft index = {.name = "web",
		.state = STATE_RUNNING,
		.autostart = true,
		.runtime = "facts",
		.uses = uses,
		.use_count = 2};
	struct book_change running = {.uuid = UUID_A, .base = 3, .index = &index};
	struct journal_draft draft = {
		.uuid = UUID_B, .operation = "attach", .base = 1, .detail = "x"};
	struct person ada = {"Ada Operator", "ada@example.org"};
	char path[PATH_MAX + 64];
	int64_t count = 0;
	uint64_t id;

	fill(scene);
	change(scene, UUID_A, "web", 2, "three");
	assert_ok(scene, book_rotate_key(scene->book, &ada, NULL, &scene->err));
	assert_ok(scene, book_apply(scene->book, &running, NULL, &scene->err));
	assert_ok(scene, journal_open(scene->book, &draft, &id, NULL, &scene->err));
	assert_ok(scene, book_count(scene->book, "domain-id", &count, &scene->err));
	assert_ok(scene, reindex(scene, &outcome));
	if (outcome.counts.losses)
		fail_msg("%s", text_string(&outcome.lost));
	assert_int_equal(outcome.counts.staged, 1);
	path_of(scene, "book.db.old", path);
	assert_int_equal(access(path, F_OK), -1);
	assert_sound(scene, NULL);
	scene_open(scene);
	assert_ok(scene, book_find(scene->book, "web", &row, &scene->err));
	assert_int_equal(row.state, STATE_RUNNING);
	assert_string_equal(row.runtime, "facts");
	assert_true(row.autostart);
	assert_ok(scene, journal_find(scene->book, UUID_B, &open, &scene->err));
	assert_int_equal(open.id, id);
	assert_ok(scene, book_count(scene->book, "domain-id", &count, &scene->err));
	assert_int_equal(count, 2);
	change(scene, UUID_A, "web", 3, "four");
	assert_sound(scene, NULL);
}

static void store_reindex__who_has_it_open_goes_on_with_the_new_one(void **state)
{
	struct scene *scene = *state;
	CLEANUP(reindexed) struct reindexed outcome = {.lost = TEXT_INIT};

	fill(scene);
	assert_ok(scene, reindex(scene, &outcome));
	/* by the descriptor that was open before */
	change(scene, UUID_A, "web", 2, "three");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	scene_reopen(scene);
	assert_domain(scene, "web", 3);
	assert_sound(scene, NULL);
}

/* What it packs and what it then forgets are of one database, also where it changed nothing before.
 */
static void store_reindex__who_has_it_open_packs_what_the_new_one_has(void **state)
{
	struct scene *scene = *state;
	CLEANUP(reindexed) struct reindexed outcome = {.lost = TEXT_INIT};
	struct book *before;

	fill(scene);
	change(scene, UUID_A, "web", 2, "three");
	/* as they are numbered where others have made versions during a checkpoint */
	execute(scene, "UPDATE staged SET id = id + 100");
	scene_open(scene);
	before = TAKE(scene->book);
	assert_ok(scene, reindex(scene, &outcome));
	scene_open(scene);
	change(scene, UUID_A, "web", 3, "four");
	assert_ok(scene, book_checkpoint(before, &scene->err));
	book_close(before);
	assert_domain(scene, "web", 4);
	assert_sound(scene, NULL);
}

static void store_reindex__a_damaged_database_gives_what_can_be_read(void **state)
{
	struct scene *scene = *state;
	char path[PATH_MAX + 64];

	fill(scene);
	for (uint32_t i = 2; i < 30; i++)
		change(scene, UUID_A, "web", i, "<domain>again and again</domain>");
	flush(scene);
	path_of(scene, "book.db", path);
	/* page by page, a hole of noise */
	for (int page = 0; page < 12; page++) {
		CLEANUP(reindexed) struct reindexed outcome = {.lost = TEXT_INIT};
		CLEANUP(text) struct text out = TEXT_INIT;
		char copy[PATH_MAX], noise[4096];
		const char *const argv[] = {"cp", "-a", scene->place, copy, NULL};
		struct scene damaged = {.err = {0}};
		int fd;

		snprintf(copy, sizeof copy, "%.4000s/damaged%d", scene->folder, page);
		assert_int_equal(run(argv, &out), 0);
		snprintf(damaged.place, sizeof damaged.place, "%s", copy);
		path_of(&damaged, "book.db", path);
		fd = open(path, O_RDWR);
		memset(noise, 0x5a, sizeof noise);
		if (pread(fd, noise + 1, 1, (off_t)page * 4096) == 1)
			assert_int_equal(pwrite(fd, noise, sizeof noise, (off_t)page * 4096), 4096);
		close(fd);
		assert_ok(&damaged, reindex(&damaged, &outcome));
		assert_true(outcome.counts.domains == 3);
		assert_true(outcome.counts.versions >= 5);
		scene_open(&damaged);
		assert_file(&damaged, UUID_A, 2, "domain.xml", "two");
		assert_domain(&damaged, "mail", 1);
		book_close(TAKE(damaged.book));
	}
}

static int index_fails(struct book *book, const char *uuid, struct index_draft *out, void *context,
	struct dd_error *err)
{
	(void)book;
	(void)uuid;
	(void)out;
	(void)context;
	err->code = DD_SYSTEM;
	snprintf(err->message, sizeof err->message, "the disk does not answer");
	return DD_SYSTEM;
}

static void store_reindex__one_that_fails_leaves_the_book_as_it_was(void **state)
{
	struct scene *scene = *state;
	struct book_options options = {.host_name = "alpha"};
	struct reindex_calls calls = {index_fails, NULL, NULL};
	static const char *const names[] = {
		"book.db.new", "book.db.new-journal", "book.db.new-wal", "book.db.old"};
	struct reindex_counts counts;
	char path[PATH_MAX + 64];

	fill(scene);
	book_close(TAKE(scene->book));
	assert_int_equal(
		book_reindex(scene->place, &options, &calls, &counts, &scene->err), DD_SYSTEM);
	assert_string_equal(scene->err.message, "the disk does not answer");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		path_of(scene, names[i], path);
		assert_int_equal(access(path, F_OK), -1);
	}
	assert_sound(scene, NULL);
	scene_open(scene);
	assert_domain(scene, "web", 2);
}

/* Does the disk get there? */
static bool reindex_over(struct scene *scene, const char *end, long well)
{
	CLEANUP(reindexed) struct reindexed outcome = {.lost = TEXT_INIT};
	CLEANUP(reindexed) struct reindexed again = {.lost = TEXT_INIT};
	static const char *const tags[] = {"sold", "alone"};
	uint32_t number = 0;
	bool reached;
	int rc;

	remove_database(scene);
	disk.end = end;
	disk.well = well;
	rc = reindex(scene, &outcome);
	disk.end = NULL;
	reached = disk.well < 0;
	if (rc)
		assert_ok(scene, reindex(scene, &again));
	else if (outcome.counts.losses > 1) /* that there is no book.db */
		fail_msg("%s, %ld: %s", end, well, text_string(&outcome.lost));
	scene_open(scene);
	assert_domain(scene, "web", 2);
	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
		if (book_tag_find(scene->book, UUID_A, tags[i], &number, &scene->err))
			fail_msg("%s, %ld: the tag %s is lost", end, well, tags[i]);
	return reached;
}

static void store_reindex__a_disk_that_fails_once_loses_nothing(void **state)
{
	static const char *const ends[] = {"/packed-refs", ".idx", "/objects/pack", "/" UUID_A};
	/* a file of its own, as it is fetched */
	static const char *const alone[] = {"update-ref", "refs/tags/domains/" UUID_A "/alone",
		"refs/tags/domains/" UUID_A "/sold", NULL};
	struct scene *scene = *state;

	fill(scene);
	git(scene, alone);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		long well = 0;

		while (reindex_over(scene, ends[i], well))
			well++;
		assert_true(well > 0);
	}
}

/* Two times the log's header, and so into the first frame, from where on it is cut short. */
static void damage_log(struct scene *scene)
{
	char path[PATH_MAX + 64], byte;
	int fd;

	path_of(scene, "book.db-wal", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, 64), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 64), 1);
	close(fd);
}

static void die_reindexing(struct scene *scene, long names)
{
	struct reindexed outcome = {.lost = TEXT_INIT};

	names_left = names;
	(void)reindex(scene, &outcome);
	_exit(1);
}

static void store_reindex__who_dies_over_a_damaged_book_leaves_all_of_it(void **state)
{
	struct scene *scene = *state;
	int status = 0;

	fill(scene);
	change(scene, UUID_A, "web", 2, "three");
	book_close(TAKE(scene->book));
	damage_log(scene);
	for (long names = 0; WEXITSTATUS(status) == 0; names++) {
		CLEANUP(reindexed) struct reindexed outcome = {.lost = TEXT_INIT};
		CLEANUP(text) struct text out = TEXT_INIT;
		char place[PATH_MAX + 8];
		const char *const argv[] = {"cp", "-a", scene->place, place, NULL};
		struct scene left = {.err = {0}};
		pid_t pid;

		snprintf(place, sizeof place, "%.4000s/left%ld", scene->folder, names);
		snprintf(left.place, sizeof left.place, "%s", place);
		assert_int_equal(run(argv, &out), 0);
		FORK(pid, die_reindexing(&left, names));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_ok(&left, reindex(&left, &outcome));
		if (outcome.counts.losses)
			fail_msg("after %ld: %s", names, text_string(&outcome.lost));
		scene_open(&left);
		assert_domain(&left, "web", 3);
		book_close(TAKE(left.book));
	}
}

static void store_reindex__refs_that_were_moved_do_not_matter(void **state)
{
	struct scene *scene = *state;
	CLEANUP(reindexed) struct reindexed outcome = {.lost = TEXT_INIT};
	static const char *const back[] = {"update-ref", "refs/heads/domains/" UUID_A,
		"refs/heads/domains/" UUID_A "~1", NULL};

	fill(scene);
	git(scene, back);
	remove_database(scene);
	assert_ok(scene, reindex(scene, &outcome));
	scene_open(scene);
	assert_domain(scene, "web", 2);
}

static void store_reindex__a_forged_version_does_not_come_in(void **state)
{
	struct scene *scene = *state;
	CLEANUP(reindexed) struct reindexed outcome = {.lost = TEXT_INIT};
	static const char *const forge[] = {"-c", "user.name=x", "-c", "user.email=x",
		"commit-tree", "-p", "refs/heads/domains/" UUID_A, "-m", "forge", "-m",
		"Domain: " UUID_A "\nVersion: 3\nBook-Seq: 6",
		"refs/heads/domains/" UUID_A "^{tree}", NULL};

	fill(scene);
	git(scene, forge);
	remove_database(scene);
	assert_ok(scene, reindex(scene, &outcome));
	scene_open(scene);
	assert_domain(scene, "web", 2);
}

static void assert_same_log(struct scene *scene, const struct text *log)
{
	CLEANUP(text) struct text kept = TEXT_INIT;
	char path[PATH_MAX + 64];

	path_of(scene, "book.db.old-wal", path);
	assert_ok(scene, file_read(path, SIZE_MAX, &kept, &scene->err));
	assert_int_equal(kept.size, log->size);
	assert_memory_equal(kept.data, log->data, log->size);
}

/* Nothing is written over what can be put right; and it is put right, down to the bit. */
static void store_reindex__a_log_that_a_bit_has_cut_short_is_mended(void **state)
{
	struct scene *scene = *state;
	char path[PATH_MAX + 64];
	uint32_t newest = 0;

	path_of(scene, "book.db-wal", path);
	for (unsigned i = 0; i < 8; i++) {
		CLEANUP(reindexed) struct reindexed outcome = {.lost = TEXT_INIT};
		struct step step = {.uuid = UUID_A, .name = "web", .xml = "<domain/>"};
		struct step other = {.uuid = UUID_B, .name = "mail", .xml = "<domain/>"};
		CLEANUP(text) struct text log = TEXT_INIT;

		for (int j = 0; j < 3; j++) {
			step.base = newest++;
			assert_ok(scene, step_apply(scene->book, &step, NULL, &scene->err));
		}
		book_close(TAKE(scene->book));
		assert_ok(scene, file_read(path, SIZE_MAX, &log, &scene->err));
		/* the header's magic and sum, then anywhere, in the first byte of a word */
		flip(path, i < 2 ? 3 + 25 * (off_t)i : (off_t)((log.size / 8 + 5) * i & ~3ul),
			(int)i);
		if (book_open(scene->place, NULL, &scene->book, &scene->err) == 0) {
			assert_int_equal(book_log_check(scene->book, &scene->err), DD_CORRUPT);
			assert_int_equal(
				step_apply(scene->book, &other, NULL, &scene->err), DD_CORRUPT);
			book_close(TAKE(scene->book));
		}
		assert_non_null(strstr(scene->err.message, "book.db-wal is damaged"));
		assert_ok(scene, reindex(scene, &outcome));
		assert_int_equal(outcome.counts.mended, 1);
		assert_int_equal(outcome.counts.losses, 0);
		assert_int_equal(outcome.counts.versions, newest);
		assert_same_log(scene, &log);
		assert_sound(scene, NULL);
		scene_open(scene);
	}
}

/* Where the last page in the log has nothing. */
static off_t free_space(const struct text *log)
{
	static const char nothing[64];
	const char *page = log->data + log->size - 4096;
	size_t at = 0;

	while (memcmp(page + at, nothing, sizeof nothing) != 0)
		at += 4;
	assert_true(at < 4096 - sizeof nothing);
	return (off_t)(log->size - 4096 + at + sizeof nothing / 2);
}

/* Of a word's highest bits the checksum does not say which word it was: then none is changed. */
static void store_reindex__no_other_word_of_the_log_is_changed(void **state)
{
	struct scene *scene = *state;
	unsigned known = 0, told = 0;
	char path[PATH_MAX + 64];

	path_of(scene, "book.db-wal", path);
	for (unsigned bit = 0; bit < 32; bit++) {
		CLEANUP(reindexed) struct reindexed outcome = {.lost = TEXT_INIT};
		CLEANUP(text) struct text log = TEXT_INIT;
		struct step step = {.uuid = UUID_A, .name = "web", .xml = "<domain/>"};

		step.base = bit;
		assert_ok(scene, step_apply(scene->book, &step, NULL, &scene->err));
		book_close(TAKE(scene->book));
		assert_ok(scene, file_read(path, SIZE_MAX, &log, &scene->err));
		flip(path, free_space(&log) + (off_t)bit / 8, (int)bit % 8);
		assert_ok(scene, reindex(scene, &outcome));
		known += outcome.counts.mended;
		told += (unsigned)outcome.counts.losses;
		assert_int_equal(known + told, bit + 1);
		if (outcome.counts.mended)
			assert_same_log(scene, &log);
		else
			assert_non_null(strstr(text_string(&outcome.lost),
				"1 of the frames of book.db-wal, and it cannot be told which"));
		assert_int_equal(outcome.counts.versions, bit + 1);
		assert_sound(scene, NULL);
		scene_open(scene);
	}
	assert_true(known >= 20 && told);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_reindex__a_lost_database_comes_back),
		TEST(store_reindex__what_is_not_in_git_yet_is_kept),
		TEST(store_reindex__who_has_it_open_goes_on_with_the_new_one),
		TEST(store_reindex__who_has_it_open_packs_what_the_new_one_has),
		TEST(store_reindex__a_damaged_database_gives_what_can_be_read),
		TEST(store_reindex__one_that_fails_leaves_the_book_as_it_was),
		TEST(store_reindex__a_disk_that_fails_once_loses_nothing),
		TEST(store_reindex__who_dies_over_a_damaged_book_leaves_all_of_it),
		TEST(store_reindex__refs_that_were_moved_do_not_matter),
		TEST(store_reindex__a_forged_version_does_not_come_in),
		TEST(store_reindex__a_log_that_a_bit_has_cut_short_is_mended),
		TEST(store_reindex__no_other_word_of_the_log_is_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
