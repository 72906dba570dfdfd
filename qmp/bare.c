/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/bare.h"

#include "qmp/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Its monitor is the other end of *fd. It ends when we do. */
static int start(const char *emulator, const char *accelerator, int log, int *fd, pid_t *pid,
	struct dd_error *err)
{
	int ends[2];
	char chardev[64];
	char machine[64];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return error_errno(err, errno, "cannot make a socket");
	snprintf(chardev, sizeof chardev, "socket,id=monitor,fd=%d", ends[1]);
	snprintf(machine, sizeof machine, "none,accel=%s", accelerator);

	const char *const argv[] = {emulator, "-S", "-no-user-config", "-nodefaults", "-nographic",
		"-machine", machine, "-chardev", chardev, "-mon", "chardev=monitor,mode=control",
		NULL};
	const struct spawn spawn = {
		.argv = (char *const *)(uintptr_t)argv,
		.log = log,
		.keep = &ends[1],
		.keep_count = 1,
		.lock = -1,
		.pid = pid,
	};
	int code = process_spawn(&spawn, err);

	close(ends[1]);
	if (code)
		close(ends[0]);
	else
		*fd = ends[0];
	return code;
}

int bare_qemu(const char *emulator, const char *accelerator, bare_work work, void *context,
	struct dd_error *err)
{
	CLEANUP(monitor) struct monitor *monitor = NULL;
	int log = memfd_create("qemu-bare", MFD_CLOEXEC);
	int fd = -1;
	pid_t pid = 0;

	if (log < 0)
		return error_errno(err, errno, "cannot make a temporary file");

	int code = start(emulator, accelerator, log, &fd, &pid, err);

	if (code) {
		close(log);
		return code == DD_NOT_FOUND
			       ? error_set(err, code, "there is no QEMU at %s", emulator)
			       : code;
	}
	code = monitor_new(fd, log, MONITOR_GREETING_MS, &monitor, err);
	if (!code)
		code = work(monitor, context, err);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return code;
}
