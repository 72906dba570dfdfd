/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup while the book is in use. SLOT_CHECKPOINT keeps book.git as it is: packs and refs are
 * what they are, and what is staged stays staged. Then SQLite copies book.db as it is at one
 * moment. Whatever that copy has is in it or in the packs, so the two agree; and under SLOT_CREATE
 * the key that it names is not followed by another. Commits go on; a checkpoint and a change of the
 * key wait. The archive appears under its name when it is whole and synced.
 */
#include "store/recovery/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "store/database/vfs.h"
#include "store/folder.h"
#include "store/lock/lock.h"
#include "store/recovery/archive.h"

#define STEP_PAGES 1024 /* in one go, between two of which others may write */

const struct backup_file backup_files[] = {
	{BACKUP_NOTE, 0600, true},
	{"book.db", 0600, true},
	/* before the other, whose place it may take meanwhile */
	{"keys/host.next", 0600, false},
	{"keys/host", 0600, true},
	{"keys/secrets", 0600, false},
	{"keys/host.pub", 0644, false},
	{"keys/allowed_signers", 0644, false},
	{"book.git/packed-refs", 0644, false},
	{"book.git/refs/book/chain", 0644, false},
	{"book.git/config", 0644, false},
	{NULL, 0, false},
};

struct backup {
	struct book *book;
	const char *file;
	char *unfinished; /* the archive until it is whole */
	char *copy;       /* of book.db */
	int fd;
	struct dd_error *err;
};

bool backup_is_pack(const char *name)
{
	char hex[64];
	int end = 0;

	return sscanf(name, "pack-%40[0-9a-f].%n", hex, &end) == 1 && end == 46 &&
	       (strcmp(name + end, "pack") == 0 || strcmp(name + end, "idx") == 0);
}

/* ---- book.db ---- */

static int pages_copy(struct backup *backup, sqlite3 *to)
{
	struct database *database = &backup->book->database;
	sqlite3_backup *copying = sqlite3_backup_init(to, "main", database->sqlite, "main");
	int code = SQLITE_OK;

	if (!copying)
		return sqlite3_errcode(to);
	do
		code = sqlite3_backup_step(copying, STEP_PAGES);
	while (code == SQLITE_OK);
	sqlite3_backup_finish(copying);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* The copy may be on another disk than the book. */
static int copy_failure(struct backup *backup, sqlite3 *to, int code)
{
	struct database *database = &backup->book->database;

	switch (code & 0xff) {
	case SQLITE_FULL:
		return error_errno(backup->err, ENOSPC, "cannot write %s", backup->copy);
	case SQLITE_CANTOPEN:
		return error_errno(
			backup->err, sqlite3_system_errno(to), "cannot write %s", backup->copy);
	default:
		return database_failure(database, code, backup->err);
	}
}

/* In one read transaction, so that it does not begin anew with each change. */
static int database_copy(void *context, struct dd_error *err)
{
	struct backup *backup = context;
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	sqlite3 *to = NULL;
	int code, rc = database_execute(
			  &backup->book->database, "SELECT count(*) FROM sqlite_schema", err);

	if (rc)
		return rc;
	code = sqlite3_open_v2(backup->copy, &to, flags, database_vfs());
	/* from here on it goes with whoever has it open */
	(void)unlink(backup->copy);
	/* a copy that is cut short is thrown away */
	if (!code)
		code = sqlite3_exec(
			to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL, NULL);
	if (!code)
		code = pages_copy(backup, to);
	if (code)
		rc = copy_failure(backup, to, code);
	sqlite3_close(to);
	return rc;
}

/* A file of this name was left by somebody of this number who died. */
static int file_make(struct backup *backup, const char *path, int *fd)
{
	(void)unlink(path);
	*fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *fd < 0 ? error_errno(backup->err, errno, "cannot make %s", path) : 0;
}

/* ---- files ---- */

static int file_add(struct backup *backup, const char *path, const struct backup_file *file)
{
	CLEANUP(close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0 && errno == ENOENT && !file->needed)
		return 0;
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno(backup->err, errno, "cannot read %s", path);
	if (!S_ISREG(status.st_mode))
		return error_set(backup->err, DD_CORRUPT, "%s is no file", path);
	return archive_add(
		backup->fd, backup->file, file->name, file->mode, fd, status.st_size, backup->err);
}

static int note_add(struct backup *backup)
{
	CLEANUP(free) char *note = NULL;
	char moment[32];
	time_t now = time(NULL);
	struct tm tm;
	int rc;

	if (!gmtime_r(&now, &tm) || !strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%SZ", &tm))
		moment[0] = '\0';
	rc = string_format(&note, backup->err, BACKUP_NOTE_BEGINS "host %s\nmade %s\n",
		backup->book->host_name, moment);
	return rc ? rc
		  : archive_add_text(
			    backup->fd, backup->file, BACKUP_NOTE, 0600, note, backup->err);
}

static int copy_add(struct backup *backup, const struct backup_file *file, int copy)
{
	struct stat status;

	if (fstat(copy, &status) < 0)
		return error_errno(backup->err, errno, "cannot read %s", backup->copy);
	return archive_add(backup->fd, backup->file, file->name, file->mode, copy, status.st_size,
		backup->err);
}

/* Those files of a folder that a backup has. */
static int folder_add(
	struct backup *backup, const char *name, bool (*wanted)(const char *name), mode_t mode)
{
	CLEANUP(free) char *path = NULL;
	int rc = book_path(backup->book, name, &path, backup->err);

	if (rc)
		return rc;

	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;

	rc = folder_open(path, &folder, backup->err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, backup->err))) {
		CLEANUP(free) char *below = NULL;
		CLEANUP(free) char *from = NULL;
		struct backup_file file = {.mode = mode, .needed = true};

		if (!wanted(entry->d_name))
			continue;
		rc = string_format(&below, backup->err, "%s%s", name, entry->d_name);
		if (!rc)
			rc = string_format(&from, backup->err, "%s%s", path, entry->d_name);
		file.name = below;
		if (!rc)
			rc = file_add(backup, from, &file);
	}
	return rc;
}

static int all_add(struct backup *backup, int copy)
{
	int rc = 0;

	for (const struct backup_file *file = backup_files + 1; !rc && file->name; file++) {
		CLEANUP(free) char *path = NULL;
		if (strcmp(file->name, "book.db") == 0) {
			rc = copy_add(backup, file, copy);
			continue;
		}
		rc = book_path(backup->book, file->name, &path, backup->err);
		if (!rc)
			rc = file_add(backup, path, file);
	}
	if (!rc)
		rc = folder_add(backup, BACKUP_BRANCHES, uuid_valid, 0644);
	if (!rc)
		rc = folder_add(backup, BACKUP_PACKS, backup_is_pack, 0444);
	if (!rc)
		rc = archive_end(backup->fd, backup->file, backup->err);
	if (!rc && fsync(backup->fd) < 0)
		rc = error_errno(backup->err, errno, "cannot sync %s", backup->file);
	return rc;
}

static int parent_open(struct backup *backup, int *fd)
{
	CLEANUP(free) char *copy = NULL;
	int rc = string_copy(&copy, backup->file, backup->err);

	if (rc)
		return rc;
	*fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? error_errno(
				 backup->err, errno, "cannot open the folder of %s", backup->file)
		       : 0;
}

static int name_give(struct backup *backup, int folder)
{
	int rc;

	/* unlike a rename, a link does not replace what came there meanwhile */
	if (link(backup->unfinished, backup->file) < 0)
		return errno == EEXIST
			       ? error_set(backup->err, DD_EXISTS, "%s is there already",
					 backup->file)
			       : error_errno(backup->err, errno, "cannot make %s", backup->file);
	if (fsync(folder) == 0)
		return 0;
	rc = error_errno(backup->err, errno, "cannot sync %s", backup->file);
	/* what is said to have failed is not there */
	(void)unlink(backup->file);
	return rc;
}

/* Is it an archive that somebody died over? Who makes one has it locked, on whatever host. */
static bool is_left(int folder, const char *name)
{
	static const char begins[] = BACKUP_NOTE_BEGINS;
	CLEANUP(close) int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char head[ARCHIVE_HEADER_SIZE + sizeof begins - 1];
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head &&
	       strncmp(head, BACKUP_NOTE, ARCHIVE_NAME_SIZE) == 0 &&
	       memcmp(head + ARCHIVE_HEADER_SIZE, begins, sizeof begins - 1) == 0 &&
	       lock_slot_take(fd, 0, 0, 0, NULL) == 0;
}

/*
 * What backups that died left beside this one: any archive, as the next one may have another name,
 * and the copy of book.db that had no time to lose its own.
 */
static void left_clear(const char *file)
{
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
	CLEANUP(free) char *copy = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;

	if (string_copy(&copy, file, NULL) == 0)
		folder = opendir(dirname(copy));
	while (folder && (entry = readdir(folder)))
		if ((folder_left_by_dead(entry->d_name, ".db") &&
			    strncmp(entry->d_name, name, strlen(name)) == 0) ||
			(folder_left_by_dead(entry->d_name, ".new") &&
				is_left(dirfd(folder), entry->d_name)))
			(void)unlinkat(dirfd(folder), entry->d_name, 0);
}

/* With both slots. */
static int content_add(struct backup *backup, int copy)
{
	int rc = database_snapshot(&backup->book->database, database_copy, backup, backup->err);

	return rc ? rc : all_add(backup, copy);
}

static int slot_take(struct backup *backup, enum lock_slot slot)
{
	return database_lock(
		&backup->book->database, slot, "backup", backup->book->wait_ms, backup->err);
}

static int backup_make(struct backup *backup)
{
	struct database *database = &backup->book->database;
	CLEANUP(close) int copy = -1;
	CLEANUP(close) int folder = -1;
	int rc = note_add(backup);

	if (!rc)
		rc = file_make(backup, backup->copy, &copy);

	if (!rc)
		rc = parent_open(backup, &folder);
	if (!rc)
		left_clear(backup->file);
	if (!rc)
		rc = slot_take(backup, SLOT_CREATE);
	if (rc)
		return rc;
	rc = slot_take(backup, SLOT_CHECKPOINT);
	if (!rc) {
		rc = content_add(backup, copy);
		database_unlock(database, SLOT_CHECKPOINT);
	}
	database_unlock(database, SLOT_CREATE);
	return rc ? rc : name_give(backup, folder);
}

int book_backup(struct book *book, const char *file, struct dd_error *err)
{
	struct dd_error own = {0};
	struct backup backup = {.book = book, .file = file, .fd = -1, .err = err ? err : &own};
	int rc = string_format(&backup.unfinished, backup.err, "%s.%d.new", file, (int)getpid());

	if (!rc)
		rc = string_format(&backup.copy, backup.err, "%s.%d.db", file, (int)getpid());
	if (!rc && access(file, F_OK) == 0) {
		error_set(backup.err, DD_EXISTS, "%s is there already", file);
		rc = error_hint(backup.err, "name another file, or remove that one first");
	}
	if (!rc)
		rc = file_make(&backup, backup.unfinished, &backup.fd);
	/* where files cannot be locked, what is left stays */
	if (!rc)
		(void)lock_slot_take(backup.fd, 0, 0, 0, NULL);
	if (!rc)
		rc = backup_make(&backup);
	if (backup.fd >= 0) {
		(void)unlink(backup.copy);
		(void)unlink(backup.unfinished);
		close(backup.fd);
	}
	free(backup.unfinished);
	free(backup.copy);
	return rc;
}
