/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_PROCESS_H
#define QMP_PROCESS_H

/* The life of a QEMU process: its lock, its log, its start and its end. */

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define PROCESS_LOG_MAX (1u << 20) /* at a start, a larger log is cut to its end */

/*
 * Opens the folder's qemu.lock and locks it; *fd is then handed to process_spawn() and closed.
 * DD_EXISTS: a QEMU is alive there.
 */
int process_lock(const char *folder, int *fd, struct dd_error *err);

/* Opens the folder's qemu.log for appending and reading, within bounds. */
int process_log(const char *folder, int *fd, struct dd_error *err);

struct spawn {
	char *const *argv; /* argv[0] is the program's path */
	int log;           /* standard output and error */
	const int *keep;   /* descriptors that the program inherits, under the same numbers */
	size_t keep_count;
	const cpu_set_t *cpus; /* the host's CPUs that it may run on; NULL: all */
	int lock;   /* locked by process_lock(): the program lives on when we end; or -1: … */
	pid_t *pid; /* … it is our child, dies with us, and its pid is written here */
};

/* DD_NOT_FOUND: no such program. DD_HYPERVISOR: it cannot be executed. DD_SYSTEM. */
int process_spawn(const struct spawn *spawn, struct dd_error *err);

/* Is one alive, or about to be (*pid, may be NULL, is then 0)? Never blocks. */
bool process_alive(const char *folder, pid_t *pid);

/* A pidfd of the living process, the caller's; -1: it is gone, or not there yet. */
int process_handle(const char *folder);

/* DD_NOT_FOUND: none is alive there. DD_BUSY: it is about to start. */
int process_signal(const char *folder, int number, struct dd_error *err);

/* Waits until none is alive. DD_BUSY: one still is. */
int process_await_exit(const char *folder, int wait_ms, struct dd_error *err);

#endif
