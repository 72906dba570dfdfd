/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_SERVE_H
#define MIGRATE_SERVE_H

/* The side that is called: one connection, from its first byte to its last. */

#include "migrate/peer.h"

#define SERVE_IDLE_MS 600000 /* without a request or what is prepared, and it is closed */
#define SERVE_LOOK_MS 500    /* between two looks whether it is wanted elsewhere */

enum serve_event {
	SERVE_KNOWN,   /* the caller has proved to be a peer; the words are its name */
	SERVE_NOTE,    /* something to tell */
	SERVE_TROUBLE, /* something to look at */
};
typedef void (*serve_log)(enum serve_event event, const char *words, void *context);

struct incoming;

/* What an operation works with. */
struct peer_session {
	struct dd_host *host;    /* of this connection alone */
	const struct peer *peer; /* who asks */
	struct channel *channel;
	const atomic_bool *stop;
	serve_log log;
	void *log_context;
	struct incoming *incoming; /* what this connection has offered, or NULL; see incoming.h */
};

/*
 * An operation that a peer can ask for. It puts its answer into *answer (an object; the caller's);
 * what it returns otherwise is told to the peer in its place. One that sends over the channel by
 * itself leaves the answer empty, and its last message is the answer then.
 */
struct peer_op {
	const char *name;
	int (*run)(struct peer_session *session, const struct json *request, struct json **answer,
		struct dd_error *err);
};

/* Serves a connection until the caller closes it, it breaks, or stop is up. fd is closed by it. */
void peer_serve(const struct dd_host_options *options, int fd, const atomic_bool *stop,
	serve_log log, void *log_context);

#endif
