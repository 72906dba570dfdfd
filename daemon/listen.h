/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LISTEN_H
#define DAEMON_LISTEN_H

/*
 * The door for other hosts: sockets that listen on the loop, and a thread for each connection that
 * comes (migrate/serve.h), for what they do blocks. There are so many at a time and no more, so
 * that nobody from outside can fill the machine; what is too much is closed at once.
 */

#include <stdatomic.h>
#include <uv.h>

#include "daemon/work.h"

#define LISTEN_ADDRESSES 16
#define LISTEN_SERVED 64    /* connections at a time */
#define LISTEN_STRANGERS 32 /* of those, that have not proved who they are */
#define LISTEN_SAME 8       /* and come from one address (of IPv6: one /64) */
#define LISTEN_LINES 60     /* about strangers that are logged in a minute */

struct listen;

/*
 * Listens at each address ("HOST", "HOST:PORT", "[V6]:PORT"; port 0: any that is free), and logs
 * where. ended is called on the loop when a connection has ended. The handles are the loop's to
 * close, and listen_free() comes after that, also when this has failed. *out stays NULL where there
 * are no addresses.
 */
int listen_new(uv_loop_t *loop, const struct work_book *book, const char *const *addresses,
	size_t count, void (*ended)(void *context), void *context, struct listen **out,
	struct dd_error *err);

/* Nobody more is let in, and who is there is told to come to an end. NULL does nothing. */
void listen_stop(struct listen *listen);

/* How many connections are still served. */
size_t listen_running(const struct listen *listen);

void listen_free(struct listen *listen); /* NULL does nothing */

#endif
