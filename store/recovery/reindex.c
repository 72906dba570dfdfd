/* SPDX-License-Identifier: Apache-2.0 */
/*
 * book.db anew, from what is signed. The reading is verify's: every object once, every commit's
 * signature. A commit counts as a version if the key that was the book's at its place signed it and
 * it has the trailers of one; its number and its parent say where it belongs. Refs are asked for
 * one thing only, where the branch "book" ends, for with it begins all trust.
 *
 * The new file grows beside the old one, in rollback mode and one transaction. Then, under the turn
 * to change the book: the old log is taken into the old file, the log goes, and the new file takes
 * the old one's name. Who dies before that leaves the old book; whoever has the old file open finds
 * at its next change that it is not the one of that name any more (database_follow).
 */
#include "store/recovery/reindex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "store/commit/turn.h"
#include "store/database/index.h"
#include "store/folder.h"
#include "store/git/object.h"
#include "store/verify/verification.h"

#define NEW_DATABASE "book.db.new"
#define OLD_DATABASE "book.db.old"
#define WALK_LIMIT 10000 /* commits of the branch "book" */

void reindex_lost(struct reindex *reindex, const char *format, ...)
{
	CLEANUP(text) struct text sentence = TEXT_INIT;
	va_list args;

	va_start(args, format);
	text_vprintf(&sentence, format, args);
	va_end(args);
	reindex->counts->losses++;
	reindex->calls->lost(text_string(&sentence), reindex->calls->context);
}

bool reindex_hindered(int rc)
{
	return rc == DD_NO_MEMORY || rc == DD_SYSTEM || rc == DD_BUSY;
}

int reindex_unread(struct reindex *reindex, int code, const git_oid *oid, const char *what)
{
	struct dd_error reason = {0};
	int rc = oid ? object_failure(reindex->book, code, oid, what, &reason)
		     : repository_failure(reindex->book, code, what, &reason);

	return reindex_hindered(rc) ? error_set(reindex->err, rc, "%s", reason.message) : 0;
}

/* ---- where trust begins ---- */

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

/*
 * The first commit that one leads back to; *found false where it leads nowhere. *passed is set
 * where `by` is on the way.
 */
static int root_find(struct reindex *reindex, const git_oid *from, const git_oid *by, git_oid *root,
	bool *found, bool *passed)
{
	*root = *from;
	*found = false;
	for (int i = 0; i < WALK_LIMIT; i++) {
		CLEANUP(odb_object) git_odb_object *object = NULL;
		struct commit_parts parts;

		int code = git_odb_read(&object, reindex->book->objects, root);

		*passed |= by && git_oid_equal(root, by);

		if (code)
			return reindex_unread(
				reindex, code, root, "cannot read the branch \"book\"");
		if (git_odb_object_type(object) != GIT_OBJECT_COMMIT ||
			!commit_parse(
				git_odb_object_data(object), git_odb_object_size(object), &parts))
			return 0;
		if (git_oid_is_zero(&parts.parent)) {
			*found = true;
			return 0;
		}
		*root = parts.parent;
	}
	return 0;
}

static int heads_write(
	struct book *book, const git_oid *head, const git_oid *genesis, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"INSERT INTO setting(key, value) VALUES('book-head', ?1), ('genesis', ?2)");

	statement_blob(&statement, head->id, sizeof head->id);
	statement_blob(&statement, genesis->id, sizeof genesis->id);
	return statement_run(&statement, err);
}

static int ref_read(struct reindex *reindex, const git_oid *by, git_oid *ref, git_oid *root,
	bool *found, bool *passed)
{
	struct dd_error reason = {0};
	int code, rc = repository_need_whole(reindex->book, &reason);

	*found = false;
	if (rc)
		return reindex_hindered(rc) ? error_set(reindex->err, rc, "%s", reason.message) : 0;
	code = git_reference_name_to_id(ref, reindex->book->whole, BOOK_REF);
	return code ? reindex_unread(reindex, code, NULL, "cannot read the branch \"book\"")
		    : root_find(reindex, ref, by, root, found, passed);
}

/*
 * The old book.db is further than the ref where a change of the key was not synced yet, and less
 * far where it is a copy from before one.
 */
static int trust_begin(struct reindex *reindex)
{
	struct book *book = reindex->book;
	git_oid ref, old, ref_root, old_root;
	bool has_ref = false, has_old, named, passed = false, ignored = false;
	int rc = old_oid(reindex, "book-head", &old, &named);

	has_old = named;
	if (!rc && named)
		rc = root_find(reindex, &old, NULL, &old_root, &has_old, &ignored);
	if (!rc)
		rc = ref_read(reindex, named ? &old : NULL, &ref, &ref_root, &has_ref, &passed);
	if (rc)
		return rc;
	if (named && !has_old)
		reindex_lost(reindex, "where the old book.db says that the branch \"book\" ends, "
				      "nothing can be read: a change of the key may be lost");
	if (has_ref && has_old && !git_oid_equal(&ref_root, &old_root)) {
		reindex_lost(
			reindex, "the branch \"book\" of book.git is of another book than book.db");
		has_old = false;
	}
	if (!has_ref && !has_old) {
		error_set(reindex->err, DD_CORRUPT,
			"%s/book.git has no branch \"book\": there is nothing that says whose "
			"signature counts",
			book->folder);
		return error_hint(reindex->err, "'domesday verify' says what is damaged");
	}
	return has_old && !passed ? heads_write(book, &old, &old_root, reindex->err)
				  : heads_write(book, &ref, &ref_root, reindex->err);
}

/* ---- versions ---- */

static int tell_loss(const struct finding *finding, void *context)
{
	reindex_lost(context, "%s", finding->sentence);
	return 0;
}

/* It is a version, and signed by whom it was to be. */
static bool counts(const struct verification *verification, const struct dues *dues,
	const struct sighting *sighting)
{
	const struct signers *due = dues_at(dues, sighting->number);

	return due && sighting->number && sighting->key >= 0 &&
	       signers_due(due, verification->keys[sighting->key], sighting->seq);
}

static int any(const struct takeover *takeover, bool *result, void *context)
{
	(void)takeover;
	(void)context;
	*result = true;
	return 0;
}

/* Of one domain; moves those that count to the front, and forgets places in others' chains. */
static int versions_keep(struct verification *verification, const struct given_away *given,
	struct sighting *list, size_t count, size_t *kept)
{
	CLEANUP(dues) struct dues dues = {.list = NULL};
	int rc = dues_read(
		verification, list->uuid, given->found ? &given->book : NULL, any, NULL, &dues);

	*kept = 0;
	/* what stands before the keys that cannot be read is lost, and told as that */
	if (rc == DD_CORRUPT) {
		*verification->err = (struct dd_error){0};
		rc = 0;
	}
	for (size_t i = 0; !rc && i < count; i++) {
		if (!counts(verification, &dues, &list[i]))
			continue;
		list[*kept] = list[i];
		if (!signers_due(
			    &verification->signers, verification->keys[list[i].key], list[i].seq))
			list[*kept].seq = 0;
		++*kept;
	}
	return rc;
}

static int version_compare(const void *a, const void *b)
{
	const struct sighting *left = a, *right = b;
	int order = strcmp(left->uuid, right->uuid);

	if (!order)
		order = (left->number > right->number) - (left->number < right->number);
	return order ? order : (left->seq > right->seq) - (left->seq < right->seq);
}

static int row_insert(struct reindex *reindex, int64_t domain, uint32_t number,
	const struct git_oid *oid, int64_t seq)
{
	struct statement statement = statement_begin(&reindex->book->database,
		"INSERT INTO version(domain, number, oid, seq) VALUES(?, ?, ?, nullif(?, 0))");

	statement_number(&statement, domain);
	statement_number(&statement, number);
	statement_blob(&statement, oid->id, sizeof oid->id);
	statement_number(&statement, seq);
	return statement_run(&statement, reindex->err);
}

static int count_staged(struct reindex *reindex, const git_oid *oid)
{
	struct statement statement =
		statement_begin(&reindex->book->database, "SELECT 1 FROM staged WHERE oid = ?");

	statement_blob(&statement, oid->id, sizeof oid->id);
	reindex->counts->staged += statement_row(&statement);
	return statement_end(&statement, reindex->err);
}

/* The list is sorted. */
static int versions_insert(struct reindex *reindex, int64_t domain, struct sighting *list,
	size_t count, const struct sighting **newest)
{
	git_oid before = {{0}}, head = {{0}};
	uint32_t number = 0;
	int rc = old_head(reindex, list->uuid, &head);

	if (!rc)
		versions_choose(reindex, list, count, &head);
	for (size_t at = 0; !rc && at < count; at++) {
		const struct sighting *chosen = &list[at];

		if (!chosen->listed)
			continue;
		if (chosen->number != number + 1)
			reindex_lost(reindex, "versions %u to %u of the domain %s cannot be read",
				number + 1, chosen->number - 1, chosen->uuid);
		else if (!git_oid_equal(&chosen->parent, &before))
			reindex_lost(reindex,
				"version %u of the domain %s does not go on from version %u",
				chosen->number, chosen->uuid, number);
		rc = row_insert(reindex, domain, chosen->number, &chosen->oid, chosen->seq);
		if (!rc)
			rc = count_staged(reindex, &chosen->oid);
		reindex->counts->versions++;
		number = chosen->number;
		before = chosen->oid;
		*newest = chosen;
	}
	return rc;
}

static int domain_insert(struct reindex *reindex, const struct given_away *given,
	struct sighting *list, size_t count)
{
	struct database *database = &reindex->book->database;
	const struct sighting *newest = list;
	struct statement statement = statement_begin(database,
		"INSERT INTO domain(uuid, name, title, state, autostart, version, head)"
		" VALUES(?1, ?1, '', 0, 0, 0, x'')");
	int64_t domain;
	int rc;

	statement_text(&statement, list->uuid);
	rc = statement_run(&statement, reindex->err);
	domain = sqlite3_last_insert_rowid(database->sqlite);
	if (!rc)
		rc = versions_insert(reindex, domain, list, count, &newest);
	if (rc)
		return rc;
	statement =
		statement_begin(database, "UPDATE domain SET version = ?, head = ? WHERE id = ?");
	statement_number(&statement, newest->number);
	statement_blob(&statement, newest->oid.id, sizeof newest->oid.id);
	statement_number(&statement, domain);
	reindex->counts->domains++;
	rc = statement_run(&statement, reindex->err);
	if (!rc && given->found)
		rc = index_owner_write(reindex->book, domain, given->epoch, given->host,
			&given->book, reindex->err);
	return rc;
}

/* The list of sightings is ours to sort: verify has found by name what it had to. */
static int versions_read(struct reindex *reindex, struct verification *verification)
{
	struct sighting *list = verification->sightings;
	size_t count = verification->sighting_count, kept;
	struct given_away given;
	int rc = 0;

	if (count)
		qsort(list, count, sizeof *list, version_compare);
	for (size_t at = 0, run; !rc && at < count; at += run) {
		for (run = 1; at + run < count; run++)
			if (strcmp(list[at + run].uuid, list[at].uuid) != 0)
				break;
		if (!uuid_valid(list[at].uuid))
			continue;
		rc = given_away_find(reindex, verification, &list[at], run, &given);
		if (!rc)
			rc = versions_keep(verification, &given, &list[at], run, &kept);
		if (!rc && kept)
			rc = domain_insert(reindex, &given, &list[at], kept);
	}
	return rc;
}

/* Changes of the key are versions of the book itself. */
static int rotations_insert(struct reindex *reindex, const struct signers *signers)
{
	const struct signer *newest = signers_newest(signers);
	struct statement statement;
	uint32_t number = 0;
	int rc = 0;

	for (size_t i = 1; !rc && i < signers->count; i++)
		if (!signers->list[i].fault)
			rc = row_insert(reindex, 0, ++number, &signers->list[i].commit,
				signers->list[i].after);
	if (rc || !number || !newest)
		return rc;
	statement = statement_begin(
		&reindex->book->database, "INSERT INTO setting(key, value) VALUES('signer', ?)");
	statement_blob(&statement, newest->open, sizeof newest->open);
	return statement_run(&statement, reindex->err);
}

/* What it would find is lost. */
static struct verification looking(struct reindex *reindex, struct verify_counts *seen)
{
	return (struct verification){
		.book = reindex->book,
		.visit = tell_loss,
		.context = reindex,
		.counts = seen,
		.err = reindex->err,
	};
}

static int history_read(struct reindex *reindex)
{
	struct verify_counts seen = {0};
	struct verification verification = looking(reindex, &seen);
	int rc = signers_read(reindex->book, &verification.signers, reindex->err);

	if (!rc)
		rc = verify_objects(&verification);
	if (!rc)
		rc = versions_read(reindex, &verification);
	if (!rc)
		rc = rotations_insert(reindex, &verification.signers);
	verification_release(&verification);
	return rc;
}

/* ---- the index ---- */

struct place {
	int64_t domain;
	char uuid[UUID_SIZE];
	bool given_away;
};

/* By another; until it is its turn each is called by its UUID. */
static int name_taken(
	struct reindex *reindex, const struct place *place, const char *name, bool *taken)
{
	struct statement statement = statement_begin(&reindex->book->database,
		"SELECT 1 FROM domain WHERE name = ? AND state <> 2 AND id <> ?");

	statement_text(&statement, name);
	statement_number(&statement, place->domain);
	*taken = statement_row(&statement);
	return statement_end(&statement, reindex->err);
}

/* Who owns it now no history here can say: that is what the old index knew. */
static int owner_write(
	struct reindex *reindex, const struct place *place, const struct domain_row *old)
{
	CLEANUP(version_info) struct version_info info = {0};
	struct dd_error reason = {0};
	int rc = book_version(reindex->book, place->uuid, 0, &info, &reason);
	const char *epoch = rc ? NULL : version_trailer(&info, "Epoch");
	uint32_t number = epoch ? (uint32_t)strtoul(epoch, NULL, 10) : 1;
	/* what was taken over is claimed, until a remote says that it is ours */
	const char *owner =
		reindex->calls->only_history && number > 1 ? reindex->book->host_name : old->owner;

	if (rc == DD_NO_MEMORY)
		return error_no_memory(reindex->err);
	return index_owner_write(
		reindex->book, place->domain, number ? number : 1, owner, NULL, reindex->err);
}

static int index_domain(struct reindex *reindex, const struct place *place)
{
	CLEANUP(domain_row) struct domain_row old = {0};
	struct index_draft draft = {.name = place->uuid};
	struct dd_error reason = {0};
	bool found, taken = false;
	int rc = reindex->calls->index(
		reindex->book, place->uuid, &draft, reindex->calls->context, &reason);

	if (reindex_hindered(rc))
		return error_set(reindex->err, rc, "%s", reason.message);
	if (rc || index_draft_check(&draft, &reason)) {
		draft = (struct index_draft){.name = place->uuid};
		reindex_lost(reindex, "the newest version of the domain %s cannot be read: %s",
			place->uuid, reason.message);
	}
	rc = old_domain(reindex, place->uuid, &old, &found);
	/* listed only where it was so, too */
	if (place->given_away && (!found || old.state != STATE_SHUT_OFF || !old.owner)) {
		draft.state = STATE_GONE;
		draft.use_count = 0;
	}
	if (!rc && draft.state != STATE_GONE)
		rc = name_taken(reindex, place, draft.name, &taken);
	if (rc)
		return rc;
	if (taken) {
		reindex_lost(reindex, "two domains are called '%s'; %s is called by its UUID",
			draft.name, place->uuid);
		draft.name = place->uuid;
	}
	draft.autostart = found && old.autostart && !place->given_away;
	if (found && old.state == STATE_RUNNING && draft.state != STATE_GONE) {
		draft.state = STATE_RUNNING;
		draft.runtime = old.runtime;
	}
	rc = index_write(reindex->book, place->domain, &draft, reindex->err);
	if (!rc && !place->given_away)
		rc = owner_write(reindex, place, &old);
	return rc || draft.state != STATE_RUNNING ? rc
						  : old_uses(reindex, place->uuid, place->domain);
}

static int places_read(struct reindex *reindex, struct place **out, size_t *count)
{
	struct statement statement = statement_begin(&reindex->book->database,
		"SELECT id, uuid, owner_book IS NOT NULL FROM domain ORDER BY id");
	struct place *list = calloc((size_t)reindex->counts->domains + 1, sizeof *list);

	*count = 0;
	*out = list;
	if (!list) {
		statement_drop(&statement);
		return error_no_memory(reindex->err);
	}
	while (*count < reindex->counts->domains && statement_row(&statement)) {
		list[*count].domain = statement_integer(&statement, 0);
		snprintf(list[*count].uuid, UUID_SIZE, "%s", statement_string(&statement, 1));
		list[*count].given_away = statement_integer(&statement, 2) != 0;
		++*count;
	}
	return statement_end(&statement, reindex->err);
}

static int index_all(struct reindex *reindex)
{
	CLEANUP(free) struct place *list = NULL;
	size_t count = 0;
	int rc = places_read(reindex, &list, &count);

	for (size_t i = 0; !rc && i < count; i++)
		rc = index_domain(reindex, &list[i]);
	return rc;
}

/* ---- the files ---- */

static int pass_over(const struct finding *finding, void *context)
{
	(void)finding;
	(void)context;
	return 0;
}

/*
 * What no checksum vouches for is not followed. A disk that fails for one moment loses nothing:
 * what is damaged is found again.
 */
static int packs_judge(struct reindex *reindex)
{
	struct verify_counts seen = {0};
	struct verification verification = looking(reindex, &seen);
	int rc;

	verification.visit = pass_over;
	rc = verify_packs(&verification);
	if (!rc && seen.findings) {
		text_release(&reindex->book->unsound);
		verification.visit = tell_loss;
		rc = verify_packs(&verification);
	}
	if (rc || !reindex->book->unsound.size)
		return rc;
	repository_close(reindex->book);
	return repository_need(reindex->book, reindex->err);
}

/* What the old book.db does not say is in the refs. */
static int tags_all(struct reindex *reindex)
{
	bool read;
	int rc = old_tags(reindex, &read);

	return rc || read ? rc : tags_from_refs(reindex);
}

static int fill(void *context, struct dd_error *err)
{
	struct reindex *reindex = context;
	int rc = layout_tables_make(&reindex->book->database, err);

	if (!rc)
		rc = packs_judge(reindex);
	if (!rc)
		rc = old_staged(reindex);
	if (!rc)
		rc = trust_begin(reindex);
	if (!rc)
		rc = history_read(reindex);
	if (!rc)
		rc = index_all(reindex);
	if (!rc)
		rc = old_compare(reindex);
	if (!rc)
		rc = tags_all(reindex);
	return rc ? rc : old_rest(reindex);
}

static int remove_file(struct reindex *reindex, const char *name)
{
	CLEANUP(free) char *path = NULL;
	int rc = book_path(reindex->book, name, &path, reindex->err);

	if (!rc && unlink(path) < 0 && errno != ENOENT)
		rc = error_errno(reindex->err, errno, "cannot remove %s", path);
	return rc;
}

static int move_file(struct reindex *reindex, const char *from, const char *to)
{
	CLEANUP(free) char *source = NULL;
	CLEANUP(free) char *target = NULL;
	int rc = book_path(reindex->book, from, &source, reindex->err);

	if (!rc)
		rc = book_path(reindex->book, to, &target, reindex->err);
	if (!rc && rename(source, target) < 0 && errno != ENOENT)
		rc = error_errno(reindex->err, errno, "cannot move %s to %s", source, target);
	return rc;
}

/* What SQLite has beside the new database. */
static int companions_remove(struct reindex *reindex)
{
	static const char *const names[] = {
		NEW_DATABASE "-journal", NEW_DATABASE "-wal", NEW_DATABASE "-shm"};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof names / sizeof names[0]; i++)
		rc = remove_file(reindex, names[i]);
	return rc;
}

/*
 * Takes the old log into the old file; *whole false where that is too damaged, had to be mended, or
 * was read with losses.
 */
static int old_settle(struct reindex *reindex, bool *whole)
{
	int code, rc;

	*whole = false;
	if (!reindex->old_open || reindex->counts->losses || reindex->counts->mended)
		return 0;
	code = sqlite3_wal_checkpoint_v2(
		reindex->old.sqlite, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	*whole = code == SQLITE_OK;
	rc = code ? database_failure(&reindex->old, code, reindex->err) : 0;
	return reindex_hindered(rc) ? rc : 0;
}

/* Gives a file that is there a second name, in the place of what has it. */
static int link_file(struct reindex *reindex, const char *from, const char *to)
{
	CLEANUP(free) char *source = NULL;
	CLEANUP(free) char *target = NULL;
	int rc = remove_file(reindex, to);

	if (!rc)
		rc = book_path(reindex->book, from, &source, reindex->err);
	if (!rc)
		rc = book_path(reindex->book, to, &target, reindex->err);
	if (!rc && link(source, target) < 0 && errno != ENOENT)
		rc = error_errno(reindex->err, errno, "cannot link %s to %s", source, target);
	return rc;
}

/* At each step the old file has its log: a book without it would lack what is newest, unawares. */
static int old_keep(struct reindex *reindex)
{
	CLEANUP(free) char *path = NULL;
	int rc = book_path(reindex->book, BOOK_DATABASE, &path, reindex->err);

	reindex->counts->kept = !rc && access(path, F_OK) == 0;
	if (rc || !reindex->counts->kept)
		return rc ? rc : move_file(reindex, BOOK_DATABASE "-wal", OLD_DATABASE "-wal");
	rc = link_file(reindex, BOOK_DATABASE "-wal", OLD_DATABASE "-wal");
	if (!rc)
		rc = link_file(reindex, BOOK_DATABASE, OLD_DATABASE);
	if (!rc)
		rc = folder_sync(reindex->book->folder, reindex->err);
	if (!rc)
		rc = remove_file(reindex, BOOK_DATABASE);
	return rc ? rc : folder_sync(reindex->book->folder, reindex->err);
}

/* The old log would be taken for the new file's, so it must not be there when that comes. */
static int old_away(struct reindex *reindex)
{
	bool whole;
	int rc = old_settle(reindex, &whole);

	database_close(&reindex->old);
	reindex->old_open = false;
	if (!rc && !whole)
		rc = old_keep(reindex);
	if (!rc)
		rc = remove_file(reindex, BOOK_DATABASE "-wal");
	return rc ? rc : remove_file(reindex, BOOK_DATABASE "-shm");
}

static int swap(struct reindex *reindex)
{
	struct book *book = reindex->book;
	/* beforehand, so that nothing but the sync itself can fail when it is done */
	CLEANUP(close) int folder = open(book->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = folder < 0 ? error_errno(reindex->err, errno, "cannot open %s", book->folder)
			    : database_execute(
				      &book->database, "PRAGMA journal_mode=WAL", reindex->err);

	sqlite3_close(TAKE(book->database.sqlite));
	if (!rc)
		rc = companions_remove(reindex);
	if (!rc)
		rc = old_away(reindex);
	if (!rc)
		rc = move_file(reindex, NEW_DATABASE, BOOK_DATABASE);
	if (!rc && fsync(folder) < 0)
		rc = error_errno(reindex->err, errno, "cannot sync %s", book->folder);
	return rc;
}

/* What was begun is of no use to anybody; why it ended is said already. */
static void new_discard(struct reindex *reindex)
{
	struct dd_error ignored = {0};
	struct reindex quiet = *reindex;

	quiet.err = &ignored;
	sqlite3_close(TAKE(reindex->book->database.sqlite));
	(void)remove_file(&quiet, NEW_DATABASE);
	(void)companions_remove(&quiet);
}

static int reindex_run(struct reindex *reindex)
{
	struct book *book = reindex->book;
	int rc = remove_file(reindex, NEW_DATABASE);

	if (!rc)
		rc = companions_remove(reindex);
	if (!rc)
		rc = layout_database_make(book, reindex->err);
	if (!rc)
		rc = database_execute(&book->database,
			"PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL", reindex->err);
	if (!rc)
		rc = repository_need(book, reindex->err);
	if (!rc)
		rc = old_open(reindex);
	if (!rc)
		rc = database_transaction(&book->database, fill, reindex, reindex->err);
	database_forget(&book->database);
	if (rc)
		new_discard(reindex);
	else
		rc = swap(reindex);
	database_close(&reindex->old);
	return rc;
}

/* ---- alone with the book ---- */

static int locked(struct reindex *reindex)
{
	struct database *database = &reindex->book->database;
	int rc = turn_take(database, "reindex", reindex->err);

	if (rc)
		return rc;
	rc = reindex_run(reindex);
	turn_drop(database);
	return rc;
}

static int with_slots(struct reindex *reindex)
{
	static const enum lock_slot slots[] = {SLOT_CREATE, SLOT_CHECKPOINT};
	struct database *database = &reindex->book->database;
	size_t taken = 0;
	int rc = 0;

	for (; !rc && taken < sizeof slots / sizeof slots[0]; taken += rc == 0)
		rc = database_lock(
			database, slots[taken], "reindex", reindex->book->wait_ms, reindex->err);
	if (!rc)
		rc = locked(reindex);
	while (taken)
		database_unlock(database, slots[--taken]);
	return rc;
}

int book_reindex(const char *folder, const struct book_options *options,
	const struct reindex_calls *calls, struct reindex_counts *counts, struct dd_error *err)
{
	CLEANUP(book) struct book *book = NULL;
	struct dd_error own = {0};
	struct reindex reindex = {
		.calls = calls,
		.counts = counts,
		.old = {.lock_fd = -1, .seat = -1},
		.err = err ? err : &own,
	};
	CLEANUP(free) char *repository = NULL;
	int rc = book_prepare(folder, options, NEW_DATABASE, &book, reindex.err);

	*counts = (struct reindex_counts){0};
	if (!rc)
		rc = book_path(book, "book.git", &repository, reindex.err);
	if (!rc && access(repository, F_OK) < 0) {
		if (errno != ENOENT)
			return error_errno(reindex.err, errno, "cannot read %s", repository);
		error_set(reindex.err, DD_NOT_FOUND, "there is no book.git in %s", book->folder);
		return error_hint(reindex.err, "restore the book from a backup");
	}
	reindex.book = book;
	return rc ? rc : with_slots(&reindex);
}
