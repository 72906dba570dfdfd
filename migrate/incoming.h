/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_INCOMING_H
#define MIGRATE_INCOMING_H

/*
 * The destination of a migration: what it does in each phase, and what it answers when it is asked.
 *
 *   offer     the source sends the domain's history and, of a running guest, what it runs with;
 *             checked, and put aside: BOOK/run/UUID/offer.json, and the parcel
 *   prepare   a row in the journal, and a QEMU that waits for the guest
 *   finish    the decision: history, a new version and the domain itself are this host's, in one
 *             transaction; then the guest goes on
 *   asked     by a source that does not know; what is answered is final
 *   over      the source has no row of it any more
 *
 * The domain's job lock is held from prepare to finish, by whoever has the struct incoming; the row
 * keeps all others off whether or not that one lives on.
 */

#include "migrate/peer.h"
#include "migrate/row.h"
#include "store/parcels.h"

struct landing;

struct incoming {
	struct dd_host *host;
	char id[MIGRATION_ID_SIZE];
	char uuid[UUID_SIZE];
	char *peer;
	struct json *offer; /* all that the source said */
	struct parcel *parcel;
	struct book_taken taken;
	struct landing *landing; /* from prepare on: with the domain's job lock */
	struct json *disks;      /* what becomes of them (storage.h), once it is prepared */
};

void incoming_free(struct incoming *incoming);
CLEANUP_DEFINE(incoming, struct incoming *, incoming_free)

/*
 * Takes in an offer (which is taken over) of the peer at the other end of channel, and the pack
 * that follows it there. Nothing is promised. DD_EXISTS, DD_CONFLICT, DD_CORRUPT, DD_REFUSED as
 * book_parcel_end(); DD_INVALID: no offer.
 */
int incoming_receive(struct dd_host *host, const struct peer *peer, struct json *offer,
	struct channel *channel, struct incoming **out, struct dd_error *err);

/* Finds it again, in another process maybe. DD_NOT_FOUND: nobody offered that, or it is over. */
int incoming_find(struct dd_host *host, const char *uuid, const char *id, struct incoming **out,
	struct dd_error *err);

/*
 * The source asks about it, or says that it is over, on another connection: whoever in this process
 * waits on an earlier one does so in vain, and is to let go of it. Any thread.
 */
void incoming_want(const char *id);
bool incoming_is_wanted(const struct incoming *incoming);

/*
 * What the user wants otherwise (wishes.h), and then: the row, and a QEMU that waits.
 * Afterwards the stream goes to incoming_stream_path(), and disks that are copied to
 * incoming_disks_path(). DD_REFUSED, DD_UNSUPPORTED, DD_EXISTS,
 * DD_HYPERVISOR…: it cannot be here, and nothing is left of it.
 */
int incoming_prepare(struct incoming *incoming, const struct json *wishes, struct dd_error *err);

/* The sockets of the waiting QEMU, for its state and for its disks. The caller frees them. */
int incoming_disks_path(struct dd_host *host, const char *uuid, char **out, struct dd_error *err);
int incoming_stream_path(struct dd_host *host, const char *uuid, char **out, struct dd_error *err);

/*
 * Whoever has the token may decide. *state is RUNNING afterwards, or RETURNED where the guest could
 * not be made to run here, or ABORTED. statistics (may be NULL) go into the version. DD_REFUSED:
 * the token is wrong, or it is not prepared.
 */
int incoming_finish(struct incoming *incoming, const char *token, const struct json *statistics,
	enum destination_state *state, struct dd_error *err);

/*
 * The source asks how it ended. What has not been decided is aborted. DD_BUSY: it is being decided.
 */
int incoming_asked(struct dd_host *host, const char *peer, const char *uuid, const char *id,
	enum destination_state *state, struct dd_error *err);

/* The source has no row of it: what was only prepared is given up, and the rest forgotten. */
int incoming_over(struct dd_host *host, const char *peer, const char *uuid, const char *id,
	struct dd_error *err);

/*
 * By whoever finds the row. DD_BUSY: it is prepared, and the source has not said that it is over.
 */
int incoming_settle(struct operation *op, const struct migration_row *row, struct dd_error *err);
/* The same, where somebody knows that it is over. */
int incoming_give_up(struct operation *op, const struct migration_row *row, struct dd_error *err);

#endif
