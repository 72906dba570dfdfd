/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_DISK_H
#define STORE_DISK_H

/* For tests of what a disk that fails once leads to; of one file, as it takes the place of libc. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The disk fails once: at a path that ends so, after so many looks there that went well. */
static struct {
	const char *end; /* NULL: it does not */
	long well;
} disk;

static bool disk_fails(const char *path)
{
	size_t length = strlen(path), size = disk.end ? strlen(disk.end) : 0;

	length -= length && path[length - 1] == '/';
	if (!size || length < size || memcmp(path + length - size, disk.end, size) != 0 ||
		disk.well--)
		return false;
	errno = EIO;
	return true;
}

int stat(const char *path, struct stat *status)
{
	return disk_fails(path) ? -1 : fstatat(AT_FDCWD, path, status, 0);
}

int openat(int folder, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	return disk_fails(path) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

DIR *opendir(const char *path)
{
	int fd = disk_fails(path) ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? NULL : fdopendir(fd);
}

#endif
