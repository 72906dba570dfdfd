/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Until when a key has signed. That is no clock's business: one that was put back would end the
 * key's time before what it has signed, and git would refuse that from then on.
 */
#include "store/key/latest.h"

#include "store/git/object.h"

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

static void cleanup_tag(git_tag **tag)
{
	git_tag_free(*tag);
}

static void take(struct latest *latest, int64_t when)
{
	if (when > latest->when)
		latest->when = when;
}

/* What cannot be read is verify's to tell; a disk that does not answer ends it. */
static int unread(struct book *book, int code, const git_oid *oid, struct dd_error *err)
{
	struct dd_error reason = {0};
	int rc = object_failure(book, code, oid, "cannot read what the key has signed", &reason);

	return rc == DD_CORRUPT ? 0 : error_set(err, rc, "%s", reason.message);
}

static int commit_take(
	struct book *book, const git_oid *oid, struct latest *latest, struct dd_error *err)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	struct commit_parts parts;
	int code = git_odb_read(&object, book->objects, oid);

	if (code)
		return unread(book, code, oid, err);
	if (commit_parse(git_odb_object_data(object), git_odb_object_size(object), &parts))
		take(latest, parts.when);
	return 0;
}

static int tag_take(
	struct book *book, const git_oid *oid, struct latest *latest, struct dd_error *err)
{
	CLEANUP(tag) git_tag *tag = NULL;
	int code = git_tag_lookup(&tag, book->repository, oid);

	if (code)
		return unread(book, code, oid, err);
	if (git_tag_tagger(tag))
		take(latest, git_tag_tagger(tag)->when.time);
	return 0;
}

static int tags_find(struct book *book, struct latest *latest, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&book->database, "SELECT oid FROM tag");
	int rc = 0;

	while (!rc && statement_row(&statement)) {
		git_oid oid;

		if (statement_oid_maybe(&statement, 0, &oid))
			rc = tag_take(book, &oid, latest, err);
	}
	return rc ? rc : statement_end(&statement, err);
}

int latest_begin(struct book *book, struct latest *latest, struct dd_error *err)
{
	struct statement statement = statement_begin(
		&book->database, "SELECT coalesce(max(seq), 0) FROM version WHERE domain = 0");

	*latest = (struct latest){0};
	if (statement_row(&statement))
		latest->place = statement_integer(&statement, 0);
	return statement_end(&statement, err);
}

int latest_find(struct book *book, struct latest *latest, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(
		&book->database, "SELECT seq, oid FROM version WHERE seq > ? ORDER BY seq");
	int rc = 0;

	statement_number(&statement, latest->place);
	while (!rc && statement_row(&statement)) {
		git_oid oid;

		latest->place = statement_integer(&statement, 0);
		if (statement_oid_maybe(&statement, 1, &oid))
			rc = commit_take(book, &oid, latest, err);
	}
	if (!rc)
		rc = statement_end(&statement, err);
	return rc ? rc : tags_find(book, latest, err);
}
