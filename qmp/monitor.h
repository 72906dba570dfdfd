/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_MONITOR_H
#define QMP_MONITOR_H

/*
 * A connection to QEMU's monitor: the session and its socket. Every wait is bounded. QEMU serves
 * one connection at a time, so a monitor is held only as long as an operation lasts. Used by one
 * thread at a time.
 */

#include "qmp/json.h"

#define MONITOR_GREETING_MS 30000 /* for QEMU to come up and greet */
#define MONITOR_CALL_MS 60000     /* for one command; opening an image may take its time */

struct monitor;

/*
 * Takes over fd, a connected socket, also on failure. log is a descriptor of what QEMU writes to
 * its error output (its end explains a death), taken over too, or -1. Waits up to wait_ms for the
 * greeting. DD_BUSY: none came: somebody else is being served. DD_HYPERVISOR: QEMU is gone.
 */
int monitor_new(int fd, int log, int wait_ms, struct monitor **out, struct dd_error *err);
void monitor_free(struct monitor *monitor);
CLEANUP_DEFINE(monitor, struct monitor *, monitor_free)

/*
 * One command. args, an object or NULL, is consumed. *reply (may be NULL) becomes the caller's.
 * DD_HYPERVISOR: QEMU refused (its words are the message) or died; DD_NOT_FOUND and DD_UNSUPPORTED
 * where QEMU says that a device or the command is not known.
 */
int monitor_call(struct monitor *monitor, const char *command, struct json *args,
	struct json **reply, struct dd_error *err);

/*
 * The same for a command that QEMU may have done long before it says so: success, too, where no
 * answer has come in wait_ms. It is not listened for any more then.
 */
int monitor_tell(struct monitor *monitor, const char *command, struct json *args, int wait_ms,
	struct dd_error *err);

/*
 * Two commands in one message, so that QEMU does the second whatever becomes of us after the first.
 * Fails as the second does; what became of the first is not told.
 */
int monitor_call_both(
	struct monitor *monitor, const char *first, const char *second, struct dd_error *err);

/* Hands QEMU a descriptor under a name ("getfd"); fd stays the caller's. */
int monitor_send_fd(struct monitor *monitor, const char *name, int fd, struct dd_error *err);

/* The same under a number, which it has in QEMU's process ("add-fd"). */
int monitor_add_fd(struct monitor *monitor, int fd, int *number, struct dd_error *err);

/*
 * Waits for the first event for which wanted says true; others are dropped. *event, the caller's,
 * is NULL when none came in time (still 0).
 */
int monitor_await(struct monitor *monitor,
	bool (*wanted)(const char *name, const struct json *data, void *context), void *context,
	int wait_ms, struct json **event, struct dd_error *err);

/* Forgets the events that came so far: what is awaited next is what happens from now on. */
void monitor_drop_events(struct monitor *monitor);

/* Puts QEMU's last words from the log behind the message that err has. */
void log_explain(int log, struct dd_error *err);

#endif
