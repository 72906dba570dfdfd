/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/image.h"

#include "qmp/bare.h"
#include "qmp/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CREATE_MS 60000
#define POLL_MS 5
#define FILE_NODE "file"
#define JOB "create"

bool image_can_create(const char *format)
{
	return strcmp(format, "raw") == 0 || strcmp(format, "qcow2") == 0;
}

#define SECTOR 512u      /* QEMU's: a raw image that ends in one has all of it */
#define QCOW2_SIZE_AT 24 /* of its header: big-endian, as all there is in it */
#define QCOW2_SNAPSHOTS_AT 60
#define QCOW2_HEAD (QCOW2_SNAPSHOTS_AT + sizeof(uint32_t))

static uint64_t qcow2_number(int fd, size_t at, size_t size)
{
	unsigned char head[QCOW2_HEAD];
	uint64_t number = 0;

	if (pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head ||
		memcmp(head, "QFI\xfb", 4) != 0)
		return 0;
	for (size_t i = at; i < at + size; i++)
		number = number << 8 | head[i];
	return number;
}

/* -1: it is no file. */
static int open_to_look(const char *path, struct stat *info)
{
	CLEANUP(close) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int found = fd;

	if (fd < 0 || fstat(fd, info) || !S_ISREG(info->st_mode))
		return -1;
	fd = -1;
	return found;
}

unsigned image_snapshots(const char *path, const char *format)
{
	struct stat info;
	CLEANUP(close) int fd = open_to_look(path, &info);

	return fd < 0 || strcmp(format, "qcow2") != 0
		       ? 0
		       : (unsigned)qcow2_number(fd, QCOW2_SNAPSHOTS_AT, sizeof(uint32_t));
}

uint64_t image_size(const char *path, const char *format)
{
	struct stat info;
	CLEANUP(close) int fd = open_to_look(path, &info);

	if (fd < 0)
		return 0;
	if (strcmp(format, "qcow2") == 0)
		return qcow2_number(fd, QCOW2_SIZE_AT, sizeof(uint64_t));
	if (strcmp(format, "raw") != 0)
		return 0;
	return ((uint64_t)info.st_size + SECTOR - 1) / SECTOR * SECTOR;
}

/* As its folder's owner would have made it; who is not root makes it as himself. */
static void give_to_owner_of_folder(int fd, const char *path)
{
	char folder[PATH_MAX];
	struct stat info;
	const char *slash = strrchr(path, '/');

	snprintf(folder, sizeof folder, "%.*s/", slash ? (int)(slash - path) : 0, path);
	if (geteuid() == 0 && stat(folder, &info) == 0 && fchown(fd, info.st_uid, info.st_gid) != 0)
		errno = 0; /* a file system that has no owners */
}

static int make_file(const struct image *image, struct dd_error *err)
{
	CLEANUP(close) int fd = open(image->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int number = errno;

	if (fd < 0) {
		error_errno(err, number, "cannot make %s", image->path);
		number = number == EEXIST ? DD_EXISTS : number == ENOENT ? DD_NOT_FOUND : DD_SYSTEM;
		if (err)
			err->code = number;
		return number;
	}
	give_to_owner_of_folder(fd, image->path);
	if (strcmp(image->format, "raw") == 0 && ftruncate(fd, (off_t)image->size)) {
		number = error_errno(err, errno, "cannot make %s", image->path);
		(void)unlink(image->path);
		return number;
	}
	return 0;
}

static int open_file(struct monitor *monitor, const char *path, struct dd_error *err)
{
	struct json *args = json_object();

	json_put_string(args, "driver", "file");
	json_put_string(args, "filename", path);
	json_put_string(args, "node-name", FILE_NODE);
	return monitor_call(monitor, "blockdev-add", args, NULL, err);
}

static int begin(struct monitor *monitor, const struct image *image, struct dd_error *err)
{
	struct json *options = json_object();
	struct json *args = json_object();

	json_put_string(options, "driver", image->format);
	json_put_string(options, "file", FILE_NODE);
	json_put(options, "size", json_unsigned(image->size));
	if (image->backing) {
		json_put_string(options, "backing-file", image->backing);
		json_put_string(options, "backing-fmt", image->backing_format);
	}
	json_put_string(args, "job-id", JOB);
	json_put(args, "options", options);
	return monitor_call(monitor, "blockdev-create", args, NULL, err);
}

/* *over: it is; how is in err. */
static int look(struct monitor *monitor, bool *over, struct dd_error *err)
{
	CLEANUP(json) struct json *jobs = NULL;
	int code = monitor_call(monitor, "query-jobs", NULL, &jobs, err);
	const struct json *job = json_at(jobs, 0);
	const char *status = json_get_string(job, "status");
	const char *error = json_get_string(job, "error");

	*over = code || !status || strcmp(status, "concluded") == 0;
	if (!code && error)
		return error_set(err, DD_HYPERVISOR, "%s", error);
	return code;
}

static int format(struct monitor *monitor, void *context, struct dd_error *err)
{
	const struct image *image = context;
	int64_t deadline = deadline_in(CREATE_MS);
	bool over = false;
	int code = open_file(monitor, image->path, err);

	if (!code)
		code = begin(monitor, image, err);
	if (!code)
		code = look(monitor, &over, err);
	while (!code && !over) {
		if (!deadline_left(deadline))
			return error_set(err, DD_HYPERVISOR, "QEMU does not come to an end");
		deadline_nap(POLL_MS);
		code = look(monitor, &over, err);
	}
	return code;
}

int image_create(const char *emulator, const struct image *image, struct dd_error *err)
{
	int code = make_file(image, err);

	if (code || strcmp(image->format, "raw") == 0)
		return code;
	code = bare_qemu(emulator, "tcg", format, (void *)(uintptr_t)image, err);
	if (!code)
		return 0;
	(void)unlink(image->path);
	return error_wrap(err, "cannot make %s", image->path);
}
