/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/guest_internal.h"

#include "base/cleanup.h"
#include "qmp/argv.h"
#include "qmp/process.h"
#include "qmp/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 10000 /* for another that is being served to finish */
#define QUIT_MS 5000     /* for QEMU to follow a request to end, or SIGTERM */
#define KILL_MS 15000    /* for the kernel to end it */

const char *guest_status_name(enum guest_status status)
{
	static const char *const names[] = {
		[GUEST_RUNNING] = "running",
		[GUEST_PAUSED] = "paused",
		[GUEST_PRELAUNCH] = "paused",
		[GUEST_SHUTDOWN] = "in shutdown",
		[GUEST_CRASHED] = "crashed",
		[GUEST_IO_ERROR] = "paused",
		[GUEST_WATCHDOG] = "paused",
		[GUEST_INCOMING] = "paused",
		[GUEST_SWITCHING] = "paused",
		[GUEST_MOVED_AWAY] = "paused",
		[GUEST_OTHER] = "paused",
	};

	return names[status];
}

bool guest_alive(const char *folder, pid_t *pid)
{
	return process_alive(folder, pid);
}

pid_t guest_pid(const struct guest *guest)
{
	return guest->pid;
}

void guest_free(struct guest *guest)
{
	if (!guest)
		return;
	monitor_free(guest->monitor);
	free(guest->folder);
	free(guest);
}

static int monitor_path(const char *folder, char *path, size_t size, struct dd_error *err)
{
	int length = snprintf(path, size, "%s/monitor.sock", folder);

	return length < 0 || (size_t)length >= size
		       ? error_set(err, DD_INVALID, "folder name is too long")
		       : 0;
}

static int connect_monitor(
	const char *folder, int wait_ms, struct monitor **out, struct dd_error *err)
{
	char path[PATH_MAX];
	int log = -1;
	int fd = -1;
	int code = monitor_path(folder, path, sizeof path, err);

	if (!code)
		code = process_log(folder, &log, err);
	if (!code)
		code = socket_connect(path, &fd, err);
	if (!code)
		return monitor_new(fd, log, wait_ms, out, err);
	if (log >= 0)
		close(log);
	return code;
}

int guest_meet(const char *folder, int wait_ms, struct guest **out, struct dd_error *err)
{
	if (!process_alive(folder, NULL))
		return error_set(err, DD_NOT_FOUND, "it is not running");

	CLEANUP(guest) struct guest *guest = calloc(1, sizeof *guest);

	if (!guest)
		return error_no_memory(err);

	int code = string_copy(&guest->folder, folder, err);

	if (!code)
		code = connect_monitor(folder, wait_ms, &guest->monitor, err);
	/* it may have ended while we were connecting */
	if (code && code != DD_NO_MEMORY && !process_alive(folder, NULL))
		return error_set(err, DD_NOT_FOUND, "it is not running");
	if (code)
		return code;
	process_alive(folder, &guest->pid);
	*out = TAKE(guest);
	return 0;
}

int guest_connect(const char *folder, struct guest **out, struct dd_error *err)
{
	return guest_meet(folder, CONNECT_MS, out, err);
}

static int call(struct guest *guest, const char *command, struct dd_error *err)
{
	return monitor_call(guest->monitor, command, NULL, NULL, err);
}

int guest_status(struct guest *guest, enum guest_status *out, struct dd_error *err)
{
	static const struct {
		const char *name;
		enum guest_status status;
	} states[] = {
		{"running", GUEST_RUNNING},
		{"paused", GUEST_PAUSED},
		{"prelaunch", GUEST_PRELAUNCH},
		{"shutdown", GUEST_SHUTDOWN},
		{"guest-panicked", GUEST_CRASHED},
		{"internal-error", GUEST_CRASHED},
		{"io-error", GUEST_IO_ERROR},
		{"watchdog", GUEST_WATCHDOG},
		{"inmigrate", GUEST_INCOMING},
		{"finish-migrate", GUEST_SWITCHING},
		{"postmigrate", GUEST_MOVED_AWAY},
	};
	CLEANUP(json) struct json *reply = NULL;
	int code = monitor_call(guest->monitor, "query-status", NULL, &reply, err);
	const char *word = json_get_string(reply, "status");

	if (code)
		return code;
	*out = GUEST_OTHER;
	for (size_t i = 0; word && i < sizeof states / sizeof *states; i++)
		if (strcmp(word, states[i].name) == 0)
			*out = states[i].status;
	return 0;
}

int guest_continue(struct guest *guest, struct dd_error *err)
{
	return call(guest, "cont", err);
}

int guest_stop(struct guest *guest, struct dd_error *err)
{
	return call(guest, "stop", err);
}

int guest_powerdown(struct guest *guest, struct dd_error *err)
{
	return call(guest, "system_powerdown", err);
}

int guest_reset(struct guest *guest, struct dd_error *err)
{
	return call(guest, "system_reset", err);
}

int guest_await_exit(const char *folder, int wait_ms, struct dd_error *err)
{
	return process_await_exit(folder, wait_ms, err);
}

/* Politely first: QEMU then writes what it still holds. */
static bool quit(const char *folder)
{
	CLEANUP(guest) struct guest *guest = NULL;

	if (guest_meet(folder, QUIT_MS / 5, &guest, NULL) || call(guest, "quit", NULL))
		return false;
	return process_await_exit(folder, QUIT_MS, NULL) == 0;
}

int guest_destroy(const char *folder, struct dd_error *err)
{
	static const struct {
		int number;
		int wait_ms;
	} signals[] = {{SIGTERM, QUIT_MS}, {SIGKILL, KILL_MS}};

	if (!process_alive(folder, NULL) || quit(folder))
		return 0;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		int code = process_signal(folder, signals[i].number, err);

		if (code == DD_NOT_FOUND)
			return 0;
		if (code && code != DD_BUSY)
			return code;
		if (process_await_exit(folder, signals[i].wait_ms, NULL) == 0)
			return 0;
	}
	return error_set(err, DD_HYPERVISOR, "QEMU does not end even when it is killed");
}

int guest_destroy_met(const char *folder, struct guest *guest, struct dd_error *err)
{
	bool told = guest && call(guest, "quit", NULL) == 0;

	guest_free(guest);
	if (told && process_await_exit(folder, QUIT_MS, NULL) == 0)
		return 0;
	return guest_destroy(folder, err);
}

int guest_plan(const struct guest *guest, const struct document *live, const xmlNode *device,
	struct plan *plan, struct dd_error *err)
{
	plan->live = live;
	plan->folder = guest->folder;
	plan->hotplug = true;
	return plan_device(plan, device, err);
}

int guest_socket_name(
	struct guest *guest, const char *path, char name[GUEST_SOCKET_SIZE], struct dd_error *err)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(close) int folder = -1;
	CLEANUP(free) char *parent = NULL;
	int number = -1;
	int code;

	if (strlen(path) < GUEST_SOCKET_SIZE) {
		memcpy(name, path, strlen(path) + 1);
		return 0;
	}
	parent = slash ? strndup(path, (size_t)(slash - path)) : NULL;
	if (!parent)
		return error_no_memory(err);
	folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return error_errno(err, errno, "cannot open %s", parent);
	code = monitor_add_fd(guest->monitor, folder, &number, err);
	if (!code)
		snprintf(name, GUEST_SOCKET_SIZE, "/proc/self/fd/%d%s", number, slash);
	return code;
}
