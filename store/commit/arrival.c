/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit/arrival.h"

#include "store/checkpoint/books.h"
#include "store/database/index.h"
#include "store/history/tag.h"
#include "store/key/lineage.h"

struct arrived_row {
	int64_t domain; /* 0: there is none */
	uint32_t version;
	git_oid head;
	enum domain_state state;
	bool own;
};

static int row_read(
	struct book *book, const char *uuid, struct arrived_row *row, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"SELECT id, version, head, state, owner IS NULL FROM domain WHERE uuid = ?");

	*row = (struct arrived_row){0};
	statement_text(&statement, uuid);
	if (statement_row(&statement)) {
		row->domain = statement_integer(&statement, 0);
		row->version = (uint32_t)statement_integer(&statement, 1);
		(void)statement_oid(&statement, 2, &row->head);
		row->state = (enum domain_state)statement_integer(&statement, 3);
		row->own = statement_integer(&statement, 4) != 0;
	}
	return statement_end(&statement, err);
}

static int parted(const struct arrival *arrival, const struct arrived_row *row, const char *name,
	struct dd_error *err)
{
	const struct lineage *lineage = arrival->lineage;
	char ours[COMMIT_SIZE], theirs[COMMIT_SIZE];

	error_set(err, row->own && arrival->given ? DD_EXISTS : DD_CONFLICT,
		"the histories of '%s' parted: here it ends with version %u (%s), on %s with "
		"version %u (%s), which does not go on from there",
		name, row->version, git_oid_tostr(ours, sizeof ours, &row->head), arrival->host,
		lineage->count,
		git_oid_tostr(theirs, sizeof theirs, &lineage->commits[lineage->count - 1]));
	return error_hint(err, "see: domesday log %s", name);
}

/* What the book has of it must be where the other's history comes from. */
static int row_check(struct book *book, const struct arrival *arrival,
	const struct arrived_row *row, struct dd_error *err)
{
	const struct lineage *lineage = arrival->lineage;
	bool own = row->own && !arrival->given;
	bool runs = row->state == STATE_RUNNING && !arrival->given;
	char name[256];

	if (!own && !runs && row->version && row->version <= lineage->count &&
		git_oid_equal(&lineage->commits[row->version - 1], &row->head))
		return 0;
	index_name(book, arrival->uuid, name, sizeof name);
	if (own)
		return error_set(err, DD_EXISTS, "the domain '%s' is this host's own", name);
	if (!runs)
		return parted(arrival, row, name, err);
	error_set(err, DD_REFUSED, "a guest of the domain '%s' runs here", name);
	return error_hint(err, "end it first: domesday destroy %s", name);
}

int arrival_check(struct book *book, const struct arrival *arrival, bool *own, struct dd_error *err)
{
	struct arrived_row row;
	int rc = row_read(book, arrival->uuid, &row, err);

	*own = row.own;
	return rc || !row.domain ? rc : row_check(book, arrival, &row, err);
}

static int row_make(
	struct book *book, const struct arrival *arrival, int64_t *domain, struct dd_error *err)
{
	struct statement row = statement_begin(&book->database,
		"INSERT INTO domain(uuid, name, title, state, autostart, version, head)"
		" VALUES(?1, ?1, '', 2, 0, 0, x'')");
	int rc;

	statement_text(&row, arrival->uuid);
	rc = statement_run(&row, err);
	*domain = sqlite3_last_insert_rowid(book->database.sqlite);
	return rc;
}

static int versions_insert(struct book *book, int64_t domain, uint32_t after,
	const struct lineage *lineage, struct dd_error *err)
{
	struct statement row = statement_begin(&book->database,
		"INSERT INTO version(domain, number, oid, seq) VALUES(?, ?, ?, NULL)");

	for (uint32_t i = after; i < lineage->count; i++) {
		statement_number(&row, domain);
		statement_number(&row, i + 1);
		statement_blob(&row, lineage->commits[i].id, sizeof lineage->commits[i].id);
		(void)statement_row(&row);
		statement_again(&row);
	}
	return statement_end(&row, err);
}

static int row_point(
	struct book *book, const struct arrival *arrival, int64_t domain, struct dd_error *err)
{
	const struct lineage *lineage = arrival->lineage;
	const git_oid *head = &lineage->commits[lineage->count - 1];
	struct statement row = statement_begin(&book->database,
		"UPDATE domain SET version = ?, head = ?, state = 2, runtime = NULL WHERE id = ?");
	int rc;

	statement_number(&row, lineage->count);
	statement_blob(&row, head->id, sizeof head->id);
	statement_number(&row, domain);
	rc = statement_run(&row, err);
	if (!rc)
		rc = uses_write(book, domain, NULL, 0, err);
	return rc ? rc
		  : index_owner_write(
			    book, domain, lineage->epoch, arrival->host, &lineage->books[0], err);
}

int arrival_write(
	struct book *book, const struct arrival *arrival, int64_t *domain, struct dd_error *err)
{
	const struct lineage *lineage = arrival->lineage;
	struct arrived_row row;
	int rc = row_read(book, arrival->uuid, &row, err);

	*domain = row.domain;
	if (!rc)
		rc = row.domain ? row_check(book, arrival, &row, err)
				: row_make(book, arrival, domain, err);
	if (!rc)
		rc = versions_insert(book, *domain, row.version, lineage, err);
	for (size_t i = 0; !rc && i < lineage->book_count; i++)
		rc = books_due(book, &lineage->genesis[i], &lineage->books[i], err);
	if (!rc && arrival->tag_objects)
		rc = tags_replace(book, *domain, arrival->tags, arrival->tag_objects, err);
	return rc ? rc : row_point(book, arrival, *domain, err);
}
