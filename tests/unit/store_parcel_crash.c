/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever takes a history in dies at some moment: it is there with the version that claims it, or
 * nothing of it is, and then it can be done again. Killed at every 13th system call, or at every
 * one with DOMESDAY_KILL_STEP=1.
 */
#include "store_parcel.h"

struct deed {
	struct pair *pair;
	struct sent sent;
	struct book_taken taken;
	unsigned char key[KEY_PUBLIC_SIZE]; /* of who sent it */
	const char *host;
	char *definition; /* of its newest version */
};

static long kill_step(void)
{
	const char *value = getenv("DOMESDAY_KILL_STEP");

	return value ? strtol(value, NULL, 10) : 13;
}

/* ---- what the child does, in a book that it opens for itself ---- */

static int open_found(struct scene *side, const struct deed *deed, struct parcel **out)
{
	struct book_taken taken;

	return book_parcel_open(side->book, UUID_A, deed->host, deed->key, &deed->sent.heads, out,
		&taken, &side->err);
}

static int claim_found(struct scene *side, const struct deed *deed)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;
	const struct claim claim = {.name = "web", .xml = "two"};
	int rc = open_found(side, deed, &parcel);

	return rc ? rc : claim_apply(side, parcel, UUID_A, &deed->taken, &claim);
}

static int take_found(struct scene *side, const struct deed *deed)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;
	int rc = open_found(side, deed, &parcel);

	return rc ? rc : book_parcel_take(parcel, 0, NULL, NULL, NULL, &side->err);
}

static int receive_new(struct scene *side, const struct deed *deed)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;
	struct book_taken taken;
	int rc = receive_as(side, UUID_A, deed->host, deed->key, &deed->sent, &parcel, &taken);

	return rc ? rc : book_parcel_keep(parcel, &side->err);
}

static enum outcome kill_one(struct scene *side, const struct deed *deed,
	int (*act)(struct scene *side, const struct deed *deed), long calls)
{
	struct scene own = *side;
	pid_t pid;

	FORK(pid, {
		own.book = NULL;
		side_open(&own);
		be_traced();
		_exit(act(&own, deed) ? 1 : 0);
	});
	return kill_at(pid, calls);
}

/* ---- claiming ---- */

static bool is_here(struct scene *side)
{
	CLEANUP(domain_row) struct domain_row row = {0};

	return book_find(side->book, UUID_A, &row, NULL) == 0;
}

static void prepare(struct pair *pair, struct deed *deed, bool large)
{
	*deed = (struct deed){.pair = pair, .sent.pack = TEXT_INIT, .host = "alpha"};
	deed->definition = calloc(1, LARGE + 1);
	assert_non_null(deed->definition);
	memset(deed->definition, '1', large ? LARGE : 3);
	define(&pair->alpha, UUID_A, "web", deed->definition);
	send_from(&pair->alpha, UUID_A, "", &deed->sent);
	key_of(&pair->alpha, deed->key);
}

static void finish(struct deed *deed)
{
	cleanup_sent(&deed->sent);
	free(deed->definition);
}

/* Another book for each attempt, as the last one may have it. */
static void fresh(struct scene *side, const struct pair *pair, long number)
{
	char above[PATH_MAX];

	book_close(TAKE(side->book));
	snprintf(above, sizeof above, "%.3900s/%ld", pair->scene.folder, number);
	assert_int_equal(mkdir(above, 0700), 0);
	snprintf(side->place, sizeof side->place, "%.3950s/beta", above);
	side_open(side);
}

static void claim_is_there_or_not(struct pair *pair, bool large)
{
	struct scene *to = &pair->beta;
	struct deed deed;
	enum outcome outcome = KILLED;
	int here = 0, away = 0;

	prepare(pair, &deed, large);
	for (long calls = 1; outcome == KILLED; calls += kill_step()) {
		CLEANUP(parcel) struct parcel *parcel = NULL;

		fresh(to, pair, calls);
		assert_ok(to, receive(&pair->alpha, to, UUID_A, &deed.sent, &parcel, &deed.taken));
		assert_ok(to, book_parcel_keep(parcel, &to->err));
		parcel_release(TAKE(parcel));
		outcome = kill_one(to, &deed, claim_found, calls);
		if (outcome == UNTRACEABLE)
			skip();
		side_reopen(to);
		is_here(to) ? here++ : away++;
		if (!is_here(to)) {
			assert_whole(to);
			assert_ok(to, claim_found(to, &deed));
		}
		assert_owner(to, UUID_A, NULL, 2, 2);
		assert_file(to, UUID_A, 1, "domain.xml", deed.definition);
		assert_ok(to, book_checkpoint(to->book, &to->err));
		assert_whole(to);
		assert_ok(to, book_parcel_drop(to->book, UUID_A, &to->err));
		assert_no_parcel(to);
	}
	assert_true(here && away);
	finish(&deed);
}

static void receiving_leaves_nothing(struct pair *pair, bool large)
{
	struct scene *to = &pair->beta;
	struct deed deed;
	enum outcome outcome = KILLED;

	prepare(pair, &deed, large);
	for (long calls = 1; outcome == KILLED; calls += kill_step()) {
		CLEANUP(parcel) struct parcel *parcel = NULL;

		outcome = kill_one(to, &deed, receive_new, calls);
		if (outcome == UNTRACEABLE)
			skip();
		side_reopen(to);
		assert_false(is_here(to));
		/* nobody goes on with it: the parcel of another domain takes it away, at once or,
		 * where it is whole, after some time */
		age_parcel(to);
		assert_ok(to, book_parcel_begin(to->book, UUID_B, NULL, &parcel, &to->err));
		parcel_release(TAKE(parcel));
		assert_no_parcel(to);
	}
	assert_whole(to);
	finish(&deed);
}

/* ---- ending ---- */

static void receipt_is_taken_or_not(struct pair *pair, bool large)
{
	struct scene *from = &pair->beta, *to = &pair->alpha;
	CLEANUP(parcel) struct parcel *parcel = NULL;
	const struct claim claim = {.name = "web", .xml = "two"};
	struct deed deed;
	enum outcome outcome = KILLED;
	uint32_t version = 1;

	prepare(pair, &deed, large);
	assert_ok(from, receive(to, from, UUID_A, &deed.sent, &parcel, &deed.taken));
	assert_ok(from, claim_apply(from, parcel, UUID_A, &deed.taken, &claim));
	deed.host = "beta";
	key_of(from, deed.key);
	for (long calls = 1; outcome == KILLED; calls += kill_step()) {
		CLEANUP(parcel) struct parcel *receipt = NULL;
		CLEANUP(domain_row) struct domain_row row = {0};
		char have[COMMIT_SIZE];

		head_of(to, UUID_A, have);
		send_from(from, UUID_A, have, &deed.sent);
		assert_ok(to, receive(from, to, UUID_A, &deed.sent, &receipt, &deed.taken));
		assert_ok(to, book_parcel_keep(receipt, &to->err));
		parcel_release(TAKE(receipt));
		outcome = kill_one(to, &deed, take_found, calls);
		if (outcome == UNTRACEABLE)
			skip();
		side_reopen(to);
		assert_ok(to, book_find(to->book, UUID_A, &row, &to->err));
		if (row.version == version) {
			assert_owner(to, UUID_A, version > 1 ? "beta" : NULL, version,
				version > 1 ? 2 : 1);
			continue;
		}
		/* it was taken; from there on the same again, one version later */
		assert_owner(to, UUID_A, "beta", version + 1, 2);
		change(from, UUID_A, "web", ++version, "more");
	}
	assert_true(version > 1);
	assert_whole(to);
	assert_whole(from);
	finish(&deed);
}

static void store_parcel_crash__claim_is_there_or_not(void **state)
{
	claim_is_there_or_not(*state, false);
}

static void store_parcel_crash__claim_of_a_large_one_is_there_or_not(void **state)
{
	claim_is_there_or_not(*state, true);
}

static void store_parcel_crash__receiving_leaves_nothing(void **state)
{
	receiving_leaves_nothing(*state, false);
}

static void store_parcel_crash__receiving_a_large_one_leaves_nothing(void **state)
{
	receiving_leaves_nothing(*state, true);
}

static void store_parcel_crash__receipt_is_taken_or_not(void **state)
{
	receipt_is_taken_or_not(*state, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_parcel_crash__claim_is_there_or_not),
		TEST(store_parcel_crash__claim_of_a_large_one_is_there_or_not),
		TEST(store_parcel_crash__receiving_leaves_nothing),
		TEST(store_parcel_crash__receiving_a_large_one_leaves_nothing),
		TEST(store_parcel_crash__receipt_is_taken_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
