/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_INCOMING_INTERNAL_H
#define MIGRATE_INCOMING_INTERNAL_H

/* What incoming*.c and arrival.c share. */

#include "migrate/incoming.h"
#include "migrate/offer.h"
#include "migrate/row.h"

/* A domain that is prepared, as long as this process is at it. */
struct berth {
	struct operation op;
	struct json *detail;   /* of the row */
	struct document *live; /* what its guest runs with; NULL: there is none */
};

void berth_free(struct berth *berth);
CLEANUP_DEFINE(berth, struct berth *, berth_free)

/* What was put aside of a domain that comes. DD_NOT_FOUND: nothing. */
int incoming_offer_read(
	struct dd_host *host, const char *uuid, struct json **out, struct dd_error *err);
void incoming_file_remove(struct dd_host *host, const char *uuid, const char *file);

/* The domain's job, while nothing of it need be there yet. */
int incoming_begin(struct operation *op, const struct incoming *incoming, struct dd_error *err);
/* op acts in the name of whoever moves the domain, as the source says. */
void incoming_act_as(struct operation *op, const struct json *offer);

/*
 * What the decision needs and what can be had before it, since the guest stands still meanwhile:
 * documents, the newest version, the monitor. lock and guest (each may be NULL) are taken over,
 * also on failure.
 */
int landing_new(const struct incoming *incoming, struct job_lock *lock, struct guest *guest,
	struct landing **out, struct dd_error *err);
void landing_free(struct landing *landing);
struct operation *landing_operation(struct landing *landing);
CLEANUP_DEFINE(landing, struct landing *, landing_free)

/* Has another domain the name that it is to have here? */
int incoming_name_check(struct dd_host *host, const char *uuid, const struct document *config,
	struct dd_error *err);

/* Is it one of this host's own, which nobody can bring? */
int incoming_own_check(struct dd_host *host, const char *uuid, struct dd_error *err);

/*
 * Can this host be where it runs? op records what its CPU is. from: the folder of the QEMU of this
 * host that it comes from, or NULL.
 */
int incoming_place_check(
	struct operation *op, const struct document *live, const char *from, struct dd_error *err);

/* What a migration took, as trailers of its version; values is where their numbers are. */
#define STATISTICS 8
size_t statistics_put(
	const struct json *statistics, struct trailer *out, char (*values)[NUMBER_SIZE]);

/* Ends one that is not decided, with what there is of it. */
int arrival_undo(struct operation *op, const struct migration_row *row,
	enum destination_event event, struct dd_error *err);
/* Has one that is decided run, by whoever finds it; where that never can be it is given back. */
int arrival_settle(struct operation *op, const struct migration_row *row,
	enum destination_state *state, struct dd_error *err);

/* Whatever there is of it goes, QEMU too, but for the row. */
void incoming_clear(struct operation *op);

#endif
