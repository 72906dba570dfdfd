/* SPDX-License-Identifier: Apache-2.0 */
#include "base/moment.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define AGO_MAX 1000000 /* of any unit */

/* What is left to read; each take_ moves on only where it returns true. */
struct reader {
	const char *at;
};

static void skip_spaces(struct reader *reader)
{
	reader->at += strspn(reader->at, " ");
}

static bool at_end(struct reader *reader)
{
	skip_spaces(reader);
	return *reader->at == '\0';
}

static bool take_char(struct reader *reader, char c)
{
	if (*reader->at != c)
		return false;
	reader->at++;
	return true;
}

/* Exactly that many digits, and a number up to most. */
static bool take_digits(struct reader *reader, size_t digits, int most, int *out)
{
	int number = 0;

	if (strspn(reader->at, "0123456789") < digits)
		return false;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (reader->at[i] - '0');
	if (number > most)
		return false;
	reader->at += digits;
	*out = number;
	return true;
}

static bool take_word(struct reader *reader, const char *word)
{
	size_t length = strlen(word);

	if (strncasecmp(reader->at, word, length) != 0 ||
		(reader->at[length] && reader->at[length] != ' '))
		return false;
	reader->at += length;
	skip_spaces(reader);
	return true;
}

/* HH:MM[:SS] */
static bool take_clock(struct reader *reader, struct tm *tm)
{
	struct reader start = *reader;
	struct tm read = *tm;

	read.tm_sec = 0;
	if (take_digits(reader, 2, 23, &read.tm_hour) && take_char(reader, ':') &&
		take_digits(reader, 2, 59, &read.tm_min) &&
		(!take_char(reader, ':') || take_digits(reader, 2, 60, &read.tm_sec))) {
		*tm = read;
		return true;
	}
	*reader = start;
	return false;
}

/* YYYY-MM-DD, of a day that there is. */
static bool take_date(struct reader *reader, struct tm *tm)
{
	struct reader start = *reader;
	int year = 0, month = 0, day = 0;

	if (take_digits(reader, 4, 9999, &year) && take_char(reader, '-') &&
		take_digits(reader, 2, 12, &month) && take_char(reader, '-') &&
		take_digits(reader, 2, 31, &day) && year >= 1970) {
		struct tm real = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};

		tm->tm_year = real.tm_year;
		tm->tm_mon = real.tm_mon;
		tm->tm_mday = day;
		/* the 30th of February would become a day of March */
		if (timegm(&real) >= 0 && real.tm_mday == day && real.tm_mon == tm->tm_mon)
			return true;
	}
	*reader = start;
	return false;
}

/* Z, UTC, +01:00, -0330, +01: seconds east of Greenwich. */
static bool take_zone(struct reader *reader, int *east)
{
	struct reader start = *reader;
	int hours = 0, minutes = 0;
	bool west = *reader->at == '-';

	*east = 0;
	if (take_word(reader, "Z") || take_word(reader, "UTC"))
		return true;
	if ((take_char(reader, '+') || take_char(reader, '-')) &&
		take_digits(reader, 2, 14, &hours)) {
		bool separated = take_char(reader, ':');

		if (take_digits(reader, 2, 59, &minutes) || !separated) {
			*east = (hours * 60 + minutes) * (west ? -60 : 60);
			return true;
		}
	}
	*reader = start;
	return false;
}

static bool local_fields(int64_t seconds, struct tm *tm)
{
	time_t time = (time_t)seconds;

	return localtime_r(&time, tm) != NULL;
}

static int64_t from_local(struct tm *tm)
{
	tm->tm_isdst = -1;
	return mktime(tm);
}

/* A date, with a time of day and a zone where they are there. */
static bool read_date(struct reader reader, int64_t *out)
{
	struct tm tm = {.tm_mday = 1};
	int east = 0;

	if (!take_date(&reader, &tm))
		return false;
	if (take_char(&reader, 'T')) {
		if (!take_clock(&reader, &tm))
			return false;
	} else {
		skip_spaces(&reader);
		take_clock(&reader, &tm);
	}
	skip_spaces(&reader);
	if (take_zone(&reader, &east))
		*out = timegm(&tm) - east;
	else
		*out = from_local(&tm);
	return at_end(&reader);
}

/* [today|yesterday] [HH:MM[:SS]] */
static bool read_day(struct reader reader, int64_t now, int64_t *out)
{
	struct tm tm;
	bool today = take_word(&reader, "today");
	bool yesterday = !today && take_word(&reader, "yesterday");

	if (!local_fields(now, &tm))
		return false;
	if (today)
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday -= yesterday;
	if (!take_clock(&reader, &tm) && !today && !yesterday)
		return false;
	*out = from_local(&tm);
	return at_end(&reader);
}

static bool read_ago(struct reader reader, int64_t now, int64_t *out)
{
	static const struct {
		const char *one, *many;
		int seconds, days, months;
	} units[] = {
		{"second", "seconds", .seconds = 1},
		{"minute", "minutes", .seconds = 60},
		{"hour", "hours", .seconds = 3600},
		{"day", "days", .days = 1},
		{"week", "weeks", .days = 7},
		{"month", "months", .months = 1},
		{"year", "years", .months = 12},
	};
	size_t digits = strspn(reader.at, "0123456789");
	int number = 0;
	struct tm tm;

	if (!digits || digits > 7 || !take_digits(&reader, digits, AGO_MAX, &number) ||
		!local_fields(now, &tm))
		return false;
	skip_spaces(&reader);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (!take_word(&reader, units[i].many) && !take_word(&reader, units[i].one))
			continue;
		tm.tm_mday -= number * units[i].days;
		tm.tm_mon -= number * units[i].months;
		*out = units[i].seconds ? now - (int64_t)number * units[i].seconds
					: from_local(&tm);
		return take_word(&reader, "ago") && at_end(&reader) && *out >= 0;
	}
	return false;
}

static bool read_now(struct reader reader, int64_t now, int64_t *out)
{
	*out = now;
	return take_word(&reader, "now") && at_end(&reader);
}

/* @SECONDS */
static bool read_seconds(struct reader reader, int64_t *out)
{
	size_t digits;

	if (!take_char(&reader, '@'))
		return false;
	digits = strspn(reader.at, "0123456789");
	if (!digits || digits > 12)
		return false;
	*out = strtoll(reader.at, NULL, 10);
	reader.at += digits;
	return at_end(&reader);
}

int moment_parse(const char *words, int64_t now, int64_t *out, struct dd_error *err)
{
	struct reader reader = {words};
	int64_t found = 0;

	skip_spaces(&reader);
	if (read_date(reader, &found) || read_day(reader, now, &found) ||
		read_ago(reader, now, &found) || read_now(reader, now, &found) ||
		read_seconds(reader, &found)) {
		*out = found;
		return 0;
	}
	error_set(err, DD_INVALID, "'%.80s' is no time", words);
	return error_hint(err, "write it like 2026-11-01 12:00, 2026-11-01T12:00:00Z, 12:00, "
			       "yesterday or 2 hours ago");
}

void moment_format(int64_t seconds, char out[MOMENT_SIZE])
{
	struct tm tm;

	if (!local_fields(seconds, &tm) || !strftime(out, MOMENT_SIZE, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(out, MOMENT_SIZE, "@%lld", (long long)seconds);
}
