/* SPDX-License-Identifier: Apache-2.0 */
/* The moves that there are, by name, and that there is no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/phases.h"

struct move {
	int from, event, to;
};

static const struct move source_moves[] = {
	{SOURCE_NONE, SOURCE_BEGIN, SOURCE_BEGUN},
	{SOURCE_BEGUN, SOURCE_SWITCH, SOURCE_SWITCHED},
	{SOURCE_BEGUN, SOURCE_GIVE_UP, SOURCE_NONE},
	{SOURCE_SWITCHED, SOURCE_GIVE_UP, SOURCE_NONE},
	{SOURCE_SWITCHED, SOURCE_TOLD_ABORTED, SOURCE_NONE},
	{SOURCE_SWITCHED, SOURCE_TOLD_RETURNED, SOURCE_NONE},
	{SOURCE_SWITCHED, SOURCE_TOLD_RUNNING, SOURCE_NONE},
};

static const struct move destination_moves[] = {
	{DESTINATION_NONE, DESTINATION_PREPARE, DESTINATION_PREPARED},
	{DESTINATION_NONE, DESTINATION_ASKED, DESTINATION_ABORTED},
	{DESTINATION_PREPARED, DESTINATION_ASKED, DESTINATION_ABORTED},
	{DESTINATION_PREPARED, DESTINATION_GIVE_UP, DESTINATION_ABORTED},
	{DESTINATION_PREPARED, DESTINATION_COMMIT, DESTINATION_COMMITTED},
	{DESTINATION_COMMITTED, DESTINATION_RAN, DESTINATION_RUNNING},
	{DESTINATION_COMMITTED, DESTINATION_LOST, DESTINATION_RETURNED},
	{DESTINATION_ABORTED, DESTINATION_FORGET, DESTINATION_NONE},
	{DESTINATION_RUNNING, DESTINATION_FORGET, DESTINATION_NONE},
	{DESTINATION_RETURNED, DESTINATION_FORGET, DESTINATION_NONE},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Where it leads; -1: nowhere. */
static int wanted(const struct move *moves, size_t count, int from, int event)
{
	for (size_t i = 0; i < count; i++)
		if (moves[i].from == from && moves[i].event == event)
			return moves[i].to;
	return -1;
}

static void migrate_phases__the_source_makes_its_moves_and_no_other(void **state)
{
	unsigned made = 0;

	(void)state;
	for (int from = SOURCE_NONE; from <= SOURCE_SWITCHED; from++)
		for (int event = SOURCE_BEGIN; event <= SOURCE_TOLD_RUNNING; event++) {
			enum source_state now = (enum source_state)from;
			struct dd_error err = {0};
			int to = wanted(source_moves, COUNT(source_moves), from, event);
			int rc = source_move(&now, (enum source_event)event, &err);

			assert_int_equal(rc, to < 0 ? DD_REFUSED : 0);
			assert_int_equal(now, to < 0 ? from : to);
			if (rc)
				assert_non_null(strstr(err.message, source_word(now)));
			made += !rc;
		}
	assert_int_equal(made, COUNT(source_moves));
}

static void migrate_phases__the_destination_makes_its_moves_and_no_other(void **state)
{
	unsigned made = 0;

	(void)state;
	for (int from = DESTINATION_NONE; from <= DESTINATION_RETURNED; from++)
		for (int event = DESTINATION_PREPARE; event <= DESTINATION_FORGET; event++) {
			enum destination_state now = (enum destination_state)from;
			struct dd_error err = {0};
			int to = wanted(destination_moves, COUNT(destination_moves), from, event);
			int rc = destination_move(&now, (enum destination_event)event, &err);

			assert_int_equal(rc, to < 0 ? DD_REFUSED : 0);
			assert_int_equal(now, to < 0 ? from : to);
			if (rc)
				assert_non_null(strstr(err.message, destination_word(now)));
			made += !rc;
		}
	assert_int_equal(made, COUNT(destination_moves));
}

static void migrate_phases__words_are_read_as_they_are_written(void **state)
{
	static const char *const none[] = {"", "running", "SOURCE_BEGUN", "BEGUN ", "DONE", NULL};
	enum destination_state destination;
	enum source_state source;

	(void)state;
	for (int i = SOURCE_NONE; i <= SOURCE_SWITCHED; i++) {
		assert_true(source_read(source_word((enum source_state)i), &source));
		assert_int_equal(source, i);
	}
	for (int i = DESTINATION_NONE; i <= DESTINATION_RETURNED; i++) {
		assert_true(destination_read(
			destination_word((enum destination_state)i), &destination));
		assert_int_equal(destination, i);
	}
	assert_string_equal(source_word(SOURCE_SWITCHED), "SWITCHED");
	assert_string_equal(destination_word(DESTINATION_COMMITTED), "COMMITTED");
	for (size_t i = 0; i < COUNT(none); i++) {
		assert_false(source_read(none[i], &source));
		assert_false(destination_read(none[i], &destination));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(migrate_phases__the_source_makes_its_moves_and_no_other),
		cmocka_unit_test(migrate_phases__the_destination_makes_its_moves_and_no_other),
		cmocka_unit_test(migrate_phases__words_are_read_as_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
