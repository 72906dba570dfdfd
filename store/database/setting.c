/* SPDX-License-Identifier: Apache-2.0 */
/* What a book is set to. The names have a prefix, so that they are apart from the book's own. */
#include "store/room.h"

struct entry {
	struct book *book;
	const char *name, *value;
};

int book_setting_get(struct book *book, const char *name, struct text *value, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(
		&book->database, "SELECT value FROM setting WHERE key = 'config:' || ?");
	int rc;

	statement_text(&statement, name);
	if (statement_row(&statement)) {
		text_puts(value, statement_string(&statement, 0));
		return text_failed(value) ? error_no_memory(err) : 0;
	}
	rc = statement_end(&statement, err);
	return rc ? rc : error_set(err, DD_NOT_FOUND, "the book is not set to any '%s'", name);
}

int setting_write(struct book *book, const char *name, const char *value, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"INSERT INTO setting(key, value) VALUES('config:' || ?, ?)"
		" ON CONFLICT DO UPDATE SET value = excluded.value");

	statement_text(&statement, name);
	statement_text(&statement, value);
	return statement_run(&statement, err);
}

static int entry_write(void *context, struct dd_error *err)
{
	const struct entry *entry = context;

	return setting_write(entry->book, entry->name, entry->value, err);
}

int book_setting_put(struct book *book, const char *name, const char *value, struct dd_error *err)
{
	struct entry entry = {.book = book, .name = name, .value = value};

	return database_change(&book->database, "setting", entry_write, &entry, err);
}

int book_setting_list(struct book *book, const char *prefix,
	int (*visit)(const char *name, const char *value, void *context), void *context,
	struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&book->database,
		"SELECT substr(key, 8), value FROM setting"
		" WHERE substr(key, 1, 7 + length(?1)) = 'config:' || ?1 ORDER BY key");
	int rc = 0;

	statement_text(&statement, prefix);
	while (!rc && statement_row(&statement))
		rc = visit(
			statement_string(&statement, 0), statement_string(&statement, 1), context);
	return rc ? rc : statement_end(&statement, err);
}

static int entry_drop(void *context, struct dd_error *err)
{
	const struct entry *entry = context;
	struct statement statement = statement_begin(
		&entry->book->database, "DELETE FROM setting WHERE key = 'config:' || ?");

	statement_text(&statement, entry->name);
	return statement_run(&statement, err);
}

int book_setting_drop(struct book *book, const char *name, struct dd_error *err)
{
	struct entry entry = {.book = book, .name = name};

	return database_change(&book->database, "setting", entry_drop, &entry, err);
}

int book_own_oid(struct book *book, const char *name, git_oid *out, struct dd_error *err)
{
	struct statement statement =
		statement_begin(&book->database, "SELECT value FROM setting WHERE key = ?");
	bool there;
	int rc;

	statement_text(&statement, name);
	there = statement_row(&statement);
	if (there)
		(void)statement_oid(&statement, 0, out);
	rc = statement_end(&statement, err);
	if (rc || there)
		return rc;
	error_set(err, DD_CORRUPT, "book.db lacks the setting '%s'", name);
	return error_hint(err, "'domesday reindex' makes it anew from the history");
}
