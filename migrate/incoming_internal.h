/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_INCOMING_INTERNAL_H
#define MIGRATE_INCOMING_INTERNAL_H

/* What incoming.c and arrival.c share. */

#include "migrate/incoming.h"
#include "migrate/offer.h"

/* What was put aside of a domain that comes. DD_NOT_FOUND: nothing. */
int incoming_offer_read(
	struct dd_host *host, const char *uuid, struct json **out, struct dd_error *err);
void incoming_file_remove(struct dd_host *host, const char *uuid, const char *file);

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

/* Can this host be where it runs? op records what its CPU is. */
int incoming_place_check(struct operation *op, const struct document *live, struct dd_error *err);

/* What a migration took, as trailers of its version; values is where their numbers are. */
#define STATISTICS 7
size_t statistics_put(
	const struct json *statistics, struct trailer *out, char (*values)[NUMBER_SIZE]);

/* Whatever there is of it goes, QEMU too, but for the row. */
void incoming_clear(struct operation *op);

#endif
