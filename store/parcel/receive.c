/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parcels as they come in. Each has a folder, parcels/UUID, which git and the rest of the book know
 * nothing of. What comes is judged byte by byte (pack_stream.h) before libgit2 indexes it there;
 * once it is whole and synced, its objects are looked at beside those of the book, and nobody else
 * sees them until it is taken (take.c). A process that dies leaves the folder: with it whoever goes
 * on finds the parcel again, and checks it again, and whoever does not, removes it.
 */
#include "store/parcel/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/odb_backend.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/folder.h"

#define VIEW_PRIORITY 200 /* before all that the book has: most is looked for here */

static const struct pack_limits defaults = {
	.bytes = (uint64_t)4 << 30,
	.unpacked = (uint64_t)64 << 30,
	.objects = 1000000,
	.object = (uint64_t)64 << 20,
};

/* ---- the folder ---- */

static int folder_of(const struct book *book, const char *uuid, char **out, struct dd_error *err)
{
	if (!uuid_valid(uuid))
		return error_set(err, DD_INVALID, "'%s' is no UUID in lower case", uuid);
	return string_format(out, err, "%s/" PARCELS "/%s", book->folder, uuid);
}

static int folder_remove(const char *path, struct dd_error *err)
{
	int rc = folder_clean(path, "", "", err);

	if (!rc && rmdir(path) < 0 && errno != ENOENT)
		rc = error_errno(err, errno, "cannot remove %s", path);
	return rc;
}

static int folder_make(const struct parcel *parcel, struct dd_error *err)
{
	CLEANUP(free) char *above = NULL;
	bool first;
	int rc = book_path(parcel->book, PARCELS, &above, err);

	if (rc)
		return rc;
	first = access(above, F_OK) < 0;
	rc = directory_make(parcel->folder, 0700, err);
	if (!rc)
		rc = folder_sync(above, err);
	return rc || !first ? rc : folder_sync(parcel->book->folder, err);
}

/* Whose domain neither is at work nor has a journal row is nobody's any more. */
static void dead_remove(struct book *book, const char *uuid)
{
	CLEANUP(job_lock) struct job_lock *lock = NULL;
	CLEANUP(journal_row) struct journal_row row = {0};

	if (job_lock_take(book, uuid, "forget a parcel", 0, &lock, NULL) == 0 &&
		journal_find(book, uuid, &row, NULL) == DD_NOT_FOUND)
		(void)book_parcel_drop(book, uuid, NULL);
}

static int others_remove(struct book *book, const char *own, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = book_path(book, PARCELS, &path, err);

	if (!rc)
		rc = folder_open(path, &folder, err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err)))
		if (uuid_valid(entry->d_name) && strcmp(entry->d_name, own) != 0)
			dead_remove(book, entry->d_name);
	return rc;
}

int book_parcel_drop(struct book *book, const char *uuid, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = folder_of(book, uuid, &path, err);

	return rc ? rc : folder_remove(path, err);
}

/* ---- looking ---- */

void parcel_look(struct parcel *parcel)
{
	struct book *book = parcel->book;
	struct parcel_view view = parcel->view;

	parcel->view = (struct parcel_view){book->repository, book->whole, book->objects,
		book->staging, book->objects_doubtful};
	book->repository = view.repository;
	book->whole = view.whole;
	book->objects = view.objects;
	book->staging = view.staging;
	book->objects_doubtful = view.doubtful;
}

static int view_make(struct parcel *parcel, const char *index, struct dd_error *err)
{
	struct book *book = parcel->book;
	git_odb_backend *backend = NULL;
	int rc = repository_need(book, err);
	int code;

	if (rc)
		return rc;
	code = git_odb_backend_one_pack(&backend, index);
	if (!code)
		code = git_odb_add_backend(book->objects, backend, VIEW_PRIORITY);
	if (code && backend)
		backend->free(backend);
	return code ? repository_failure(book, code, "cannot open a parcel", err) : 0;
}

int parcel_view_open(struct parcel *parcel, struct dd_error *err)
{
	CLEANUP(free) char *index = NULL;
	int rc = string_format(&index, err, "%s/pack-%s.idx", parcel->folder, parcel->name);

	if (rc)
		return rc;
	parcel_look(parcel);
	rc = view_make(parcel, index, err);
	parcel_look(parcel);
	return rc;
}

static void view_close(struct parcel_view *view)
{
	git_repository_free(view->whole);
	git_repository_free(view->repository);
	git_odb_free(view->objects);
}

/* ---- a parcel ---- */

void parcel_release(struct parcel *parcel)
{
	if (!parcel)
		return;
	git_indexer_free(parcel->indexer);
	pack_scan_release(parcel->scan);
	view_close(&parcel->view);
	lineage_release(&parcel->lineage);
	object_set_release(&parcel->tag_objects);
	free(parcel->tags);
	if (parcel->folder && !parcel->checked)
		(void)folder_remove(parcel->folder, NULL);
	free(parcel->folder);
	free(parcel->host);
	free(parcel);
}

static int parcel_make(
	struct book *book, const char *uuid, struct parcel **out, struct dd_error *err)
{
	CLEANUP(parcel) struct parcel *parcel = calloc(1, sizeof *parcel);
	CLEANUP(free) char *folder = NULL;
	int rc = parcel ? folder_of(book, uuid, &folder, err) : error_no_memory(err);

	if (rc)
		return rc;
	parcel->book = book;
	snprintf(parcel->uuid, sizeof parcel->uuid, "%s", uuid);
	parcel->folder = TAKE(folder);
	*out = TAKE(parcel);
	return 0;
}

static int indexer_make(struct parcel *parcel, struct dd_error *err)
{
	git_indexer_options options = GIT_INDEXER_OPTIONS_INIT;
	int code = git_indexer_new(&parcel->indexer, parcel->folder, 0400, NULL, &options);

	return code ? repository_failure(parcel->book, code, "cannot receive a history", err) : 0;
}

static uint64_t limit(uint64_t wanted, uint64_t otherwise)
{
	return wanted ? wanted : otherwise;
}

int book_parcel_begin(struct book *book, const char *uuid, const struct parcel_limits *limits,
	struct parcel **out, struct dd_error *err)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;
	const struct parcel_limits none = {0}, *asked = limits ? limits : &none;
	const struct pack_limits judged = {
		.bytes = limit(asked->bytes, defaults.bytes),
		.unpacked = limit(asked->unpacked, defaults.unpacked),
		.objects = limit(asked->objects, defaults.objects),
		.object = limit(asked->object, defaults.object),
	};
	int rc = libgit2_need(err);

	if (!rc)
		rc = others_remove(book, uuid, err);
	if (!rc)
		rc = book_parcel_drop(book, uuid, err);
	if (!rc)
		rc = parcel_make(book, uuid, &parcel, err);
	if (!rc)
		rc = folder_make(parcel, err);
	if (!rc)
		rc = pack_scan_begin(&judged, &parcel->scan, err);
	if (!rc)
		rc = indexer_make(parcel, err);
	if (!rc)
		*out = TAKE(parcel);
	return rc;
}

static int indexer_failure(const struct parcel *parcel, int code, struct dd_error *err)
{
	const git_error *last = git_error_last();
	struct dd_error reason = {0};
	int rc = repository_failure(parcel->book, code, "cannot receive a history", &reason);

	if (rc != DD_CORRUPT)
		return error_set(err, rc, "%s", reason.message);
	return error_set(err, DD_CORRUPT, "the history that was sent cannot be unpacked: %s",
		last ? last->message : "no reason given");
}

int book_parcel_put(struct parcel *parcel, const void *data, size_t size, struct dd_error *err)
{
	int rc = pack_scan_put(parcel->scan, data, size, err);
	int code = rc || !size ? 0
			       : git_indexer_append(parcel->indexer, data, size, &parcel->progress);

	return code ? indexer_failure(parcel, code, err) : rc;
}

/* Whatever fails here fails for good: what was sent cannot be sent on. */
static int receive(struct parcel *parcel, struct dd_error *err)
{
	uint64_t objects;
	int rc = pack_scan_end(parcel->scan, &objects, err);
	int code = rc ? 0 : git_indexer_commit(parcel->indexer, &parcel->progress);

	if (rc)
		return rc;
	/* libgit2 has synced both files and their names */
	if (code)
		return indexer_failure(parcel, code, err);
	snprintf(parcel->name, sizeof parcel->name, "%s", git_indexer_name(parcel->indexer));
	git_indexer_free(TAKE(parcel->indexer));
	pack_scan_release(TAKE(parcel->scan));
	return 0;
}

static void taken_fill(const struct parcel *parcel, struct book_taken *out)
{
	*out = (struct book_taken){.version = parcel->lineage.count,
		.epoch = parcel->lineage.epoch,
		.own = parcel->own};
	git_oid_tostr(out->book, sizeof out->book, &parcel->host_book);
}

int book_parcel_end(struct parcel *parcel, const char *host,
	const unsigned char key[KEY_PUBLIC_SIZE], const struct parcel_heads *heads,
	struct book_taken *out, struct dd_error *err)
{
	int rc = receive(parcel, err);

	if (!rc)
		rc = parcel_check(parcel, host, key, heads, err);
	if (rc)
		return rc;
	parcel->checked = true;
	taken_fill(parcel, out);
	return 0;
}

/* ---- found again ---- */

/* The one pack that is there, with its index. */
static int pack_find(struct parcel *parcel, struct dd_error *err)
{
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = folder_open(parcel->folder, &folder, err);

	while (!rc && folder && (entry = folder_next(folder, parcel->folder, &rc, err))) {
		char name[PACK_NAME_SIZE], pack[PACK_NAME_SIZE + 16];
		int end = 0;

		if (sscanf(entry->d_name, "pack-%40[0-9a-f].idx%n", name, &end) != 1 || !end ||
			entry->d_name[end])
			continue;
		snprintf(pack, sizeof pack, "pack-%s.pack", name);
		if (faccessat(dirfd(folder), pack, F_OK, 0) == 0)
			memcpy(parcel->name, name, sizeof name);
	}
	return rc || parcel->name[0]
		       ? rc
		       : error_set(err, DD_NOT_FOUND,
				 "no history of the domain %s has come in whole", parcel->uuid);
}

int book_parcel_open(struct book *book, const char *uuid, const char *host,
	const unsigned char key[KEY_PUBLIC_SIZE], const struct parcel_heads *heads,
	struct parcel **found, struct book_taken *out, struct dd_error *err)
{
	CLEANUP(parcel) struct parcel *parcel = NULL;
	int rc = parcel_make(book, uuid, &parcel, err);

	if (rc)
		return rc;
	/* what is wrong with it now may be what the disk says at the moment */
	parcel->checked = true;
	rc = pack_find(parcel, err);
	if (!rc)
		rc = parcel_check(parcel, host, key, heads, err);
	if (rc)
		return rc;
	taken_fill(parcel, out);
	*found = TAKE(parcel);
	return 0;
}

int book_parcel_read(
	struct parcel *parcel, const char *path, struct text *out, struct dd_error *err)
{
	int rc;

	parcel_look(parcel);
	rc = commit_file_read(parcel->book, &parcel->head, path, out, err);
	parcel_look(parcel);
	return rc;
}
