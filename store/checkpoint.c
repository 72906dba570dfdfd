/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the table of staged objects into book.git, in this order, each step durable before the next:
 *
 *   1. in one snapshot of book.db: how far the staged objects go, and where every head is
 *   2. packs with all staged objects up to there, first in a folder that git does not look into
 *   3. packed-refs with those heads, whose objects are all packed now
 *   4. those staged rows go
 *
 * A crash leaves the staged rows, so the next checkpoint does it again and comes to the same packs.
 * Commits go on meanwhile: they add rows behind the mark. Whoever reads while an object moves finds
 * it in one place or the other (staging.c).
 */
#include "store/room.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "store/folder.h"
#include "store/refs.h"

#define PACK_OBJECTS 50000 /* bounds the memory that a checkpoint takes */
#define FORGET_ROWS 1000   /* bounds how long commits wait for it */
#define INCOMING "book.git/incoming"
#define PACKS "book.git/objects/pack"

struct plan {
	int64_t last; /* staged row */
	struct text refs;
};

static void cleanup_plan(struct plan *plan)
{
	text_release(&plan->refs);
}

static void cleanup_packbuilder(git_packbuilder **builder)
{
	git_packbuilder_free(*builder);
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

static int plan_read(struct book *book, struct plan *plan, struct dd_error *err)
{
	int rc = database_execute(&book->database, "BEGIN", err);

	if (rc)
		return rc;
	rc = staged_last(book, &plan->last, err);
	if (!rc && plan->last)
		rc = refs_read(book, &plan->refs, err);
	(void)sqlite3_exec(book->database.sqlite, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* ---- 2 ---- */

/*
 * Inserts the staged objects after *done. Named after their domain, so that the versions of one
 * domain meet when deltas are looked for; commits and trees meet by their kind anyway.
 */
static int pack_fill(struct book *book, git_packbuilder *builder, const struct plan *plan,
	int64_t *done, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&book->database,
		"SELECT id, oid, domain FROM staged WHERE id > ? AND id <= ? ORDER BY id LIMIT ?");
	int code = 0;

	statement_number(&statement, *done);
	statement_number(&statement, plan->last);
	statement_number(&statement, PACK_OBJECTS);
	while (!code && statement_row(&statement)) {
		char name[32];
		git_oid oid;

		*done = statement_integer(&statement, 0);
		git_oid_fromraw(&oid, sqlite3_column_blob(statement.handle, 1));
		snprintf(name, sizeof name, "%016llx",
			(unsigned long long)statement_integer(&statement, 2));
		code = git_packbuilder_insert(builder, &oid, name);
	}
	if (code)
		return repository_failure(book, code, "cannot pack", err);
	return statement_end(&statement, err);
}

static int pack_move(const char *from, const char *to, const char *name, const char *suffix,
	struct dd_error *err)
{
	CLEANUP(free) char *source = NULL;
	CLEANUP(free) char *target = NULL;
	int rc = string_format(&source, err, "%s/pack-%s.%s", from, name, suffix);

	if (!rc)
		rc = string_format(&target, err, "%s/pack-%s.%s", to, name, suffix);
	if (!rc && rename(source, target) < 0)
		rc = error_errno(err, errno, "cannot move a pack to %s", target);
	return rc;
}

/* libgit2 has synced both files; git sees the pack when its index appears. */
static int pack_install(
	const char *incoming, const char *packs, const char *name, struct dd_error *err)
{
	int rc = pack_move(incoming, packs, name, "pack", err);

	if (!rc)
		rc = pack_move(incoming, packs, name, "idx", err);
	return rc ? rc : folder_sync(packs, err);
}

static int pack_write(struct book *book, const char *incoming, const char *packs,
	const struct plan *plan, int64_t *done, struct dd_error *err)
{
	CLEANUP(packbuilder) git_packbuilder *builder = NULL;
	int code = git_packbuilder_new(&builder, book->repository);
	int rc;

	if (code)
		return repository_failure(book, code, "cannot pack", err);
	rc = pack_fill(book, builder, plan, done, err);
	if (rc)
		return rc;
	if (!git_packbuilder_object_count(builder)) {
		*done = plan->last;
		return 0;
	}
	code = git_packbuilder_write(builder, incoming, 0444, NULL, NULL);
	if (code)
		return repository_failure(book, code, "cannot write a pack", err);
	return pack_install(incoming, packs, git_packbuilder_name(builder), err);
}

static int packs_write(struct book *book, const struct plan *plan, struct dd_error *err)
{
	CLEANUP(free) char *incoming = NULL;
	CLEANUP(free) char *packs = NULL;
	int64_t done = 0;
	int rc = book_path(book, INCOMING, &incoming, err);

	if (!rc)
		rc = book_path(book, PACKS, &packs, err);
	if (!rc)
		rc = directory_make(incoming, 0700, err);
	/* what a checkpoint left that did not end */
	if (!rc)
		rc = folder_clean(incoming, "", "", err);
	while (!rc && done < plan->last)
		rc = pack_write(book, incoming, packs, plan, &done, err);
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

static int checkpoint_run(struct book *book, struct dd_error *err)
{
	CLEANUP(plan) struct plan plan = {.refs = TEXT_INIT};
	int rc = plan_read(book, &plan, err);

	if (rc || !plan.last)
		return rc;
	rc = packs_write(book, &plan, err);
	if (!rc)
		rc = refs_write(book, &plan.refs, err);
	if (!rc)
		rc = staged_forget(book, plan.last, err);
	return rc;
}

int book_checkpoint(struct book *book, struct dd_error *err)
{
	int rc = repository_need(book, err);

	if (!rc)
		rc = database_lock(
			&book->database, SLOT_CHECKPOINT, "checkpoint", book->wait_ms, err);
	if (rc)
		return rc;
	rc = checkpoint_run(book, err);
	database_unlock(&book->database, SLOT_CHECKPOINT);
	return rc;
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
