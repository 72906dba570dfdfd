/* SPDX-License-Identifier: Apache-2.0 */

/*
 * QEMU says what it does with an image by shared locks on single bytes of it: the byte 100 + N
 * means "I do N", the byte 200 + N "nobody else may", with N = 1 for writing (BLK_PERM_WRITE).
 * Whoever opens an image first takes his own, and then looks whether anybody's is in the way. As
 * they are locks of open files nothing has to be cleaned up.
 */
#include "qmp/image_lock.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITES 101
#define ALONE 201

static int open_it(const char *path, struct dd_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		error_errno(err, errno, "cannot see who has %s open", path);
	return fd;
}

/* By another than fd. */
static int look(int fd, const char *path, bool *found, struct dd_error *err)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = WRITES, .l_len = 1};

	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return error_errno(err, errno, "cannot see who has %s open", path);
	*found = lock.l_type != F_UNLCK;
	return 0;
}

int image_written(const char *path, bool *found, struct dd_error *err)
{
	CLEANUP(close) int fd = open_it(path, err);

	return fd < 0 ? DD_SYSTEM : look(fd, path, found, err);
}

static int lock(int fd, off_t byte)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &lock);
}

int image_hold(const char *path, int *fd, struct dd_error *err)
{
	CLEANUP(close) int made = open_it(path, err);
	struct stat info;
	bool found = false;
	int code;

	if (made < 0)
		return DD_SYSTEM;
	if (fstat(made, &info) == 0 && !S_ISREG(info.st_mode))
		return error_set(err, DD_REFUSED, "%s is no regular file", path);
	if (lock(made, WRITES) || lock(made, ALONE))
		return error_errno(err, errno, "cannot lock %s", path);
	code = look(made, path, &found, err);
	if (!code && found)
		code = error_set(err, DD_BUSY, "somebody writes to %s", path);
	if (code)
		return code;
	*fd = made;
	made = -1;
	return 0;
}
