/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_LOCAL_H
#define MIGRATE_LOCAL_H

/*
 * A migration within this host: from the QEMU that has a guest to the next instance of it
 * (domain/instance.h). The phases are those of two hosts, and the states those of a destination in
 * moves.def; but one process does both sides, and one row says all:
 *
 *   PREPARED    the guest is the old QEMU's. Whoever finds this ends the new one, and has the guest
 *               go on in the old one
 *   COMMITTED   the decision, one transaction with the version that tells of it and with the index,
 *               which says from then on that the new one has it. Whoever finds this has the guest
 *               go on there, and ends the old one. Where the new one died before the guest ran in
 *               it (mark.h) the old one, which still holds all of it, gets it back: RETURNED
 *   no row      there is one QEMU
 *
 * The new QEMU takes the images' locks when it is told to run, and the old one has let go of them
 * when all was sent; so neither runs while the other can.
 */

#include <domesday/migrate.h>

#include <time.h>

#include "migrate/row.h"

struct local_side {
	unsigned instance;
	char *folder;
	struct guest *guest; /* NULL: not connected */
};

struct local {
	struct operation *op;
	char id[MIGRATION_ID_SIZE];
	struct local_side old, next;
	bool was_paused;             /* by its user, before it began */
	bool paused;                 /* and is to be afterwards */
	const struct document *live; /* what runs in the new QEMU, of COMMITTED */
	struct json *detail;         /* of the row */
	enum destination_state state;
	bool viewers_told; /* where it goes */
	bool ran;          /* the guest was told to go on in the new QEMU, at: */
	struct timespec since;
};

void local_release(struct local *local);
static inline void cleanup_local(struct local *local)
{
	local_release(local);
}

/* The two sides, by their numbers. */
int local_sides(struct local *local, unsigned old, unsigned next, struct dd_error *err);

/* PREPARED: the old QEMU has it, and the new one is gone. The row is gone afterwards. */
int local_stay(struct local *local, struct dd_error *err);

/*
 * COMMITTED: the guest goes on in the new QEMU, and the old one is gone; or the other way round,
 * local->state being RETURNED then, and reason says why. The row is gone afterwards.
 */
int local_go_on(struct local *local, struct dd_error *reason, struct dd_error *err);

/* The live document of op's guest as it will be in another QEMU. */
int local_document(const struct operation *op, struct document **out, struct dd_error *err);

/*
 * Has this host the memory for two of that guest, where live says that it is copied? DD_REFUSED
 * says how much is missing.
 */
int local_room_check(const struct operation *op, const struct document *live, struct dd_error *err);

/* op for a domain that runs here. DD_INVALID: options that do not go with this mode. */
int local_begin(struct operation *op, struct dd_host *host,
	const struct dd_migrate_options *options, const char *name, const struct dd_change *change,
	struct dd_error *err);

/* By whoever finds the row. */
int local_settle(struct operation *op, const struct migration_row *row, struct dd_error *err);

/* Of dd_migrate() and dd_migrate_look(), where the mode is local. */
int local_migrate(struct dd_host *host, const struct dd_migrate_options *options,
	const struct dd_change *change, dd_migration_fn progress, void *context,
	struct dd_migrated *result, struct dd_error *err);
int local_look(struct dd_host *host, const struct dd_migrate_options *options,
	const struct dd_change *change, dd_migrate_disk_fn disk, void *context,
	struct dd_migrate_outlook *result, struct dd_error *err);

#endif
