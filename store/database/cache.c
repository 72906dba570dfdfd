/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be found out again, and is believed without being asked: so beside each value is, under
 * its key and SUM, its SHA-1, and one that has another is as good as none.
 */
#include "store/room.h"

#include <stdio.h>
#include <string.h>

#include "base/sha1.h"

#define SUM "#sum"
#define SUM_SIZE (2 * SHA1_SIZE + 1) /* in hexadecimal digits */

struct entry {
	struct book *book;
	const char *key, *value;
};

static void sum_make(const char *value, char out[SUM_SIZE])
{
	unsigned char sum[SHA1_SIZE];
	struct sha1 sha1;

	sha1_init(&sha1);
	sha1_add(&sha1, value, strlen(value));
	sha1_end(&sha1, sum);
	for (size_t i = 0; i < sizeof sum; i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

int book_cache_get(struct book *book, const char *key, struct text *out, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&book->database,
		"SELECT value, (SELECT value FROM cache WHERE key = ?1 || '" SUM "')"
		" FROM cache WHERE key = ?1");
	char sum[SUM_SIZE];
	int rc;

	statement_text(&statement, key);
	if (statement_row(&statement)) {
		const char *value = statement_string(&statement, 0);

		sum_make(value, sum);
		if (strcmp(statement_string(&statement, 1), sum) == 0) {
			text_puts(out, value);
			return text_failed(out) ? error_no_memory(err) : 0;
		}
	}
	rc = statement_end(&statement, err);
	return rc ? rc : error_set(err, DD_NOT_FOUND, "nothing is kept for '%s'", key);
}

static int entry_write(void *context, struct dd_error *err)
{
	struct entry *entry = context;
	char sum[SUM_SIZE];
	struct statement statement = statement_begin(&entry->book->database,
		"INSERT INTO cache(key, value) VALUES(?1, ?2), (?1 || '" SUM "', ?3)"
		" ON CONFLICT DO UPDATE SET value = excluded.value");

	sum_make(entry->value, sum);
	statement_text(&statement, entry->key);
	statement_text(&statement, entry->value);
	statement_text(&statement, sum);
	return statement_run(&statement, err);
}

int book_cache_put(struct book *book, const char *key, const char *value, struct dd_error *err)
{
	struct entry entry = {.book = book, .key = key, .value = value};

	return database_change(&book->database, "cache", entry_write, &entry, err);
}

struct counter {
	struct book *book;
	const char *name;
	int64_t value;
};

static int counter_raise(void *context, struct dd_error *err)
{
	struct counter *counter = context;
	struct statement statement = statement_begin(&counter->book->database,
		"INSERT INTO setting(key, value) VALUES(?, 1)"
		" ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value");

	statement_text(&statement, counter->name);
	if (statement_row(&statement))
		counter->value = statement_integer(&statement, 0);
	return statement_end(&statement, err);
}

int book_count(struct book *book, const char *name, int64_t *out, struct dd_error *err)
{
	struct counter counter = {.book = book, .name = name};
	int rc = database_change(&book->database, "count", counter_raise, &counter, err);

	if (!rc)
		*out = counter.value;
	return rc;
}
