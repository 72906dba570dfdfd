/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

/*
 * The thin shell around daemon/upkeep: libuv's loop, which has the clock, the signals, the eyes on
 * the book's folder and the threads that jobs run on. Nothing in it blocks.
 */

#include "daemon/work.h"

/*
 * Runs until SIGTERM or SIGINT (0), or until it cannot go on. Jobs that are out then are given a
 * few seconds; a process whose jobs take longer is ended from here. addresses: where peers reach it
 * (daemon/listen.h).
 */
int loop_run(struct work_book *book, const char *const *addresses, size_t address_count,
	struct dd_error *err);

#endif
