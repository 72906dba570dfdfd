/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_PENDING_H
#define MIGRATE_PENDING_H

/*
 * Offers that nobody has prepared: a file and a parcel each, of domains that have no row here. One
 * that a source drives is forgotten with the connection that brought it, or soon, where whoever
 * served that has died; one that a client drives says that it "stays", and does so for PENDING_S.
 * Whatever a peer offers, it can have here no more than this.
 */

#include "domain/operation.h"

#define PENDING_S 600                     /* seconds */
#define PENDING_DRIVEN_S 30               /* of one that a source drives */
#define PENDING_MAX 16                    /* of one peer */
#define PENDING_BYTES ((uint64_t)4 << 30) /* of all of one peer's */

/*
 * May the peer have another one here, of the domain uuid, whose earlier one does not count? *room:
 * of how many bytes. DD_BUSY: it has too many.
 */
int pending_check(struct dd_host *host, const char *peer, const char *uuid, uint64_t *room,
	struct dd_error *err);

/* Forgets an offer by who holds the domain's job lock. One that is prepared, or another, stays. */
void pending_forget(struct operation *op, const char *peer, const char *id);
/* The same by who does not hold it: where somebody is at it, it stays. */
void pending_drop(struct dd_host *host, const char *uuid, const char *peer, const char *id);

/* Of the domain's offer, prepared or not, in seconds. False: there is none. */
bool pending_age(struct dd_host *host, const char *uuid, int64_t *age_s);
/* How many there are, and of these how many are older than they may be. */
int pending_count(struct dd_host *host, uint32_t *count, uint32_t *due, struct dd_error *err);
/* Forgets these, and parcels that are nobody's. */
int pending_tidy(struct dd_host *host, struct dd_error *err);

#endif
