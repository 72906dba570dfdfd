/* SPDX-License-Identifier: Apache-2.0 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "changes.h"
#include "rows.h"
#include "state.h"
#include "store/database/vfs.h"

#define PACKS 31 /* one more makes a checkpoint merge them */

static int run_create(struct scene *scene, struct dd_error *err)
{
	return told(scene, scene_open(scene, true, err));
}

static int run_open(struct scene *scene, struct dd_error *err)
{
	return told(scene, scene_open(scene, false, err));
}

static int visit_row(const struct domain_row *row, void *context)
{
	(void)row;
	++*(int *)context;
	return 0;
}

static int run_read(struct scene *scene, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	char uuid[UUID_SIZE];
	int count = 0;
	int rc = book_list(scene->book, true, visit_row, &count, err);

	uuid_of(1, uuid);
	for (uint32_t number = 1; !rc && number <= 4; number++)
		rc = book_read(scene->book, uuid, number, "domain.xml", &text, err);
	return told(scene, rc);
}

static int run_define(struct scene *scene, struct dd_error *err)
{
	return grant(scene, &(struct wish){.domain = 9, .subject = "define"}, err);
}

static int run_edit(struct scene *scene, struct dd_error *err)
{
	return scene_edit(scene, 0, 4, err);
}

/* The files of a version that there was, as a new one: what is packed is not staged again. */
static int run_rollback(struct scene *scene, struct dd_error *err)
{
	CLEANUP(text) struct text xml = TEXT_INIT;
	char uuid[UUID_SIZE];
	struct tree_file file = {.path = "domain.xml"};
	struct version_draft version = {.subject = "roll back to version 2",
		.author = {"Ada", "ada@example.org"},
		.files = &file,
		.file_count = 1};
	struct book_change change = {.uuid = uuid, .base = 3, .version = &version};
	int rc;

	uuid_of(2, uuid);
	rc = book_read(scene->book, uuid, 2, "domain.xml", &xml, err);
	file.data = xml.data;
	file.size = xml.size;
	return rc ? rc : told(scene, book_apply(scene->book, &change, NULL, err));
}

static int run_index(struct scene *scene, struct dd_error *err)
{
	struct wish wish = {.domain = 2, .base = 3, .index_only = true, .name = "renamed"};

	return grant(scene, &wish, err);
}

int run_undefine(struct scene *scene, struct dd_error *err)
{
	struct wish wish = {.domain = 3, .base = 3, .subject = "undefine", .state = STATE_GONE};

	return grant(scene, &wish, err);
}

static int run_journal(struct scene *scene, struct dd_error *err)
{
	struct wish wish = {.domain = 1, .base = 4, .subject = "attach disk"};
	uint64_t undone = 0;
	int rc = journal_begin(scene, 0, &undone, err);

	if (!rc)
		rc = journal_begin(scene, 1, &wish.journal, err);
	if (!rc)
		rc = grant(scene, &wish, err);
	return rc ? rc : told(scene, journal_undo(scene->book, undone, err));
}

int run_small_things(struct scene *scene, struct dd_error *err)
{
	int64_t number;
	int rc = told(scene, book_cache_put(scene->book, "probe", "what was found", err));

	return rc ? rc : told(scene, book_count(scene->book, "domain-id", &number, err));
}

static int fill_packs(struct scene *scene, struct dd_error *err)
{
	uint32_t version = 4;
	int rc = 0;

	for (int pack = 0; !rc && pack < PACKS; pack++) {
		rc = scene_edit(scene, 0, version++, err);
		if (!rc)
			rc = checkpoint(scene, err);
	}
	return rc ? rc : scene_edit(scene, 1, 4, err);
}

static int run_tag(struct scene *scene, struct dd_error *err)
{
	return tag(scene, 1, 2, "sold", err);
}

static int run_untag(struct scene *scene, struct dd_error *err)
{
	char uuid[UUID_SIZE];

	uuid_of(1, uuid);
	return told(scene, book_tag_remove(scene->book, uuid, "sold", err));
}

/*
 * A book as its first format was: without what came later. It holds no version, since those made
 * here carry their place in a chain that it does not know.
 */
static int make_old(struct scene *scene, struct dd_error *err)
{
	static const char sql[] =
		"DROP INDEX version_seq; ALTER TABLE version DROP COLUMN seq; DROP TABLE tag;"
		"DROP TABLE secret;"
		"DROP INDEX domain_running; ALTER TABLE domain DROP COLUMN epoch; ALTER TABLE "
		"domain DROP COLUMN owner; ALTER TABLE domain DROP COLUMN owner_book;"
		"DELETE FROM setting WHERE key = 'genesis'; PRAGMA user_version = 1";
	char path[sizeof scene->folder + 16];
	sqlite3 *database = NULL;
	int rc, code;

	scene_close(scene);
	folder_remove(scene->folder);
	rc = scene_open(scene, true, err);
	if (rc)
		return rc;
	scene_close(scene);
	snprintf(path, sizeof path, "%s/book.db", scene->folder);
	code = sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, database_vfs());
	if (!code)
		code = sqlite3_exec(database, sql, NULL, NULL, NULL);
	if (code)
		rc = error_set(err, DD_CORRUPT, "%s", sqlite3_errmsg(database));
	sqlite3_close(database);
	return rc;
}

static int run_gc(struct scene *scene, struct dd_error *err)
{
	return told(scene, book_gc(scene->book, err));
}

/* More than SQLite's log holds before it is copied into the database and begun anew. */
static int run_long_log(struct scene *scene, struct dd_error *err)
{
	int rc = 0;

	for (uint32_t base = 4; !rc && base < 4 + 8; base++) {
		struct wish wish = {
			.domain = 0, .base = base, .subject = "large", .size = LARGE_SIZE};

		rc = grant(scene, &wish, err);
	}
	return rc;
}

/* A busy day. */
static int run_life(struct scene *scene, struct dd_error *err)
{
	int rc = run_define(scene, err);

	if (!rc)
		rc = run_edit(scene, err);
	if (!rc)
		rc = checkpoint(scene, err);
	if (!rc)
		rc = run_index(scene, err);
	if (!rc)
		rc = run_rollback(scene, err);
	if (!rc)
		rc = run_journal(scene, err);
	if (!rc)
		rc = checkpoint(scene, err);
	if (!rc)
		rc = run_undefine(scene, err);
	if (!rc)
		rc = run_tag(scene, err);
	if (!rc)
		rc = run_small_things(scene, err);
	return rc;
}

/* ---- the table ---- */

const struct operation operations[] = {
	{"create", NULL, run_create, .makes = true, .repeats = true},
	{"open", NULL, run_open, .opens = true, .repeats = true},
	{"upgrade", make_old, run_open, .opens = true, .repeats = true},
	{"read", NULL, run_read, .repeats = true, .reads = true},
	{"define", NULL, run_define, .repeats = true},
	{"edit", NULL, run_edit, .repeats = true},
	{"rollback", NULL, run_rollback, .repeats = true},
	{"index", NULL, run_index, .repeats = true},
	{"undefine", NULL, run_undefine, .repeats = true},
	{"journal", NULL, run_journal},
	{"tag", NULL, run_tag, .repeats = true},
	{"untag", tag_two, run_untag, .repeats = true},
	{"small-things", NULL, run_small_things},
	{"checkpoint", NULL, checkpoint, .repeats = true},
	{"checkpoint-tags", tag_two, checkpoint, .repeats = true},
	{"repack", fill_packs, checkpoint, .repeats = true},
	{"gc", fill_packs, run_gc, .repeats = true},
	{"rotate", tag_two, run_rotate, check_rotate, .repeats = true},
	{"verify", prepare_reindex, run_verify, .repeats = true, .reads = true},
	{"reindex", prepare_reindex, run_reindex, .repeats = true},
	{"backup", prepare_reindex, run_backup, check_backup, .repeats = true},
	{"restore", prepare_restore, run_restore, check_restore, .repeats = true},
	{"restore-from", prepare_pushed, run_restore_from, check_restore_from, .repeats = true,
		.remote = true, .slow = true},
	{"remote-add", NULL, run_remote_add, check_remote_add, .repeats = true},
	{"remote-remove", prepare_remote_remove, run_remote_remove, check_remote_remove,
		.repeats = true},
	{"push", prepare_push, run_push, check_push, .remote = true},
	{"verify-against", prepare_pushed, run_verify_against, .repeats = true, .remote = true,
		.reads = true},
	{"pull", prepare_pull, run_pull, check_pull, .repeats = true, .remote = true, .slow = true},
	{"take", prepare_take, run_take, check_take, .remote = true, .slow = true},
	{"receive", prepare_receive, run_receive, check_receive, .repeats = true},
	{"arrive", prepare_arrive, run_arrive, check_arrive, .repeats = true},
	{"hand-over", prepare_hand_over, run_hand_over, check_hand_over, .repeats = true},
	{"long-log", NULL, run_long_log},
	{"life", NULL, run_life},
};

const size_t operation_count = sizeof operations / sizeof operations[0];
