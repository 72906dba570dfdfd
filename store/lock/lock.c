/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lock/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FIRST_SLEEP_US 50

static off_t slot_offset(int slot)
{
	return (off_t)slot * LOCK_SLOT_SIZE;
}

int lock_file_open(const char *path, int *fd, struct dd_error *err)
{
	CLEANUP(close) int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat status;

	if (opened < 0 || fstat(opened, &status) < 0)
		return error_errno(err, errno, "cannot open the lock file %s", path);
	if (!S_ISREG(status.st_mode))
		return error_set(err, DD_CORRUPT, "the lock file %s is no file", path);
	*fd = opened;
	opened = -1;
	return 0;
}

static int slot_set(int fd, int slot, short type)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = slot_offset(slot),
		.l_len = 1,
	};

	return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

int64_t lock_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool means_no_locks(int number)
{
	return number == EINVAL || number == ENOLCK || number == EOPNOTSUPP || number == ENOSYS;
}

static int no_locks(int fd, struct dd_error *err)
{
	char link[64], path[PATH_MAX] = "the book";

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof path - 1) < 0)
		snprintf(path, sizeof path, "the book");
	error_set(err, DD_UNSUPPORTED,
		"the file system of %s has no OFD locks, which end with whoever holds them", path);
	return error_hint(err, "put the book on a local file system");
}

int lock_slot_take(int fd, int slot, int wait_ms, int longest_us, struct dd_error *err)
{
	int64_t until = 0;
	int sleep_us = FIRST_SLEEP_US;

	for (;;) {
		int rc = slot_set(fd, slot, F_WRLCK);
		int64_t now;

		if (rc == 0)
			return 0;
		if (means_no_locks(-rc))
			return no_locks(fd, err);
		if (rc != -EAGAIN && rc != -EACCES && rc != -EINTR)
			return error_errno(err, -rc, "cannot lock");
		now = lock_clock_us();
		if (!until)
			until = now + (int64_t)wait_ms * 1000;
		if (now >= until)
			return DD_BUSY;
		if (sleep_us > until - now)
			sleep_us = (int)(until - now);
		nanosleep(&(struct timespec){.tv_nsec = sleep_us * 1000L}, NULL);
		sleep_us = sleep_us * 2 > longest_us ? longest_us : sleep_us * 2;
	}
}

void lock_slot_drop(int fd, int slot)
{
	/* not left to close(): a child that has not reached its exec yet shares the description */
	(void)slot_set(fd, slot, F_UNLCK);
}

bool lock_slot_held(int fd, int slot)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = slot_offset(slot),
		.l_len = 1,
	};

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void lock_slot_sign(int fd, int slot, const char *operation)
{
	char text[LOCK_SLOT_SIZE];
	int length = snprintf(text, sizeof text, "%d %lld %.60s %.100s\n", (int)getpid(),
		(long long)time(NULL), program_invocation_short_name, operation);

	/* who holds it is a courtesy to those who wait: the lock itself does not depend on it */
	if (length > 0 && pwrite(fd, text, (size_t)length, slot_offset(slot)) < 0)
		return;
}

void lock_slot_unsign(int fd, int slot)
{
	/* in place, so that it needs no room on a full disk */
	if (pwrite(fd, "x", 1, slot_offset(slot)) < 0)
		return;
}

bool lock_slot_read(int fd, int slot, struct lock_holder *holder)
{
	char text[LOCK_SLOT_SIZE + 1] = "";
	ssize_t size = pread(fd, text, LOCK_SLOT_SIZE, slot_offset(slot));

	if (size <= 0)
		return false;
	text[size] = '\0';
	return sscanf(text, "%d %lld %60s %100[^\n]", &holder->pid, &holder->since, holder->program,
		       holder->operation) == 4;
}

void lock_slot_holder(int fd, int slot, char holder[LOCK_HOLDER_SIZE])
{
	struct lock_holder found;
	struct tm broken_down;
	char since[16];

	snprintf(holder, LOCK_HOLDER_SIZE, "another process");
	if (!lock_slot_read(fd, slot, &found))
		return;

	time_t seconds = (time_t)found.since;

	if (!localtime_r(&seconds, &broken_down) ||
		!strftime(since, sizeof since, "%H:%M:%S", &broken_down))
		return;
	snprintf(holder, LOCK_HOLDER_SIZE, "%s by %s (pid %d) since %s", found.operation,
		found.program, found.pid, since);
}
