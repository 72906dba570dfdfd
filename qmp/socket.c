/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/socket.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define QUEUE 4

/* *folder, where it is used, must stay open as long as the address does. */
static int make_address(
	const char *path, int *folder, struct sockaddr_un *address, struct dd_error *err)
{
	const char *slash = strrchr(path, '/');
	char parent[4096];

	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	if (strlen(path) < sizeof address->sun_path) {
		memcpy(address->sun_path, path, strlen(path));
		return 0;
	}
	if (!slash || (size_t)(slash - path) >= sizeof parent)
		return error_set(err, DD_INVALID, "socket path is too long: %s", path);
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	*folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*folder < 0)
		return error_errno(err, errno, "cannot open %s", parent);

	int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s",
		*folder, slash + 1);

	if (length < 0 || (size_t)length >= sizeof address->sun_path)
		return error_set(err, DD_INVALID, "socket name is too long: %s", slash + 1);
	return 0;
}

int socket_listen(const char *path, int *fd, struct dd_error *err)
{
	CLEANUP(close) int folder = -1;
	struct sockaddr_un address;
	int code = make_address(path, &folder, &address, err);

	if (code)
		return code;
	if (unlink(path) && errno != ENOENT)
		return error_errno(err, errno, "cannot replace %s", path);

	CLEANUP(close) int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* the mode is given to the inode that bind() makes, so there is no moment without it */
	if (made < 0 || fchmod(made, 0600) ||
		bind(made, (const struct sockaddr *)&address, sizeof address) ||
		listen(made, QUEUE))
		return error_errno(err, errno, "cannot listen on %s", path);
	*fd = made;
	made = -1;
	return 0;
}

int socket_connect(const char *path, int *fd, struct dd_error *err)
{
	CLEANUP(close) int folder = -1;
	struct sockaddr_un address;
	int code = make_address(path, &folder, &address, err);

	if (code)
		return code;

	CLEANUP(close) int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (made < 0)
		return error_errno(err, errno, "cannot make a socket");
	if (connect(made, (const struct sockaddr *)&address, sizeof address)) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return error_set(err, DD_NOT_FOUND, "nobody listens on %s", path);
		if (errno == EAGAIN)
			return error_set(err, DD_BUSY, "too many wait for %s", path);
		return error_errno(err, errno, "cannot connect to %s", path);
	}
	*fd = made;
	made = -1;
	return 0;
}
