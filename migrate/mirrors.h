/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_MIRRORS_H
#define MIGRATE_MIRRORS_H

/*
 * Disks on their way, at the source: each copied by a job of QEMU through a channel of its own to
 * the waiting QEMU of the destination, and kept the same there until the guest stands still.
 */

#include "migrate/stream.h"

struct mirrors;

/* What is copied of them? disks: as the destination answered (storage_answer()). */
bool mirrors_copy(const struct json *disk); /* this one? */
bool mirrors_needed(const struct json *disks);
unsigned mirrors_count(const struct json *disks);

/*
 * Copies them. 0: they are the same, and stay so. Otherwise what is left is for mirrors_abandon().
 * DD_REFUSED: somebody called it off.
 */
int mirrors_begin(struct mirrors **out, const struct stream_source *source,
	const struct json *disks, const struct stream_options *options, struct dd_error *err);

/* While the guest stands still, or there is none. 0: the other has all of it. */
int mirrors_finish(struct mirrors *mirrors, struct dd_error *err);

/* Bytes over the link so far, both ways; none where mirrors is NULL. */
uint64_t mirrors_sent(const struct mirrors *mirrors);

/* After that, of who has the time: the channels end by themselves, and the other side is content.
 */
void mirrors_drain(struct mirrors *mirrors);

/* Ends the channels; jobs that go on fail then. NULL does nothing. */
void mirrors_free(struct mirrors *mirrors);
CLEANUP_DEFINE(mirrors, struct mirrors *, mirrors_free)

/* Ends whatever there is left of them in QEMU, and is no error where there is nothing. */
int mirrors_abandon(struct guest *guest, const struct json *disks, struct dd_error *err);

#endif
