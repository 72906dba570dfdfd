/* SPDX-License-Identifier: Apache-2.0 */
/* Domains that came from another book, or went to one, and what is done to whole books. */
#include "store_parcel.h"

static int index_of(struct book *book, const char *uuid, struct index_draft *out, void *context,
	struct dd_error *err)
{
	(void)book;
	(void)context;
	(void)err;
	out->name = strcmp(uuid, UUID_A) == 0 ? "web" : "mail";
	return 0;
}

static void keep_loss(const char *sentence, void *context)
{
	text_printf(context, "%s\n", sentence);
}

/* With the old book.db, or with nothing but book.git. */
static void reindex(struct scene *side, bool without)
{
	static const char *const names[] = {"book.db", "book.db-wal", "book.db-shm"};
	CLEANUP(text) struct text lost = TEXT_INIT;
	struct book_options options = {.host_name = host_of(side)};
	struct reindex_calls calls = {index_of, keep_loss, &lost, false};
	struct reindex_counts counts;

	book_close(TAKE(side->book));
	for (size_t i = 0; without && i < 3; i++) {
		char path[PATH_MAX + 64];

		snprintf(path, sizeof path, "%s/%s", side->place, names[i]);
		(void)unlink(path);
	}
	assert_ok(side, book_reindex(side->place, &options, &calls, &counts, &side->err));
	if (!without)
		assert_string_equal(text_string(&lost), "");
	side_open(side);
}

static void store_parcel_kept__reindex_knows_who_owns_it(void **state)
{
	struct pair *pair = *state;

	define(&pair->alpha, UUID_A, "web", "one");
	define(&pair->alpha, UUID_B, "mail", "one");
	migrate(&pair->alpha, &pair->beta, UUID_A, "web", "two");
	assert_ok(&pair->alpha, book_checkpoint(pair->alpha.book, &pair->alpha.err));
	assert_ok(&pair->beta, book_checkpoint(pair->beta.book, &pair->beta.err));
	reindex(&pair->alpha, true);
	reindex(&pair->beta, true);
	assert_owner(&pair->alpha, UUID_A, "beta", 2, 2);
	assert_owner(&pair->alpha, UUID_B, NULL, 1, 1);
	assert_owner(&pair->beta, UUID_A, NULL, 2, 2);
	assert_whole(&pair->alpha);
	assert_whole(&pair->beta);
	/* and it can come back */
	migrate(&pair->beta, &pair->alpha, UUID_A, "web", "three");
	assert_owner(&pair->alpha, UUID_A, NULL, 3, 3);
	assert_ok(&pair->beta, book_checkpoint(pair->beta.book, &pair->beta.err));
	reindex(&pair->beta, true);
	assert_owner(&pair->beta, UUID_A, "alpha", 3, 3);
	assert_whole(&pair->beta);
}

/* What no checkpoint has written to book.git yet is in the old book.db. */
static void store_parcel_kept__reindex_reads_the_old_book(void **state)
{
	struct pair *pair = *state;

	define(&pair->alpha, UUID_A, "web", "one");
	assert_ok(&pair->alpha, book_checkpoint(pair->alpha.book, &pair->alpha.err));
	migrate(&pair->alpha, &pair->beta, UUID_A, "web", "two");
	reindex(&pair->alpha, false);
	reindex(&pair->beta, false);
	assert_owner(&pair->alpha, UUID_A, "beta", 2, 2);
	assert_owner(&pair->beta, UUID_A, NULL, 2, 2);
	for (int i = 0; i < 2; i++) {
		assert_whole(&pair->alpha);
		assert_whole(&pair->beta);
		assert_ok(&pair->alpha, book_checkpoint(pair->alpha.book, &pair->alpha.err));
		assert_ok(&pair->beta, book_checkpoint(pair->beta.book, &pair->beta.err));
	}
	reindex(&pair->alpha, true);
	assert_owner(&pair->alpha, UUID_A, "beta", 2, 2);
}

/* What came to be here is nobody's until it is taken: a pack that lies there proves nothing. */
static void store_parcel_kept__reindex_takes_nothing_that_was_only_sent(void **state)
{
	struct pair *pair = *state;
	CLEANUP(parcel) struct parcel *parcel = NULL;
	CLEANUP(parcel) struct parcel *receipt = NULL;
	CLEANUP(domain_row) struct domain_row row = {0};
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	unsigned char key[KEY_PUBLIC_SIZE];
	struct claim claim = {.name = "web", .xml = "two"};
	struct book_taken taken;

	define(&pair->alpha, UUID_A, "web", "one");
	define(&pair->alpha, UUID_B, "mail", "one");
	assert_ok(&pair->alpha, book_checkpoint(pair->alpha.book, &pair->alpha.err));
	migrate(&pair->alpha, &pair->beta, UUID_B, "mail", "two");
	send_from(&pair->alpha, UUID_A, "", &sent);
	assert_ok(&pair->beta, receive(&pair->alpha, &pair->beta, UUID_A, &sent, &parcel, &taken));
	assert_ok(&pair->beta, book_parcel_keep(parcel, &pair->beta.err));
	parcel_release(TAKE(parcel));
	reindex(&pair->beta, false);
	assert_int_equal(book_find(pair->beta.book, UUID_A, &row, NULL), DD_NOT_FOUND);
	key_of(&pair->alpha, key);
	assert_ok(&pair->beta, book_parcel_open(pair->beta.book, UUID_A, "alpha", key, &sent.heads,
				       &parcel, &taken, &pair->beta.err));
	assert_ok(&pair->beta, claim_apply(&pair->beta, parcel, UUID_A, &taken, &claim));
	transfer(&pair->beta, &pair->alpha, UUID_A, &receipt, &taken);
	/* its objects are there, and it was not taken */
	assert_int_equal(book_parcel_take(receipt, 77, NULL, NULL, NULL, NULL), DD_CONFLICT);
	parcel_release(TAKE(receipt));
	reindex(&pair->alpha, false);
	assert_owner(&pair->alpha, UUID_A, NULL, 1, 1);
	assert_whole(&pair->alpha);
}

static void store_parcel_kept__backup_has_it(void **state)
{
	struct pair *pair = *state;
	char file[PATH_MAX + 32], place[PATH_MAX];

	define(&pair->alpha, UUID_A, "web", "one");
	migrate(&pair->alpha, &pair->beta, UUID_A, "web", "two");
	for (int i = 0; i < 2; i++) {
		struct scene *side = i ? &pair->alpha : &pair->beta;

		snprintf(file, sizeof file, "%.4000s/backup%d", pair->scene.folder, i);
		snprintf(place, sizeof place, "%.4000s/again%d", pair->scene.folder, i);
		assert_ok(side, book_backup(side->book, file, &side->err));
		assert_ok(side, book_restore(place, file, &side->err));
		book_close(TAKE(side->book));
		memcpy(side->place, place, sizeof place);
		assert_whole(side);
		assert_owner(side, UUID_A, i ? "beta" : NULL, 2, 2);
	}
}

static void store_parcel_kept__remote_hears_of_it(void **state)
{
	struct pair *pair = *state;
	CLEANUP(text) struct text out = TEXT_INIT;
	char folder[PATH_MAX];
	const char *const init[] = {"git", "init", "-q", "--bare", folder, NULL};
	const struct remote_row remote = {.name = "archive", .url = folder};
	struct scene *sides[] = {&pair->alpha, &pair->beta};

	snprintf(folder, sizeof folder, "%.4000s/archive", pair->scene.folder);
	assert_int_equal(run(init, &out), 0);
	for (int i = 0; i < 2; i++)
		assert_ok(sides[i], book_remote_add(sides[i]->book, &remote, &sides[i]->err));
	define(&pair->alpha, UUID_A, "web", "one");
	assert_ok(
		&pair->alpha, book_push(pair->alpha.book, "archive", NULL, NULL, &pair->alpha.err));
	migrate(&pair->alpha, &pair->beta, UUID_A, "web", "two");
	for (int i = 0; i < 4; i++) {
		struct scene *side = sides[(i + 1) % 2];

		assert_ok(side, book_push(side->book, "archive", NULL, NULL, &side->err));
		assert_owner(&pair->alpha, UUID_A, "beta", 2, 2);
		assert_owner(&pair->beta, UUID_A, NULL, 2, 2);
	}
	/* and when it comes back the remote knows that, too */
	migrate(&pair->beta, &pair->alpha, UUID_A, "web", "three");
	for (int i = 0; i < 4; i++) {
		struct scene *side = sides[i % 2];

		assert_ok(side, book_push(side->book, "archive", NULL, NULL, &side->err));
		assert_owner(&pair->beta, UUID_A, "alpha", 3, 3);
		assert_owner(&pair->alpha, UUID_A, NULL, 3, 3);
	}
	assert_whole(&pair->alpha);
	assert_whole(&pair->beta);
}

/* The history came here whole, whatever its host does with its keys then. */
static void store_parcel_kept__keys_change_between(void **state)
{
	struct pair *pair = *state;
	const struct person who = {"Ada Operator", "ada@example.org"};

	define(&pair->alpha, UUID_A, "web", "one");
	assert_ok(&pair->alpha, book_rotate_key(pair->alpha.book, &who, NULL, &pair->alpha.err));
	change(&pair->alpha, UUID_A, "web", 1, "two");
	migrate(&pair->alpha, &pair->beta, UUID_A, "web", "three");
	assert_ok(&pair->beta, book_rotate_key(pair->beta.book, &who, NULL, &pair->beta.err));
	change(&pair->beta, UUID_A, "web", 3, "four");
	assert_ok(&pair->alpha, book_rotate_key(pair->alpha.book, &who, NULL, &pair->alpha.err));
	migrate(&pair->beta, &pair->alpha, UUID_A, "web", "five");
	for (int i = 0; i < 2; i++) {
		assert_whole(&pair->alpha);
		assert_whole(&pair->beta);
		assert_ok(&pair->alpha, book_checkpoint(pair->alpha.book, &pair->alpha.err));
		assert_ok(&pair->beta, book_checkpoint(pair->beta.book, &pair->beta.err));
	}
	reindex(&pair->beta, true);
	reindex(&pair->alpha, true);
	assert_owner(&pair->beta, UUID_A, "alpha", 5, 3);
	assert_owner(&pair->alpha, UUID_A, NULL, 5, 3);
	assert_whole(&pair->alpha);
	assert_whole(&pair->beta);
}

static int keep_tag(const char *label, uint32_t number, void *context)
{
	text_printf(context, "%s@%u ", label, number);
	return 0;
}

static void assert_tags(struct scene *side, const char *expected)
{
	CLEANUP(text) struct text tags = TEXT_INIT;

	assert_ok(side, book_tags(side->book, UUID_A, keep_tag, &tags, &side->err));
	assert_string_equal(text_string(&tags), expected);
}

/* The owner says what versions are called. */
static void store_parcel_kept__tags_come_along(void **state)
{
	struct pair *pair = *state;
	CLEANUP(tag_info) struct tag_info info = {0};
	CLEANUP(text) struct text out = TEXT_INIT;
	char path[PATH_MAX + 32];
	const char *const list[] = {"git", "-C", path, "tag", "--list", NULL};
	struct scene *from = &pair->alpha, *to = &pair->beta;

	define(from, UUID_A, "web", "one");
	change(from, UUID_A, "web", 1, "two");
	tag(from, 1, "first");
	tag(from, 2, "sold");
	migrate(from, to, UUID_A, "web", "three");
	assert_tags(from, "first@1 sold@2 ");
	assert_tags(to, "first@1 sold@2 ");
	for (int i = 0; i < 2; i++) {
		assert_whole(from);
		assert_whole(to);
		assert_ok(from, book_checkpoint(from->book, &from->err));
		assert_ok(to, book_checkpoint(to->book, &to->err));
	}
	assert_ok(to, book_tag_read(to->book, UUID_A, "sold", &info, &to->err));
	assert_string_equal(info.tagger, "Ada Operator <ada@example.org>");
	/* what changes there comes back so */
	assert_ok(to, book_tag_remove(to->book, UUID_A, "sold", &to->err));
	tag(to, 1, "sold");
	tag(to, 3, "new");
	assert_ok(to, book_tag_remove(to->book, UUID_A, "first", &to->err));
	migrate(to, from, UUID_A, "web", "four");
	assert_tags(from, "sold@1 new@3 ");
	assert_tags(to, "sold@1 new@3 ");
	for (int i = 0; i < 2; i++) {
		assert_whole(from);
		assert_whole(to);
		assert_ok(from, book_checkpoint(from->book, &from->err));
		assert_ok(to, book_checkpoint(to->book, &to->err));
	}
	snprintf(path, sizeof path, "%s/book.git", from->place);
	assert_int_equal(run(list, &out), 0);
	assert_string_equal(text_string(&out), "domains/" UUID_A "/new\n"
					       "domains/" UUID_A "/sold\n");
	reindex(from, true);
	assert_tags(from, "sold@1 new@3 ");
	assert_whole(from);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_parcel_kept__reindex_knows_who_owns_it),
		TEST(store_parcel_kept__reindex_reads_the_old_book),
		TEST(store_parcel_kept__reindex_takes_nothing_that_was_only_sent),
		TEST(store_parcel_kept__backup_has_it),
		TEST(store_parcel_kept__remote_hears_of_it),
		TEST(store_parcel_kept__keys_change_between),
		TEST(store_parcel_kept__tags_come_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
