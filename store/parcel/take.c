/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parcel that was checked becomes part of the book: its versions go into the tables, in one
 * transaction with what else is to be true at once, and so do the objects of a small one. Those of
 * a large one go into book.git before, where nothing leads to them yet; where the transaction
 * fails, objects stay that nobody needs.
 *
 * The files of a large one get their second names without a lock, so that nobody has to wait for a
 * checkpoint just when a guest stands still: an index whose pack has not come yet is passed over by
 * all.
 */
#include "store/parcel/parcel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/commit/message.h"
#include "store/database/index.h"
#include "store/folder.h"
#include "store/git/object.h"
#include "store/lock/journal.h"

/* ---- into book.git ---- */

static int file_link(
	const struct parcel *parcel, const char *packs, const char *suffix, struct dd_error *err)
{
	CLEANUP(free) char *from = NULL;
	CLEANUP(free) char *to = NULL;
	int rc = string_format(&from, err, "%s/pack-%s.%s", parcel->folder, parcel->name, suffix);

	if (!rc)
		rc = string_format(&to, err, "%s/pack-%s.%s", packs, parcel->name, suffix);
	/* what has its name already is the same: it is called by what is in it */
	if (!rc && link(from, to) < 0 && errno != EEXIST)
		rc = error_errno(err, errno, "cannot move a pack to %s", to);
	return rc;
}

static int objects_install(const struct parcel *parcel, struct dd_error *err)
{
	CLEANUP(free) char *packs = NULL;
	int rc;

	if (!parcel->large)
		return 0;
	rc = book_path(parcel->book, "book.git/objects/pack", &packs, err);
	if (!rc)
		rc = file_link(parcel, packs, "idx", err);
	if (!rc)
		rc = file_link(parcel, packs, "pack", err);
	return rc ? rc : folder_sync(packs, err);
}

/* ---- with a version on top ---- */

static bool names_book(const struct version_draft *version, const char *book)
{
	for (size_t i = 0; i < version->trailer_count; i++)
		if (strcmp(version->trailers[i].key, TAKEN_BOOK) == 0)
			return strcmp(version->trailers[i].value, book) == 0;
	return false;
}

int parcel_install(struct parcel *parcel, const struct book_change *change, struct dd_error *err)
{
	const struct lineage *lineage = &parcel->lineage;
	const struct version_draft *first =
		change->earlier_count ? change->earlier : change->version;
	char book[COMMIT_SIZE];

	git_oid_tostr(book, sizeof book, &parcel->host_book);
	if (strcmp(change->uuid, parcel->uuid) != 0 || change->base != lineage->count)
		return error_set(err, DD_CONFLICT,
			"the change of the domain %s does not build on version %u of the domain %s",
			change->uuid, lineage->count, parcel->uuid);
	if (!first || !change->index || change->index->epoch != lineage->epoch + 1 ||
		!names_book(first, book))
		return error_set(err, DD_INVALID,
			"the first version behind what the host '%.64s' sent has to claim the "
			"domain",
			parcel->host);
	return objects_install(parcel, err);
}

int parcel_write(struct parcel *parcel, int64_t *domain, struct dd_error *err)
{
	struct book *book = parcel->book;
	int rc = arrival_write(book, &parcel->arrival, domain, err);

	return rc ? rc : object_set_stage(&parcel->objects, &book->database, *domain, err);
}

void parcel_arrived(struct parcel *parcel)
{
	/* the folder goes with it; if not, with the next parcel */
	parcel->kept = false;
}

/* ---- as the end of what is here ---- */

struct ending {
	struct parcel *parcel;
	uint64_t journal;
	const struct index_draft *kept;
	const char *note_name, *note_value;
	struct object_set head; /* of a large one the newest commit, for the staged objects */
};

static void cleanup_ending(struct ending *ending)
{
	object_set_release(&ending->head);
}

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

/* A checkpoint moves the branches of those domains that have something staged. */
static int head_read(struct ending *ending, struct dd_error *err)
{
	struct parcel *parcel = ending->parcel;
	struct book *book = parcel->book;
	CLEANUP(odb_object) git_odb_object *object = NULL;
	CLEANUP(text) struct text copy = TEXT_INIT;
	git_oid oid;
	int code;

	if (!parcel->large)
		return 0;
	parcel_look(parcel);
	code = git_odb_read(&object, book->objects, &parcel->head);
	if (code)
		code = object_failure(book, code, &parcel->head, "cannot read a parcel", err);
	parcel_look(parcel);
	if (code)
		return code;
	text_add(&copy, git_odb_object_data(object), git_odb_object_size(object));
	return object_add_text(&ending->head, GIT_OBJECT_COMMIT, &copy, &oid, err);
}

static int epoch_check(const struct parcel *parcel, struct dd_error *err)
{
	struct statement row = statement_begin(
		&parcel->book->database, "SELECT epoch, owner IS NULL FROM domain WHERE uuid = ?");
	uint32_t epoch = 0;
	bool own = false;
	int rc;

	statement_text(&row, parcel->uuid);
	if (statement_row(&row)) {
		epoch = (uint32_t)statement_integer(&row, 0);
		own = statement_integer(&row, 1) != 0;
	}
	rc = statement_end(&row, err);
	if (rc || !own || parcel->lineage.epoch > epoch)
		return rc;
	return error_set(err, DD_REFUSED,
		"what the host '%.64s' sent of the domain %s does not claim it: it has the epoch "
		"%u",
		parcel->host, parcel->uuid, parcel->lineage.epoch);
}

/* It goes on being listed, unless somebody has taken its name. */
static int kept_write(const struct ending *ending, int64_t domain, struct dd_error *err)
{
	struct book *book = ending->parcel->book;
	struct dd_error reason = {0};
	int rc = index_name_free(book, ending->parcel->uuid, ending->kept->name, &reason);

	if (rc == DD_EXISTS)
		return 0;
	if (rc)
		return error_set(err, rc, "%s", reason.message);
	return index_write(book, domain, ending->kept, err);
}

static int end_write(void *context, struct dd_error *err)
{
	const struct ending *ending = context;
	const struct parcel *parcel = ending->parcel;
	struct book *book = parcel->book;
	const struct index_draft gone = {.state = STATE_GONE};
	const struct book_change change = {
		.uuid = parcel->uuid, .index = &gone, .journal = ending->journal};
	int64_t domain;
	int rc = epoch_check(parcel, err);

	if (!rc)
		rc = parcel_write(ending->parcel, &domain, err);
	if (!rc)
		rc = object_set_stage(&ending->head, &book->database, domain, err);
	if (!rc && ending->kept)
		rc = kept_write(ending, domain, err);
	if (!rc && ending->journal)
		rc = journal_close(book, &change, domain, err);
	if (!rc && ending->note_name)
		rc = setting_write(book, ending->note_name, ending->note_value, err);
	return rc;
}

int book_parcel_take(struct parcel *parcel, uint64_t journal, const struct index_draft *kept,
	const char *note_name, const char *note_value, struct dd_error *err)
{
	CLEANUP(ending)
	struct ending ending = {.parcel = parcel,
		.journal = journal,
		.kept = kept,
		.note_name = note_name,
		.note_value = note_value};
	int rc = kept ? index_draft_check(kept, err) : 0;

	if (!rc)
		rc = head_read(&ending, err);
	if (!rc)
		rc = objects_install(parcel, err);
	if (!rc)
		rc = database_change(&parcel->book->database, "migrate", end_write, &ending, err);
	if (rc)
		return rc;
	parcel->book->changed = true;
	parcel_arrived(parcel);
	return 0;
}
