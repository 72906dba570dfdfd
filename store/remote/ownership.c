/* SPDX-License-Identifier: Apache-2.0 */
#include "store/remote/ownership.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/git/ref.h"
#include "store/key/lineage.h"

#define HOST_SIZE 256

/* ---- the row ---- */

struct owned_row {
	int64_t domain; /* 0: there is none */
	git_oid head;
	enum domain_state state;
	uint32_t epoch;
	bool own, claimed; /* neither: another host's */
	char owner[HOST_SIZE];
};

static int row_read(
	struct book *book, const char *uuid, struct owned_row *row, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"SELECT id, head, state, epoch, owner IS NULL, owner IS ?2, owner FROM domain"
		" WHERE uuid = ?1");

	*row = (struct owned_row){0};
	statement_text(&statement, uuid);
	statement_text(&statement, book->host_name);
	if (statement_row(&statement)) {
		row->domain = statement_integer(&statement, 0);
		row->state = (enum domain_state)statement_integer(&statement, 2);
		row->epoch = (uint32_t)statement_integer(&statement, 3);
		row->own = statement_integer(&statement, 4) != 0;
		row->claimed = statement_integer(&statement, 5) != 0;
		snprintf(row->owner, sizeof row->owner, "%s", statement_string(&statement, 6));
		(void)statement_oid(&statement, 1, &row->head);
	}
	return statement_end(&statement, err);
}

struct owner_change {
	struct book *book;
	const char *uuid;
	const char *owner;   /* NULL: this host */
	const git_oid *head; /* that it still has; NULL: whatever */
};

static int owner_write(void *context, struct dd_error *err)
{
	const struct owner_change *change = context;
	struct statement statement = statement_begin(&change->book->database,
		"UPDATE domain SET owner = ?1 WHERE uuid = ?2 AND (?3 IS NULL OR head = ?3)");

	statement_text(&statement, change->owner);
	statement_text(&statement, change->uuid);
	if (change->head)
		statement_blob(&statement, change->head->id, sizeof change->head->id);
	return statement_run(&statement, err);
}

/* ---- what is claimed ---- */

int ownership_claimed(struct book *book, const char *uuid, bool *claimed, struct dd_error *err)
{
	struct owned_row row;
	int rc = row_read(book, uuid, &row, err);

	*claimed = !rc && row.epoch > 1 && (row.own || row.claimed);
	return rc;
}

int ownership_told(struct book *book, const char *uuid, struct dd_error *err)
{
	struct owner_change change = {.book = book, .uuid = uuid};
	struct owned_row row;
	int rc = row_read(book, uuid, &row, err);

	if (rc || !row.claimed)
		return rc;
	return database_change(&book->database, "own", owner_write, &change, err);
}

int ownership_source(struct book *book, const char *uuid, const git_oid *head, char *host,
	size_t size, struct dd_error *err)
{
	CLEANUP(version_info) struct version_info info = {0};
	struct owned_row row;
	const char *from;
	int rc = row_read(book, uuid, &row, err);

	*host = '\0';
	if (rc || !row.claimed)
		return rc;
	rc = version_read(book, 0, head, &info, err);
	from = rc ? NULL : version_trailer(&info, "Taken-From");
	if (from)
		snprintf(host, size, "%s", from);
	return rc;
}

int ownership_vain(struct book *book, const char *uuid, const char *host, struct dd_error *err)
{
	struct owner_change change = {.book = book, .uuid = uuid, .owner = host};

	return database_change(&book->database, "owner", owner_write, &change, err);
}

/* ---- what others claim ---- */

int ownership_confirm(
	struct book *book, const char *uuid, const git_oid *owned, struct dd_error *err)
{
	CLEANUP(version_info) struct version_info info = {0};
	struct dd_error reason = {0};
	struct owned_row row;
	const char *epoch;
	bool ours = false;
	int rc = row_read(book, uuid, &row, err);

	if (rc || !row.claimed)
		return rc;
	rc = repository_need(book, err);
	if (!rc)
		rc = history_follows(book, &row.head, owned, &ours, err);
	if (rc || !ours)
		return rc;
	rc = version_read(book, 0, owned, &info, &reason);
	if (rc && rc != DD_CORRUPT)
		return error_set(err, rc, "%s", reason.message);
	epoch = version_trailer(&info, "Epoch");
	/* of an earlier owner, who did not lose it yet */
	if (!epoch || strtoul(epoch, NULL, 10) != row.epoch)
		return 0;
	return ownership_told(book, uuid, err);
}

int ownership_doubtful(struct book *book, const char *uuid, const git_oid *owned, bool *doubtful,
	struct dd_error *err)
{
	struct owned_row row;
	bool known = false;
	int rc = row_read(book, uuid, &row, err);

	*doubtful = false;
	/* what was undefined here, and is this host's own still, could be defined again */
	if (rc || !row.domain || (row.state == STATE_GONE && !row.own))
		return rc;
	rc = repository_need(book, err);
	if (!rc)
		rc = history_follows(book, &row.head, owned, &known, err);
	*doubtful = !rc && !known;
	return rc;
}

int ownership_heed(
	struct book *book, const struct owner_claim *claim, bool *lost, struct dd_error *err)
{
	CLEANUP(lineage) struct lineage lineage = {.commits = NULL};
	struct owned_row row;
	struct owner_change change = {
		.book = book, .uuid = claim->uuid, .owner = claim->host, .head = &row.head};
	struct dd_error reason = {0};
	int rc = row_read(book, claim->uuid, &row, err);

	*lost = false;
	if (rc || !row.domain || strcmp(row.owner, claim->host) == 0)
		return rc;
	rc = lineage_read(book, claim->uuid, &claim->head, &claim->host_book, NULL, true, NULL,
		&lineage, &reason);
	if (rc && rc != DD_CORRUPT)
		return error_set(err, rc, "%s", reason.message);
	/* it must be the same domain, and a later owner, or one who was faster */
	if (rc || !lineage_has(&lineage, &claim->owned) ||
		lineage.epoch < row.epoch + (row.own ? 1 : 0))
		return 0;
	*lost = row.own || row.claimed;
	return database_change(&book->database, "owner", owner_write, &change, err);
}
