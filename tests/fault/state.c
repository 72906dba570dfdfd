/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "operations.h"
#include "store/database/vfs.h"

#define FILE_LIMIT ((size_t)1 << 30)

CLEANUP_DEFINE(sqlite, sqlite3 *, sqlite3_close)
CLEANUP_DEFINE(sqlite_statement, sqlite3_stmt *, sqlite3_finalize)

/* ---- the index ---- */

struct reading {
	struct scene scene;
	sqlite3 *database;
	struct text *out;
	struct dd_error *err;
};

static int query(
	const struct reading *reading, const char *sql, sqlite3_stmt **out, struct dd_error *err)
{
	if (sqlite3_prepare_v2(reading->database, sql, -1, out, NULL))
		return error_set(err, DD_CORRUPT, "%s: %s", sql, sqlite3_errmsg(reading->database));
	return 0;
}

/* Every row as SQL would write it. */
static int rows_read(const struct reading *reading, const char *sql, struct dd_error *err)
{
	CLEANUP(sqlite_statement) sqlite3_stmt *statement = NULL;
	int code, rc = query(reading, sql, &statement, err);

	if (rc)
		return rc;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const char *value = (const char *)sqlite3_column_text(statement, i);
			int size = sqlite3_column_bytes(statement, i);

			text_putc(reading->out, ' ');
			if (sqlite3_column_type(statement, i) != SQLITE_BLOB)
				text_puts(reading->out, value ? value : "null");
			for (int at = 0; value && at < size &&
					 sqlite3_column_type(statement, i) == SQLITE_BLOB;
				at++)
				text_number(reading->out, (unsigned char)value[at], 16, 2);
		}
		text_putc(reading->out, '\n');
	}
	return code == SQLITE_DONE ? 0 : error_set(err, DD_CORRUPT, "%s: code %d", sql, code);
}

/*
 * All tables but that of staged objects, which a checkpoint empties, as it does with the branches
 * that it has to make; and not when a file was written, which the cache keeps.
 */
static const char *left_out(const char *table)
{
	if (strcmp(table, "cache") == 0)
		return " WHERE key NOT GLOB 'packed-refs*'";
	return strcmp(table, "setting") == 0 ? " WHERE key NOT GLOB 'books:*'" : "";
}

static int tables_read(const struct reading *reading, struct dd_error *err)
{
	CLEANUP(sqlite_statement) sqlite3_stmt *tables = NULL;
	int rc = query(reading,
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'staged'"
		" ORDER BY name",
		&tables, err);

	while (!rc && sqlite3_step(tables) == SQLITE_ROW) {
		CLEANUP(free) char *sql = NULL;

		const char *name = (const char *)sqlite3_column_text(tables, 0);

		text_printf(reading->out, "%s\n", name);
		rc = string_format(
			&sql, err, "SELECT * FROM %s%s ORDER BY 1, 2", name, left_out(name));
		if (!rc)
			rc = rows_read(reading, sql, err);
	}
	return rc;
}

/* ---- the history ---- */

static int finding_take(const struct finding *finding, void *context)
{
	(void)error_set(context, DD_CORRUPT, "%s: %s", finding->kind, finding->sentence);
	return 1; /* no more */
}

static int domain_check(const struct domain_row *row, void *context)
{
	const struct reading *reading = context;
	CLEANUP(text) struct text content = TEXT_INIT;

	return book_read(reading->scene.book, row->uuid, 0, "domain.xml", &content, reading->err);
}

int state_read(const char *folder, struct text *out, struct dd_error *err)
{
	struct reading reading = {.out = out, .err = err};
	CLEANUP(sqlite) sqlite3 *database = NULL;
	struct verify_counts counts;
	struct dd_error found = {0};
	char path[PATH_MAX];
	int rc;

	snprintf(reading.scene.folder, sizeof reading.scene.folder, "%s", folder);
	snprintf(path, sizeof path, "%s/book.db", folder);
	rc = scene_open(&reading.scene, false, err);
	if (rc)
		return rc;
	if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, database_vfs()))
		rc = error_set(err, DD_CORRUPT, "%s cannot be opened", path);
	reading.database = database;
	if (!rc)
		rc = tables_read(&reading, err);
	if (!rc)
		rc = book_list(reading.scene.book, true, domain_check, &reading, err);
	if (!rc)
		rc = book_verify(reading.scene.book, NULL, finding_take, &found, &counts, err);
	if (found.code)
		*err = found;
	scene_close(&reading.scene);
	return !rc && text_failed(out) ? error_no_memory(err) : rc;
}

/* ---- stock git ---- */

static int git_run(const char *const *argv, struct text *said)
{
	static const char *const environment[] = {
		"PATH=/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM=1", "HOME=/nonexistent", NULL};
	posix_spawn_file_actions_t actions;
	int ends[2], status = -1;
	char block[4096];
	ssize_t got;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
	int failed = posix_spawnp(&pid, "git", &actions, NULL, (char *const *)(uintptr_t)argv,
		(char *const *)(uintptr_t)environment);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while ((got = read(ends[0], block, sizeof block)) > 0)
		text_add(said, block, (size_t)got);
	close(ends[0]);
	if (failed || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int state_check_repository(const char *repository, struct dd_error *err)
{
	CLEANUP(text) struct text said = TEXT_INIT;
	const char *const fsck[] = {"git", "-C", repository, "fsck", "--strict", "--full",
		"--no-dangling", "--no-progress", NULL};
	int status = git_run(fsck, &said);

	/* before the first checkpoint its HEAD has no commit yet, which is said and is no fault */
	if (status != 0 || strstr(text_string(&said), "missing") ||
		strstr(text_string(&said), "error:"))
		return error_set(err, DD_CORRUPT, "git fsck: %d, %s", status, text_string(&said));
	return 0;
}

int state_check_git(const char *folder, struct dd_error *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/book.git", folder);
	return state_check_repository(path, err);
}

/* ---- folders ---- */

bool place_make(char place[PLACE_SIZE])
{
	const char *temporary = getenv("TMPDIR");
	int length = snprintf(place, PLACE_SIZE, "%s/fault-XXXXXX", temporary ? temporary : "/tmp");

	return length < PLACE_SIZE && mkdtemp(place);
}

static int file_copy(const char *from, const char *to, mode_t mode, struct dd_error *err)
{
	CLEANUP(text) struct text content = TEXT_INIT;
	CLEANUP(close) int fd = -1;
	int rc = file_read(from, FILE_LIMIT, &content, err);

	if (rc)
		return rc;
	fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	rc = fd < 0 ? -errno : file_write(fd, text_string(&content), content.size);
	return rc ? error_errno(err, -rc, "cannot copy to %s", to) : 0;
}

int folder_copy(const char *from, const char *to, struct dd_error *err)
{
	DIR *folder = opendir(from);
	const struct dirent *entry;
	int rc = folder ? directory_make(NULL, to, 0700, err)
			: error_errno(err, errno, "cannot copy %s", from);

	while (!rc && (entry = readdir(folder))) {
		char source[PATH_MAX], target[PATH_MAX];
		struct stat status;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
		snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
		if (lstat(source, &status) < 0)
			rc = error_errno(err, errno, "cannot copy %s", source);
		else if (S_ISDIR(status.st_mode))
			rc = folder_copy(source, target, err);
		else
			rc = file_copy(source, target, status.st_mode & 0777, err);
	}
	if (folder)
		closedir(folder);
	return rc;
}

static int entry_remove(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
	(void)status;
	(void)flag;
	(void)walk;
	return remove(path);
}

void folder_remove(const char *path)
{
	(void)nftw(path, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

int descriptors_open(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	while (folder && readdir(folder))
		count++;
	if (folder)
		closedir(folder);
	return count;
}
