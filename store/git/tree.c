/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A version's tree from a flat list of files. Git orders the entries of a tree as if the name of
 * each folder ended in a slash, and that is the order that whole paths have byte by byte; so the
 * list is sorted once, and every folder is a run in it.
 */
#include "store/git/object.h"

#include <string.h>

#define PATH_LIMIT 4096
#define NAME_LIMIT 255
#define DEPTH_LIMIT 8
#define FILES_LIMIT 100000
#define FILE_SIZE_LIMIT ((size_t)64 << 20)

static int file_compare(const void *a, const void *b)
{
	const struct tree_file *left = a, *right = b;

	return strcmp(left->path, right->path);
}

/* Characters that some file systems ignore, so that ".git" could hide behind them. */
static bool has_ignored_character(const unsigned char *name, size_t length)
{
	for (size_t i = 0; i + 2 < length; i++) {
		unsigned char a = name[i], b = name[i + 1], c = name[i + 2];

		if (a == 0xe2 && b == 0x80 &&
			((c >= 0x8c && c <= 0x8f) || (c >= 0xaa && c <= 0xae)))
			return true;
		if (a == 0xe2 && b == 0x81 && c >= 0xaa && c <= 0xaf)
			return true;
		if (a == 0xef && b == 0xbb && c == 0xbf)
			return true;
	}
	return false;
}

bool tree_name_valid(const char *name, size_t length)
{
	if (!length || length > NAME_LIMIT || name[0] == '.' ||
		(length >= 4 && strncasecmp(name, "git~", 4) == 0))
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == '\\')
			return false;
	return !has_ignored_character((const unsigned char *)name, length);
}

static bool path_valid(const char *path)
{
	int depth = 0;

	if (strlen(path) > PATH_LIMIT)
		return false;
	for (;;) {
		size_t length = strcspn(path, "/");

		if (!tree_name_valid(path, length) || ++depth > DEPTH_LIMIT)
			return false;
		if (!path[length])
			return true;
		path += length + 1;
	}
}

/* Is one of the folders of path a file itself? */
static bool under_a_file(const struct tree_file *files, size_t count, const char *path)
{
	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		char folder[PATH_LIMIT + 1];
		struct tree_file wanted = {.path = folder};

		memcpy(folder, path, (size_t)(slash - path));
		folder[slash - path] = '\0';
		if (bsearch(&wanted, files, count, sizeof *files, file_compare))
			return true;
	}
	return false;
}

static int files_check(const struct tree_file *files, size_t count, struct dd_error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!path_valid(files[i].path))
			return error_set(err, DD_INVALID, "'%s' cannot be a file of a version",
				files[i].path);
		if (files[i].size > FILE_SIZE_LIMIT)
			return error_set(err, DD_INVALID, "%s has more than %zu bytes",
				files[i].path, FILE_SIZE_LIMIT);
		if (i && strcmp(files[i].path, files[i - 1].path) == 0)
			return error_set(err, DD_INVALID, "%s comes twice", files[i].path);
		if (under_a_file(files, count, files[i].path))
			return error_set(err, DD_INVALID, "%s is below a file", files[i].path);
	}
	return 0;
}

static void entry_add(
	struct text *tree, const char *mode, const char *name, size_t length, const git_oid *oid)
{
	text_puts(tree, mode);
	text_putc(tree, ' ');
	text_add(tree, name, length);
	text_putc(tree, '\0');
	text_add(tree, oid->id, sizeof oid->id);
}

/* How many files from the first on are below the folder that its path begins with. */
static size_t folder_run(const struct tree_file *files, size_t count, size_t prefix)
{
	size_t run = 1;

	while (run < count && strncmp(files[run].path, files[0].path, prefix) == 0)
		run++;
	return run;
}

/* The tree of a run of files whose paths have the first skip bytes in common. */
static int folder_build(struct object_set *set, const struct tree_file *files, size_t count,
	size_t skip, git_oid *oid, struct dd_error *err)
{
	CLEANUP(text) struct text tree = TEXT_INIT;

	for (size_t i = 0; i < count;) {
		const char *name = files[i].path + skip;
		size_t length = strcspn(name, "/"), run = 1;
		bool folder = name[length] == '/';
		git_oid entry;
		int rc;

		if (folder) {
			run = folder_run(files + i, count - i, skip + length + 1);
			rc = folder_build(set, files + i, run, skip + length + 1, &entry, err);
		} else {
			rc = object_add(
				set, GIT_OBJECT_BLOB, files[i].data, files[i].size, &entry, err);
		}
		if (rc)
			return rc;
		entry_add(&tree, folder ? "40000" : "100644", name, length, &entry);
		i += run;
	}
	return object_add_text(set, GIT_OBJECT_TREE, &tree, oid, err);
}

int tree_build(struct object_set *set, const struct tree_file *files, size_t count, git_oid *oid,
	struct dd_error *err)
{
	CLEANUP(free) struct tree_file *sorted = NULL;
	int rc;

	if (count > FILES_LIMIT)
		return error_set(err, DD_INVALID, "a version has %zu files; %d is the most", count,
			FILES_LIMIT);
	sorted = calloc(count ? count : 1, sizeof *sorted);
	if (!sorted)
		return error_no_memory(err);
	if (count)
		memcpy(sorted, files, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, file_compare);
	rc = files_check(sorted, count, err);
	return rc ? rc : folder_build(set, sorted, count, 0, oid, err);
}
