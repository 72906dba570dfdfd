/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database/database.h"

/* The kept statement of that literal, prepared at its first use; NULL when it is being stepped. */
static sqlite3_stmt *statement_kept(struct database *database, const char *sql, int *code)
{
	struct kept_statement *kept = database->kept;

	for (size_t i = 0; i < database->kept_count; i++)
		if (kept[i].sql == sql)
			return sqlite3_stmt_busy(kept[i].statement) ? NULL : kept[i].statement;
	if (database->kept_count == STATEMENTS_MAX)
		return NULL;

	sqlite3_stmt *statement = NULL;

	*code = sqlite3_prepare_v3(
		database->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
	if (!*code)
		kept[database->kept_count++] =
			(struct kept_statement){.sql = sql, .statement = statement};
	return statement;
}

struct statement statement_begin(struct database *database, const char *sql)
{
	struct statement statement = {.database = database, .next = 1};

	statement.handle = statement_kept(database, sql, &statement.code);
	if (!statement.handle && !statement.code) {
		statement.own = true;
		statement.code =
			sqlite3_prepare_v2(database->sqlite, sql, -1, &statement.handle, NULL);
	}
	return statement;
}

static void keep_code(struct statement *statement, int code)
{
	if (!statement->code)
		statement->code = code;
}

void statement_text(struct statement *statement, const char *value)
{
	if (!statement->code)
		keep_code(statement, sqlite3_bind_text(statement->handle, statement->next++, value,
					     -1, SQLITE_TRANSIENT));
}

void statement_number(struct statement *statement, int64_t value)
{
	if (!statement->code)
		keep_code(
			statement, sqlite3_bind_int64(statement->handle, statement->next++, value));
}

void statement_blob(struct statement *statement, const void *value, size_t size)
{
	if (!statement->code)
		/* a NULL address would store a null, which an empty file is not */
		keep_code(statement, sqlite3_bind_blob64(statement->handle, statement->next++,
					     value ? value : "", size, SQLITE_STATIC));
}

bool statement_row(struct statement *statement)
{
	if (statement->code)
		return false;

	int code = sqlite3_step(statement->handle);

	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		statement->code = code;
	return false;
}

void statement_again(struct statement *statement)
{
	if (statement->code)
		return;
	sqlite3_reset(statement->handle);
	statement->next = 1;
}

void statement_drop(struct statement *statement)
{
	if (!statement->handle)
		return;
	sqlite3_reset(statement->handle);
	sqlite3_clear_bindings(statement->handle);
	if (statement->own)
		sqlite3_finalize(statement->handle);
	statement->handle = NULL;
}

int statement_end(struct statement *statement, struct dd_error *err)
{
	int code = statement->code;
	/* before the reset, which forgets the message */
	int rc = code ? database_failure(statement->database, code, err) : 0;

	statement_drop(statement);
	return rc;
}

int statement_run(struct statement *statement, struct dd_error *err)
{
	(void)statement_row(statement);
	return statement_end(statement, err);
}

int64_t statement_integer(struct statement *statement, int column)
{
	return sqlite3_column_int64(statement->handle, column);
}

const char *statement_string(struct statement *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement->handle, column);

	return text ? (const char *)text : "";
}

bool statement_oid_maybe(struct statement *statement, int column, git_oid *out)
{
	const void *raw = sqlite3_column_blob(statement->handle, column);
	bool whole = raw && sqlite3_column_bytes(statement->handle, column) == GIT_OID_RAWSZ;

	*out = (git_oid){{0}};
	if (whole)
		git_oid_fromraw(out, raw);
	return whole;
}

bool statement_oid(struct statement *statement, int column, git_oid *out)
{
	bool whole = statement_oid_maybe(statement, column, out);

	if (!whole)
		keep_code(statement, SQLITE_CORRUPT);
	return whole;
}
