/* SPDX-License-Identifier: Apache-2.0 */
#include "store/room.h"

struct entry {
	struct book *book;
	const char *key, *value;
};

int book_cache_get(struct book *book, const char *key, struct text *out, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement =
		statement_begin(&book->database, "SELECT value FROM cache WHERE key = ?");
	int rc;

	statement_text(&statement, key);
	if (statement_row(&statement)) {
		text_puts(out, statement_string(&statement, 0));
		return text_failed(out) ? error_no_memory(err) : 0;
	}
	rc = statement_end(&statement, err);
	return rc ? rc : error_set(err, DD_NOT_FOUND, "nothing is kept for '%s'", key);
}

static int entry_write(void *context, struct dd_error *err)
{
	struct entry *entry = context;
	struct statement statement = statement_begin(&entry->book->database,
		"INSERT INTO cache(key, value) VALUES(?, ?)"
		" ON CONFLICT DO UPDATE SET value = excluded.value");

	statement_text(&statement, entry->key);
	statement_text(&statement, entry->value);
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
