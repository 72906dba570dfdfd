/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sodium.h>
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

#define FILE_LIMIT ((size_t)1 << 30)

CLEANUP_DEFINE(sqlite, sqlite3 *, sqlite3_close)
CLEANUP_DEFINE(sqlite_statement, sqlite3_stmt *, sqlite3_finalize)

/* ---- the index ---- */

struct reading {
	struct scene scene;
	sqlite3 *database;
	struct text *out;
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

/* All tables but that of staged objects, which a checkpoint empties. */
static int tables_read(const struct reading *reading, struct dd_error *err)
{
	CLEANUP(sqlite_statement) sqlite3_stmt *tables = NULL;
	int rc = query(reading,
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'staged'"
		" ORDER BY name",
		&tables, err);

	while (!rc && sqlite3_step(tables) == SQLITE_ROW) {
		CLEANUP(free) char *sql = NULL;

		text_printf(reading->out, "%s\n", (const char *)sqlite3_column_text(tables, 0));
		rc = string_format(&sql, err, "SELECT * FROM %s ORDER BY 1, 2",
			(const char *)sqlite3_column_text(tables, 0));
		if (!rc)
			rc = rows_read(reading, sql, err);
	}
	return rc;
}

static int database_check(const struct reading *reading, struct dd_error *err)
{
	CLEANUP(sqlite_statement) sqlite3_stmt *check = NULL;
	int rc = query(reading, "PRAGMA integrity_check", &check, err);
	const char *said;

	if (rc)
		return rc;
	said = sqlite3_step(check) == SQLITE_ROW ? (const char *)sqlite3_column_text(check, 0)
						 : "nothing";
	return strcmp(said, "ok") == 0 ? 0 : error_set(err, DD_CORRUPT, "book.db: %s", said);
}

/* ---- the versions ---- */

static int file_add(const struct reading *reading, const char *uuid, uint32_t number,
	const char *path, struct dd_error *err)
{
	CLEANUP(text) struct text content = TEXT_INIT;
	unsigned char hash[crypto_generichash_BYTES];
	int rc = book_read(reading->scene.book, uuid, number, path, &content, err);

	if (rc)
		return rc;
	crypto_generichash(hash, sizeof hash, (const unsigned char *)text_string(&content),
		content.size, NULL, 0);
	text_printf(reading->out, "  %s %zu ", path, content.size);
	for (size_t i = 0; i < sizeof hash; i++)
		text_number(reading->out, hash[i], 16, 2);
	text_putc(reading->out, '\n');
	return 0;
}

static int version_add(const struct reading *reading, const char *uuid, uint32_t number,
	const struct version_info *info, struct dd_error *err)
{
	struct text *out = reading->out;

	text_printf(out, "version %s %u %s %lld %s %s %s %s\n", uuid, number, info->commit,
		(long long)info->when, info->author, info->committer, info->subject, info->body);
	for (size_t i = 0; i < info->trailer_count; i++)
		text_printf(out, "  %s\n", info->trailers[i]);
	return file_add(reading, uuid, number, "domain.xml", err);
}

struct link {
	const char *uuid, *oid, *prev;
	uint32_t number;
	long long seq; /* 0: from before there was a chain */
};

/* What the index says of a version has to be what is signed. */
static int link_check(
	const struct link *link, const struct version_info *info, struct dd_error *err)
{
	const char *seq = version_trailer(info, "Book-Seq");
	const char *prev = version_trailer(info, "Book-Prev");

	if (strcmp(info->commit, link->oid) != 0)
		return error_set(err, DD_CORRUPT, "version %u of %s is %s, not %s", link->number,
			link->uuid, info->commit, link->oid);
	if (link->seq && (!seq || strtoll(seq, NULL, 10) != link->seq))
		return error_set(err, DD_CORRUPT, "version %u of %s is not number %lld",
			link->number, link->uuid, link->seq);
	if (link->seq && (!prev || strcasecmp(prev, link->prev) != 0))
		return error_set(err, DD_CORRUPT, "version %u of %s does not follow %s",
			link->number, link->uuid, link->prev);
	return 0;
}

static int links_read(const struct reading *reading, struct dd_error *err)
{
	CLEANUP(sqlite_statement) sqlite3_stmt *links = NULL;
	int rc = query(reading,
		"SELECT d.uuid, v.number, lower(hex(v.oid)), coalesce(v.seq, 0),"
		" lower(coalesce((SELECT hex(p.oid) FROM version p WHERE p.seq = v.seq - 1),"
		" (SELECT hex(value) FROM setting WHERE key = 'genesis' AND v.seq = 1), ''))"
		" FROM version v JOIN domain d ON d.id = v.domain ORDER BY v.seq, d.uuid, v.number",
		&links, err);

	while (!rc && sqlite3_step(links) == SQLITE_ROW) {
		CLEANUP(version_info) struct version_info info = {0};
		struct link link = {
			.uuid = (const char *)sqlite3_column_text(links, 0),
			.number = (uint32_t)sqlite3_column_int(links, 1),
			.oid = (const char *)sqlite3_column_text(links, 2),
			.seq = sqlite3_column_int64(links, 3),
			.prev = (const char *)sqlite3_column_text(links, 4),
		};

		rc = book_version(reading->scene.book, link.uuid, link.number, &info, err);
		if (!rc)
			rc = link_check(&link, &info, err);
		if (!rc)
			rc = version_add(reading, link.uuid, link.number, &info, err);
	}
	return rc;
}

/* The newest version that a domain's row names is there, and none is missing before it. */
static int heads_check(const struct reading *reading, struct dd_error *err)
{
	CLEANUP(sqlite_statement) sqlite3_stmt *wrong = NULL;
	int rc = query(reading,
		"SELECT d.uuid FROM domain d WHERE"
		" (SELECT count(*) FROM version v WHERE v.domain = d.id) <> d.version OR d.head <>"
		" (SELECT oid FROM version v WHERE v.domain = d.id AND v.number = d.version)",
		&wrong, err);

	if (!rc && sqlite3_step(wrong) == SQLITE_ROW)
		rc = error_set(err, DD_CORRUPT, "%s is not at its newest version",
			(const char *)sqlite3_column_text(wrong, 0));
	return rc;
}

int state_read(const char *folder, struct text *out, struct dd_error *err)
{
	struct reading reading = {.out = out};
	CLEANUP(sqlite) sqlite3 *database = NULL;
	char path[PATH_MAX];
	int rc;

	snprintf(reading.scene.folder, sizeof reading.scene.folder, "%s", folder);
	snprintf(path, sizeof path, "%s/book.db", folder);
	rc = scene_open(&reading.scene, false, err);
	if (rc)
		return rc;
	if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL))
		rc = error_set(err, DD_CORRUPT, "%s cannot be opened", path);
	reading.database = database;
	if (!rc)
		rc = database_check(&reading, err);
	if (!rc)
		rc = tables_read(&reading, err);
	if (!rc)
		rc = heads_check(&reading, err);
	if (!rc)
		rc = links_read(&reading, err);
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

int state_check_git(const char *folder, struct dd_error *err)
{
	CLEANUP(text) struct text said = TEXT_INIT;
	char path[PATH_MAX];
	const char *const fsck[] = {"git", "-C", path, "fsck", "--strict", "--full",
		"--no-dangling", "--no-progress", NULL};
	int status;

	snprintf(path, sizeof path, "%s/book.git", folder);
	status = git_run(fsck, &said);
	/* before the first checkpoint its HEAD has no commit yet, which is said and is no fault */
	if (status != 0 || strstr(text_string(&said), "missing") ||
		strstr(text_string(&said), "error:"))
		return error_set(err, DD_CORRUPT, "git fsck: %d, %s", status, text_string(&said));
	return 0;
}

/* ---- folders ---- */

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
	int rc = folder ? directory_make(to, 0700, err)
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
