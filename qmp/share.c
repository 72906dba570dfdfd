/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A guest's main memory is an anonymous file where its definition says that it is shared. It has no
 * path, but QEMU holds it open, and whoever may look into QEMU's descriptors can open it there. All
 * memory must be of this one piece: QEMU would leave out of the stream all that is shared, whether
 * the other has it or not.
 *
 * A tap interface is had by taking QEMU's descriptor of it, which who could open it in the first
 * place may do.
 */
#include "qmp/share.h"

#include "qmp/argv.h"
#include "qmp/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

bool share_possible(const struct document *live)
{
	const xmlNode *root = document_root(live);

	return node_attr_is(node_descend(root, "memoryBacking/access"), "mode", "shared") &&
	       !node_child(document_devices(live), "memory") &&
	       !node_descend(root, "cpu/numa/cell");
}

static bool is_memory(int folder, const char *name)
{
	char target[64];
	ssize_t size = readlinkat(folder, name, target, sizeof target - 1);

	if (size <= 0)
		return false;
	target[size] = '\0';
	return strncmp(target, "/memfd:memory-backend-memfd", 27) == 0;
}

/*
 * The only one in the folder of a process's descriptors. A QEMU that got it from another has it
 * twice: as it inherited it, and as it opened that.
 */
static int find_memory(DIR *folder, char name[NAME_MAX + 1], struct dd_error *err)
{
	unsigned count = 0;
	ino_t found = 0;

	for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		struct stat info;

		if (!is_memory(dirfd(folder), entry->d_name) ||
			fstatat(dirfd(folder), entry->d_name, &info, 0))
			continue;
		if (count && info.st_ino == found)
			continue;
		snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
		found = info.st_ino;
		count++;
	}
	return count == 1 ? 0
			  : error_set(err, DD_UNSUPPORTED,
				    "QEMU was started with memory of %u shared pieces, not one",
				    count);
}

/* A folder of the process in /proc, for as long as it is the one that it was. */
static int open_process(const char *folder, const char *name, DIR **out, struct dd_error *err)
{
	char path[64];
	pid_t pid = 0;

	if (!process_alive(folder, &pid) || !pid)
		return error_set(err, DD_NOT_FOUND, "it is not running");
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	*out = opendir(path);
	return *out ? 0 : error_errno(err, errno, "cannot look into QEMU's descriptors");
}

int share_memory(const char *folder, int *fd, struct dd_error *err)
{
	char name[NAME_MAX + 1];
	DIR *fds = NULL;
	int code = open_process(folder, "fd", &fds, err);

	if (code)
		return code;
	code = find_memory(fds, name, err);
	if (!code) {
		*fd = openat(dirfd(fds), name, O_RDWR | O_CLOEXEC);
		code = *fd < 0 ? error_errno(err, errno, "cannot open QEMU's memory") : 0;
	}
	closedir(fds);
	return code;
}

/* The kernel tells what interface a descriptor is in a line of its own. */
static bool is_tap(int folder, const char *number, const char *name)
{
	CLEANUP(close) int fd = openat(folder, number, O_RDONLY | O_CLOEXEC);
	char info[1024];
	char line[32];
	ssize_t size = fd < 0 ? -1 : read(fd, info, sizeof info - 1);

	if (size <= 0)
		return false;
	info[size] = '\0';
	snprintf(line, sizeof line, "\niff:\t%.15s\n", name);
	return strstr(info, line);
}

static int take_tap(const char *folder, DIR *infos, const char *name, int *fd, struct dd_error *err)
{
	CLEANUP(close) int handle = process_handle(folder);
	const struct dirent *entry = readdir(infos);

	while (entry && !is_tap(dirfd(infos), entry->d_name, name))
		entry = readdir(infos);
	if (!entry || handle < 0)
		return error_set(err, DD_NOT_FOUND, "QEMU has no interface '%s'", name);
	*fd = pidfd_getfd(handle, (int)strtol(entry->d_name, NULL, 10), 0);
	return *fd < 0 ? error_errno(err, errno, "cannot have QEMU's interface '%s'", name) : 0;
}

int share_tap(const char *folder, const char *name, int *fd, struct dd_error *err)
{
	DIR *infos = NULL;
	int code = open_process(folder, "fdinfo", &infos, err);

	if (code)
		return code;
	code = take_tap(folder, infos, name, fd, err);
	closedir(infos);
	return code;
}
