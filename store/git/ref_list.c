/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which refs there are. Of a folder that it cannot read libgit2 says nothing, and it takes
 * packed-refs for missing where it cannot look at it; whoever takes what it does not list for what
 * is not there would miss branches and tags. Here, that fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/folder.h"
#include "store/git/ref.h"

#define DEPTH_LIMIT 8
#define PACKED_LIMIT ((size_t)1 << 30)

static bool is_lock(const char *name)
{
	size_t length = strlen(name);

	return length > 5 && strcmp(name + length - 5, ".lock") == 0;
}

static void name_add(struct text *out, const char *name, size_t length)
{
	text_add(out, name, length);
	text_add(out, "", 1);
}

/* Every ref below a folder that is a file of its own. name: of the folder, from refs on, with a
 * slash behind it.
 */
static int folder_list(
	const char *repository, const char *name, int depth, struct text *out, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = string_format(&path, err, "%s/%s", repository, name);

	if (!rc)
		rc = folder_open(path, &folder, err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err))) {
		CLEANUP(free) char *below = NULL;
		struct stat status;

		if (entry->d_name[0] == '.' || is_lock(entry->d_name))
			continue;
		if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
			rc = errno == ENOENT ? 0 : error_errno(err, errno, "cannot read %s", path);
			continue;
		}
		rc = string_format(&below, err, "%s%s%s", name, entry->d_name,
			S_ISDIR(status.st_mode) ? "/" : "");
		if (!rc && S_ISDIR(status.st_mode) && depth < DEPTH_LIMIT)
			rc = folder_list(repository, below, depth + 1, out, err);
		else if (!rc && S_ISREG(status.st_mode) && status.st_size)
			name_add(out, below, strlen(below));
	}
	return rc;
}

static bool is_in(const char *const *folders, size_t count, const char *name, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(folders[i]);

		if (size > length && memcmp(name, folders[i], length) == 0)
			return true;
	}
	return false;
}

/* "OID NAME" */
static int packed_list(const char *repository, const char *const *folders, size_t count,
	struct text *out, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	bool there = false;
	int rc = string_format(&path, err, "%s/packed-refs", repository);

	if (!rc)
		rc = file_there(path, &there, err);
	if (!rc && there)
		rc = file_read(path, PACKED_LIMIT, &text, err);
	if (rc || !there)
		return rc;
	for (const char *line = text_string(&text); *line;) {
		size_t length = strcspn(line, "\n");

		if (length > GIT_OID_HEXSZ + 1 &&
			is_in(folders, count, line + GIT_OID_HEXSZ + 1, length - GIT_OID_HEXSZ - 1))
			name_add(out, line + GIT_OID_HEXSZ + 1, length - GIT_OID_HEXSZ - 1);
		line += length + (line[length] == '\n');
	}
	return 0;
}

int refs_list(const char *repository, const char *const *folders, size_t count, struct text *out,
	struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++)
		rc = folder_list(repository, folders[i], 0, out, err);
	if (!rc)
		rc = packed_list(repository, folders, count, out, err);
	return !rc && text_failed(out) ? error_no_memory(err) : rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int refs_visit(struct book *book, const char *folder, int (*visit)(const char *name, void *context),
	void *context, struct dd_error *err)
{
	CLEANUP(text) struct text names = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) const char **list = NULL;
	size_t count = 0;
	int rc = book_path(book, "book.git", &path, err);

	if (!rc)
		rc = refs_list(path, &folder, 1, &names, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < names.size; i++)
		count += !names.data[i];
	list = calloc(count + 1, sizeof *list);
	if (!list)
		return error_no_memory(err);
	count = 0;
	for (size_t at = 0; at < names.size; at += strlen(names.data + at) + 1)
		list[count++] = names.data + at;
	qsort(list, count, sizeof *list, by_name);
	for (size_t i = 0; !rc && i < count; i++)
		if (!i || strcmp(list[i], list[i - 1]) != 0)
			rc = visit(list[i], context);
	return rc;
}
