/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parcels as they come in. What comes is judged byte by byte (pack_stream.h). Then its objects are
 * looked at beside those of the book, and nobody else sees them until it is taken (take.c).
 *
 * A small one, as most are, stays in memory: its objects go into book.db with what makes them true,
 * so that no file has to be synced for them. A large one is a pack, which libgit2 indexes in a
 * folder, parcels/UUID, that git and the rest of the book know nothing of. There a small one is
 * written, too, where somebody else is to find it (book_parcel_keep()). A process that dies leaves
 * the folder: with it whoever goes on finds the parcel again, and checks it again, and whoever does
 * not, removes it.
 */
#include "store/parcel/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "store/folder.h"

#define SMALL_NAME "small" /* file of the folder: the pack of a small one */
#define VIEW_PRIORITY 200  /* before all that the book has: most is looked for here */

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
	rc = directory_make(parcel->book->folder, parcel->folder, 0700, err);
	if (!rc)
		rc = folder_sync(above, err);
	return rc || !first ? rc : folder_sync(parcel->book->folder, err);
}

struct contents {
	uint64_t bytes;
	time_t whole; /* since when; 0: it has not come in whole */
};

static int contents_read(
	const struct book *book, const char *uuid, struct contents *out, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = folder_of(book, uuid, &path, err);

	*out = (struct contents){.bytes = 0};
	if (!rc)
		rc = folder_open(path, &folder, err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err))) {
		const char *end = strrchr(entry->d_name, '.');
		struct stat status;

		if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(status.st_mode))
			continue;
		out->bytes += (uint64_t)status.st_size;
		if ((end && strcmp(end, ".idx") == 0) || strcmp(entry->d_name, SMALL_NAME) == 0)
			out->whole = status.st_mtime;
	}
	return rc;
}

int book_parcel_size(struct book *book, const char *uuid, uint64_t *out, struct dd_error *err)
{
	struct contents contents;
	int rc = contents_read(book, uuid, &contents, err);

	if (!rc)
		*out = contents.bytes;
	return rc;
}

/* Whose domain neither is at work nor has a journal row is nobody's any more, or not for long. */
static void dead_remove(struct book *book, const char *uuid)
{
	struct contents contents;
	CLEANUP(job_lock) struct job_lock *lock = NULL;
	CLEANUP(journal_row) struct journal_row row = {0};

	if (job_lock_take(book, uuid, "forget a parcel", 0, &lock, NULL) == 0 &&
		journal_find(book, uuid, &row, NULL) == DD_NOT_FOUND &&
		contents_read(book, uuid, &contents, NULL) == 0 &&
		time(NULL) - contents.whole > PARCEL_KEPT_S)
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

int book_parcels_tidy(struct book *book, struct dd_error *err)
{
	return others_remove(book, "", err);
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

static int objects_of_pack(const struct parcel *parcel, git_odb_backend **out, struct dd_error *err)
{
	CLEANUP(free) char *index = NULL;
	int rc = string_format(&index, err, "%s/pack-%s.idx", parcel->folder, parcel->name);
	int code = rc ? 0 : git_odb_backend_one_pack(out, index);

	return code ? repository_failure(parcel->book, code, "cannot open a parcel", err) : rc;
}

static int objects_of_memory(
	const struct parcel *parcel, git_odb_backend **out, struct dd_error *err)
{
	int code = git_mempack_new(out);

	for (size_t i = 0; !code && i < parcel->objects.count; i++) {
		const struct object *object = &parcel->objects.list[i];

		code = (*out)->write(*out, &object->oid, object->data, object->size, object->type);
	}
	return code ? repository_failure(parcel->book, code, "cannot open a parcel", err) : 0;
}

static int view_make(struct parcel *parcel, struct dd_error *err)
{
	struct book *book = parcel->book;
	git_odb_backend *backend = NULL;
	int rc = repository_need(book, err);
	int code = 0;

	if (!rc)
		rc = parcel->large ? objects_of_pack(parcel, &backend, err)
				   : objects_of_memory(parcel, &backend, err);
	if (!rc)
		code = git_odb_add_backend(book->objects, backend, VIEW_PRIORITY);
	if ((rc || code) && backend)
		backend->free(backend);
	return code ? repository_failure(book, code, "cannot open a parcel", err) : rc;
}

int parcel_view_open(struct parcel *parcel, struct dd_error *err)
{
	int rc;

	parcel_look(parcel);
	rc = view_make(parcel, err);
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
	crew_release(parcel->crew);
	view_close(&parcel->view);
	lineage_release(&parcel->lineage);
	object_set_release(&parcel->tag_objects);
	object_set_release(&parcel->objects);
	text_release(&parcel->bytes);
	free(parcel->tags);
	if (parcel->folder && !parcel->kept)
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
	parcel->bytes = (struct text)TEXT_INIT;
	snprintf(parcel->uuid, sizeof parcel->uuid, "%s", uuid);
	parcel->folder = TAKE(folder);
	*out = TAKE(parcel);
	return 0;
}

static uint64_t limit(uint64_t wanted, uint64_t otherwise)
{
	return wanted ? wanted : otherwise;
}

static int commit_ahead(struct parcel *parcel, const void *data, size_t size)
{
	struct dd_error none;
	git_oid oid;

	if (git_odb_hash(&oid, data, size, GIT_OBJECT_COMMIT) < 0)
		return error_no_memory(&none);
	return crew_add(parcel->crew, &oid, data, size, &none);
}

/* The signatures of a large one are looked at while the rest comes in. */
static int ahead_begin(struct parcel *parcel)
{
	struct dd_error none;
	int rc = parcel->crew ? 0 : crew_new(&parcel->crew, &none);

	for (size_t i = 0; !rc && i < parcel->objects.count; i++) {
		const struct object *object = &parcel->objects.list[i];

		if (object->type == GIT_OBJECT_COMMIT)
			rc = commit_ahead(parcel, object->data, object->size);
	}
	object_set_release(&parcel->objects);
	return rc;
}

/* Where memory does not do, a small one is a large one, and nothing is looked at ahead. */
static int object_keep(git_object_t type, struct text *data, void *context)
{
	struct parcel *parcel = context;
	struct dd_error none;
	git_oid oid;
	int rc;

	parcel->unpacked += data ? data->size : 0;
	parcel->large = parcel->large || !data || parcel->objects.count == PARCEL_FEW ||
			parcel->unpacked > PARCEL_SMALL;
	if (!parcel->large && object_add_text(&parcel->objects, type, data, &oid, &none) == 0)
		return 0;
	parcel->large = true;
	rc = ahead_begin(parcel);
	if (!rc && data && type == GIT_OBJECT_COMMIT)
		rc = commit_ahead(parcel, data->data, data->size);
	if (rc)
		crew_release(TAKE(parcel->crew));
	return rc;
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
		rc = pack_scan_begin(&judged, object_keep, parcel, &parcel->scan, err);
	if (!rc)
		*out = TAKE(parcel);
	return rc;
}

/*
 * What libgit2 says of a link that it could not make, or of memory that it did not get, is what
 * comes of that, or what it said last of something else. errno was 0 before.
 */
static bool is_systems(int number)
{
	static const int numbers[] = {
		ENOMEM, ENOSPC, EDQUOT, EROFS, EACCES, EPERM, EIO, EMFILE, ENFILE, EMLINK};

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (number == numbers[i])
			return true;
	return false;
}

static int indexer_failure(const struct parcel *parcel, int code, struct dd_error *err)
{
	const int number = errno;
	const git_error *last = git_error_last();
	struct dd_error reason = {0};
	int rc = repository_failure(parcel->book, code, "cannot receive a history", &reason);

	if (rc == DD_CORRUPT && is_systems(number))
		return error_errno(err, number, "cannot receive a history");
	if (rc != DD_CORRUPT)
		return error_set(err, rc, "%s", reason.message);
	return error_set(err, DD_CORRUPT, "the history that was sent cannot be unpacked: %s",
		last ? last->message : "no reason given");
}

static int index_bytes(struct parcel *parcel, const void *data, size_t size, struct dd_error *err)
{
	int code;

	errno = 0;
	code = size ? git_indexer_append(parcel->indexer, data, size, &parcel->progress) : 0;
	return code ? indexer_failure(parcel, code, err) : 0;
}

/* It is a large one: libgit2 gets what has come so far. */
static int index_begin(struct parcel *parcel, struct dd_error *err)
{
	git_indexer_options options = GIT_INDEXER_OPTIONS_INIT;
	int rc = folder_make(parcel, err);
	int code = rc ? 0 : git_indexer_new(&parcel->indexer, parcel->folder, 0400, NULL, &options);

	if (code)
		rc = repository_failure(parcel->book, code, "cannot receive a history", err);
	if (!rc)
		rc = index_bytes(parcel, parcel->bytes.data, parcel->bytes.size, err);
	text_release(&parcel->bytes);
	object_set_release(&parcel->objects);
	return rc;
}

int book_parcel_put(struct parcel *parcel, const void *data, size_t size, struct dd_error *err)
{
	int rc = pack_scan_put(parcel->scan, data, size, err);

	if (rc)
		return rc;
	parcel->large = parcel->large || size > PARCEL_SMALL - parcel->bytes.size;
	if (!parcel->large) {
		text_add(&parcel->bytes, data, size);
		return text_failed(&parcel->bytes) ? error_no_memory(err) : 0;
	}
	if (!parcel->indexer)
		rc = index_begin(parcel, err);
	return rc ? rc : index_bytes(parcel, data, size, err);
}

static int index_end(struct parcel *parcel, uint64_t objects, struct dd_error *err)
{
	int code;

	/* all has come, and has been unpacked once: libgit2 takes no memory for bytes to come */
	if (parcel->progress.received_objects < objects)
		return error_no_memory(err);
	errno = 0;
	code = git_indexer_commit(parcel->indexer, &parcel->progress);
	/* libgit2 has synced both files and their names */
	if (code)
		return indexer_failure(parcel, code, err);
	snprintf(parcel->name, sizeof parcel->name, "%s", git_indexer_name(parcel->indexer));
	git_indexer_free(TAKE(parcel->indexer));
	return 0;
}

/* Whatever fails here fails for good: what was sent cannot be sent on. */
static int receive(struct parcel *parcel, struct dd_error *err)
{
	uint64_t objects;
	int rc = pack_scan_end(parcel->scan, &objects, err);

	if (!rc && parcel->large)
		rc = index_end(parcel, objects, err);
	if (!rc)
		pack_scan_release(TAKE(parcel->scan));
	return rc;
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
	parcel->kept = parcel->large;
	taken_fill(parcel, out);
	return 0;
}

/* ---- found again ---- */

static int small_path(const struct parcel *parcel, char **out, struct dd_error *err)
{
	return string_format(out, err, "%s/" SMALL_NAME, parcel->folder);
}

int book_parcel_keep(struct parcel *parcel, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = parcel->kept ? 0 : folder_make(parcel, err);

	if (rc || parcel->kept)
		return rc;
	rc = small_path(parcel, &path, err);
	if (!rc)
		rc = file_replace(path, 0400, parcel->bytes.data, parcel->bytes.size, err);
	parcel->kept = !rc;
	return rc;
}

/* DD_NOT_FOUND: there is none. */
static int small_read(struct parcel *parcel, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(text) struct text bytes = TEXT_INIT;
	int rc = small_path(parcel, &path, err);

	if (!rc)
		rc = file_read(path, PARCEL_SMALL, &bytes, err);
	if (!rc)
		rc = pack_scan_begin(&defaults, object_keep, parcel, &parcel->scan, err);
	if (!rc)
		rc = book_parcel_put(parcel, bytes.data, bytes.size, err);
	return rc ? rc : receive(parcel, err);
}

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
	parcel->large = parcel->name[0];
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
	int rc = libgit2_need(err);

	if (!rc)
		rc = parcel_make(book, uuid, &parcel, err);
	if (rc)
		return rc;
	/* what is wrong with it now may be what the disk says at the moment */
	parcel->kept = true;
	rc = small_read(parcel, err);
	if (rc == DD_NOT_FOUND)
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

int book_parcel_version(struct parcel *parcel, struct version_info *out, struct dd_error *err)
{
	int rc;

	parcel_look(parcel);
	rc = version_read(parcel->book, parcel->lineage.count, &parcel->head, out, err);
	parcel_look(parcel);
	return rc;
}
