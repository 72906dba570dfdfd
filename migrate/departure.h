/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_DEPARTURE_H
#define MIGRATE_DEPARTURE_H

/*
 * The source's part of a migration as its user sees it, whoever drives: the source by itself
 * (migration.c), or a client that carries cookies (client.c). The steps are those of outgoing.h;
 * here are what the user asks for, and what he is told.
 */

#include <domesday/migrate.h>
#include <time.h>

#include "migrate/outgoing.h"
#include "migrate/screen.h"

struct departure {
	struct outgoing outgoing;
	struct stream_options stream;
	struct stream_counts counts;
	struct timespec began;
	bool paused;              /* it is to stand still there, for whatever reason */
	const char *screen_type;  /* of the guest's screen: "vnc", "spice", or NULL: none */
	char *notice;             /* file by which others see how far it is */
	char screen[ADDRESS_MAX]; /* where it will be, or "" */
};

/* Do the options go together, and with what there is here? */
int departure_check(
	struct dd_host *host, const struct dd_migrate_options *options, struct dd_error *err);

/* As outgoing_begin(), of what options say. */
int departure_begin(struct departure *departure, struct dd_host *host,
	const struct dd_migrate_options *options, const struct dd_change *change,
	struct dd_error *err);

/*
 * As outgoing_perform(), when the destination has prepared, disks and screens (screen.h) being what
 * it has said of them, and ours is ready (outgoing_ready()).
 */
int departure_perform(struct departure *departure, const struct json *disks,
	const struct json *screens, struct dd_error *err);

/*
 * Of what would be lost in silence: what waits for the next start, and what is asked for of a guest
 * where there is none.
 */
void departure_warn(
	const struct operation *op, bool live, const struct dd_migrate_options *options);

/* Of snapshots within images that are copied: what the guest sees goes along, and they do not. */
void departure_warn_disks(const struct operation *op, bool live, const struct json *disks);

void departure_end(struct departure *departure);

/* For the version with which the destination takes it. */
struct json *departure_statistics(const struct departure *departure);

/* DD_REFUSED: who was told calls it off. */
int departure_tell(struct departure *departure, const char *phase, struct dd_error *err);

/*
 * After the end: result (may be NULL), or the error that it stays here, with its reason where there
 * is one (failure->code).
 */
int departure_result(struct departure *departure, const struct dd_error *failure,
	struct dd_migrated *result, struct dd_error *err);

#endif
