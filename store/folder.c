/* SPDX-License-Identifier: Apache-2.0 */
#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WALK_DESCRIPTORS 16

int folder_sync(const char *path, struct dd_error *err)
{
	CLEANUP(close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return error_errno(err, errno, "cannot sync %s", path);
	return 0;
}

int folder_open(const char *path, DIR **out, struct dd_error *err)
{
	*out = opendir(path);
	return *out || errno == ENOENT ? 0 : error_errno(err, errno, "cannot open %s", path);
}

const struct dirent *folder_next(DIR *folder, const char *path, int *rc, struct dd_error *err)
{
	const struct dirent *entry;

	errno = 0;
	entry = readdir(folder);
	if (!entry && errno)
		*rc = error_errno(err, errno, "cannot list %s", path);
	return entry;
}

static bool matches(const char *name, const char *prefix, const char *suffix)
{
	size_t length = strlen(name), tail = strlen(suffix);

	return name[0] != '.' && length >= tail && strncmp(name, prefix, strlen(prefix)) == 0 &&
	       strcmp(name + length - tail, suffix) == 0;
}

int folder_clean(const char *path, const char *prefix, const char *suffix, struct dd_error *err)
{
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = folder_open(path, &folder, err);

	while (!rc && folder && (entry = folder_next(folder, path, &rc, err))) {
		if (!matches(entry->d_name, prefix, suffix))
			continue;
		if (unlinkat(dirfd(folder), entry->d_name, 0) < 0 && errno != ENOENT)
			return error_errno(
				err, errno, "cannot remove %s from %s", entry->d_name, path);
	}
	return rc;
}

static int entry_erase(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
	(void)status;
	(void)flag;
	(void)walk;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int folder_erase(const char *path, struct dd_error *err)
{
	if (nftw(path, entry_erase, WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
		return 0;
	return error_errno(err, errno, "cannot remove %s", path);
}

bool folder_left_by_dead(const char *name, const char *suffix)
{
	size_t length = strlen(name), tail = strlen(suffix), digits = 0;
	unsigned long long pid;

	if (length <= tail || strcmp(name + length - tail, suffix) != 0)
		return false;
	length -= tail;
	while (digits < length && name[length - digits - 1] >= '0' &&
		name[length - digits - 1] <= '9')
		digits++;
	if (digits == 0 || digits == length || name[length - digits - 1] != '.')
		return false;
	pid = strtoull(name + length - digits, NULL, 10);
	return pid > 0 && pid <= INT_MAX && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

void folder_clean_dead(const char *path)
{
	CLEANUP(folder) DIR *folder = opendir(path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (folder_left_by_dead(entry->d_name, ".new"))
			(void)unlinkat(dirfd(folder), entry->d_name, 0);
}
