/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_PEER_H
#define MIGRATE_PEER_H

/*
 * The hosts that this one knows, pinned by name as ssh pins its known hosts, and how to talk to
 * one.
 *
 * A peer is the row "peer/NAME" of the book's settings: an object of address, key, since, who,
 * reason; and of one that was revoked: revoked (when), revoked_by, revoked_reason.
 *
 * After the handshake each side tells the other its name in a first message, the caller first, and
 * the name that a key was pinned under has to be the one that its host goes by: domains and their
 * owners are known by it. Then the caller asks and the called answers, a message each; both are
 * JSON objects. A request has "op", which names an operation (migrate/serve.h); an answer that
 * failed has "error", with code, message and hint.
 */

#include <domesday.h>

#include "domain/host.h"
#include "migrate/channel/address.h"
#include "migrate/channel/channel.h"
#include "qmp/json.h"

#define PEER_NAME_MAX 256
#define PEER_MESSAGE_MAX (1u << 20) /* bytes of a request or an answer */
#define PEER_ANSWER_MS 30000        /* for one where nothing else is said */

struct peer {
	char name[PEER_NAME_MAX];
	char address[ADDRESS_MAX];
	unsigned char key[KEY_PUBLIC_SIZE];
	bool revoked;
};

/* DD_NOT_FOUND says how to add one. One that was revoked is found. */
int peer_find(struct dd_host *host, const char *name, struct peer *out, struct dd_error *err);
/* DD_REFUSED: it is revoked. */
int peer_trusted(const struct peer *peer, struct dd_error *err);
/* Whose key it is. */
int peer_find_key(struct dd_host *host, const unsigned char key[KEY_PUBLIC_SIZE], struct peer *out,
	struct dd_error *err);

/*
 * This host, for its channels; host must outlive them, and is used while a handshake lasts. stop:
 * as in struct channel_self.
 */
struct channel_self peer_self(struct dd_host *host, const atomic_bool *stop);

/*
 * A channel to a peer, both having told their names. wait_ms 0: CHANNEL_HANDSHAKE_MS. stop: as in
 * struct channel_self. DD_NOT_FOUND: it is no peer. DD_REFUSED: it is revoked here, or goes by
 * another name, or as channel_connect().
 */
int peer_connect(struct dd_host *host, const char *name, const atomic_bool *stop, int wait_ms,
	struct channel **out, struct dd_error *err);

/* ---- what is said ---- */

/* One message of JSON; errors as channel_send() and channel_receive(). DD_CORRUPT: it is none. */
int peer_send(struct channel *channel, const struct json *message, struct dd_error *err);
int peer_receive(struct channel *channel, int wait_ms, struct json **out, struct dd_error *err);

/* {"error": …} */
struct json *peer_error(const struct dd_error *error);
/* 0, or the error that a message tells, as if it were our own: "NAME: MESSAGE", and its hint. */
int peer_error_in(const struct json *message, const char *name, struct dd_error *err);

/* {"op": …} */
struct json *peer_request(const char *op);
/*
 * Sends a request, which it takes over, also on failure, and waits for the answer; an error in it
 * is returned, and the channel is good for more then. wait_ms 0: PEER_ANSWER_MS; no answer by then
 * is DD_SYSTEM, and so is a channel that was closed. answer may be NULL.
 */
int peer_call(struct channel *channel, const char *name, struct json *request, int wait_ms,
	struct json **answer, struct dd_error *err);
/* The second half of it: the answer to a request that was sent. */
int peer_answer(struct channel *channel, const char *name, int wait_ms, struct json **answer,
	struct dd_error *err);
/* The same, as long as wanted, which is asked every now and then, says 0; otherwise what it says.
 */
typedef int (*peer_wanted_fn)(void *context, struct dd_error *err);
int peer_answer_while(struct channel *channel, const char *name, int wait_ms, peer_wanted_fn wanted,
	void *context, struct json **answer, struct dd_error *err);

/*
 * What each side says first, and the check of it: DD_REFUSED where that is not the host that was
 * pinned under the name.
 */
struct json *peer_greeting(struct dd_host *host);
int peer_greeted(const struct json *greeting, const char *name, struct dd_error *err);

#endif
