/* SPDX-License-Identifier: Apache-2.0 */
/* A domain's history goes from one book to another, and comes back. */
#include "store_parcel.h"

#include <time.h>

static void assert_gone_without_trace(struct scene *side, const char *uuid)
{
	CLEANUP(domain_row) struct domain_row row = {0};

	assert_int_equal(book_find(side->book, uuid, &row, NULL), DD_NOT_FOUND);
	assert_no_parcel(side);
	assert_whole(side);
}

static void store_parcel__history_and_claim_come_at_once(void **state)
{
	struct pair *pair = *state;
	CLEANUP(parcel) struct parcel *parcel = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(domain_row) struct domain_row row = {0};
	struct claim claim = {.name = "web", .xml = "three"};
	struct book_taken taken;

	define(&pair->alpha, UUID_A, "web", "one");
	change(&pair->alpha, UUID_A, "web", 1, "two");
	transfer(&pair->alpha, &pair->beta, UUID_A, &parcel, &taken);
	assert_int_equal(taken.version, 2);
	assert_int_equal(taken.epoch, 1);
	/* it can be read, and is not there */
	assert_ok(&pair->beta, book_parcel_read(parcel, "domain.xml", &text, &pair->beta.err));
	assert_string_equal(text_string(&text), "two");
	assert_int_equal(book_find(pair->beta.book, UUID_A, &row, NULL), DD_NOT_FOUND);

	assert_ok(&pair->beta, claim_apply(&pair->beta, parcel, UUID_A, &taken, &claim));
	parcel_release(TAKE(parcel));
	assert_owner(&pair->beta, UUID_A, NULL, 3, 2);
	assert_file(&pair->beta, UUID_A, 1, "domain.xml", "one");
	assert_file(&pair->beta, UUID_A, 3, "domain.xml", "three");
	assert_no_parcel(&pair->beta);
	assert_whole(&pair->beta);
	assert_ok(&pair->beta, book_checkpoint(pair->beta.book, &pair->beta.err));
	assert_whole(&pair->beta);
}

static void store_parcel__receipt_ends_what_is_here(void **state)
{
	struct pair *pair = *state;

	define(&pair->alpha, UUID_A, "web", "one");
	migrate(&pair->alpha, &pair->beta, UUID_A, "web", "two");
	assert_owner(&pair->alpha, UUID_A, "beta", 2, 2);
	assert_owner(&pair->beta, UUID_A, NULL, 2, 2);
	assert_file(&pair->alpha, UUID_A, 2, "domain.xml", "two");
	/* the name is free */
	define(&pair->alpha, UUID_B, "web", "another");
	for (int i = 0; i < 2; i++) {
		assert_whole(&pair->alpha);
		assert_whole(&pair->beta);
		assert_ok(&pair->alpha, book_checkpoint(pair->alpha.book, &pair->alpha.err));
		assert_ok(&pair->beta, book_gc(pair->beta.book, &pair->beta.err));
	}
	assert_no_parcel(&pair->alpha);
}

static void store_parcel__goes_there_and_back_twice(void **state)
{
	struct pair *pair = *state;
	struct scene *from = &pair->alpha, *to = &pair->beta;
	char xml[16] = "one";

	define(from, UUID_A, "web", xml);
	for (uint32_t i = 0; i < 4; i++) {
		struct scene *before = from;

		if (i == 2) {
			assert_ok(from, book_checkpoint(from->book, &from->err));
			assert_ok(to, book_gc(to->book, &to->err));
		}
		snprintf(xml, sizeof xml, "moved %u", i);
		migrate(from, to, UUID_A, "web", xml);
		from = to;
		to = before;
		change(from, UUID_A, "web", 2 * i + 2, "changed");
	}
	/* alpha has it, after four moves and as many changes */
	assert_owner(&pair->alpha, UUID_A, NULL, 9, 5);
	assert_owner(&pair->beta, UUID_A, "alpha", 8, 5);
	for (int i = 0; i < 2; i++) {
		assert_whole(&pair->alpha);
		assert_whole(&pair->beta);
		assert_ok(&pair->alpha, book_checkpoint(pair->alpha.book, &pair->alpha.err));
		assert_ok(&pair->beta, book_checkpoint(pair->beta.book, &pair->beta.err));
	}
}

static void store_parcel__only_what_lacks_is_sent(void **state)
{
	struct pair *pair = *state;
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	char have[COMMIT_SIZE];

	define(&pair->alpha, UUID_A, "web", "one");
	for (uint32_t i = 1; i < 50; i++)
		change(&pair->alpha, UUID_A, "web", i, i % 2 ? "two" : "one");
	migrate(&pair->alpha, &pair->beta, UUID_A, "web", "moved");
	head_of(&pair->alpha, UUID_A, have);
	change(&pair->beta, UUID_A, "web", 51, "here");
	send_from(&pair->beta, UUID_A, have, &sent);
	/* commit, tree and file; and of the keys commit, tree and two files */
	assert_int_equal(sent.heads.objects, 7);
	assert_int_equal(sent.heads.version, 52);
	assert_int_equal(sent.heads.epoch, 2);
}

static void store_parcel__is_found_again(void **state)
{
	struct pair *pair = *state;
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	CLEANUP(parcel) struct parcel *parcel = NULL;
	struct claim claim = {.name = "web", .xml = "two"};
	unsigned char key[KEY_PUBLIC_SIZE];
	struct book_taken taken;

	define(&pair->alpha, UUID_A, "web", "one");
	send_from(&pair->alpha, UUID_A, "", &sent);
	key_of(&pair->alpha, key);
	for (int kept = 0; kept < 2; kept++) {
		assert_ok(&pair->beta,
			receive(&pair->alpha, &pair->beta, UUID_A, &sent, &parcel, &taken));
		if (kept)
			assert_ok(&pair->beta, book_parcel_keep(parcel, &pair->beta.err));
		parcel_release(TAKE(parcel));
		if (!kept)
			assert_int_equal(book_parcel_open(pair->beta.book, UUID_A, "alpha", key,
						 &sent.heads, &parcel, &taken, NULL),
				DD_NOT_FOUND);
	}
	side_reopen(&pair->beta);
	/* what the book does meanwhile leaves it alone */
	define(&pair->beta, UUID_B, "mail", "one");
	assert_ok(&pair->beta, book_gc(pair->beta.book, &pair->beta.err));
	assert_whole(&pair->beta);
	assert_ok(&pair->beta, book_parcel_open(pair->beta.book, UUID_A, "alpha", key, &sent.heads,
				       &parcel, &taken, &pair->beta.err));
	assert_ok(&pair->beta, claim_apply(&pair->beta, parcel, UUID_A, &taken, &claim));
	parcel_release(TAKE(parcel));
	assert_owner(&pair->beta, UUID_A, NULL, 2, 2);
	assert_int_equal(book_parcel_open(pair->beta.book, UUID_A, "alpha", key, &sent.heads,
				 &parcel, &taken, NULL),
		DD_NOT_FOUND);
}

static void store_parcel__is_dropped(void **state)
{
	struct pair *pair = *state;
	CLEANUP(parcel) struct parcel *parcel = NULL;
	struct book_taken taken;

	define(&pair->alpha, UUID_A, "web", "one");
	transfer(&pair->alpha, &pair->beta, UUID_A, &parcel, &taken);
	assert_ok(&pair->beta, book_parcel_keep(parcel, &pair->beta.err));
	parcel_release(TAKE(parcel));
	for (int i = 0; i < 2; i++)
		assert_ok(&pair->beta, book_parcel_drop(pair->beta.book, UUID_A, &pair->beta.err));
	assert_gone_without_trace(&pair->beta, UUID_A);
}

/* Who dies while a large one comes in leaves a folder; the next parcel of any domain takes it away.
 */
static void store_parcel__of_the_dead_goes(void **state)
{
	struct pair *pair = *state;
	CLEANUP(parcel) struct parcel *parcel = NULL;
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	struct journal_draft journal = {.uuid = UUID_B, .operation = "migrate"};
	char *large = calloc(1, LARGE + 1);
	struct book_taken taken;
	uint64_t id;
	pid_t pid;

	assert_non_null(large);
	memset(large, '1', LARGE);
	define(&pair->alpha, UUID_A, "web", large);
	free(large);
	define(&pair->alpha, UUID_B, "mail", "one");
	/* this one has a journal row, and somebody goes on with it */
	assert_ok(&pair->beta, journal_open(pair->beta.book, &journal, &id, NULL, &pair->beta.err));
	transfer(&pair->alpha, &pair->beta, UUID_B, &parcel, &taken);
	assert_ok(&pair->beta, book_parcel_keep(parcel, &pair->beta.err));
	parcel_release(TAKE(parcel));
	send_from(&pair->alpha, UUID_A, "", &sent);
	FORK(pid, {
		side_reopen(&pair->beta);
		if (book_parcel_begin(pair->beta.book, UUID_A, NULL, &parcel, NULL) ||
			book_parcel_put(parcel, sent.pack.data, sent.pack.size - 1, NULL))
			_exit(1);
	});
	assert_child_ok(pid);
	assert_ok(&pair->beta,
		book_parcel_begin(pair->beta.book, UUID_C, NULL, &parcel, &pair->beta.err));
	parcel_release(TAKE(parcel));
	assert_ok(&pair->beta, book_parcel_drop(pair->beta.book, UUID_B, &pair->beta.err));
	assert_gone_without_trace(&pair->beta, UUID_A);
}

/* One that is whole waits for whoever takes it, though others come; but not for ever. */
static void store_parcel__that_is_whole_waits(void **state)
{
	struct pair *pair = *state;
	CLEANUP(parcel) struct parcel *parcel = NULL;
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	struct book_taken taken;
	unsigned char key[KEY_PUBLIC_SIZE];
	uint64_t bytes;

	define(&pair->alpha, UUID_A, "web", "one");
	define(&pair->alpha, UUID_B, "mail", "one");
	send_from(&pair->alpha, UUID_A, "", &sent);
	for (int old = 0; old < 2; old++) {
		assert_ok(&pair->beta,
			receive(&pair->alpha, &pair->beta, UUID_A, &sent, &parcel, &taken));
		assert_ok(&pair->beta, book_parcel_keep(parcel, &pair->beta.err));
		parcel_release(TAKE(parcel));
		if (old)
			age_parcel(&pair->beta);
		transfer(&pair->alpha, &pair->beta, UUID_B, &parcel, &taken);
		parcel_release(TAKE(parcel));
		key_of(&pair->alpha, key);
		assert_int_equal(book_parcel_open(pair->beta.book, UUID_A, "alpha", key,
					 &sent.heads, &parcel, &taken, NULL),
			old ? DD_NOT_FOUND : 0);
		assert_ok(&pair->beta,
			book_parcel_size(pair->beta.book, UUID_A, &bytes, &pair->beta.err));
		assert_true(old ? bytes == 0 : bytes == sent.pack.size);
		parcel_release(TAKE(parcel));
	}
	assert_ok(&pair->beta, book_parcel_drop(pair->beta.book, UUID_B, &pair->beta.err));
	assert_no_parcel(&pair->beta);
}

static void store_parcel__journal_row_stays_open_or_ends_with_a_note(void **state)
{
	struct pair *pair = *state;
	CLEANUP(parcel) struct parcel *parcel = NULL;
	CLEANUP(parcel) struct parcel *receipt = NULL;
	CLEANUP(journal_row) struct journal_row row = {0};
	CLEANUP(text) struct text note = TEXT_INIT;
	struct journal_draft journal = {.uuid = UUID_A, .operation = "migrate", .detail = "begun"};
	struct claim claim = {.name = "web", .xml = "two", .detail = "committed"};
	struct book_taken taken;
	uint64_t here, there;

	define(&pair->alpha, UUID_A, "web", "one");
	assert_ok(&pair->alpha,
		journal_open(pair->alpha.book, &journal, &here, NULL, &pair->alpha.err));
	assert_ok(
		&pair->alpha, journal_update(pair->alpha.book, here, "switched", &pair->alpha.err));
	assert_int_equal(journal_update(pair->alpha.book, here + 1, "x", NULL), DD_NOT_FOUND);
	assert_ok(&pair->alpha, journal_find(pair->alpha.book, UUID_A, &row, &pair->alpha.err));
	assert_string_equal(row.detail, "switched");
	journal_row_release(&row);
	assert_ok(&pair->beta,
		journal_open(pair->beta.book, &journal, &there, NULL, &pair->beta.err));
	transfer(&pair->alpha, &pair->beta, UUID_A, &parcel, &taken);
	claim.journal = there;
	assert_ok(&pair->beta, claim_apply(&pair->beta, parcel, UUID_A, &taken, &claim));
	assert_ok(&pair->beta, journal_find(pair->beta.book, UUID_A, &row, &pair->beta.err));
	assert_string_equal(row.detail, "committed");
	assert_ok(&pair->beta,
		journal_undo_noting(pair->beta.book, there, "migrated/1", "ran", &pair->beta.err));
	assert_ok(&pair->beta,
		book_setting_get(pair->beta.book, "migrated/1", &note, &pair->beta.err));
	assert_string_equal(text_string(&note), "ran");

	transfer(&pair->beta, &pair->alpha, UUID_A, &receipt, &taken);
	/* settled by somebody else: nothing of it happens */
	assert_int_equal(book_parcel_take(receipt, here + 5, NULL, NULL, NULL, NULL), DD_CONFLICT);
	assert_owner(&pair->alpha, UUID_A, NULL, 1, 1);
	assert_ok(&pair->alpha,
		book_parcel_take(receipt, here, NULL, "migrated/1", "gone", &pair->alpha.err));
	text_clear(&note);
	assert_ok(&pair->alpha,
		book_setting_get(pair->alpha.book, "migrated/1", &note, &pair->alpha.err));
	assert_string_equal(text_string(&note), "gone");
	journal_row_release(&row);
	assert_int_equal(journal_find(pair->alpha.book, UUID_A, &row, NULL), DD_NOT_FOUND);
	assert_owner(&pair->alpha, UUID_A, "beta", 2, 2);
}

/* Its guest never ran there: what was taken over comes back as it went. */
static void store_parcel__is_handed_back(void **state)
{
	struct pair *pair = *state;
	CLEANUP(parcel) struct parcel *parcel = NULL;
	CLEANUP(parcel) struct parcel *back = NULL;
	struct step running = {.uuid = UUID_A, .name = "web", .xml = "one", .state = STATE_RUNNING};
	struct claim claim = {.name = "web", .xml = "two", .state = STATE_RUNNING};
	struct book_taken taken;

	assert_ok(&pair->alpha, step_apply(pair->alpha.book, &running, NULL, &pair->alpha.err));
	transfer(&pair->alpha, &pair->beta, UUID_A, &parcel, &taken);
	assert_ok(&pair->beta, claim_apply(&pair->beta, parcel, UUID_A, &taken, &claim));
	transfer(&pair->beta, &pair->alpha, UUID_A, &back, &taken);
	claim.xml = "one";
	assert_ok(&pair->alpha, claim_apply(&pair->alpha, back, UUID_A, &taken, &claim));
	assert_owner(&pair->alpha, UUID_A, NULL, 3, 3);
	parcel_release(TAKE(parcel));
	transfer(&pair->alpha, &pair->beta, UUID_A, &parcel, &taken);
	assert_ok(&pair->beta, book_parcel_take(parcel, 0, NULL, NULL, NULL, &pair->beta.err));
	assert_owner(&pair->beta, UUID_A, "alpha", 3, 3);
	assert_whole(&pair->alpha);
	assert_whole(&pair->beta);
}

static void store_parcel__claims_or_is_no_change(void **state)
{
	struct pair *pair = *state;
	CLEANUP(parcel) struct parcel *parcel = NULL;
	struct claim claim = {.name = "web", .xml = "two"};
	struct book_taken taken, wrong;

	define(&pair->alpha, UUID_A, "web", "one");
	define(&pair->beta, UUID_B, "web", "one");
	transfer(&pair->alpha, &pair->beta, UUID_A, &parcel, &taken);
	wrong = taken;
	wrong.epoch = 2;
	assert_int_equal(claim_apply(&pair->beta, parcel, UUID_A, &wrong, &claim), DD_INVALID);
	wrong = taken;
	wrong.version = 2;
	assert_int_equal(claim_apply(&pair->beta, parcel, UUID_A, &wrong, &claim), DD_CONFLICT);
	wrong = taken;
	wrong.book[0] = wrong.book[0] == '0' ? '1' : '0';
	assert_int_equal(claim_apply(&pair->beta, parcel, UUID_A, &wrong, &claim), DD_INVALID);
	/* another domain is called so */
	assert_int_equal(claim_apply(&pair->beta, parcel, UUID_A, &taken, &claim), DD_EXISTS);
	parcel_release(TAKE(parcel));
	assert_ok(&pair->beta, book_parcel_drop(pair->beta.book, UUID_A, &pair->beta.err));
	assert_gone_without_trace(&pair->beta, UUID_A);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* Not a bound, but what it costs, for whoever reads the output. */
static void tell_costs(struct pair *pair, const char *what)
{
	CLEANUP(sent) struct sent sent = {.pack = TEXT_INIT};
	CLEANUP(parcel) struct parcel *parcel = NULL;
	CLEANUP(parcel) struct parcel *receipt = NULL;
	struct claim claim = {.name = "web", .xml = "moved"};
	unsigned char key[KEY_PUBLIC_SIZE];
	struct book_taken taken;
	double at[6];

	key_of(&pair->alpha, key);
	at[0] = now();
	send_from(&pair->alpha, UUID_A, "", &sent);
	at[1] = now();
	assert_ok(&pair->beta,
		book_parcel_begin(pair->beta.book, UUID_A, NULL, &parcel, &pair->beta.err));
	assert_ok(&pair->beta,
		book_parcel_put(parcel, sent.pack.data, sent.pack.size, &pair->beta.err));
	at[2] = now();
	assert_ok(&pair->beta,
		book_parcel_end(parcel, "alpha", key, &sent.heads, &taken, &pair->beta.err));
	at[3] = now();
	assert_ok(&pair->beta, claim_apply(&pair->beta, parcel, UUID_A, &taken, &claim));
	at[4] = now();
	transfer(&pair->beta, &pair->alpha, UUID_A, &receipt, &taken);
	assert_ok(&pair->alpha, book_parcel_take(receipt, 0, NULL, NULL, NULL, &pair->alpha.err));
	at[5] = now();
	print_message("# %s, %zu bytes: write %.2f, put %.2f, end %.2f, apply %.2f, receipt %.2f "
		      "ms\n",
		what, sent.pack.size, at[1] - at[0], at[2] - at[1], at[3] - at[2], at[4] - at[3],
		at[5] - at[4]);
}

static void store_parcel__of_a_long_history(void **state)
{
	struct pair *pair = *state;
	CLEANUP(text) struct text xml = TEXT_INIT;

	for (uint32_t i = 0; i < 1000; i++) {
		text_clear(&xml);
		for (unsigned line = 0; line < 120; line++)
			text_printf(&xml, "<line number='%u' value='%u'/>\n", line,
				line == i % 120 ? i : 7 * line);
		if (i)
			change(&pair->alpha, UUID_A, "web", i, text_string(&xml));
		else
			define(&pair->alpha, UUID_A, "web", text_string(&xml));
	}
	tell_costs(pair, "1000 versions");
	assert_file(&pair->beta, UUID_A, 1000, "domain.xml", text_string(&xml));
	assert_whole(&pair->beta);
	assert_whole(&pair->alpha);
}

static void store_parcel__of_one_version(void **state)
{
	define(&((struct pair *)*state)->alpha, UUID_A, "web", "one");
	define(&((struct pair *)*state)->beta, UUID_B, "mail", "one");
	tell_costs(*state, "1 version");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_parcel__history_and_claim_come_at_once),
		TEST(store_parcel__receipt_ends_what_is_here),
		TEST(store_parcel__goes_there_and_back_twice),
		TEST(store_parcel__only_what_lacks_is_sent),
		TEST(store_parcel__is_found_again),
		TEST(store_parcel__is_dropped),
		TEST(store_parcel__of_the_dead_goes),
		TEST(store_parcel__that_is_whole_waits),
		TEST(store_parcel__journal_row_stays_open_or_ends_with_a_note),
		TEST(store_parcel__is_handed_back),
		TEST(store_parcel__claims_or_is_no_change),
		TEST(store_parcel__of_one_version),
		TEST(store_parcel__of_a_long_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
