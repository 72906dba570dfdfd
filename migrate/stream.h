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
	int64_t began;            /* since when that counts, as deadline_now() */
	bool tls;                 /* by QEMU's own connection, where that can be made */
	bool postcopy;            /* where it does not come to an end otherwise */
	bool memory_shared;       /* the other QEMU has the guest's memory already */
	bool timeout_suspends;    /* then the guest is stopped so that it comes to an end */
	dd_migration_fn progress; /* NULL: nobody is told, … */
	void *context;
	const char *notice; /* … but those who look for this file (progress.h); or NULL */
};

struct stream_counts {
	struct migration_progress last; /* as QEMU told it last */
	int64_t stopped_ms;             /* for how long the guest has stood still so far */
	uint64_t disks;                 /* bytes that the copies of its disks took */
};

struct stream;

/* Who sends, and where to. */
struct stream_source {
	struct dd_host *host;
	struct guest *guest;
	const struct peer *peer; /* NULL: within this host */
	const char *id, *uuid;
	const char *flag;        /* file that calls it off */
	const atomic_bool *stop; /* or NULL */
	bool troubled;           /* an I/O error had stopped it before: it is moved so */
};

/* Tells who wants to be told. DD_REFUSED: he calls it off. */
int stream_tell(const struct stream_options *options, const struct dd_migration_progress *told,
	struct dd_error *err);
/* Has it taken longer than it may? */
bool stream_is_late(const struct stream_options *options);
/* DD_REFUSED: it has, and is not to be brought to an end by stopping the guest. */
int stream_late_check(const struct stream_options *options, struct dd_error *err);
/* DD_REFUSED: it is called off by somebody else. */
int stream_check(const struct stream_source *source, struct dd_error *err);

/*
 * Tells the source's QEMU how to send. tls: with the key that it has been told. *one_pass: whether
 * nothing is sent twice while the guest runs, because it is an emulated one; or NULL.
 */
int stream_prepare(struct guest *guest, const struct stream_options *options, bool tls,
	bool *one_pass, struct dd_error *err);

/*
 * Tells QEMU what it has to know before, and connects; all that can be done while the destination
 * is not ready yet.
 */
int stream_new(struct stream **out, const struct stream_source *source,
	const struct stream_options *options, struct dd_error *err);

/*
 * Sends all that can be sent while the guest runs: over direct, a connection of QEMU's own (door.h,
 * or within this host), which is taken over, or by the relay (-1). 0: it stands still, and the rest
 * has not gone. Otherwise it runs on as before, or is left for guest_migration_resume_source().
 * DD_REFUSED: somebody called it off.
 */
int stream_begin(
	struct stream *stream, int direct, struct stream_counts *counts, struct dd_error *err);

/* The rest, of which QEMU is told here, … */
int stream_go(struct stream *stream, struct dd_error *err);
/* … and which has gone when this returns 0: QEMU says that the other has all of it. */
int stream_finish(struct stream *stream, struct stream_counts *counts, struct dd_error *err);

/* Since when the guest stands still, after stream_begin(): as deadline_now(). */
int64_t stream_stopped(const struct stream *stream);

/*
 * Does it go by post-copy? Then there is no stream_finish(), but, once the destination has decided:
 * stream_release(), after which it can run the guest; and stream_drain(), until it has all of it.
 */
bool stream_is_postcopy(const struct stream *stream);
int stream_release(struct stream *stream, struct stream_counts *counts, struct dd_error *err);

/*
 * Sends what is left of a guest that runs at the destination, over as many connections as it takes:
 * stream is the one that there is, or NULL. 0: it has all of it, or has no use for more. DD_BUSY:
 * the destination cannot be reached now, and the guest there waits for what it needs.
 */
int stream_drain(struct stream *stream, const struct stream_source *source,
	const struct stream_options *options, struct stream_counts *counts, struct dd_error *err);

/* Ends the channel. NULL does nothing. */
void stream_free(struct stream *stream);
CLEANUP_DEFINE(stream, struct stream *, stream_free)

/* The other side: carries what comes over channel to the waiting QEMU at path, a socket. */
int stream_carry(
	struct channel *channel, const char *path, const atomic_bool *stop, struct dd_error *err);

#endif
