/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database/index.h"

#include <stdio.h>
#include <string.h>

void domain_row_release(struct domain_row *row)
{
	free(row->name);
	free(row->title);
	free(row->runtime);
	free(row->owner);
	*row = (struct domain_row){0};
}

int index_row_read(
	struct statement *statement, int column, struct domain_row *row, struct dd_error *err)
{
	bool runs = sqlite3_column_type(statement->handle, column + 6) != SQLITE_NULL;
	bool owned = sqlite3_column_type(statement->handle, column + 8) == SQLITE_NULL;
	CLEANUP(domain_row)
	struct domain_row read = {
		.state = (enum domain_state)statement_integer(statement, column + 3),
		.autostart = statement_integer(statement, column + 4) != 0,
		.version = (uint32_t)statement_integer(statement, column + 5),
		.epoch = (uint32_t)statement_integer(statement, column + 7),
	};
	int rc = string_copy(&read.name, statement_string(statement, column + 1), err);

	if (!rc)
		rc = string_copy(&read.title, statement_string(statement, column + 2), err);
	if (!rc && runs)
		rc = string_copy(&read.runtime, statement_string(statement, column + 6), err);
	if (!rc && !owned)
		rc = string_copy(&read.owner, statement_string(statement, column + 8), err);
	if (rc)
		return rc;
	snprintf(read.uuid, sizeof read.uuid, "%s", statement_string(statement, column));
	*row = read;
	read = (struct domain_row){0};
	return 0;
}

/* ---- looking up ---- */

static int find_by(struct book *book, const char *sql, const char *key, struct domain_row *row,
	bool *found, struct dd_error *err)
{
	CLEANUP(statement) struct statement statement = statement_begin(&book->database, sql);
	int rc = 0;

	statement_text(&statement, key);
	*found = statement_row(&statement);
	if (*found)
		rc = index_row_read(&statement, 0, row, err);
	return rc ? rc : statement_end(&statement, err);
}

int book_find(
	struct book *book, const char *name_or_uuid, struct domain_row *out, struct dd_error *err)
{
	bool found = false;
	int rc = 0;

	if (uuid_valid(name_or_uuid))
		rc = find_by(book, "SELECT " INDEX_COLUMNS " FROM domain d WHERE d.uuid = ?",
			name_or_uuid, out, &found, err);
	if (!rc && !found)
		rc = find_by(book,
			"SELECT " INDEX_COLUMNS " FROM domain d WHERE d.name = ? AND d.state <> 2",
			name_or_uuid, out, &found, err);
	if (!rc && !found)
		rc = error_set(err, DD_NOT_FOUND, "there is no domain '%s'", name_or_uuid);
	return rc;
}

int book_find_gone(
	struct book *book, const char *name, struct domain_row *out, struct dd_error *err)
{
	bool found = false;
	int rc = find_by(book,
		"SELECT " INDEX_COLUMNS " FROM domain d WHERE d.name = ? AND d.state = 2"
		" ORDER BY d.id DESC LIMIT 1",
		name, out, &found, err);

	return rc || found ? rc : error_set(err, DD_NOT_FOUND, "no domain '%s' has gone", name);
}

void index_name(struct book *book, const char *uuid, char *name, size_t size)
{
	struct statement statement =
		statement_begin(&book->database, "SELECT name FROM domain WHERE uuid = ?");

	snprintf(name, size, "%s", uuid);
	statement_text(&statement, uuid);
	if (statement_row(&statement))
		snprintf(name, size, "%s", statement_string(&statement, 0));
	statement_drop(&statement);
}

static int list_by(struct book *book, const char *sql,
	int (*visit)(const struct domain_row *row, void *context), void *context,
	struct dd_error *err)
{
	CLEANUP(statement) struct statement statement = statement_begin(&book->database, sql);

	while (statement_row(&statement)) {
		CLEANUP(domain_row) struct domain_row row = {0};
		int rc = index_row_read(&statement, 0, &row, err);

		if (!rc)
			rc = visit(&row, context);
		if (rc)
			return rc;
	}
	return statement_end(&statement, err);
}

int book_list(struct book *book, bool gone_too,
	int (*visit)(const struct domain_row *row, void *context), void *context,
	struct dd_error *err)
{
	return list_by(book,
		gone_too ? "SELECT " INDEX_COLUMNS " FROM domain d ORDER BY d.name, d.id"
			 : "SELECT " INDEX_COLUMNS
			   " FROM domain d WHERE d.state <> 2 ORDER BY d.name",
		visit, context, err);
}

int book_list_running(struct book *book, int (*visit)(const struct domain_row *row, void *context),
	void *context, struct dd_error *err)
{
	return list_by(book,
		"SELECT " INDEX_COLUMNS " FROM domain d WHERE d.state = 1 ORDER BY d.name", visit,
		context, err);
}

/* ---- writing ---- */

static bool plain(const char *text, size_t limit)
{
	size_t length = strnlen(text, limit + 1);

	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return length && length <= limit;
}

int index_draft_check(const struct index_draft *draft, struct dd_error *err)
{
	if (!draft->name || !plain(draft->name, NAME_BYTES_LIMIT))
		return error_set(err, DD_INVALID, "'%.80s' cannot be a domain's name",
			draft->name ? draft->name : "");
	if (draft->use_count > USES_LIMIT)
		return error_set(err, DD_INVALID, "the domain '%s' uses more than %d things",
			draft->name, USES_LIMIT);
	for (size_t i = 0; i < draft->use_count; i++)
		if (!use_valid(&draft->uses[i]))
			return error_set(err, DD_INVALID, "the domain '%s' has a malformed use",
				draft->name);
	return 0;
}

int index_name_free(struct book *book, const char *uuid, const char *name, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"SELECT uuid FROM domain WHERE name = ? AND state <> 2 AND uuid <> ?");
	int rc = 0;

	statement_text(&statement, name);
	statement_text(&statement, uuid);
	if (statement_row(&statement))
		rc = error_set(err, DD_EXISTS, "another domain has the name '%s': %s", name,
			statement_string(&statement, 0));
	if (rc) {
		statement_drop(&statement);
		return rc;
	}
	return statement_end(&statement, err);
}

/* A name or state that is set, even to what it is, would rewrite the index over the names too. */
static int row_write(
	struct book *book, int64_t domain, const struct index_draft *draft, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"UPDATE domain SET name = ?1, title = ?2, state = ?3, autostart = ?4, runtime = ?5"
		" WHERE id = ?6 AND"
		" (name, title, state, autostart, runtime) IS NOT (?1, ?2, ?3, ?4, ?5)");

	statement_text(&statement, draft->name);
	statement_text(&statement, draft->title ? draft->title : "");
	statement_number(&statement, draft->state);
	statement_number(&statement, draft->autostart);
	statement_text(&statement, draft->runtime);
	statement_number(&statement, domain);
	return statement_run(&statement, err);
}

int index_owner_write(struct book *book, int64_t domain, uint32_t epoch, const char *owner,
	const git_oid *owner_book, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"UPDATE domain SET epoch = ?, owner = ?, owner_book = ? WHERE id = ?");

	statement_number(&statement, epoch);
	statement_text(&statement, owner);
	if (owner_book)
		statement_blob(&statement, owner_book->id, sizeof owner_book->id);
	else
		statement_text(&statement, NULL);
	statement_number(&statement, domain);
	return statement_run(&statement, err);
}

int index_write(
	struct book *book, int64_t domain, const struct index_draft *draft, struct dd_error *err)
{
	int rc = row_write(book, domain, draft, err);

	if (!rc && draft->epoch)
		rc = index_owner_write(book, domain, draft->epoch,
			draft->owned ? NULL : book->host_name, NULL, err);
	return rc ? rc : uses_write(book, domain, draft->uses, draft->use_count, err);
}
