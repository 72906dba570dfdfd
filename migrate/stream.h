/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_STREAM_H
#define MIGRATE_STREAM_H

/*
 * A running guest's state on its way: QEMU's stream, through a channel of its own to the waiting
 * QEMU of the destination, watched until it is there or has come to nothing.
 */

#include <domesday/migrate.h>

#include "migrate/peer.h"
#include "qmp/migration.h"

struct stream_options {
	uint64_t bandwidth;       /* bytes/s; 0: all there is */
	unsigned timeout_s;       /* for all of it; 0: none */
	bool timeout_suspends;    /* then the guest is stopped so that it comes to an end */
	dd_migration_fn progress; /* NULL: nobody is told */
	void *context;
};

struct stream_counts {
	struct migration_progress last; /* as QEMU told it last */
	int64_t stopped_ms;             /* for how long the guest has stood still so far */
};

struct stream;

/* Who sends, and where to. */
struct stream_source {
	struct dd_host *host;
	struct guest *guest;
	const struct peer *peer;
	const char *id, *uuid;
	const char *flag;        /* file that calls it off */
	const atomic_bool *stop; /* or NULL */
};

/* What QEMU is told before; it may be while the destination is not ready yet. */
int stream_prepare(struct guest *guest, const struct stream_options *options, struct dd_error *err);

/*
 * Sends all that can be sent while the guest runs. 0: it stands still, and the rest has not gone.
 * Otherwise it runs on as before, or is left for guest_migration_resume_source(). DD_REFUSED:
 * somebody called it off.
 */
int stream_begin(struct stream **out, const struct stream_source *source,
	const struct stream_options *options, struct stream_counts *counts, struct dd_error *err);

/* The rest. 0: QEMU says that the other has all of it. */
int stream_finish(struct stream *stream, struct stream_counts *counts, struct dd_error *err);

/* Ends the channel. NULL does nothing. */
void stream_free(struct stream *stream);
CLEANUP_DEFINE(stream, struct stream *, stream_free)

/* The other side: carries what comes over channel to the waiting QEMU at path, a socket. */
int stream_carry(
	struct channel *channel, const char *path, const atomic_bool *stop, struct dd_error *err);

#endif
