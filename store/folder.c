/* SPDX-License-Identifier: Apache-2.0 */
#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

int folder_sync(const char *path, struct dd_error *err)
{
	CLEANUP(close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return error_errno(err, errno, "cannot sync %s", path);
	return 0;
}

static bool matches(const char *name, const char *prefix, const char *suffix)
{
	size_t length = strlen(name), tail = strlen(suffix);

	return name[0] != '.' && length >= tail && strncmp(name, prefix, strlen(prefix)) == 0 &&
	       strcmp(name + length - tail, suffix) == 0;
}

static void cleanup_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

int folder_clean(const char *path, const char *prefix, const char *suffix, struct dd_error *err)
{
	CLEANUP(folder) DIR *folder = opendir(path);
	const struct dirent *entry;

	if (!folder && errno == ENOENT)
		return 0;
	if (!folder)
		return error_errno(err, errno, "cannot open %s", path);
	while ((entry = readdir(folder))) {
		if (!matches(entry->d_name, prefix, suffix))
			continue;
		if (unlinkat(dirfd(folder), entry->d_name, 0) < 0 && errno != ENOENT)
			return error_errno(
				err, errno, "cannot remove %s from %s", entry->d_name, path);
	}
	return 0;
}
