/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is changed in a book, a single bit included, is found and called by its place. */
#include <dirent.h>
#include <fcntl.h>

#include "store/key/key.h"
#include "store/room.h"
#include "store_verifying.h"

#define FLIPS 24 /* in each file, beside its first and its last byte */

/* ---- a book with something of everything ---- */

static void tag(struct scene *scene, const char *uuid, uint32_t number, const char *label)
{
	struct tag_draft draft = {
		.uuid = uuid,
		.number = number,
		.label = label,
		.tagger = {"Ada Operator", "ada@example.org"},
	};
	bool made;

	assert_ok(scene, book_tag(scene->book, &draft, NULL, &made, &scene->err));
}

/* Two domains whose versions alternate, one that is gone, tags, two packs; and some staged. */
static void fill(struct scene *scene)
{
	for (uint32_t i = 0; i < 6; i++) {
		char xml[64];

		snprintf(xml, sizeof xml, "<domain>%u</domain>", i * 7919);
		change(scene, UUID_A, "web", i, xml);
		change(scene, UUID_B, "mail", i, xml);
		if (i == 0)
			define(scene, UUID_C, "old", "<old/>");
		if (i == 2)
			assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	}
	undefine(scene, UUID_C, "old", 1);
	tag(scene, UUID_A, 2, "sold");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
}

static void store_verify__a_sound_book_has_no_findings(void **state)
{
	struct scene *scene = *state;

	assert_sound(scene, NULL); /* empty */
	scene_open(scene);
	define(scene, UUID_A, "web", "one");
	assert_sound(scene, NULL); /* all staged */
	assert_sound(scene, UUID_A);
	scene_open(scene);
	assert_int_equal(book_checkpoint(scene->book, &scene->err), 0);
	change(scene, UUID_A, "web", 1, "two");
	tag(scene, UUID_A, 1, "first");
	assert_sound(scene, NULL); /* some of it */
	scene_open(scene);
	assert_ok(scene, book_tag_remove(scene->book, UUID_A, "first", &scene->err));
	assert_sound(scene, NULL);
}

static void store_verify__a_full_book_has_no_findings(void **state)
{
	struct scene *scene = *state;
	static const char *const gc[] = {"gc", "-q", NULL};

	fill(scene);
	assert_sound(scene, NULL);
	assert_sound(scene, UUID_A);
	assert_sound(scene, UUID_C);
	/* nor when git has repacked it */
	git(scene, gc);
	assert_sound(scene, NULL);
}

/* It says where the book is sent. */
static void store_verify__a_configuration_that_others_wrote_is_found(void **state)
{
	struct scene *scene = *state;
	static const char *const remote[] = {"remote", "add", "far", "/nowhere", NULL};
	const struct remote_row near = {.name = "near", .url = "/here"};

	fill(scene);
	assert_ok(scene, book_remote_add(scene->book, &near, &scene->err));
	assert_sound(scene, NULL);
	git(scene, remote);
	assert_told(scene, NULL, "book.git/config is not as Domesday wrote it", "remote add");
	scene_reopen(scene);
	assert_ok(scene, book_remote_remove(scene->book, "near", &scene->err));
	assert_sound(scene, NULL);
}

/* ---- a single bit ---- */

static unsigned random_next(unsigned *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 8;
}

static void assert_flip_told(struct scene *scene, const char *name, off_t at, int bit)
{
	CLEANUP(told) struct told told = {.words = TEXT_INIT};
	char path[PATH_MAX * 2];

	snprintf(path, sizeof path, "%s/%s", scene->place, name);
	flip(path, at, bit);
	verify(scene, NULL, &told);
	if (!told.count || !strstr(text_string(&told.words), name))
		fail_msg("bit %d of byte %lld of %s: %s", bit, (long long)at, name,
			told.count ? text_string(&told.words) : "not seen");
	flip(path, at, bit);
}

static void assert_flips_told(struct scene *scene, const char *name, unsigned flips)
{
	char path[PATH_MAX * 2];
	struct stat status;
	unsigned seed = 42;

	snprintf(path, sizeof path, "%s/%s", scene->place, name);
	assert_int_equal(stat(path, &status), 0);
	assert_flip_told(scene, name, 0, 0);
	assert_flip_told(scene, name, status.st_size - 1, 7);
	for (unsigned i = 0; i < flips; i++)
		assert_flip_told(scene, name, (off_t)random_next(&seed) % status.st_size,
			(int)random_next(&seed) % 8);
	assert_sound(scene, NULL);
}

static void store_verify__a_bit_of_a_pack_or_index_is_found(void **state)
{
	struct scene *scene = *state;
	char folder[PATH_MAX + 64], name[512];
	struct dirent *entry;
	int files = 0;
	DIR *packs;

	fill(scene);
	snprintf(folder, sizeof folder, "%s/book.git/objects/pack", scene->place);
	packs = opendir(folder);
	assert_non_null(packs);
	while ((entry = readdir(packs))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "book.git/objects/pack/%s", entry->d_name);
		assert_flips_told(scene, name, FLIPS);
		files++;
	}
	closedir(packs);
	assert_int_equal(files, 4);
}

static void store_verify__a_bit_of_the_database_is_found(void **state)
{
	struct scene *scene = *state;
	const off_t header[] = {16, 17, 18, 19, 20, 21, 27, 43, 60, 68, 95};

	fill(scene);
	scene_reopen(scene);
	/* a free page, too */
	for (uint32_t i = 6; i < 40; i++)
		change(scene, UUID_A, "web", i, "<domain>something else</domain>");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	flush(scene);
	for (size_t i = 0; i < sizeof header / sizeof header[0]; i++)
		for (int bit = 0; bit < 8; bit++)
			assert_flip_told(scene, "book.db", header[i], bit);
	assert_flips_told(scene, "book.db", 10 * FLIPS);
}

/* What SQLite takes for the end of its log, and says nothing of. */
static void store_verify__a_bit_of_the_log_is_found(void **state)
{
	enum { HEADER = 32, FRAME_HEADER = 24, FRAME = FRAME_HEADER + 4096 };
	struct scene *scene = *state;
	char path[PATH_MAX + 32];
	struct stat status;
	unsigned seed = 7;

	fill(scene);
	flush(scene);
	scene_reopen(scene);
	for (uint32_t i = 6; i < 11; i++)
		change(scene, UUID_A, "web", i, "<domain>something else</domain>");
	book_close(TAKE(scene->book));
	snprintf(path, sizeof path, "%s/book.db-wal", scene->place);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal((status.st_size - HEADER) % FRAME, 0);
	assert_in_range((status.st_size - HEADER) / FRAME, 15, 100);
	for (off_t at = 0; at < HEADER; at++)
		assert_flip_told(scene, "book.db-wal", at, (int)random_next(&seed) % 8);
	for (off_t at = HEADER; at < status.st_size; at += FRAME) {
		assert_flip_told(scene, "book.db-wal", at + random_next(&seed) % FRAME_HEADER,
			(int)random_next(&seed) % 8);
		assert_flip_told(scene, "book.db-wal", at + random_next(&seed) % FRAME,
			(int)random_next(&seed) % 8);
	}
	assert_sound(scene, NULL);
	scene_open(scene);
	assert_file(scene, UUID_A, 11, "domain.xml", "<domain>something else</domain>");
}

/* Nothing that counts: but a bit has fallen over, and who looks is told. */
static void store_verify__a_bit_of_a_page_that_the_log_has_anew_is_found(void **state)
{
	struct scene *scene = *state;
	unsigned seed = 5;

	fill(scene);
	flush(scene);
	scene_reopen(scene);
	change(scene, UUID_A, "web", 6, "<domain>something else</domain>");
	book_close(TAKE(scene->book));
	for (int i = 0; i < 20; i++)
		assert_flip_told(scene, "book.db", random_next(&seed) % (4096 * 8),
			(int)random_next(&seed) % 8);
	assert_sound(scene, NULL);
}

/* Of the highest bit of a word the checksum does not say where it was. */
static void store_verify__a_bit_of_a_page_that_the_log_has_as_well_is_found(void **state)
{
	struct scene *scene = *state;
	unsigned seed = 11;

	fill(scene);
	change(scene, UUID_A, "web", 6, "<domain>something else</domain>");
	assert_int_equal(sqlite3_wal_checkpoint_v2(scene->book->database.sqlite, NULL,
				 SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
		SQLITE_OK);
	book_close(TAKE(scene->book));
	for (int i = 0; i < 40; i++)
		assert_flip_told(
			scene, "book.db", (random_next(&seed) % (4096 * 8)) | 3, i % 2 ? 7 : 6);
	assert_sound(scene, NULL);
}

/* As a loss of power leaves it, and a transaction that was rolled back: the book is as it was. */
static void store_verify__a_log_that_ends_in_a_torn_frame_is_sound(void **state)
{
	struct scene *scene = *state;
	char path[PATH_MAX + 32], half[2048];
	struct stat status;
	int fd;

	fill(scene);
	flush(scene);
	scene_reopen(scene);
	change(scene, UUID_A, "web", 6, "<domain>something else</domain>");
	book_close(TAKE(scene->book));
	snprintf(path, sizeof path, "%s/book.db-wal", scene->place);
	assert_int_equal(stat(path, &status), 0);
	fd = open(path, O_RDWR);
	memset(half, 'x', sizeof half);
	/* the commit itself, which nobody was told of, and more than is read of it */
	assert_int_equal(pwrite(fd, half, sizeof half, status.st_size - 4096), sizeof half);
	assert_int_equal(ftruncate(fd, status.st_size + 5000), 0);
	close(fd);
	assert_sound(scene, NULL);
	scene_open(scene);
	assert_file(scene, UUID_A, 0, "domain.xml", "<domain>39595</domain>");
}

static void store_verify__a_bit_of_the_refs_is_found(void **state)
{
	struct scene *scene = *state;

	fill(scene);
	assert_flips_told(scene, "book.git/packed-refs", 3 * FLIPS);
	assert_flips_told(scene, "book.git/HEAD", FLIPS);
}

static void store_verify__a_changed_setting_of_git_is_found(void **state)
{
	struct scene *scene = *state;
	static const char *const bare[] = {"config", "core.bare", "false", NULL};
	static const char *const gc[] = {"config", "--unset", "gc.auto", NULL};

	fill(scene);
	git(scene, gc);
	git(scene, bare);
	assert_told(scene, NULL, "book.git/config does not say core.bare = true",
		"book.git/config does not say gc.auto = 0");
}

/* ---- rows ---- */

static void store_verify__a_newest_version_taken_from_the_index_is_found(void **state)
{
	struct scene *scene = *state;

	fill(scene);
	execute(scene, "DELETE FROM version WHERE number = 6 AND domain ="
		       " (SELECT id FROM domain WHERE name = 'web');"
		       "UPDATE domain SET version = 5, head = (SELECT oid FROM version v"
		       " WHERE v.domain = domain.id AND number = 5) WHERE name = 'web'");
	assert_told(scene, NULL, "index book.db web@6: version 6 of 'web' (",
		"place 12 of the chain of all versions is gone");
	assert_told(scene, UUID_A, "which is no version of it that book.db knows", UUID_A);
	assert_sound(scene, UUID_C);
}

static void store_verify__the_end_of_the_chain_cut_off_is_found(void **state)
{
	struct scene *scene = *state;

	fill(scene);
	execute(scene, "DELETE FROM version WHERE number = 2 AND domain ="
		       " (SELECT id FROM domain WHERE name = 'old');"
		       "UPDATE domain SET version = 1, state = 1, head = (SELECT oid FROM version v"
		       " WHERE v.domain = domain.id AND number = 1) WHERE name = 'old'");
	assert_told(scene, NULL, "refs/book/chain points to a version that book.db does not know",
		"index book.db old@2: version 2 of 'old' (");
}

static void store_verify__versions_in_another_order_are_found(void **state)
{
	struct scene *scene = *state;

	fill(scene);
	execute(scene, "UPDATE version SET number = 1000 + number WHERE number IN (3, 4);"
		       "UPDATE version SET number = 1007 - number WHERE number > 1000");
	assert_told(scene, NULL, "index book.db web@3: version 3 of 'web' (",
		"chain book.git web@4: version 4 of 'web' (");
}

static void store_verify__places_in_another_order_are_found(void **state)
{
	struct scene *scene = *state;

	fill(scene);
	execute(scene, "UPDATE version SET seq = 1000 + seq WHERE seq IN (4, 5);"
		       "UPDATE version SET seq = 1009 - seq WHERE seq > 1000");
	assert_told(scene, NULL, "another place in the chain than its row says", "web@2");
}

static void store_verify__a_domain_taken_from_everywhere_is_found(void **state)
{
	struct scene *scene = *state;
	static const char *const away[] = {"update-ref", "-d", "refs/heads/domains/" UUID_B, NULL};
	static const char *const prune[] = {"-c", "gc.pruneExpire=now", "gc", "-q", NULL};

	fill(scene);
	execute(scene, "DELETE FROM version WHERE domain = (SELECT id FROM domain WHERE"
		       " name = 'mail'); DELETE FROM domain WHERE name = 'mail'");
	git(scene, away);
	assert_told(scene, NULL, "versions 1 to 6 of '" UUID_B "'", "but book.db does not know it");
	git(scene, prune);
	assert_told(scene, NULL,
		"place 2 of the chain of all versions is gone: what was made after",
		"and before version 1 of 'old' (");
}

static void store_verify__a_staged_object_that_was_changed_is_found(void **state)
{
	struct scene *scene = *state;

	fill(scene);
	scene_reopen(scene);
	change(scene, UUID_A, "web", 6, "<staged/>");
	execute(scene,
		"UPDATE staged SET data = '<stahed/>' WHERE data = CAST('<staged/>' AS BLOB)");
	assert_told(scene, NULL, "in book.db (staged) is not what its name says",
		"object book.git web@7: version 7 of 'web' (");
	execute(scene, "DELETE FROM staged WHERE type = 1");
	assert_told(scene, UUID_A, "version 7 of 'web': the commit", "is missing or damaged");
}

/* ---- refs ---- */

static void store_verify__a_ref_moved_back_is_found(void **state)
{
	struct scene *scene = *state;
	static const char *const back[] = {"update-ref", "refs/heads/domains/" UUID_A,
		"refs/heads/domains/" UUID_A "~2", NULL};

	fill(scene);
	git(scene, back);
	assert_told(scene, NULL,
		"the branch domains/" UUID_A
		" was moved back to version 4; it lacks versions 5 to 6 of 'web' (",
		"refs book.git/packed-refs web@5");
	/* a checkpoint puts it right */
	scene_open(scene);
	change(scene, UUID_B, "mail", 6, "seven");
	assert_ok(scene, book_checkpoint(scene->book, &scene->err));
	assert_sound(scene, NULL);
}

static void store_verify__refs_that_are_gone_or_new_are_found(void **state)
{
	struct scene *scene = *state;
	static const char *const branch[] = {
		"update-ref", "-d", "refs/heads/domains/" UUID_A, NULL};
	static const char *const label[] = {
		"update-ref", "-d", "refs/tags/domains/" UUID_A "/sold", NULL};
	static const char *const chain[] = {"update-ref", "-d", "refs/book/chain", NULL};
	static const char *const other[] = {
		"update-ref", "refs/heads/domains/nobody", "refs/heads/book", NULL};
	char path[PATH_MAX + 64];

	fill(scene);
	git(scene, branch);
	git(scene, label);
	assert_told(scene, NULL, "the branch domains/" UUID_A " is gone; it lacks versions 1 to 6",
		"the tag domains/" UUID_A "/sold is gone");
	git(scene, chain);
	git(scene, other);
	assert_told(scene, NULL, "refs/book/chain is gone",
		"refs/heads/domains/nobody is not in book.db");
	snprintf(path, sizeof path, "%s/book.git/packed-refs", scene->place);
	assert_int_equal(unlink(path), 0);
	assert_told(scene, NULL, "book.git/packed-refs is gone", "");
}

/* ---- keys ---- */

static void store_verify__a_version_signed_with_another_key_is_found(void **state)
{
	struct scene *scene = *state;
	char folder[PATH_MAX + 32], path[PATH_MAX + 64];
	static const char *const names[] = {"host", "host.pub", "allowed_signers"};

	fill(scene);
	book_close(TAKE(scene->book));
	snprintf(folder, sizeof folder, "%s/keys", scene->place);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_ok(scene, key_make(folder, "domesday@alpha", &scene->err));
	name_signer(scene);
	scene_open(scene);
	change(scene, UUID_A, "web", 6, "forged");
	assert_told(scene, NULL, "signature book.git web@7: version 7 of 'web' (",
		"is signed with a key that is not the book's");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_verify__a_sound_book_has_no_findings),
		TEST(store_verify__a_full_book_has_no_findings),
		TEST(store_verify__a_configuration_that_others_wrote_is_found),
		TEST(store_verify__a_bit_of_a_pack_or_index_is_found),
		TEST(store_verify__a_bit_of_the_database_is_found),
		TEST(store_verify__a_bit_of_the_log_is_found),
		TEST(store_verify__a_bit_of_a_page_that_the_log_has_anew_is_found),
		TEST(store_verify__a_bit_of_a_page_that_the_log_has_as_well_is_found),
		TEST(store_verify__a_log_that_ends_in_a_torn_frame_is_sound),
		TEST(store_verify__a_bit_of_the_refs_is_found),
		TEST(store_verify__a_changed_setting_of_git_is_found),
		TEST(store_verify__a_newest_version_taken_from_the_index_is_found),
		TEST(store_verify__the_end_of_the_chain_cut_off_is_found),
		TEST(store_verify__versions_in_another_order_are_found),
		TEST(store_verify__places_in_another_order_are_found),
		TEST(store_verify__a_domain_taken_from_everywhere_is_found),
		TEST(store_verify__a_staged_object_that_was_changed_is_found),
		TEST(store_verify__a_ref_moved_back_is_found),
		TEST(store_verify__refs_that_are_gone_or_new_are_found),
		TEST(store_verify__a_version_signed_with_another_key_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
