/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_IDLE_H
#define MIGRATE_IDLE_H

/*
 * The disks of a domain that does not run, at the source of its migration. While they are held no
 * QEMU can write to their images, and the destination sees by that lock which of its images are the
 * same ones (storage.h). They are copied as those of a guest are (mirrors.h), by a QEMU without a
 * machine that reads them, and ends with whoever moves the domain.
 */

#include "migrate/stream.h"
#include "schema/document.h"

struct idle;

/* Holds what can be held; the rest is found when it is to be copied. config outlives it. */
int idle_hold(const struct document *config, struct idle **out, struct dd_error *err);

/*
 * Copies those of disks (storage_answer()) that are to be copied. 0: the destination has all of
 * them, on its disks, and *sent is what that took over the link, in bytes. idle may be NULL, of who
 * has held nothing: DD_REFUSED. source has no guest. DD_REFUSED: somebody called it off, or
 * somebody writes to an image.
 */
int idle_copy(struct idle *idle, const struct stream_source *source, const struct json *disks,
	const struct stream_options *options, uint64_t *sent, struct dd_error *err);

/* NULL does nothing. */
void idle_free(struct idle *idle);
CLEANUP_DEFINE(idle, struct idle *, idle_free)

#endif
