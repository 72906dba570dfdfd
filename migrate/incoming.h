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

struct berth;
struct landing;

struct incoming {
	struct dd_host *host;
	char id[MIGRATION_ID_SIZE];
	char uuid[UUID_SIZE];
	char *peer;
	struct json *offer; /* all that the source said */
	struct parcel *parcel;
	struct book_taken taken;
	struct berth *berth; /* from prepare on until it has landed: with the domain's job lock */
	struct landing *landing; /* from then on; it has the lock */
	struct json *disks;      /* what becomes of them (storage.h), once it is prepared */
	struct json *screens;    /* where its screens are then (screen.h), or NULL */
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

/* So that it can be found again, whatever becomes of this process or the machine. */
int incoming_keep(struct incoming *incoming, struct dd_error *err);

/*
 * Finds what was kept, in another process maybe. DD_NOT_FOUND: nobody offered that, or it is over.
 */
int incoming_find(struct dd_host *host, const char *uuid, const char *id, struct incoming **out,
	struct dd_error *err);

/*
 * The connection that it came over has ended, or brings another: what nobody has prepared is
 * forgotten, unless a client drives it. incoming, which may be NULL, is freed.
 */
void incoming_leave(struct incoming *incoming);

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

/* Is it prepared, and this process at it? */
bool incoming_is_prepared(const struct incoming *incoming);

/*
 * The rest of it, for which the source need not wait: the row has all that the guest runs with, and
 * what the decision needs is at hand. Where that fails nothing is left, as above. Nothing where
 * there is none.
 */
int incoming_land(struct incoming *incoming, struct dd_error *err);

/* The sockets of the waiting QEMU, for its state and for its disks. The caller frees them. */
int incoming_disks_path(struct dd_host *host, const char *uuid, char **out, struct dd_error *err);
int incoming_stream_path(struct dd_host *host, const char *uuid, char **out, struct dd_error *err);

/* How many look at the screen of the QEMU that waits: who has come before the guest. */
int incoming_viewers(struct incoming *incoming, unsigned *count, struct dd_error *err);

/*
 * Of one whose wishes have the transport "tls", and whose QEMU so does not listen yet: it takes
 * what comes over fd, with the key (*open), or listens for the relay: where fd is -1, or it has no
 * TLS.
 */
int incoming_door(struct incoming *incoming, const unsigned char *key, int fd, bool *open,
	struct dd_error *err);

/* Told as soon as it is decided, before the guest can run. */
typedef void (*incoming_decided_fn)(void *context);

/*
 * Whoever has the token may decide. decided: not NULL, with post-copy: the source sends the rest
 * when it hears that it is decided. *state is RUNNING afterwards, or RETURNED where the guest could
 * not be made to run here, or ABORTED. statistics (may be NULL) go into the version. DD_REFUSED:
 * the token is wrong, or it is not prepared.
 */
int incoming_finish(struct incoming *incoming, const char *token, const struct json *statistics,
	incoming_decided_fn decided, void *context, enum destination_state *state,
	struct dd_error *err);

/*
 * The source says that its connection to a guest which came by post-copy has broken: QEMU waits
 * for what is left at incoming_stream_path() then. *over: it waits for nothing.
 */
int incoming_recover(struct dd_host *host, const char *peer, const char *uuid, const char *id,
	bool *over, struct dd_error *err);

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
