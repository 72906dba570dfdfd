/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_OUTGOING_H
#define MIGRATE_OUTGOING_H

/*
 * The source of a migration: what it does in each phase.
 *
 *   begin     a row in the journal: nobody changes the domain any more
 *   offer     its history and, of a running guest, what that runs with, go to the destination
 *   perform   the guest's state goes there (or only disks, of a domain that does not run), and the
 * row says SWITCHED; then the token is let out confirm   the destination has said how it ended
 *
 * The domain's job lock is held from begin on until outgoing_free().
 */

#include "migrate/channel/address.h"
#include "migrate/offer.h"
#include "migrate/peer.h"
#include "migrate/row.h"
#include "migrate/stream.h"

struct outgoing {
	struct operation op;
	struct peer peer;
	char id[MIGRATION_ID_SIZE];
	char token[TOKEN_SIZE];
	char token_hash[TOKEN_SIZE];
	bool live;
	bool paused;      /* by its user, before it began */
	bool keeps_token; /* nobody has it but us */
	bool tls;         /* its state went by QEMU's own connection */
	bool stays;       /* what is offered, also when the connection has ended */
	bool keep;        /* it is listed here afterwards, too, as the other's */
	bool postcopy;    /* what is left of the guest follows once it runs there */
	bool ended;       /* the guest died on the way, or was shut down by itself */
	enum source_state state;
	struct json *detail;      /* of the row */
	const struct json *disks; /* of it, what becomes of them; NULL before it is prepared */
	struct channel *channel;  /* to the destination; NULL: not connected */
	char head[COMMIT_SIZE];   /* its newest version, once that is offered */
	struct stream *stream;    /* once it is ready, of a guest */
	struct idle *idle;        /* of one that does not run, where its disks may be copied */
	struct parcel *receipt;  /* what the destination has made, where it has sent that already */
	struct book_taken taken; /* of it */
	struct address spice;    /* of its SPICE screen there; without a host: it has none */
	bool viewers_told;       /* of that */
	char *flag;              /* file that calls it off (flag.h) */
	const atomic_bool *stop; /* ends every wait; or NULL */
};

/*
 * A guest that is to move, connected: op->paused tells whether it stands still and is to stay so,
 * which one does, too, that its watchdog has stopped, or that has crashed. DD_REFUSED: it does not
 * run, or cannot move now.
 */
int outgoing_guest(struct operation *op, struct dd_error *err);
/* Can it go so: with its guest, or being off? DD_REFUSED. */
int outgoing_mode_check(struct operation *op, bool live, struct dd_error *err);

/*
 * live: with its guest. Then and always the row is there when it returns 0. DD_REFUSED,
 * DD_NOT_FOUND (the domain, or the peer), DD_BUSY.
 */
int outgoing_begin(struct outgoing *outgoing, struct dd_host *host, const char *domain,
	const char *peer, bool live, const struct dd_change *change, struct dd_error *err);

/*
 * Of one that does not run, and before it is offered: nobody writes to its disks from now on, which
 * may be copied.
 */
int outgoing_hold(struct outgoing *outgoing, struct dd_error *err);

/* Lets go of the domain. The row stays where it is not over. */
void outgoing_end(struct outgoing *outgoing);
static inline void cleanup_outgoing(struct outgoing *outgoing)
{
	outgoing_end(outgoing);
}

/* Connects where it is not. */
int outgoing_connect(struct outgoing *outgoing, struct dd_error *err);

/*
 * Sends the offer. wishes: the destination is to prepare at once, as these say (wishes.h); NULL: it
 * is not. The answer is for outgoing_offered(), answer being the caller's (may be NULL).
 */
int outgoing_offer(struct outgoing *outgoing, const struct json *wishes, struct dd_error *err);
int outgoing_offered(
	struct outgoing *outgoing, int wait_ms, struct json **answer, struct dd_error *err);

/* The same, as long as wanted says 0 (peer_answer_while()). */
int outgoing_offered_while(struct outgoing *outgoing, int wait_ms, peer_wanted_fn wanted,
	void *context, struct json **answer, struct dd_error *err);

/* Of a guest, before it is performed: what can be done while the destination prepares. */
int outgoing_ready(
	struct outgoing *outgoing, const struct stream_options *options, struct dd_error *err);

/* The destination has prepared: disks as it said (storage_answer()), or NULL. */
int outgoing_prepared(struct outgoing *outgoing, const struct json *disks, struct dd_error *err);

/*
 * After that, and of a guest after outgoing_ready(). 0: outgoing->token may go out, and nobody but
 * the destination can end it any more. Otherwise nothing has happened that outgoing_give_up() does
 * not undo.
 */
int outgoing_perform(struct outgoing *outgoing, const struct stream_options *options,
	struct stream_counts *counts, struct dd_error *err);

/*
 * Of post-copy: the destination has decided, and waits for the rest (outgoing_release()); it runs
 * the guest, and has it all (outgoing_drain(), as stream_drain(); stream's options may be NULL).
 */
int outgoing_release(struct outgoing *outgoing, struct stream_counts *counts, struct dd_error *err);
int outgoing_drain(struct outgoing *outgoing, const struct stream_options *options,
	struct stream_counts *counts, struct dd_error *err);

/* Undoes it, by who has never let the token out. The guest goes on here. */
int outgoing_give_up(struct outgoing *outgoing, struct dd_error *err);

/* Of one whose guest has ended on the way, and that is given up: the error that says so. */
int outgoing_tell_ended(const struct outgoing *outgoing, struct dd_error *err);

/*
 * The destination has said that it is so. RUNNING: the domain is its, and gone from here.
 * Otherwise it goes on here. The row is gone afterwards.
 */
int outgoing_confirm(struct outgoing *outgoing, enum destination_state state, struct dd_error *err);

/*
 * How it ended, from the destination; then outgoing_confirm(). One that is busy with it is asked
 * again for wait_ms. DD_BUSY: it cannot be asked now, or is busy still.
 */
int outgoing_ask(struct outgoing *outgoing, int wait_ms, struct dd_error *err);
#define OUTGOING_ASK_MS 60000 /* for who drives it: the last of the stream, and a slow disk */

/* As the operator says, where the destination is gone for good (dd_migration_resolve()). */
int outgoing_resolve(
	struct operation *op, const struct migration_row *row, bool here, struct dd_error *err);

/*
 * One that somebody else has begun, and whose token he alone had: to be given up before it was
 * performed, and asked about afterwards. DD_NOT_FOUND: it is over. DD_BUSY: he is still at it.
 */
int outgoing_find(struct outgoing *outgoing, struct dd_host *host, const char *uuid, const char *id,
	struct dd_error *err);

/* By whoever finds the row. */
int outgoing_settle(struct operation *op, const struct migration_row *row, struct dd_error *err);

#endif
