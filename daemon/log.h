/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

/*
 * The one place where the daemon says something: a line an event on standard error, written at
 * once. Under systemd's journal it begins with the event's priority, "<6>". Any thread.
 */

#include "base/error.h"

enum log_priority { LOG_FAILURE = 3, LOG_TROUBLE = 4, LOG_EVENT = 6 }; /* syslog's numbers */

/* Finds out who reads; before any thread is made. */
void log_init(void);

void log_line(enum log_priority priority, const char *format, ...) PRINTF_LIKE(2, 3);

/* "CONTEXT: MESSAGE (HINT)" */
void log_error(enum log_priority priority, const struct dd_error *error, const char *format, ...)
	PRINTF_LIKE(3, 4);

#endif
