/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A book from a backup, which may be anybody's file: names come from a list, each once, plain files
 * only, none larger than the archive is; of the git configuration nothing but remotes' addresses is
 * taken over.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/git/configuration.h"
#include "store/recovery/archive.h"
#include "store/recovery/backup.h"
#include "store/recovery/growing.h"

#define ENTRIES_LIMIT 100000
#define GIVEN_CONFIG "book.git/config.given"
/* Until all else is there: without book.db a folder is no book. */
#define GIVEN_DATABASE "book.db.given"

struct restoring {
	struct archive archive;
	struct growing growing;
	struct dd_error *err;
};

/* ---- what may be in it ---- */

/* Files that are under another name until the end. */
static const char *place_of_file(const char *name)
{
	if (strcmp(name, "book.git/config") == 0)
		return GIVEN_CONFIG;
	return strcmp(name, "book.db") == 0 ? GIVEN_DATABASE : name;
}

/* Where an entry goes to, and with which mode; NULL: it has no business here. */
static const char *place_of(const char *name, mode_t *mode)
{
	for (const struct backup_file *file = backup_files; file->name; file++)
		if (strcmp(name, file->name) == 0) {
			*mode = file->mode;
			return place_of_file(file->name);
		}
	*mode = 0644;
	if (strncmp(name, BACKUP_BRANCHES, sizeof BACKUP_BRANCHES - 1) == 0)
		return uuid_valid(name + sizeof BACKUP_BRANCHES - 1) ? name : NULL;
	*mode = 0444;
	return strncmp(name, BACKUP_PACKS, sizeof BACKUP_PACKS - 1) == 0 &&
			       backup_is_pack(name + sizeof BACKUP_PACKS - 1)
		       ? name
		       : NULL;
}

static int entry_take(struct restoring *restoring, const struct archive_entry *entry)
{
	CLEANUP(free) char *path = NULL;
	mode_t mode;
	const char *place = place_of(entry->name, &mode);
	int rc;

	if (!place)
		return error_set(restoring->err, DD_CORRUPT,
			"%s is no backup of a book: '%.100s' is in it", restoring->archive.path,
			entry->name);
	rc = growing_path(&restoring->growing, place, &path, restoring->err);
	if (rc)
		return rc;

	CLEANUP(close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0 && errno == EEXIST)
		return error_set(restoring->err, DD_CORRUPT, "%s has %s twice",
			restoring->archive.path, entry->name);
	if (fd < 0)
		return error_errno(restoring->err, errno, "cannot make %s", path);
	rc = archive_copy(&restoring->archive, entry, fd, path, restoring->err);
	if (!rc && fsync(fd) < 0)
		rc = error_errno(restoring->err, errno, "cannot sync %s", path);
	return rc;
}

static int note_check(struct restoring *restoring)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	int rc = growing_path(&restoring->growing, BACKUP_NOTE, &path, restoring->err);

	if (!rc)
		rc = file_read(path, 4096, &text, restoring->err);
	if (rc == DD_INVALID || (!rc && strncmp(text_string(&text), "domesday backup ", 16) != 0))
		return error_set(restoring->err, DD_CORRUPT, "%s is no backup of a book",
			restoring->archive.path);
	if (!rc && strncmp(text_string(&text), BACKUP_NOTE_BEGINS, sizeof BACKUP_NOTE_BEGINS - 1) !=
			   0) {
		error_set(restoring->err, DD_UNSUPPORTED, "%s has another form of backup",
			restoring->archive.path);
		return error_hint(restoring->err, "use a newer domesday");
	}
	if (!rc && unlink(path) < 0)
		rc = error_errno(restoring->err, errno, "cannot remove %s", path);
	return rc;
}

static int all_take(struct restoring *restoring)
{
	struct archive_entry entry;
	bool end = false;
	int rc = 0;

	for (int i = 0; !rc && i < ENTRIES_LIMIT; i++) {
		rc = archive_next(&restoring->archive, &entry, &end, restoring->err);
		if (!rc && end)
			return 0;
		if (!rc && i == 0 && strcmp(entry.name, BACKUP_NOTE) != 0)
			return error_set(restoring->err, DD_CORRUPT, "%s is no backup of a book",
				restoring->archive.path);
		if (!rc)
			rc = entry_take(restoring, &entry);
		if (!rc && i == 0)
			rc = note_check(restoring);
	}
	return rc ? rc
		  : error_set(restoring->err, DD_CORRUPT, "%s has too many files",
			    restoring->archive.path);
}

static int needed_check(struct restoring *restoring)
{
	int rc = 0;

	for (const struct backup_file *file = backup_files + 1; !rc && file->name; file++) {
		CLEANUP(free) char *path = NULL;

		if (!file->needed)
			continue;
		rc = growing_path(
			&restoring->growing, place_of_file(file->name), &path, restoring->err);
		if (rc || access(path, F_OK) == 0)
			continue;
		rc = errno == ENOENT
			     ? error_set(restoring->err, DD_CORRUPT, "the backup %s lacks %s",
				       restoring->archive.path, file->name)
			     : error_errno(restoring->err, errno, "cannot reach %s", path);
	}
	return rc;
}

/* ---- the configuration of git ---- */

static bool is_address(const char *name)
{
	static const char *const ends[] = {".url", ".pushurl", ".fetch", ".push", ".identity"};
	size_t length = strlen(name);

	if (strncmp(name, "remote.", 7) != 0)
		return false;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		size_t end = strlen(ends[i]);

		if (length > end + 7 && strcmp(name + length - end, ends[i]) == 0)
			return true;
	}
	return false;
}

/* What is wrong with taking them; one that is no configuration brings none. */
static int remotes_failure(struct dd_error *err)
{
	const git_error *last = git_error_last();

	if (last && last->klass == GIT_ERROR_NOMEMORY)
		return error_no_memory(err);
	if (last && last->klass == GIT_ERROR_CONFIG)
		return 0;
	return error_set(err, DD_SYSTEM, "cannot take over the remotes: %s",
		last ? last->message : "no reason given");
}

/* Of a file that somebody may have made to do harm. */
static int remotes_copy(git_config *to, void *context, struct dd_error *err)
{
	git_config_iterator *all = NULL;
	git_config_entry *entry;
	git_config *from = NULL;
	int code = git_config_open_ondisk(&from, context);

	if (!code)
		code = git_config_iterator_new(&all, from);
	while (!code && (code = git_config_next(&entry, all)) == 0)
		if (is_address(entry->name) && entry->value)
			code = git_config_set_multivar(to, entry->name, "^$", entry->value);
	git_config_iterator_free(all);
	git_config_free(from);
	return !code || code == GIT_ITEROVER ? 0 : remotes_failure(err);
}

static int config_take(struct restoring *restoring)
{
	CLEANUP(free) char *given = NULL;
	CLEANUP(free) char *made = NULL;
	int rc = growing_path(&restoring->growing, GIVEN_CONFIG, &given, restoring->err);

	if (!rc)
		rc = growing_path(&restoring->growing, "book.git/config", &made, restoring->err);
	if (rc)
		return rc;
	if (access(given, F_OK) < 0)
		return errno == ENOENT
			       ? 0
			       : error_errno(restoring->err, errno, "cannot reach %s", given);
	rc = configuration_change(made, remotes_copy, given, restoring->err);
	if (!rc && unlink(given) < 0)
		rc = error_errno(restoring->err, errno, "cannot remove %s", given);
	return rc;
}

/* ---- all of it ---- */

static int database_name(struct restoring *restoring)
{
	CLEANUP(free) char *given = NULL;
	CLEANUP(free) char *path = NULL;
	int rc = growing_sync(&restoring->growing, restoring->err);

	if (!rc)
		rc = growing_path(&restoring->growing, GIVEN_DATABASE, &given, restoring->err);
	if (!rc)
		rc = growing_path(&restoring->growing, "book.db", &path, restoring->err);
	if (!rc && rename(given, path) < 0)
		rc = error_errno(restoring->err, errno, "cannot make %s", path);
	return rc;
}

static void cleanup_restoring(struct restoring *restoring)
{
	growing_release(&restoring->growing);
	if (restoring->archive.fd >= 0)
		close(restoring->archive.fd);
}

static int book_make(struct restoring *restoring)
{
	int rc = all_take(restoring);

	if (!rc)
		rc = needed_check(restoring);
	if (!rc)
		rc = libgit2_need(restoring->err);
	if (!rc)
		rc = repository_make(restoring->growing.folder, restoring->err);
	if (!rc)
		rc = config_take(restoring);
	return rc ? rc : database_name(restoring);
}

int book_restore(const char *folder, const char *file, struct dd_error *err)
{
	struct dd_error own = {0};
	CLEANUP(restoring)
	struct restoring restoring = {
		.archive = {.fd = open(file, O_RDONLY | O_CLOEXEC), .path = file},
		.err = err ? err : &own,
	};
	struct stat status;
	int rc;

	if (restoring.archive.fd < 0 && errno == ENOENT)
		return error_set(restoring.err, DD_NOT_FOUND, "there is no file %s", file);
	if (restoring.archive.fd < 0 || fstat(restoring.archive.fd, &status) < 0)
		return error_errno(restoring.err, errno, "cannot open %s", file);
	if (!S_ISREG(status.st_mode)) {
		error_set(restoring.err, DD_INVALID, "%s is no regular file", file);
		return error_hint(
			restoring.err, "a backup is restored from the file that it is in");
	}
	restoring.archive.left = status.st_size;
	rc = growing_begin(folder, &restoring.growing, restoring.err);
	if (!rc)
		rc = book_make(&restoring);
	return rc ? rc : growing_finish(&restoring.growing, restoring.err);
}
