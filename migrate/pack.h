/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_PACK_H
#define MIGRATE_PACK_H

/*
 * A domain's history over a channel: a message of JSON with the parcel's heads (offer.h), then the
 * pack in messages of some size, of which an empty one is the last.
 */

#include "migrate/peer.h"
#include "store/parcels.h"

/* Sends what a receiver lacks whose newest version is have; first (an object) goes before it. */
int pack_send(struct channel *channel, struct book *book, const char *uuid, const char *have,
	struct json *first, struct dd_error *err);

/* The rest, after the first message, into a parcel. Goes on to the end where nobody wants it. */
int pack_receive(struct channel *channel, struct parcel *parcel, struct dd_error *err);

/* The rest of one that nobody wants (parcel NULL), so that an answer can be heard. */
void pack_drain(struct channel *channel);

#endif
