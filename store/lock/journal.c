/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: one open row a domain, saying what is under way, with the claims that the operation
 * needs. A claim is checked against what every other domain uses live and what every other
 * operation has claimed, in the transaction that makes it; so of two guests that want one disk, one
 * gets it.
 */
#include "store/lock/journal.h"

#include <stdio.h>
#include <string.h>

#include "store/database/index.h"

#define DETAIL_LIMIT ((size_t)16 << 20)

void journal_row_release(struct journal_row *row)
{
	free(row->operation);
	free(row->detail);
	*row = (struct journal_row){0};
}

/* ---- opening ---- */

struct opening {
	struct book *book;
	const struct journal_draft *draft;
	uint64_t id;
	char holder[UUID_SIZE];
};

static int detail_check(const char *detail, struct dd_error *err)
{
	return strlen(detail) <= DETAIL_LIMIT
		       ? 0
		       : error_set(err, DD_INVALID, "a journal row has more than %zu bytes",
				 DETAIL_LIMIT);
}

static int draft_check(const struct journal_draft *draft, struct dd_error *err)
{
	if (!uuid_valid(draft->uuid))
		return error_set(err, DD_INVALID, "'%s' is no UUID in lower case", draft->uuid);
	if (!draft->operation || !*draft->operation)
		return error_set(err, DD_INVALID, "a journal row needs an operation");
	if (draft->detail && detail_check(draft->detail, err))
		return DD_INVALID;
	for (size_t i = 0; i < draft->claim_count; i++)
		if (!use_valid(&draft->claims[i]))
			return error_set(err, DD_INVALID, "a journal row has a malformed claim");
	return 0;
}

/* Only what two guests can spoil for each other; a MAC address twice is the network's matter. */
static bool kind_is_exclusive(const char *kind)
{
	return strcmp(kind, "disk") == 0 || strcmp(kind, "hostdev") == 0;
}

/* Readers go with readers and those who share with each other: a reader cannot follow a writer. */
static bool modes_agree(char a, char b)
{
	return a == b && a != 'w';
}

/* Everybody but the domain itself who has the value live or claimed. */
#define HOLDERS                                                                                   \
	"SELECT d.uuid, d.name, u.mode FROM use u JOIN domain d ON d.id = u.domain"               \
	" WHERE u.value = ?1 AND u.kind = ?2 AND u.scope & 2 AND d.uuid <> ?3"                    \
	" UNION ALL"                                                                              \
	" SELECT k.uuid, coalesce((SELECT name FROM domain WHERE uuid = k.uuid), k.uuid), k.mode" \
	" FROM claim k WHERE k.value = ?1 AND k.kind = ?2 AND k.uuid <> ?3"

static int claim_check(struct opening *opening, const struct use_row *claim, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&opening->book->database, HOLDERS);

	statement_text(&statement, claim->value);
	statement_text(&statement, claim->kind);
	statement_text(&statement, opening->draft->uuid);
	while (statement_row(&statement)) {
		if (modes_agree(claim->mode, statement_string(&statement, 2)[0]))
			continue;
		snprintf(opening->holder, sizeof opening->holder, "%s",
			statement_string(&statement, 0));
		return error_set(err, DD_REFUSED, "%s %s is in use by the domain '%s'", claim->kind,
			claim->value, statement_string(&statement, 1));
	}
	return statement_end(&statement, err);
}

static int claim_write(struct opening *opening, const struct use_row *claim, struct dd_error *err)
{
	const char mode[2] = {claim->mode, '\0'};
	struct statement statement = statement_begin(&opening->book->database,
		"INSERT INTO claim(journal, uuid, kind, value, mode) VALUES(?, ?, ?, ?, ?)"
		" ON CONFLICT DO NOTHING");

	statement_number(&statement, (int64_t)opening->id);
	statement_text(&statement, opening->draft->uuid);
	statement_text(&statement, claim->kind);
	statement_text(&statement, claim->value);
	statement_text(&statement, mode);
	return statement_run(&statement, err);
}

static int row_check(struct opening *opening, struct dd_error *err)
{
	CLEANUP(journal_row) struct journal_row row = {0};
	char name[256];
	struct dd_error reason = {0};
	int rc = journal_find(opening->book, opening->draft->uuid, &row, &reason);

	if (rc == DD_NOT_FOUND)
		return 0;
	if (rc)
		return error_set(err, rc, "%s", reason.message);
	index_name(opening->book, opening->draft->uuid, name, sizeof name);
	return error_set(err, DD_BUSY, "the domain '%s' has an unfinished operation: %s", name,
		row.operation);
}

static int row_write(struct opening *opening, struct dd_error *err)
{
	const struct journal_draft *draft = opening->draft;
	struct statement statement = statement_begin(&opening->book->database,
		"INSERT INTO journal(uuid, operation, base, detail, since)"
		" VALUES(?, ?, ?, ?, ?)");
	int rc;

	statement_text(&statement, draft->uuid);
	statement_text(&statement, draft->operation);
	statement_number(&statement, draft->base);
	statement_text(&statement, draft->detail ? draft->detail : "");
	statement_number(&statement, time(NULL));
	rc = statement_run(&statement, err);
	if (!rc)
		opening->id = (uint64_t)sqlite3_last_insert_rowid(opening->book->database.sqlite);
	return rc;
}

static int opening_write(void *context, struct dd_error *err)
{
	struct opening *opening = context;
	const struct journal_draft *draft = opening->draft;
	int rc = row_check(opening, err);

	if (!rc)
		rc = row_write(opening, err);
	for (size_t i = 0; !rc && i < draft->claim_count; i++) {
		if (kind_is_exclusive(draft->claims[i].kind))
			rc = claim_check(opening, &draft->claims[i], err);
		if (!rc)
			rc = claim_write(opening, &draft->claims[i], err);
	}
	return rc;
}

int journal_open(struct book *book, const struct journal_draft *draft, uint64_t *id, char *holder,
	struct dd_error *err)
{
	struct opening opening = {.book = book, .draft = draft};
	int rc = draft_check(draft, err);

	if (rc)
		return rc;
	rc = database_change(&book->database, draft->operation, opening_write, &opening, err);
	if (rc == DD_REFUSED && holder)
		memcpy(holder, opening.holder, sizeof opening.holder);
	if (!rc)
		*id = opening.id;
	return rc;
}

/* ---- changing and ending ---- */

struct ending {
	struct book *book;
	uint64_t id;
	const char *note_name, *note_value; /* NULL: none */
	const char *detail;
};

static int no_row(uint64_t id, struct dd_error *err)
{
	return error_set(
		err, DD_NOT_FOUND, "the journal has no open row %llu", (unsigned long long)id);
}

static int claims_drop(struct book *book, uint64_t id, struct dd_error *err)
{
	struct statement statement =
		statement_begin(&book->database, "DELETE FROM claim WHERE journal = ?");

	statement_number(&statement, (int64_t)id);
	return statement_run(&statement, err);
}

static int undo_write(void *context, struct dd_error *err)
{
	struct ending *ending = context;
	struct database *database = &ending->book->database;
	struct statement statement = statement_begin(database, "DELETE FROM journal WHERE id = ?");
	int rc;

	statement_number(&statement, (int64_t)ending->id);
	rc = statement_run(&statement, err);
	if (!rc && !sqlite3_changes(database->sqlite))
		rc = no_row(ending->id, err);
	if (!rc && ending->note_name)
		rc = setting_write(ending->book, ending->note_name, ending->note_value, err);
	return rc ? rc : claims_drop(ending->book, ending->id, err);
}

int journal_undo_noting(
	struct book *book, uint64_t id, const char *name, const char *value, struct dd_error *err)
{
	struct ending ending = {.book = book, .id = id, .note_name = name, .note_value = value};

	return database_change(&book->database, "undo", undo_write, &ending, err);
}

int journal_undo(struct book *book, uint64_t id, struct dd_error *err)
{
	return journal_undo_noting(book, id, NULL, NULL, err);
}

static int update_write(void *context, struct dd_error *err)
{
	const struct ending *ending = context;
	struct database *database = &ending->book->database;
	struct statement statement =
		statement_begin(database, "UPDATE journal SET detail = ? WHERE id = ?");
	int rc;

	statement_text(&statement, ending->detail);
	statement_number(&statement, (int64_t)ending->id);
	rc = statement_run(&statement, err);
	return !rc && !sqlite3_changes(database->sqlite) ? no_row(ending->id, err) : rc;
}

int journal_update(struct book *book, uint64_t id, const char *detail, struct dd_error *err)
{
	struct ending ending = {.book = book, .id = id, .detail = detail};
	int rc = detail_check(detail, err);

	return rc ? rc : database_change(&book->database, "journal", update_write, &ending, err);
}

static int claims_keep(struct book *book, uint64_t id, int64_t domain, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"INSERT INTO use(domain, kind, value, mode, scope)"
		" SELECT ?1, kind, value, mode, 2 FROM claim WHERE journal = ?2"
		" ON CONFLICT DO UPDATE SET scope = scope | 2");

	statement_number(&statement, domain);
	statement_number(&statement, (int64_t)id);
	return statement_run(&statement, err);
}

int journal_close(
	struct book *book, const struct book_change *change, int64_t domain, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		change->journal_detail
			? "UPDATE journal SET detail = ?3 WHERE id = ?1 AND uuid = ?2"
			: "DELETE FROM journal WHERE id = ?1 AND uuid = ?2");
	int rc;

	statement_number(&statement, (int64_t)change->journal);
	statement_text(&statement, change->uuid);
	if (change->journal_detail)
		statement_text(&statement, change->journal_detail);
	rc = statement_run(&statement, err);
	if (!rc && !sqlite3_changes(book->database.sqlite))
		return error_set(err, DD_CONFLICT,
			"the operation on the domain %s was settled by somebody else",
			change->uuid);
	if (!rc && !change->index)
		rc = claims_keep(book, change->journal, domain, err);
	return rc ? rc : claims_drop(book, change->journal, err);
}

/* ---- reading ---- */

#define JOURNAL_COLUMNS "id, uuid, operation, base, detail, since"

static int row_read(struct statement *statement, struct journal_row *row, struct dd_error *err)
{
	CLEANUP(journal_row)
	struct journal_row read = {
		.id = (uint64_t)statement_integer(statement, 0),
		.base = (uint32_t)statement_integer(statement, 3),
		.since = statement_integer(statement, 5),
	};
	int rc = string_copy(&read.operation, statement_string(statement, 2), err);

	if (!rc)
		rc = string_copy(&read.detail, statement_string(statement, 4), err);
	if (rc)
		return rc;
	snprintf(read.uuid, sizeof read.uuid, "%s", statement_string(statement, 1));
	*row = read;
	read = (struct journal_row){0};
	return 0;
}

int journal_find(struct book *book, const char *uuid, struct journal_row *out, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(
		&book->database, "SELECT " JOURNAL_COLUMNS " FROM journal WHERE uuid = ?");
	int rc;

	statement_text(&statement, uuid);
	if (statement_row(&statement))
		return row_read(&statement, out, err);
	rc = statement_end(&statement, err);
	return rc ? rc
		  : error_set(err, DD_NOT_FOUND, "nothing is under way on the domain %s", uuid);
}

int journal_list(struct book *book, int (*visit)(const struct journal_row *row, void *context),
	void *context, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(
		&book->database, "SELECT " JOURNAL_COLUMNS " FROM journal ORDER BY since, id");

	while (statement_row(&statement)) {
		CLEANUP(journal_row) struct journal_row row = {0};
		int rc = row_read(&statement, &row, err);

		if (!rc)
			rc = visit(&row, context);
		if (rc)
			return rc;
	}
	return statement_end(&statement, err);
}
