/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_ASK_H
#define MIGRATE_ASK_H

/*
 * What one host asks the other, mostly about a migration that both know of by its id. Answered by
 * answers.c.
 */

#include "migrate/peer.h"
#include "migrate/phases.h"

/* {"op": …, "id": …, "uuid": …} */
struct json *ask_request(const char *op, const char *id, const char *uuid);

/* Of any peer: the epoch of a domain that it owns; 0: it owns none of that UUID. */
int ask_owned(struct channel *channel, const char *peer, const char *uuid, uint32_t *epoch,
	struct dd_error *err);

/* Of the source: has it a row of it? */
int ask_row(struct dd_host *host, const char *peer, const char *uuid, const char *id, bool *open,
	struct dd_error *err);

/* Of the destination: how did it end? It is final then. */
int ask_end(struct channel *channel, const char *peer, const char *uuid, const char *id,
	enum destination_state *state, struct dd_error *err);

/* Of the destination: how many look at the guest's screen in the QEMU that waits for it? */
int ask_viewers(struct channel *channel, const char *peer, const char *uuid, const char *id,
	unsigned *count, struct dd_error *err);

/* Tells the destination that the source has no row of it any more. */
int ask_over(struct channel *channel, const char *peer, const char *uuid, const char *id,
	struct dd_error *err);

/*
 * A domain's history as a peer has it, from the commit have on ("" for all of it), checked and
 * ready to be taken.
 */
int ask_receipt(struct dd_host *host, struct channel *channel, const struct peer *peer,
	const char *uuid, const char *id, const char *have, struct parcel **parcel,
	struct book_taken *taken, struct dd_error *err);
/* The second half of it: what follows an answer that has its heads. */
int ask_receipt_receive(struct dd_host *host, struct channel *channel, const struct peer *peer,
	const char *uuid, const struct json *answer, struct parcel **parcel,
	struct book_taken *taken, struct dd_error *err);

#endif
