/* SPDX-License-Identifier: Apache-2.0 */
#include "store/recovery/growing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/folder.h"

#define WALK_DESCRIPTORS 16

static int refuse_full(const char *folder, struct dd_error *err)
{
	CLEANUP(folder) DIR *open = NULL;
	const struct dirent *entry;
	bool full = false;
	int rc = folder_open(folder, &open, err);

	while (!rc && open && (entry = folder_next(open, folder, &rc, err)))
		full = full ||
		       (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0);
	if (rc || !full)
		return rc;
	error_set(err, DD_REFUSED, "%s is not empty", folder);
	return error_hint(err, "name a folder that is empty, or not there yet, with --book");
}

static int parent_of(const char *folder, char **out, struct dd_error *err)
{
	CLEANUP(free) char *copy = NULL;
	int rc = string_copy(&copy, folder, err);

	return rc ? rc : string_copy(out, dirname(copy), err);
}

static int folders_make(const struct growing *growing, struct dd_error *err)
{
	static const char *const names[] = {"keys", "locks", "run", "book.git/objects/pack",
		"book.git/refs/heads/domains", "book.git/refs/book"};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof names / sizeof names[0]; i++) {
		CLEANUP(free) char *path = NULL;

		rc = growing_path(growing, names[i], &path, err);
		if (!rc)
			rc = directory_make(growing->folder, path, 0700, err);
	}
	return rc;
}

int growing_path(const struct growing *growing, const char *name, char **out, struct dd_error *err)
{
	return string_format(out, err, "%s/%s", growing->folder, name);
}

int growing_begin(const char *folder, struct growing *out, struct dd_error *err)
{
	CLEANUP(growing) struct growing growing = {0};
	int rc = refuse_full(folder, err);

	if (!rc)
		rc = string_copy(&growing.target, folder, err);
	for (size_t end = rc ? 0 : strlen(growing.target); end > 1; end--) {
		if (growing.target[end - 1] != '/')
			break;
		growing.target[end - 1] = '\0';
	}
	if (!rc)
		rc = parent_of(growing.target, &growing.parent, err);
	if (!rc)
		rc = directory_make(NULL, growing.parent, 0700, err);
	if (!rc)
		rc = string_format(&growing.folder, err, "%s.XXXXXX", growing.target);
	if (!rc && !mkdtemp(growing.folder)) {
		rc = error_errno(err, errno, "cannot make a folder in %s", growing.parent);
		free(TAKE(growing.folder));
	}
	if (!rc)
		rc = folders_make(&growing, err);
	if (rc)
		return rc;
	*out = growing;
	growing = (struct growing){0};
	return 0;
}

/* ---- the end, one way or the other ---- */

static int sync_entry(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
	CLEANUP(close) int fd = -1;

	(void)status;
	(void)walk;
	if (flag != FTW_F && flag != FTW_DP)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -1 : 0;
}

int growing_sync(const struct growing *growing, struct dd_error *err)
{
	if (nftw(growing->folder, sync_entry, WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) != 0)
		return error_errno(err, errno, "cannot sync %s", growing->folder);
	return 0;
}

int growing_finish(struct growing *growing, struct dd_error *err)
{
	/* beforehand, so that nothing but the sync itself can fail when it has its name */
	CLEANUP(close) int parent = open(growing->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = parent < 0 ? error_errno(err, errno, "cannot open %s", growing->parent)
			    : growing_sync(growing, err);

	if (rc)
		return rc;
	if (rename(growing->folder, growing->target) < 0)
		return error_errno(err, errno, "cannot make %s", growing->target);
	free(TAKE(growing->folder));
	return fsync(parent) < 0 ? error_errno(err, errno, "cannot sync %s", growing->parent) : 0;
}

void growing_release(struct growing *growing)
{
	if (growing->folder)
		(void)folder_erase(growing->folder, NULL);
	free(growing->folder);
	free(growing->target);
	free(growing->parent);
	*growing = (struct growing){0};
}
