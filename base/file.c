/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int read_all(int fd, const char *path, size_t limit, struct text *out, struct dd_error *err)
{
	char block[65536];
	size_t total = 0;

	for (;;) {
		ssize_t got = read(fd, block, sizeof block);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, errno, "cannot read %s", path);
		if (got == 0)
			break;
		total += (size_t)got;
		if (total > limit)
			return error_set(
				err, DD_INVALID, "%s is larger than %zu bytes", path, limit);
		text_add(out, block, (size_t)got);
	}
	return text_failed(out) ? error_no_memory(err) : 0;
}

static int open_failure(const char *path, struct dd_error *err)
{
	return errno == ENOENT ? error_set(err, DD_NOT_FOUND, "there is no file %s", path)
			       : error_errno(err, errno, "cannot open %s", path);
}

int file_read(const char *path, size_t limit, struct text *out, struct dd_error *err)
{
	CLEANUP(close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return open_failure(path, err);
	if (fstat(fd, &status) < 0)
		return error_errno(err, errno, "cannot open %s", path);
	if (!S_ISREG(status.st_mode))
		return error_set(err, DD_CORRUPT, "cannot read %s: it is no file", path);
	return read_all(fd, path, limit, out, err);
}

int file_read_input(const char *path, size_t limit, struct text *out, struct dd_error *err)
{
	CLEANUP(close) int fd = -1;

	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", limit, out, err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? open_failure(path, err) : read_all(fd, path, limit, out, err);
}

int file_write(int fd, const void *bytes, size_t size)
{
	const char *data = bytes;

	while (size) {
		ssize_t put = write(fd, data, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		data += put;
		size -= (size_t)put;
	}
	return 0;
}

static int put_whole(const char *path, mode_t mode, const void *data, size_t size, bool synced,
	struct dd_error *err)
{
	CLEANUP(free) char *temporary = NULL;
	CLEANUP(free) char *folder = NULL;
	CLEANUP(close) int fd = -1;
	CLEANUP(close) int above = -1;
	int rc = string_format(&temporary, err, "%s.%d.new", path, (int)getpid());

	if (!rc)
		rc = string_copy(&folder, path, err);
	if (rc)
		return rc;
	(void)unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return error_errno(err, errno, "cannot create %s", temporary);
	rc = file_write(fd, data, size);
	if (!rc && synced && fsync(fd) < 0)
		rc = -errno;
	/* beforehand, so that nothing but the sync itself can fail when it is done */
	if (!rc && synced)
		above = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!rc && synced && above < 0)
		rc = -errno;
	if (!rc && rename(temporary, path) < 0)
		rc = -errno;
	if (!rc && synced && fsync(above) < 0)
		rc = -errno;
	if (rc) {
		(void)unlink(temporary);
		return error_errno(err, -rc, "cannot write %s", path);
	}
	return 0;
}

int file_replace(const char *path, mode_t mode, const void *data, size_t size, struct dd_error *err)
{
	return put_whole(path, mode, data, size, true, err);
}

int file_place(const char *path, mode_t mode, const void *data, size_t size, struct dd_error *err)
{
	return put_whole(path, mode, data, size, false, err);
}

int file_put(const char *path, mode_t mode, const void *data, size_t size, struct dd_error *err)
{
	CLEANUP(close) int fd = -1;
	struct stat status;
	int rc;

	if (!*path)
		return error_set(err, DD_INVALID, "the file to write to has no name");
	if (lstat(path, &status) < 0 || S_ISREG(status.st_mode))
		return file_replace(path, mode, data, size, err);
	if (S_ISDIR(status.st_mode))
		return error_set(err, DD_INVALID, "%s is a folder", path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, mode);
	if (fd < 0)
		return error_errno(err, errno, "cannot open %s", path);
	rc = file_write(fd, data, size);
	return rc ? error_errno(err, -rc, "cannot write %s", path) : 0;
}

int file_there(const char *path, bool *there, struct dd_error *err)
{
	*there = access(path, F_OK) == 0;
	return *there || errno == ENOENT || errno == ENOTDIR
		       ? 0
		       : error_errno(err, errno, "cannot reach %s", path);
}

int file_touch(const char *path, mode_t mode, struct dd_error *err)
{
	CLEANUP(close) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	return fd < 0 ? error_errno(err, errno, "cannot make %s", path) : 0;
}

int directory_make(const char *within, const char *path, mode_t mode, struct dd_error *err)
{
	CLEANUP(free) char *part = NULL;
	size_t there = within ? strlen(within) : 0;
	int rc = string_copy(&part, path, err);

	if (rc)
		return rc;
	for (char *slash = part + there + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return error_errno(err, errno, "cannot make the folder %s", part);
		*slash = '/';
	}
	if (mkdir(part, mode) < 0 && errno != EEXIST)
		return error_errno(err, errno, "cannot make the folder %s", part);
	return 0;
}
