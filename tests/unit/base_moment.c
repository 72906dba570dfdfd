/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/moment.h"

#define NOW 1793534405 /* 2026-11-01 12:00:05 UTC, 13:00:05 in the zone of the tests */

static int zone_setup(void **state)
{
	(void)state;
	/* summer time ended a week before NOW */
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return 0;
}

static void base_moment__is_read_as_people_write_it(void **state)
{
	static const struct {
		const char *words;
		int64_t seconds;
	} cases[] = {
		{"now", NOW},
		{"@1793534400", 1793534400},
		{"2026-11-01", 1793487600},
		{"2026-11-01 13:00", 1793534400},
		{"2026-11-01T13:00:05", NOW},
		{" 2026-11-01  13:00:05 ", NOW},
		{"2026-11-01T12:00:05Z", NOW},
		{"2026-11-01 12:00:05 UTC", NOW},
		{"2026-11-01T17:30:05+05:30", NOW},
		{"2026-11-01 07:00:05 -0500", NOW},
		{"2026-11-01T13:00:05+01", NOW},
		{"2026-07-01 12:00", 1782900000},
		{"12:30", NOW - 1805},
		{"today", 1793487600},
		{"today 13:00:05", NOW},
		{"yesterday", NOW - 86400},
		{"Yesterday 13:00", NOW - 5 - 86400},
		{"2 hours ago", NOW - 7200},
		{"1 second ago", NOW - 1},
		{"90 minutes ago", NOW - 5400},
		{"3 days ago", NOW - 3 * 86400},
		/* a day of 25 hours is between */
		{"1 week ago", NOW - 7 * 86400},
		{"8 days ago", NOW - 8 * 86400 - 3600},
		{"1 month ago", NOW - 31 * 86400 - 3600},
		{"1 year ago", NOW - 365 * 86400},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct dd_error err = {0};
		int64_t found = 0;

		if (moment_parse(cases[i].words, NOW, &found, &err) != 0)
			fail_msg("%s: %s", cases[i].words, err.message);
		if (found != cases[i].seconds)
			fail_msg("%s: %lld, not %lld", cases[i].words, (long long)found,
				(long long)cases[i].seconds);
	}
}

static void base_moment__what_is_no_time_is_refused(void **state)
{
	static const char *const cases[] = {"", " ", "soon", "2026", "2026-13-01", "2026-02-30",
		"2026-1-1", "2026-11-01T", "2026-11-01 25:00", "2026-11-01 12:00 13:00",
		"2026-11-01T12:00+25", "2026-11-01 12:00 CET", "12:60", "2 hours", "two hours ago",
		"2 fortnights ago", "99999999 days ago", "9999999 years ago", "@", "@12x", "-1",
		"tomorrow", "yesterday noon", "1969-12-31", "nowish", "todayx"};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct dd_error err = {0};
		int64_t found = 42;

		if (moment_parse(cases[i], NOW, &found, &err) != DD_INVALID)
			fail_msg("'%s' was accepted: %lld", cases[i], (long long)found);
		assert_int_equal(found, 42);
		assert_non_null(strstr(err.hint, "2026-11-01 12:00"));
	}
}

static void base_moment__is_written_in_local_time(void **state)
{
	char words[MOMENT_SIZE];

	(void)state;
	moment_format(NOW, words);
	assert_string_equal(words, "2026-11-01 13:00:05");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_moment__is_read_as_people_write_it),
		cmocka_unit_test(base_moment__what_is_no_time_is_refused),
		cmocka_unit_test(base_moment__is_written_in_local_time),
	};

	return cmocka_run_group_tests(tests, zone_setup, NULL);
}
