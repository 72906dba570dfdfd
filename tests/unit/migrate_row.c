/* SPDX-License-Identifier: Apache-2.0 */
/* What a host writes down of a migration is what it reads, and nothing else is read as one. */
#include "domain/journal_detail.h"
#include "migrate/row.h"
#include "tests/support/hosted.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define OTHER_ID "ffffffffffffffffffffffffffffffff"

static void row_begin(struct hosted *hosted, bool outgoing, const char *word)
{
	CLEANUP(json)
	struct json *detail = migration_detail(&hosted->op, HOSTED_ID, "beta", outgoing, true);

	must(migration_row_write(&hosted->op, detail, word, &hosted->err), &hosted->err);
	must(detail_open(&hosted->op, detail, NULL, NULL, &hosted->err), &hosted->err);
}

static void migrate_row__what_is_written_is_read(void **state)
{
	struct hosted *hosted = *state;
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	CLEANUP(migration_row) struct migration_row later = {.detail = NULL};
	CLEANUP(json) struct json *copy = NULL;

	row_begin(hosted, true, "BEGUN");
	must(migration_row_find(hosted->host, HOSTED_UUID, HOSTED_ID, &row, &hosted->err),
		&hosted->err);
	assert_string_equal(row.id, HOSTED_ID);
	assert_string_equal(row.peer, "beta");
	assert_true(row.outgoing && row.live);
	assert_int_equal(row.source, SOURCE_BEGUN);
	assert_int_equal(row.journal.id, hosted->op.journal);

	copy = json_copy(row.detail);
	must(migration_row_write(&hosted->op, copy, "SWITCHED", &hosted->err), &hosted->err);
	must(migration_row_find(hosted->host, HOSTED_UUID, NULL, &later, &hosted->err),
		&hosted->err);
	assert_int_equal(later.source, SOURCE_SWITCHED);
}

static void migrate_row__is_of_the_other_side_too(void **state)
{
	struct hosted *hosted = *state;
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};

	row_begin(hosted, false, "PREPARED");
	must(migration_row_find(hosted->host, HOSTED_UUID, NULL, &row, &hosted->err), &hosted->err);
	assert_false(row.outgoing);
	assert_int_equal(row.destination, DESTINATION_PREPARED);
}

static void migrate_row__another_is_not_found(void **state)
{
	struct hosted *hosted = *state;
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	CLEANUP(json) struct json *detail = detail_new(&hosted->op, "define");

	assert_int_equal(migration_row_find(hosted->host, HOSTED_UUID, NULL, &row, &hosted->err),
		DD_NOT_FOUND);
	must(detail_open(&hosted->op, detail, NULL, NULL, &hosted->err), &hosted->err);
	assert_int_equal(migration_row_find(hosted->host, HOSTED_UUID, NULL, &row, &hosted->err),
		DD_NOT_FOUND);
	must(journal_undo(hosted->host->book, hosted->op.journal, &hosted->err), &hosted->err);
	hosted->op.journal = 0;
	row_begin(hosted, true, "BEGUN");
	assert_int_equal(
		migration_row_find(hosted->host, HOSTED_UUID, OTHER_ID, &row, &hosted->err),
		DD_NOT_FOUND);
	assert_null(row.detail);
}

static void migrate_row__what_is_malformed_is_told_so(void **state)
{
#define START "{\"kind\":\"migration\",\"id\":\"" HOSTED_ID "\""
	static const char *const cases[] = {
		"null",
		"[]",
		"{}",
		START "}",
		START ",\"peer\":\"beta\",\"side\":\"source\"}",
		START ",\"peer\":\"beta\",\"state\":\"BEGUN\"}",
		START ",\"side\":\"source\",\"state\":\"BEGUN\"}",
		START ",\"peer\":7,\"side\":\"source\",\"state\":\"BEGUN\"}",
		START ",\"peer\":\"beta\",\"side\":\"source\",\"state\":\"PREPARED\"}",
		START ",\"peer\":\"beta\",\"side\":\"destination\",\"state\":\"BEGUN\"}",
		START ",\"peer\":\"beta\",\"side\":\"neither\",\"state\":\"BEGUN\"}",
		START ",\"peer\":\"beta\",\"side\":\"source\",\"state\":\"begun\"}",
		START ",\"peer\":\"beta\",\"side\":\"source\",\"state\":1}",
		"{\"id\":\"01\",\"peer\":\"beta\",\"side\":\"source\",\"state\":\"BEGUN\"}",
		"{\"peer\":\"beta\",\"side\":\"source\",\"state\":\"BEGUN\"}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
		struct json *detail = NULL;
		struct dd_error err = {0};

		must(json_parse(cases[i], strlen(cases[i]), &detail, &err), &err);
		if (!migration_row_read(&row, detail, &err))
			fail_msg("it was read: %s", cases[i]);
		assert_error(&err, DD_CORRUPT, "row of a migration");
	}
}

struct ends {
	int count, running, aborted;
};

static int end_see(const struct migration_end *end, void *context)
{
	struct ends *ends = context;

	assert_string_equal(end->uuid, HOSTED_UUID);
	assert_string_equal(end->peer, "beta");
	assert_true(end->since > 0);
	ends->count++;
	ends->running += end->state == DESTINATION_RUNNING;
	ends->aborted += end->state == DESTINATION_ABORTED;
	return 0;
}

static struct ends ends_of(struct hosted *hosted)
{
	struct ends ends = {0};

	must(migration_end_list(hosted->host->book, end_see, &ends, &hosted->err), &hosted->err);
	return ends;
}

static void migrate_row__ends_are_listed_and_forgotten(void **state)
{
	static const char *const ids[] = {HOSTED_ID, OTHER_ID};
	static const enum destination_state states[] = {DESTINATION_RUNNING, DESTINATION_ABORTED};
	struct hosted *hosted = *state;
	struct book *book = hosted->host->book;
	struct ends ends;

	for (size_t i = 0; i < 2; i++) {
		char peer[] = "beta";
		struct migration_end end = {.uuid = HOSTED_UUID, .peer = peer, .state = states[i]};

		snprintf(end.id, sizeof end.id, "%s", ids[i]);
		must(migration_end_write(book, &end, &hosted->err), &hosted->err);
	}
	ends = ends_of(hosted);
	assert_int_equal(ends.count, 2);
	assert_int_equal(ends.running, 1);
	assert_int_equal(ends.aborted, 1);
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(migration_end) struct migration_end end = {.peer = NULL};

		must(migration_end_read(book, ids[i], &end, &hosted->err), &hosted->err);
		assert_string_equal(end.id, ids[i]);
		assert_int_equal(end.state, states[i]);
	}
	for (int twice = 0; twice < 2; twice++) {
		CLEANUP(migration_end) struct migration_end end = {.peer = NULL};

		must(migration_end_forget(book, HOSTED_ID, &hosted->err), &hosted->err);
		assert_int_equal(migration_end_read(book, HOSTED_ID, &end, NULL), DD_NOT_FOUND);
		assert_int_equal(ends_of(hosted).count, 1);
	}
}

static void migrate_row__an_end_that_is_malformed_is_told_so(void **state)
{
	static const char *const cases[] = {"", "{", "[]", "{}",
		"{\"uuid\":\"" HOSTED_UUID "\",\"peer\":\"beta\"}",
		"{\"uuid\":\"x\",\"peer\":\"beta\",\"state\":\"RUNNING\"}",
		"{\"uuid\":\"" HOSTED_UUID "\",\"state\":\"RUNNING\"}",
		"{\"uuid\":\"" HOSTED_UUID "\",\"peer\":\"beta\",\"state\":\"SWITCHED\"}"};
	struct hosted *hosted = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(migration_end) struct migration_end end = {.peer = NULL};
		int rc;

		must(book_setting_put(
			     hosted->host->book, "migrated/" HOSTED_ID, cases[i], &hosted->err),
			&hosted->err);
		rc = migration_end_read(hosted->host->book, HOSTED_ID, &end, &hosted->err);
		assert_true(rc == DD_CORRUPT || rc == DD_INVALID);
		assert_null(end.peer);
	}
}

static void migrate_row__an_id_is_digits(void **state)
{
	(void)state;
	assert_true(migration_id_valid(HOSTED_ID));
	assert_false(migration_id_valid(NULL));
	assert_false(migration_id_valid(""));
	assert_false(migration_id_valid(HOSTED_ID "0"));
	assert_false(migration_id_valid("0123456789ABCDEF0123456789ABCDEF"));
	assert_false(migration_id_valid("0123456789abcdef/../456789abcdef"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTED_TEST(migrate_row__what_is_written_is_read),
		HOSTED_TEST(migrate_row__is_of_the_other_side_too),
		HOSTED_TEST(migrate_row__another_is_not_found),
		cmocka_unit_test(migrate_row__what_is_malformed_is_told_so),
		HOSTED_TEST(migrate_row__ends_are_listed_and_forgotten),
		HOSTED_TEST(migrate_row__an_end_that_is_malformed_is_told_so),
		cmocka_unit_test(migrate_row__an_id_is_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
