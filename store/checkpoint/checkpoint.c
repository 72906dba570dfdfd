/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the table of staged objects into book.git, in this order, each step durable before the next:
 *
 *   1. in one snapshot of book.db: how far the staged objects go, and where every head is; and
 *      book.db is synced, as others may still be about to
 *   2. packs with all staged objects up to there, first in a folder that git does not look into
 *   3. the refs of those heads, whose objects are all packed now (refs.c), and of the keys of hosts
 *      that domains came from (books.c)
 *   4. those staged rows go, and small packs are merged where there are many
 *
 * A crash leaves the staged rows, so the next checkpoint does it again and comes to the same packs.
 * Commits go on meanwhile: they add rows behind the mark. Whoever reads while an object moves finds
 * it in one place or the other (staging.c).
 */
#include "store/room.h"

#include <stdio.h>

#include "store/checkpoint/books.h"
#include "store/checkpoint/consolidate.h"
#include "store/checkpoint/refs.h"
#include "store/folder.h"
#include "store/git/pack.h"

#define PACK_OBJECTS 50000 /* bounds the memory that a checkpoint takes */
#define FORGET_ROWS 1000   /* bounds how long commits wait for it */
#define DUE_OBJECTS 3000   /* staged: about a thousand versions */

struct plan {
	int64_t last; /* staged row */
	struct refs_plan refs;
};

static void cleanup_plan(struct plan *plan)
{
	text_release(&plan->refs.lines);
}

/* ---- 1 ---- */

static int staged_last(struct book *book, int64_t *last, struct dd_error *err)
{
	struct statement statement =
		statement_begin(&book->database, "SELECT coalesce(max(id), 0) FROM staged");

	if (statement_row(&statement))
		*last = statement_integer(&statement, 0);
	return statement_end(&statement, err);
}

struct planning {
	struct book *book;
	struct plan *plan;
};

static int plan_in_snapshot(void *context, struct dd_error *err)
{
	const struct planning *planning = context;
	struct plan *plan = planning->plan;
	int rc = staged_last(planning->book, &plan->last, err);

	return rc ? rc : refs_plan(planning->book, plan->last, &plan->refs, err);
}

static int plan_read(struct book *book, struct plan *plan, struct dd_error *err)
{
	struct planning planning = {book, plan};
	int rc = database_snapshot(&book->database, plan_in_snapshot, &planning, err);

	if (!rc && plan->refs.lines.size)
		rc = database_sync(&book->database, err);
	return rc;
}

/* ---- 2 ---- */

/* Adds the staged objects after *done, those of one domain hinted to be alike. */
static int pack_fill(
	struct pack *pack, const struct plan *plan, int64_t *done, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&pack->book->database,
		"SELECT id, oid, domain FROM staged WHERE id > ? AND id <= ? ORDER BY id LIMIT ?");
	int64_t last = plan->last;
	int rc = 0, rows = 0;

	statement_number(&statement, *done);
	statement_number(&statement, plan->last);
	statement_number(&statement, PACK_OBJECTS);
	for (; !rc && statement_row(&statement); rows++) {
		char hint[32];
		git_oid oid;

		last = statement_integer(&statement, 0);
		if (!statement_oid(&statement, 1, &oid))
			break;
		snprintf(hint, sizeof hint, "%016llx",
			(unsigned long long)statement_integer(&statement, 2));
		rc = pack_add(pack, &oid, hint, err);
	}
	if (!rc)
		rc = statement_end(&statement, err);
	if (!rc)
		*done = rows < PACK_OBJECTS ? plan->last : last;
	return rc;
}

static int packs_write(struct book *book, const struct plan *plan, struct dd_error *err)
{
	int64_t done = 0;
	int rc = 0;

	while (!rc && done < plan->last) {
		CLEANUP(pack) struct pack pack = {0};
		char name[PACK_NAME_SIZE];

		rc = pack_begin(book, &pack, err);
		if (!rc)
			rc = pack_fill(&pack, plan, &done, err);
		if (!rc)
			rc = pack_finish(&pack, name, err);
	}
	return rc;
}

/* ---- 4 ---- */

struct forgetting {
	struct database *database;
	int64_t last;
	int rows;
};

static int forget_some(void *context, struct dd_error *err)
{
	struct forgetting *forgetting = context;
	struct statement statement = statement_begin(forgetting->database,
		"DELETE FROM staged WHERE id IN"
		" (SELECT id FROM staged WHERE id <= ? ORDER BY id LIMIT ?)");
	int rc;

	statement_number(&statement, forgetting->last);
	statement_number(&statement, FORGET_ROWS);
	rc = statement_run(&statement, err);
	forgetting->rows = sqlite3_changes(forgetting->database->sqlite);
	return rc;
}

static int staged_forget(struct book *book, int64_t last, struct dd_error *err)
{
	struct forgetting forgetting = {.database = &book->database, .last = last};
	int rc;

	do
		rc = database_change(&book->database, "checkpoint", forget_some, &forgetting, err);
	while (!rc && forgetting.rows == FORGET_ROWS);
	return rc;
}

/* The checkpoint is made: no room to tidy up in is no failure of it, damage that is found is one.
 */
static int tidy_up(struct book *book, struct dd_error *err)
{
	struct dd_error reason = {0};
	int rc = packs_consolidate(book, &reason);

	if (rc != DD_CORRUPT)
		return 0;
	if (err)
		*err = reason;
	return rc;
}

static int checkpoint_run(struct book *book, struct dd_error *err)
{
	CLEANUP(plan) struct plan plan = {.refs.lines = TEXT_INIT};
	int rc = plan_read(book, &plan, err);

	if (rc || !plan.refs.lines.size)
		return rc;
	rc = packs_write(book, &plan, err);
	if (!rc)
		rc = refs_write(book, &plan.refs, err);
	if (!rc)
		rc = books_settle(book, err);
	if (!rc)
		rc = staged_forget(book, plan.last, err);
	return rc;
}

/* A key that somebody died over before it had its place; nobody knows its name any more. */
static void keys_tidy(struct book *book)
{
	CLEANUP(free) char *keys = NULL;

	if (book_path(book, "keys", &keys, NULL) == 0)
		folder_clean_dead(keys);
}

/* With what nobody else may do to book.git meanwhile. */
static int checkpoint_locked(struct book *book, const char *what, int wait_ms,
	int (*then)(struct book *book, struct dd_error *err), struct dd_error *err)
{
	int rc;

	repository_forget(book);
	rc = repository_need(book, err);
	if (!rc)
		rc = repository_complete(book, err);
	if (!rc)
		rc = database_lock(&book->database, SLOT_CHECKPOINT, what, wait_ms, err);
	if (rc)
		return rc;
	keys_tidy(book);
	rc = checkpoint_run(book, err);
	if (!rc)
		rc = then(book, err);
	database_unlock(&book->database, SLOT_CHECKPOINT);
	return rc;
}

int book_checkpoint(struct book *book, struct dd_error *err)
{
	return checkpoint_locked(book, "checkpoint", book->wait_ms, tidy_up, err);
}

int book_gc(struct book *book, struct dd_error *err)
{
	int rc = checkpoint_locked(book, "gc", book->wait_ms, packs_gather, err);

	return rc ? rc : database_compact(&book->database, err);
}

int book_staged(struct book *book, uint64_t *objects, struct dd_error *err)
{
	struct statement statement =
		statement_begin(&book->database, "SELECT coalesce((SELECT max(id) FROM staged) + 1"
						 " - (SELECT min(id) FROM staged), 0)");

	if (statement_row(&statement))
		*objects = (uint64_t)statement_integer(&statement, 0);
	return statement_end(&statement, err);
}

void book_checkpoint_due(struct book *book)
{
	uint64_t staged = 0;

	if (book->changed && book_staged(book, &staged, NULL) == 0 && staged >= DUE_OBJECTS)
		(void)checkpoint_locked(book, "checkpoint", 0, tidy_up, NULL);
}
