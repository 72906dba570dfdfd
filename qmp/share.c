/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A guest's main memory is an anonymous file where its definition says that it is shared. It has no
 * path, but QEMU holds it open, and whoever may look into QEMU's descriptors can open it there. All
 * memory must be of this one piece: QEMU would leave out of the stream all that is shared, whether
 * the other has it or not.
 */
#include "qmp/share.h"

#include "qmp/argv.h"
#include "qmp/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int check(const struct document *live, struct dd_error *err)
{
	const xmlNode *root = document_root(live);
	const xmlNode *access = node_descend(root, "memoryBacking/access");
	const xmlNode *module = node_child(document_devices(live), "memory");
	const xmlNode *cell = node_descend(root, "cpu/numa/cell");

	if (!node_attr_is(access, "mode", "shared"))
		return node_error(root, err, DD_UNSUPPORTED,
			"its memory is QEMU's own: only where <memoryBacking> has "
			"<source type='memfd'/> and <access mode='shared'/> can another QEMU "
			"have it");
	if (module || cell)
		return node_error(module ? module : cell, err, DD_UNSUPPORTED,
			"memory of several pieces cannot be had by another QEMU");
	return 0;
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

/* The only one in the folder of a process's descriptors. */
static int find(DIR *folder, char name[NAME_MAX + 1], struct dd_error *err)
{
	unsigned count = 0;

	for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
		if (is_memory(dirfd(folder), entry->d_name)) {
			snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
			count++;
		}
	return count == 1 ? 0
			  : error_set(err, DD_UNSUPPORTED,
				    "QEMU was started with memory of %u shared pieces, not one",
				    count);
}

int share_open(const char *folder, const struct document *live, int *fd, struct dd_error *err)
{
	char path[64];
	char name[NAME_MAX + 1];
	pid_t pid = 0;
	int code = check(live, err);

	if (code)
		return code;
	if (!process_alive(folder, &pid) || !pid)
		return error_set(err, DD_NOT_FOUND, "it is not running");
	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);

	DIR *fds = opendir(path);

	if (!fds)
		return error_errno(err, errno, "cannot look into QEMU's memory");
	code = find(fds, name, err);
	if (!code) {
		*fd = openat(dirfd(fds), name, O_RDWR | O_CLOEXEC);
		code = *fd < 0 ? error_errno(err, errno, "cannot open QEMU's memory") : 0;
	}
	closedir(fds);
	return code;
}
