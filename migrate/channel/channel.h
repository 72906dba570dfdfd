/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_CHANNEL_H
#define MIGRATE_CHANNEL_H

/*
 * A connection of two hosts that know each other, of which nobody else can read, change or forge
 * anything: the shell around handshake.h and frame.h that has the socket and the clock. It carries
 * messages, in order; and, while both sides relay, the bytes of a stream each way.
 *
 * Calls block. No wait depends on the other side's good will: each has an end, and a link on which
 * nothing is acknowledged for half a minute is broken, which the kernel finds out. A channel
 * belongs to one thread at a time; what another thread can do is to raise the stop flag.
 *
 * Errors, of all but channel_close(). DD_SYSTEM: the link broke, or could not be made, or the stop
 * flag is up; DD_CORRUPT: what came is not what the other side sealed, or more than it may send.
 * After any but DD_BUSY the channel is good for channel_close() alone.
 */

#include <stdatomic.h>

#include "migrate/channel/handshake.h"

#define CHANNEL_MESSAGE_MAX (16u << 20)
#define CHANNEL_HANDSHAKE_MS 10000 /* for all of it, with the connecting */
#define CHANNEL_LINK_MS 30000      /* without an acknowledgement, and a link is broken */
#define CHANNEL_STOP_MS 100        /* after which a stop flag is seen, at the latest */

struct channel;

struct channel_self {
	struct handshake_self who;
	const atomic_bool *stop; /* ends every wait; NULL: there is none. Outlives the channel. */
};

/* Who may call: VERDICT_KNOWN lets the caller in. */
typedef enum handshake_verdict (*channel_judge)(
	void *context, const unsigned char key[KEY_PUBLIC_SIZE]);

/*
 * address: as address_parse() takes it. Tries every address that the host has. wait_ms (0:
 * CHANNEL_HANDSHAKE_MS) is for all of it; only looking up a name is the resolver's affair.
 * DD_REFUSED: the host there has another key than expected, or does not know this one, or has
 * revoked it; the hint says what to do. DD_UNSUPPORTED: it speaks another version.
 */
int channel_connect(const struct channel_self *self, const char *address,
	const unsigned char expected[KEY_PUBLIC_SIZE], int wait_ms, struct channel **out,
	struct dd_error *err);

/* The key of whoever answers there, proved. It learns nothing of this host. */
int channel_ask_key(
	const char *address, int wait_ms, unsigned char key[KEY_PUBLIC_SIZE], struct dd_error *err);

/*
 * The other end, on a socket that was accepted, within CHANNEL_HANDSHAKE_MS. fd is the channel's
 * afterwards, and closed on failure. DD_REFUSED: judge did not let it in; the message has its
 * fingerprint.
 */
int channel_accept(int fd, const struct channel_self *self, channel_judge judge, void *context,
	struct channel **out, struct dd_error *err);

/* Tells the other side that nothing more comes, as far as that goes without waiting. NULL: nothing.
 */
void channel_close(struct channel *channel);
CLEANUP_DEFINE(channel, struct channel *, channel_close)

const unsigned char *channel_peer(const struct channel *channel);
const char *channel_cipher(const struct channel *channel); /* as people call it */

/* One message, at most CHANNEL_MESSAGE_MAX bytes (DD_INVALID). */
int channel_send(struct channel *channel, const void *data, size_t size, struct dd_error *err);

/*
 * Appends one message to out. DD_BUSY: none has come within wait_ms, and nothing is lost: the next
 * call goes on. DD_NOT_FOUND: the other side has closed it in good order. DD_CORRUPT: also one of
 * more than most bytes.
 */
int channel_receive(
	struct channel *channel, size_t most, int wait_ms, struct text *out, struct dd_error *err);

/*
 * Carries bytes between a connected stream socket and the other side, which relays, too, until both
 * streams have ended; that one has ended is passed on (the socket is shut down for writing), while
 * the other goes on. Then the channel is for messages again. fd stays the caller's, and is left
 * non-blocking. Fails too where the two do not take what there is for them for stall_ms (0: for as
 * long as the link is not broken); silence is no stall. stop: as channel_self's, may be NULL.
 * counts (may be NULL): bytes that have gone over the link, out and in; for other threads to read.
 */
int channel_relay(struct channel *channel, int fd, const atomic_bool *stop, int stall_ms,
	_Atomic uint64_t counts[2], struct dd_error *err);

#endif
