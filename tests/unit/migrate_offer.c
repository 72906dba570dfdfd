/* SPDX-License-Identifier: Apache-2.0 */
/* What a source tells of a domain: made, and checked member by member. */
#include "migrate/offer.h"
#include "schema/secret.h"
#include "tests/support/hosted.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define COMMIT "0123456789abcdef0123456789abcdef01234567"

static const struct parcel_heads heads = {
	.head = COMMIT, .book = COMMIT, .version = 3, .epoch = 2, .objects = 9};

static struct json *offer_of(struct hosted *hosted, bool live)
{
	char token[TOKEN_SIZE], hash[TOKEN_SIZE];
	struct json *offer = NULL;

	token_draw(token, hash);
	must(offer_new(&hosted->op, HOSTED_ID, hash, live ? hosted->op.config : NULL, &offer,
		     &hosted->err),
		&hosted->err);
	assert_true(offer_put_heads(offer, &heads));
	return offer;
}

static void migrate_offer__what_is_made_is_accepted(void **state)
{
	struct hosted *hosted = *state;

	for (int live = 0; live < 2; live++) {
		CLEANUP(json) struct json *offer = offer_of(hosted, live);
		struct parcel_heads found;

		must(offer_check(offer, &hosted->err), &hosted->err);
		must(offer_heads(offer, &found, &hosted->err), &hosted->err);
		assert_string_equal(found.head, COMMIT);
		assert_int_equal(found.version, 3);
		assert_int_equal(found.epoch, 2);
		assert_int_equal(found.objects, 9);
	}
}

/* An offer in which a member is the JSON text value. */
static void assert_refused(
	struct hosted *hosted, bool live, const char *member, const char *value, const char *named)
{
	CLEANUP(json) struct json *offer = offer_of(hosted, live);
	CLEANUP(json) struct json *wrong = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;

	text_puts(&text, value);
	must(json_parse(text_string(&text), text.size, &wrong, &hosted->err), &hosted->err);
	assert_true(json_put(offer, member, TAKE(wrong)));
	hosted->err = (struct dd_error){0};
	if (!offer_check(offer, &hosted->err))
		fail_msg("%s: %s was accepted", member, value);
	assert_error(&hosted->err, DD_INVALID, named);
}

static void migrate_offer__each_member_has_to_be_right(void **state)
{
	static const char *const none[] = {"null", "7", "[]", "{}", "true"};
	static const struct {
		const char *member, *named;
	} members[] = {
		{"id", "'id'"},
		{"uuid", "'uuid'"},
		{"name", "'name'"},
		{"token_hash", "'token_hash'"},
		{"running", "'running'"},
		{"author_name", "'author'"},
		{"author_email", "'author'"},
		{"program", "'author'"},
		{"head", "'head'"},
		{"book", "'book'"},
	};
	struct hosted *hosted = *state;

	for (size_t i = 0; i < COUNT(members); i++)
		for (size_t n = 0; n < COUNT(none); n++)
			assert_refused(hosted, true, members[i].member, none[n], members[i].named);
}

static void migrate_offer__values_are_looked_at(void **state)
{
	static const struct {
		bool live;
		const char *member, *value, *named;
	} cases[] = {
		{false, "id", "\"0123\"", "'id'"},
		{false, "id", "\"0123456789ABCDEF0123456789abcdef\"", "'id'"},
		{false, "id", "\"../../../../../../../../../etc/x\"", "'id'"},
		{false, "uuid", "\"../../2222-4333-8444-00000000000a\"", "'uuid'"},
		{false, "uuid", "\"\"", "'uuid'"},
		{false, "token_hash", "\"00\"", "'token_hash'"},
		{false, "running", "\"<domain/>\"", "'running'"},
		{false, "live", "true", "'running'"},
		{true, "live", "false", "'running'"},
		{false, "head", "\"HEAD\"", "'head'"},
		{false, "book", "\"0123456789abcdef0123456789abcdef0123456Z\"", "'book'"},
		{false, "version", "0", "'version'"},
		{false, "version", "-1", "'version'"},
		{false, "version", "4294967295", "'version'"},
		{false, "version", "\"3\"", "'version'"},
		{false, "epoch", "0", "'epoch'"},
		{false, "epoch", "9223372036854775807", "'epoch'"},
		{false, "objects", "0", "'objects'"},
		{false, "secrets", "{\"short\":\"x\"}", "'secrets'"},
		{false, "secrets", "{\"../../../../../../../../../etc/x\":\"x\"}", "'secrets'"},
	};
	struct hosted *hosted = *state;

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_refused(
			hosted, cases[i].live, cases[i].member, cases[i].value, cases[i].named);
}

static void migrate_offer__what_is_no_object_is_none(void **state)
{
	static const char *const cases[] = {"null", "[]", "7", "\"offer\"", "{}"};
	struct dd_error err = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(json) struct json *offer = NULL;
		struct parcel_heads found;
		unsigned char key[KEY_PUBLIC_SIZE];

		must(json_parse(cases[i], strlen(cases[i]), &offer, &err), &err);
		assert_int_equal(offer_check(offer, &err), DD_INVALID);
		assert_int_equal(offer_heads(offer, &found, &err), DD_INVALID);
		assert_int_equal(offer_key(offer, key, &err), DD_CORRUPT);
	}
}

static void migrate_offer__says_whose_it_is(void **state)
{
	static const char *const wrong[] = {"", "00", "zz", "0123"};
	const unsigned char key[KEY_PUBLIC_SIZE] = {1, 2, 3, 250};
	unsigned char found[KEY_PUBLIC_SIZE];
	struct hosted *hosted = *state;
	CLEANUP(json) struct json *offer = offer_of(hosted, false);

	assert_true(offer_put_peer(offer, "beta", key));
	assert_string_equal(json_get_string(offer, OFFER_PEER), "beta");
	must(offer_key(offer, found, &hosted->err), &hosted->err);
	assert_memory_equal(found, key, sizeof key);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		json_put_string(offer, "peer_key", wrong[i]);
		assert_int_equal(offer_key(offer, found, &hosted->err), DD_CORRUPT);
	}
}

struct secret_seen {
	int count;
	char name[SECRET_NAME_SIZE];
	bool is_ours;
};

static int see(const char *name, const struct json *value, void *context)
{
	struct secret_seen *seen = context;

	seen->count++;
	snprintf(seen->name, sizeof seen->name, "%s", name);
	seen->is_ours = strcmp(json_as_string(value), HOSTED_SECRET) == 0;
	return 0;
}

static int find_ours(const char *name, const struct json *value, void *context)
{
	struct secret_seen *seen = context;

	(void)name;
	seen->is_ours |= strcmp(json_as_string(value), HOSTED_SECRET) == 0;
	return 0;
}

static void migrate_offer__brings_secrets_into_another_book(void **state)
{
	struct hosted *hosted = *state;
	CLEANUP(json) struct json *offer = offer_of(hosted, true);
	CLEANUP(text) struct text value = TEXT_INIT;
	struct secret_seen seen = {0};
	void *other_state = NULL;
	struct hosted *other;

	json_each(json_get(offer, "secrets"), see, &seen);
	assert_int_equal(seen.count, 1);
	assert_true(seen.is_ours);
	assert_null(strstr(json_get_string(offer, "running"), HOSTED_SECRET));

	hosted_setup(&other_state);
	other = other_state;
	assert_int_equal(book_secret_get(other->host->book, HOSTED_UUID, seen.name, &value, NULL),
		DD_NOT_FOUND);
	must(offer_secrets_put(other->host->book, offer, &other->err), &other->err);
	must(book_secret_get(other->host->book, HOSTED_UUID, seen.name, &value, &other->err),
		&other->err);
	assert_string_equal(text_string(&value), HOSTED_SECRET);
	must(offer_secrets_drop(other->host->book, offer, &other->err), &other->err);
	text_clear(&value);
	assert_int_equal(book_secret_get(other->host->book, HOSTED_UUID, seen.name, &value, NULL),
		DD_NOT_FOUND);
	hosted_teardown(&other_state);
}

/* So many that they would be too much for an offer: what the domain has now goes in any case. */
static void migrate_offer__bounds_the_secrets_of_earlier_versions(void **state)
{
	enum { OLD = 40, SIZE = 64 << 10 };
	struct hosted *hosted = *state;
	CLEANUP(free) char *value = calloc(1, SIZE + 1);
	CLEANUP(json) struct json *offer = NULL;
	struct secret_seen seen = {0};

	memset(value, 'x', SIZE);
	for (int i = 0; i < OLD; i++) {
		struct secret_draft draft = {.value = value};

		must(book_secret_name(draft.name, &hosted->err), &hosted->err);
		must(book_secrets_put(hosted->host->book, HOSTED_UUID, &draft, 1, &hosted->err),
			&hosted->err);
	}
	offer = offer_of(hosted, false);
	must(offer_check(offer, &hosted->err), &hosted->err);
	json_each(json_get(offer, "secrets"), see, &seen);
	assert_in_range(seen.count, 10, 20);
	seen = (struct secret_seen){0};
	json_each(json_get(offer, "secrets"), find_ours, &seen);
	assert_true(seen.is_ours);
}

static void migrate_offer__a_token_fits_its_hash_alone(void **state)
{
	char token[TOKEN_SIZE], hash[TOKEN_SIZE], other[TOKEN_SIZE], other_hash[TOKEN_SIZE];

	(void)state;
	token_draw(token, hash);
	token_draw(other, other_hash);
	assert_true(token_fits(token, hash));
	assert_true(token_fits(other, other_hash));
	assert_false(token_fits(other, hash));
	assert_false(token_fits(token, other_hash));
	assert_false(token_fits(hash, hash));
	assert_false(token_fits("", hash));
	assert_false(token_fits(token, ""));
	assert_false(token_fits(NULL, hash));
	assert_false(token_fits(token, NULL));
	for (size_t i = 0; i < TOKEN_SIZE - 1; i++) {
		char kept = token[i];

		token[i] = kept == '0' ? '1' : '0';
		assert_false(token_fits(token, hash));
		token[i] = kept;
	}
	token[TOKEN_SIZE - 2] = '\0';
	assert_false(token_fits(token, hash));
}

static void migrate_offer__an_id_is_drawn_anew(void **state)
{
	char one[MIGRATION_ID_SIZE], two[MIGRATION_ID_SIZE];

	(void)state;
	migration_id_draw(one);
	migration_id_draw(two);
	assert_true(migration_id_valid(one));
	assert_true(migration_id_valid(two));
	assert_string_not_equal(one, two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTED_TEST(migrate_offer__what_is_made_is_accepted),
		HOSTED_TEST(migrate_offer__each_member_has_to_be_right),
		HOSTED_TEST(migrate_offer__values_are_looked_at),
		cmocka_unit_test(migrate_offer__what_is_no_object_is_none),
		HOSTED_TEST(migrate_offer__says_whose_it_is),
		HOSTED_TEST(migrate_offer__brings_secrets_into_another_book),
		HOSTED_TEST(migrate_offer__bounds_the_secrets_of_earlier_versions),
		HOSTED_TEST(migrate_offer__a_token_fits_its_hash_alone),
		HOSTED_TEST(migrate_offer__an_id_is_drawn_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
