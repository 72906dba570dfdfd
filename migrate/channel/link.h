/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_LINK_H
#define MIGRATE_LINK_H

/*
 * A socket whose waits have an end: a moment (qmp/deadline.h), and a flag that another thread may
 * raise. All is non-blocking below. For the files of this folder.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct link {
	int fd;
	const atomic_bool *stop; /* or NULL */
};

/* DD_SYSTEM: nobody answers there, or not within wait_ms. */
int link_open(struct link *link, const char *address, int wait_ms, struct dd_error *err);

/* What every connection is set to, whoever made it. */
int link_prepare(const struct link *link, struct dd_error *err);

/* DD_SYSTEM where the flag is up. */
int link_stopped(const atomic_bool *stop, struct dd_error *err);

/* Until fd is ready for events of poll(2). DD_BUSY: not until then. DD_SYSTEM. */
int link_wait(const struct link *link, short events, int64_t deadline, struct dd_error *err);

/* Reads at least one byte. DD_BUSY: none has come until then. DD_SYSTEM: the other side is gone. */
int link_read(const struct link *link, void *data, size_t most, int64_t deadline, size_t *got,
	struct dd_error *err);

/* All of it; DD_BUSY: not until then. */
int link_read_all(
	const struct link *link, void *data, size_t size, int64_t deadline, struct dd_error *err);
int link_write_all(const struct link *link, const void *data, size_t size, int64_t deadline,
	struct dd_error *err);

/*
 * Closes it so that what was sent last arrives, although the other side may have sent more than was
 * read. Waits a moment for it to hang up.
 */
void link_farewell(const struct link *link);

/* A read or write that failed: true where there is just nothing to be done now. */
bool link_later(int number);

#endif
