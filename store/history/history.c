/* SPDX-License-Identifier: Apache-2.0 */
/* Looking back: a version's commit by its number, its message and its files. */
#include "store/room.h"

#include <inttypes.h>
#include <string.h>

#include "base/moment.h"
#include "store/commit/message.h"

static void cleanup_commit(git_commit **commit)
{
	git_commit_free(*commit);
}

static void cleanup_tree(git_tree **tree)
{
	git_tree_free(*tree);
}

static void cleanup_entry(git_tree_entry **entry)
{
	git_tree_entry_free(*entry);
}

static void cleanup_blob(git_blob **blob)
{
	git_blob_free(*blob);
}

static int no_version(struct book *book, const char *uuid, uint32_t number, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {0};
	int rc = book_find(book, uuid, &row, err);

	if (rc)
		return rc;
	return error_set(err, DD_NOT_FOUND, "the domain '%s' has no version %u, only 1 to %u",
		row.name, number, row.version);
}

int version_find(
	struct book *book, const char *uuid, uint32_t *number, git_oid *oid, struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&book->database,
		"SELECT v.number, v.oid FROM domain d JOIN version v ON v.domain = d.id"
		" WHERE d.uuid = ?1 AND v.number = iif(?2 = 0, d.version, ?2)");
	int rc;

	repository_forget(book);
	statement_text(&statement, uuid);
	statement_number(&statement, *number);
	if (statement_row(&statement)) {
		*number = (uint32_t)statement_integer(&statement, 0);
		(void)statement_oid(&statement, 1, oid);
		return statement_end(&statement, err);
	}
	rc = statement_end(&statement, err);
	return rc ? rc : no_version(book, uuid, *number, err);
}

static int commit_find(
	struct book *book, const git_oid *oid, git_commit **out, struct dd_error *err)
{
	int rc = repository_need(book, err);
	int code;

	if (rc)
		return rc;
	code = git_commit_lookup(out, book->repository, oid);
	return code ? object_failure(book, code, oid, "cannot read a version", err) : 0;
}

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

/* Not through git_commit_lookup(), which takes most of the time apart and then keeps it. */
int version_read(struct book *book, uint32_t number, const git_oid *oid, struct version_info *out,
	struct dd_error *err)
{
	CLEANUP(version_info) struct version_info info = {.number = number};
	CLEANUP(odb_object) git_odb_object *object = NULL;
	CLEANUP(text) struct text words = TEXT_INIT; /* objects end with a NUL by custom only */
	int rc = repository_need(book, err);
	int code;

	if (rc)
		return rc;
	code = git_odb_read(&object, book->objects, oid);
	if (code)
		return object_failure(book, code, oid, "cannot read a version", err);
	if (git_odb_object_type(object) != GIT_OBJECT_COMMIT)
		return error_set(err, DD_CORRUPT, "version %u is not a commit", number);
	git_oid_tostr(info.commit, sizeof info.commit, oid);
	text_add(&words, git_odb_object_data(object), git_odb_object_size(object));
	rc = text_failed(&words) ? error_no_memory(err)
				 : version_info_read(text_string(&words), &info, err);
	if (rc)
		return rc;
	*out = info;
	info = (struct version_info){0};
	return 0;
}

int version_failure(
	struct book *book, const char *uuid, uint32_t number, int rc, struct dd_error *err)
{
	char name[256];

	if (rc != DD_CORRUPT || !err)
		return rc;
	index_name(book, uuid, name, sizeof name);
	error_wrap(err, "version %u of '%s'", number, name);
	if (!err->hint[0])
		error_hint(err, "'domesday verify' says what is damaged");
	return rc;
}

int book_version(struct book *book, const char *uuid, uint32_t number, struct version_info *out,
	struct dd_error *err)
{
	git_oid oid;
	int rc = version_find(book, uuid, &number, &oid, err);

	if (!rc)
		rc = version_failure(
			book, uuid, number, version_read(book, number, &oid, out, err), err);
	return rc;
}

static int version_commit(struct book *book, const char *uuid, uint32_t *number,
	git_commit **commit, struct dd_error *err)
{
	git_oid oid;
	int rc = version_find(book, uuid, number, &oid, err);

	return rc ? rc : commit_find(book, &oid, commit, err);
}

static int version_when(
	struct book *book, const char *uuid, uint32_t *number, int64_t *when, struct dd_error *err)
{
	CLEANUP(commit) git_commit *commit = NULL;
	int rc = version_commit(book, uuid, number, &commit, err);

	if (!rc)
		*when = git_commit_time(commit);
	return rc;
}

static int not_yet(
	struct book *book, const char *uuid, int64_t moment, int64_t first, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {0};
	char then[MOMENT_SIZE], made[MOMENT_SIZE];
	int rc = book_find(book, uuid, &row, err);

	if (rc)
		return rc;
	moment_format(moment, then);
	moment_format(first, made);
	return error_set(err, DD_NOT_FOUND,
		"the domain '%s' was not there at %s: version 1 is of %s", row.name, then, made);
}

/*
 * A history that was imported was in force before it came: the versions that it began with go by
 * the times that they had where they come from. *first: that of version 1, if it has one.
 */
static int imported_at(struct book *book, const char *uuid, int64_t moment, uint32_t last,
	uint32_t *number, int64_t *first, struct dd_error *err)
{
	uint32_t found = 0;

	for (uint32_t at = 1; at <= last; at++) {
		CLEANUP(commit) git_commit *commit = NULL;
		int rc = version_commit(book, uuid, &at, &commit, err);

		if (rc)
			return rc;

		int64_t authored = git_commit_author(commit)->when.time;

		if (authored >= git_commit_time(commit))
			break;
		if (at == 1)
			*first = authored;
		if (authored <= moment)
			found = at;
	}
	if (!found)
		return not_yet(book, uuid, moment, *first, err);
	*number = found;
	return 0;
}

/*
 * Halves the way between a version that is not later than the moment and one that is; so the one
 * found is followed by a later one also where a clock was once set back.
 */
int book_version_at(
	struct book *book, const char *uuid, int64_t moment, uint32_t *number, struct dd_error *err)
{
	uint32_t from = 1, until = 0;
	int64_t first = 0, newest = 0;
	int rc = version_when(book, uuid, &until, &newest, err);

	if (!rc)
		rc = version_when(book, uuid, &from, &first, err);
	if (!rc && newest > moment && first > moment)
		return imported_at(book, uuid, moment, until, number, &first, err);
	if (!rc && newest <= moment)
		from = until;
	while (!rc && until - from > 1) {
		uint32_t middle = from + (until - from) / 2;
		int64_t when = 0;

		rc = version_when(book, uuid, &middle, &when, err);
		if (when > moment)
			until = middle;
		else
			from = middle;
	}
	if (!rc)
		*number = from;
	return rc;
}

struct statement versions_down(struct book *book, const char *uuid, uint32_t from)
{
	struct statement statement = statement_begin(&book->database,
		"SELECT v.number, v.oid FROM version v"
		" WHERE v.domain = (SELECT id FROM domain WHERE uuid = ?) AND v.number <= ?"
		" ORDER BY v.number DESC");

	statement_text(&statement, uuid);
	statement_number(&statement, from);
	return statement;
}

int book_log(struct book *book, const char *uuid, uint32_t from, uint32_t limit,
	int (*visit)(const struct version_info *info, void *context), void *context,
	struct dd_error *err)
{
	uint32_t told = 0;
	git_oid oid;
	int rc = version_find(book, uuid, &from, &oid, err);

	if (rc)
		return rc;

	CLEANUP(statement) struct statement statement = versions_down(book, uuid, from);

	while (!rc && (!limit || told++ < limit) && statement_row(&statement)) {
		CLEANUP(version_info) struct version_info info = {0};

		if (!statement_oid(&statement, 1, &oid))
			break;
		from = (uint32_t)statement_integer(&statement, 0);
		rc = version_failure(
			book, uuid, from, version_read(book, from, &oid, &info, err), err);
		if (!rc)
			rc = visit(&info, context);
	}
	return rc ? rc : statement_end(&statement, err);
}

/* *oid stays empty, and 0 is returned, where the version has no such file. */
static int file_find(struct book *book, const git_commit *commit, const char *path, git_oid *oid,
	struct dd_error *err)
{
	CLEANUP(tree) git_tree *tree = NULL;
	CLEANUP(entry) git_tree_entry *entry = NULL;
	int code = git_commit_tree(&tree, commit);

	*oid = (git_oid){0};
	if (code)
		return object_failure(book, code, git_commit_tree_id(commit),
			"cannot read a version's tree", err);
	code = git_tree_entry_bypath(&entry, tree, path);
	/* the path, and not a folder on the way that could not be read */
	if (code == GIT_ENOTFOUND && git_error_last()->klass == GIT_ERROR_TREE)
		return 0;
	if (code)
		return repository_failure(book, code, "cannot read a version's tree", err);
	if (git_tree_entry_type(entry) == GIT_OBJECT_BLOB)
		*oid = *git_tree_entry_id(entry);
	return 0;
}

int book_file(struct book *book, const char *uuid, uint32_t number, const char *path,
	char object[COMMIT_SIZE], struct dd_error *err)
{
	CLEANUP(commit) git_commit *commit = NULL;
	git_oid oid, file;
	int rc = version_find(book, uuid, &number, &oid, err);

	if (!rc)
		rc = commit_find(book, &oid, &commit, err);
	if (!rc)
		rc = file_find(book, commit, path, &file, err);
	if (!rc)
		git_oid_tostr(object, git_oid_is_zero(&file) ? 1 : COMMIT_SIZE, &file);
	return rc;
}

int commit_file_read(struct book *book, const git_oid *oid, const char *path, struct text *out,
	struct dd_error *err)
{
	CLEANUP(commit) git_commit *commit = NULL;
	CLEANUP(blob) git_blob *blob = NULL;
	git_oid file;
	int rc = commit_find(book, oid, &commit, err);
	int code;

	if (!rc)
		rc = file_find(book, commit, path, &file, err);
	if (rc)
		return rc;
	if (git_oid_is_zero(&file))
		return error_set(err, DD_NOT_FOUND, "the version has no file %s", path);
	code = git_blob_lookup(&blob, book->repository, &file);
	if (code)
		return object_failure(book, code, &file, "cannot read a version's file", err);
	text_add(out, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	return text_failed(out) ? error_no_memory(err) : 0;
}

int book_read(struct book *book, const char *uuid, uint32_t number, const char *path,
	struct text *out, struct dd_error *err)
{
	git_oid oid;
	int rc = version_find(book, uuid, &number, &oid, err);

	if (!rc)
		rc = version_failure(
			book, uuid, number, commit_file_read(book, &oid, path, out, err), err);
	return rc;
}
