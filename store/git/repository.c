/* SPDX-License-Identifier: Apache-2.0 */
/*
 * book.git through libgit2, held on a short lead: it looks for no other repository, reads no
 * configuration but the repository's own, and that for remotes alone, runs no hook and copies no
 * template.
 */
#include "store/room.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/repository.h>
#include <libgen.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/folder.h"
#include "store/git/authorities.h"
#include "store/git/configuration.h"
#include "store/git/reserve.h"

static const char repository_config[] =
	"[core]\n"
	"\trepositoryformatversion = 0\n"
	"\tfilemode = true\n"
	"\tbare = true\n"
	"\tlogallrefupdates = false\n"
	"[gc]\n"
	"\tauto = 0\n"
	"[gpg \"ssh\"]\n"
	/* git takes it from the folder that it is started in, which is this one with git -C */
	"\tallowedSignersFile = ../keys/allowed_signers\n";

/* Of objects that were read, which hardly anybody reads again; libgit2 would keep 256 MiB. */
#define CACHE_BYTES (16 << 20)

static pthread_once_t libgit2_once = PTHREAD_ONCE_INIT;
static int libgit2_ready = -1;

/* Never shut down again: other threads may have a book of their own open. */
static void libgit2_start(void)
{
	static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
		GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};
	int rc = reserve_give();

	if (rc >= 0)
		rc = authorities_put_off();
	for (size_t i = 0; rc >= 0 && i < sizeof levels / sizeof levels[0]; i++)
		rc = git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	if (rc >= 0)
		rc = git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	if (rc >= 0)
		rc = git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	if (rc >= 0)
		rc = git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)CACHE_BYTES);
	libgit2_ready = rc;
}

int libgit2_need(struct dd_error *err)
{
	pthread_once(&libgit2_once, libgit2_start);
	if (libgit2_ready < 0)
		return error_set(err, DD_SYSTEM, "libgit2 does not start");
	return 0;
}

static int file_make(const char *folder, const char *name, const char *text, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	bool there = true;
	int rc = string_format(&path, err, "%s/%s", folder, name);

	if (!rc)
		rc = file_there(path, &there, err);
	return rc || there ? rc : file_replace(path, 0644, text, strlen(text), err);
}

static int config_make(const char *folder, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	bool there = true;
	int rc = string_format(&path, err, "%s/config", folder);

	if (!rc)
		rc = file_there(path, &there, err);
	return rc || there ? rc : configuration_make(path, repository_config, err);
}

int repository_make(const char *folder, struct dd_error *err)
{
	static const char *const folders[] = {
		"objects/pack", "objects/info", "refs/heads", "refs/tags"};
	CLEANUP(free) char *path = NULL;
	int rc = string_format(&path, err, "%s/book.git", folder);

	for (size_t i = 0; !rc && i < sizeof folders / sizeof folders[0]; i++) {
		CLEANUP(free) char *part = NULL;

		rc = string_format(&part, err, "%s/%s", path, folders[i]);
		if (!rc)
			rc = directory_make(folder, part, 0700, err);
		if (!rc)
			rc = folder_sync(dirname(part), err);
	}
	if (!rc)
		rc = config_make(path, err);
	if (!rc)
		rc = file_make(path, "description", REPOSITORY_DESCRIPTION, err);
	/* last: what has no HEAD is no repository */
	if (!rc)
		rc = file_make(path, "HEAD", "ref: " BOOK_REF "\n", err);
	return rc;
}

int repository_complete(struct book *book, struct dd_error *err)
{
	static const char *const parts[] = {"refs", "config", "HEAD"};
	CLEANUP(free) char *path = NULL;
	int rc = book_path(book, "book.git", &path, err);

	for (size_t i = 0; !rc && i < sizeof parts / sizeof parts[0]; i++) {
		CLEANUP(free) char *part = NULL;
		bool there = true;

		rc = string_format(&part, err, "%s/%s", path, parts[i]);
		if (!rc)
			rc = file_there(part, &there, err);
		if (!rc && !there)
			return repository_make(book->folder, err);
	}
	return rc;
}

/* What starts a zlib stream fails for want of memory, what goes on with one for what it is fed. */
static bool memory_was_out(const git_error *last)
{
	return last && (last->klass == GIT_ERROR_NOMEMORY ||
			       (last->klass == GIT_ERROR_ZLIB && strstr(last->message, "init")));
}

/* Libgit2 passes over packs that it cannot list or open, and calls what is in them missing. */
static int packs_reach(struct book *book, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = book_path(book, "book.git/objects/pack", &path, err);

	if (!rc)
		rc = folder_open(path, &folder, err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err))) {
		CLEANUP(close)
		int fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

		/* a merge removes packs meanwhile */
		if (fd < 0 && errno != ENOENT)
			rc = error_errno(err, errno, "cannot open %s/%s", path, entry->d_name);
	}
	return rc;
}

int repository_failure(struct book *book, int code, const char *what, struct dd_error *err)
{
	const git_error *last = git_error_last();
	const char *detail = last ? last->message : "no reason given";
	int sqlite = book->staging ? staging_failed(book->staging) : 0;

	book->objects_doubtful = true;
	if (sqlite)
		return database_failure(&book->database, sqlite, err);
	if (memory_was_out(last))
		return error_no_memory(err);
	/* where a call fails and nothing is said, it was not about what is in an object */
	if (!last || (last->klass == GIT_ERROR_OS && code != GIT_ENOTFOUND))
		return error_set(
			err, DD_SYSTEM, "%s in %s/book.git: %s", what, book->folder, detail);
	error_set(err, DD_CORRUPT, "%s in %s/book.git: %s", what, book->folder, detail);
	return error_hint(err, "'domesday verify' says what is damaged");
}

int object_failure(
	struct book *book, int code, const git_oid *oid, const char *what, struct dd_error *err)
{
	struct dd_error reason = {0};
	const git_error *last = git_error_last();
	/* what is there and of another type than it should be is "not found", too */
	bool other_type = last && last->klass == GIT_ERROR_INVALID;
	int rc = repository_failure(book, code, what, err);

	if (code != GIT_ENOTFOUND || rc != DD_CORRUPT || other_type)
		return rc;
	rc = packs_reach(book, &reason);
	if (rc)
		return error_set(err, rc, "%s", reason.message);
	if (!oid || !git_odb_exists(book->objects, oid))
		return DD_CORRUPT;
	error_set(err, DD_SYSTEM, "%s in %s/book.git: it was out of reach for a moment", what,
		book->folder);
	return error_hint(err, "try again");
}

int object_there(struct book *book, const git_oid *oid, bool *there, struct dd_error *err)
{
	struct dd_error reason = {0};
	bool doubtful = book->objects_doubtful;
	git_object_t type;
	size_t size;
	int code, rc;

	/* a failure that libgit2 got over, or hid, is none of this answer's */
	if (book->staging)
		(void)staging_failed(book->staging);
	code = git_odb_read_header(&size, &type, book->objects, oid);
	rc = code ? object_failure(book, code, oid, "cannot look for an object", &reason) : 0;
	*there = !code;
	if (rc && (rc != DD_CORRUPT || code != GIT_ENOTFOUND))
		return error_set(err, rc, "%s", reason.message);
	/* that it is missing is an answer */
	book->objects_doubtful = doubtful;
	return 0;
}

/* Nobody but remotes cares for its configuration and refs; reading them is much of opening it. */
static int repository_wrap(struct book *book)
{
	git_config *none = NULL;
	int code = git_repository_wrap_odb(&book->repository, book->objects);

	if (!code)
		code = git_config_new(&none);
	if (!code)
		code = git_repository_set_config(book->repository, none);
	git_config_free(none);
	return code;
}

void repository_close(struct book *book)
{
	git_repository_free(TAKE(book->whole));
	git_repository_free(TAKE(book->repository));
	git_odb_free(TAKE(book->objects));
	book->staging = NULL;
}

/*
 * Before the first checkpoint its folders are empty, and a copy may be without them; after it there
 * are packs to be missed.
 */
static int folders_need(struct book *book, struct dd_error *err)
{
	CLEANUP(free) char *objects = NULL;
	CLEANUP(free) char *refs = NULL;
	bool there = true, filled = true;
	int rc = book_path(book, "book.git/objects", &objects, err);

	if (!rc)
		rc = book_path(book, "book.git/packed-refs", &refs, err);
	if (!rc)
		rc = file_there(objects, &there, err);
	if (!rc && !there)
		rc = file_there(refs, &filled, err);
	return rc || filled ? rc : repository_make(book->folder, err);
}

static bool is_index(const char *name)
{
	size_t length = strlen(name);

	return length > 4 && strcmp(name + length - 4, ".idx") == 0;
}

bool repository_follows(const struct book *book, const char *index)
{
	return !book->unsound.size || !strstr(text_string(&book->unsound), index);
}

static int packs_add(struct book *book, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = book_path(book, "book.git/objects/pack", &path, err);

	if (!rc)
		rc = folder_open(path, &folder, err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err))) {
		CLEANUP(free) char *index = NULL;
		git_odb_backend *pack = NULL;

		if (!is_index(entry->d_name) || !repository_follows(book, entry->d_name))
			continue;
		rc = string_format(&index, err, "%s/%s", path, entry->d_name);
		if (!rc && git_odb_backend_one_pack(&pack, index) == 0 &&
			git_odb_add_backend(book->objects, pack, 1) < 0)
			rc = repository_failure(book, GIT_ERROR, "cannot open a pack", err);
	}
	return rc;
}

/* ---- what libgit2 would open, and wait at for ever ---- */

static bool may_block(int folder, const char *name)
{
	struct stat status;

	return fstatat(folder, name, &status, 0) == 0 && !S_ISREG(status.st_mode) &&
	       !S_ISDIR(status.st_mode);
}

static int no_file(const char *folder, const char *name, struct dd_error *err)
{
	error_set(err, DD_CORRUPT, "%s/%s is no file", folder, name);
	return error_hint(err, "'domesday verify' says what is damaged");
}

/* Only what the folder itself does not call a file is looked at. */
static int folder_check(
	const struct book *book, const char *objects, const char *name, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = string_format(&path, err, "%s/%s", objects, name);

	if (!rc)
		rc = folder_open(path, &folder, err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err)))
		if (entry->d_type != DT_REG && entry->d_type != DT_DIR &&
			repository_follows(book, entry->d_name) &&
			may_block(dirfd(folder), entry->d_name))
			rc = no_file(path, entry->d_name, err);
	return rc;
}

static int objects_check(struct book *book, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = book_path(book, "book.git/objects", &path, err);

	if (!rc)
		rc = folder_open(path, &folder, err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err)))
		if (entry->d_name[0] != '.' && entry->d_type != DT_REG)
			rc = may_block(dirfd(folder), entry->d_name)
				     ? no_file(path, entry->d_name, err)
				     : folder_check(book, path, entry->d_name, err);
	return rc;
}

static int whole_check(struct book *book, struct dd_error *err)
{
	static const char *const names[] = {"HEAD", "config", "packed-refs", "commondir"};
	CLEANUP(free) char *path = NULL;
	int rc = book_path(book, "book.git", &path, err);

	for (size_t i = 0; !rc && i < sizeof names / sizeof names[0]; i++) {
		CLEANUP(free) char *file = NULL;

		rc = string_format(&file, err, "%s/%s", path, names[i]);
		if (!rc && may_block(AT_FDCWD, file))
			rc = no_file(path, names[i], err);
	}
	return rc;
}

/* ---- opening ---- */

/* With those packs alone that may be followed. */
static int open_restricted(struct book *book, struct dd_error *err)
{
	int code = git_odb_new(&book->objects);
	int rc;

	if (!code)
		code = staging_attach(&book->database, book->objects, &book->staging);
	if (!code)
		code = repository_wrap(book);
	rc = code ? repository_failure(book, code, "cannot open the history", err)
		  : packs_add(book, err);
	if (rc)
		repository_close(book);
	return rc;
}

int repository_need(struct book *book, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *packs = NULL;
	int rc, code;

	if (book->objects)
		return 0;
	rc = libgit2_need(err);
	if (!rc)
		rc = folders_need(book, err);
	if (!rc)
		rc = objects_check(book, err);
	if (!rc && book->unsound.size)
		return open_restricted(book, err);
	if (!rc)
		rc = book_path(book, "book.git/objects", &path, err);
	if (!rc)
		rc = book_path(book, "book.git/objects/pack", &packs, err);
	if (rc)
		return rc;
	code = git_odb_open(&book->objects, path);
	if (!code)
		code = guard_attach(packs, book->objects);
	if (!code)
		code = staging_attach(&book->database, book->objects, &book->staging);
	if (!code)
		code = repository_wrap(book);
	if (code) {
		rc = repository_failure(book, code, "cannot open the history", err);
		repository_close(book);
		return rc;
	}
	book->objects_doubtful = false;
	return 0;
}

void repository_forget(struct book *book)
{
	if (book->objects_doubtful)
		repository_close(book);
}

int repository_need_whole(struct book *book, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = repository_need(book, err);
	int code;

	if (rc || book->whole)
		return rc;
	rc = repository_complete(book, err);
	if (!rc)
		rc = whole_check(book, err);
	if (!rc)
		rc = book_path(book, "book.git", &path, err);
	if (rc)
		return rc;
	code = git_repository_open_ext(&book->whole, path,
		GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE |
			GIT_REPOSITORY_OPEN_NO_DOTGIT,
		NULL);
	if (!code)
		code = git_repository_set_odb(book->whole, book->objects);
	if (!code)
		return 0;
	rc = repository_failure(book, code, "cannot open the history", err);
	git_repository_free(TAKE(book->whole));
	return rc;
}
