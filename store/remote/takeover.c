/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histories that other hosts pushed to a remote: looking at them, and taking one into the book.
 * Taken, it is a history that another host owns, of a domain that is not there: the version with
 * which this host claims it is an ordinary one, on top of it, and makes it there. Whoever dies in
 * between leaves no more than a history, and begins anew.
 */
#include <stdio.h>
#include <string.h>

#include "store/commit/arrival.h"
#include "store/git/object.h"
#include "store/git/ref.h"
#include "store/key/lineage.h"
#include "store/remote/ownership.h"
#include "store/remote/remote.h"

/* ---- looking ---- */

static int fetched_tell(struct book *book, const char *host, const char *uuid, const git_oid *oid,
	int (*visit)(const struct fetched_row *row, void *context), void *context,
	struct dd_error *err)
{
	CLEANUP(version_info) struct version_info info = {0};
	struct dd_error reason = {0};
	int rc = version_read(book, 0, oid, &info, &reason);
	const char *number = rc ? NULL : version_trailer(&info, "Version");
	struct fetched_row row = {host, uuid, &info};

	if (rc && rc != DD_CORRUPT)
		return error_set(err, rc, "%s", reason.message);
	git_oid_tostr(info.commit, sizeof info.commit, oid);
	info.number = number ? (uint32_t)strtoul(number, NULL, 10) : 0;
	return visit(&row, context);
}

struct looking {
	struct book *book;
	const char *remote;
	int (*visit)(const struct fetched_row *row, void *context);
	void *context;
	struct dd_error *err;
};

static int fetched_look(const char *name, void *context)
{
	const struct looking *looking = context;
	char whose[256];
	const char *uuid;
	git_oid oid;
	int code;

	if (!branch_parts(name + sizeof REMOTE_REFS + strlen(looking->remote), whose, sizeof whose,
		    &uuid) ||
		!uuid)
		return 0;
	code = git_reference_name_to_id(&oid, looking->book->whole, name);
	if (code)
		return repository_failure(
			looking->book, code, "cannot read what was fetched", looking->err);
	return fetched_tell(
		looking->book, whose, uuid, &oid, looking->visit, looking->context, looking->err);
}

int book_fetched(struct book *book, const char *remote, const char *host,
	int (*visit)(const struct fetched_row *row, void *context), void *context,
	struct dd_error *err)
{
	struct looking looking = {book, remote, visit, context, err};
	CLEANUP(free) char *folder = NULL;
	int rc = repository_need_whole(book, err);

	if (!rc)
		rc = string_format(&folder, err, REMOTE_REFS "%s/%s%s", remote, host ? host : "",
			host ? "/domains/" : "");
	return rc ? rc : refs_visit(book, folder, fetched_look, &looking, err);
}

int book_fetched_epoch(struct book *book, const char *remote, const char *uuid, uint32_t *epoch,
	struct dd_error *err)
{
	CLEANUP(version_info) struct version_info info = {0};
	CLEANUP(free) char *name = NULL;
	const char *said;
	git_oid oid;
	int code, rc = repository_need_whole(book, err);

	*epoch = 0;
	if (!rc)
		rc = string_format(&name, err, FETCHED_OWNER, remote, uuid);
	if (rc)
		return rc;
	code = git_reference_name_to_id(&oid, book->whole, name);
	if (code == GIT_ENOTFOUND)
		return 0;
	if (code)
		return repository_failure(book, code, "cannot read what was fetched", err);
	rc = version_read(book, 0, &oid, &info, err);
	said = rc ? NULL : version_trailer(&info, "Epoch");
	*epoch = said ? (uint32_t)strtoul(said, NULL, 10) : 0;
	/* what is no version is no owner's */
	return rc == DD_CORRUPT ? 0 : rc;
}

int book_fetched_read(struct book *book, const char *commit, const char *path, struct text *out,
	struct dd_error *err)
{
	git_oid oid;

	if (git_oid_fromstr(&oid, commit) < 0)
		return error_set(err, DD_INVALID, "'%.60s' names no commit", commit);
	return commit_file_read(book, &oid, path, out, err);
}

/* ---- taking ---- */

struct taking {
	struct book *book;
	const struct arrival *arrival;
};

static int take_write(void *context, struct dd_error *err)
{
	const struct taking *taking = context;
	int64_t domain;

	return arrival_write(taking->book, taking->arrival, &domain, err);
}

static int fetched_ref(struct book *book, const char *remote, const char *host, const char *what,
	git_oid *oid, struct dd_error *err)
{
	CLEANUP(free) char *name = NULL;
	int rc = repository_need_whole(book, err);
	int code;

	if (!rc)
		rc = string_format(&name, err, REMOTE_REFS "%s/%s/%s", remote, host, what);
	if (rc)
		return rc;
	code = git_reference_name_to_id(oid, book->whole, name);
	if (code == GIT_ENOTFOUND)
		return error_set(err, DD_NOT_FOUND, "%s has no branch %s of the host '%s'", remote,
			what, host);
	return code ? repository_failure(book, code, "cannot read what was fetched", err) : 0;
}

int book_take(struct book *book, const char *remote, const char *host, const char *uuid,
	struct book_taken *out, struct dd_error *err)
{
	CLEANUP(lineage) struct lineage lineage = {.commits = NULL};
	CLEANUP(free) char *branch = NULL;
	struct arrival arrival = {.uuid = uuid, .host = host, .lineage = &lineage};
	struct taking taking = {book, &arrival};
	git_oid head, host_book;
	int rc;

	repository_forget(book);
	rc = string_format(&branch, err, "domains/%s", uuid);
	if (!rc)
		rc = fetched_ref(book, remote, host, branch, &head, err);
	if (!rc)
		rc = fetched_ref(book, remote, host, "book", &host_book, err);
	if (!rc)
		rc = lineage_read(book, uuid, &head, &host_book, NULL, true, NULL, &lineage, err);
	if (!rc)
		rc = database_change(&book->database, "evacuate", take_write, &taking, err);
	if (rc)
		return rc;
	*out = (struct book_taken){.version = lineage.count, .epoch = lineage.epoch};
	git_oid_tostr(out->book, sizeof out->book, &host_book);
	return 0;
}
