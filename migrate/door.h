/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_DOOR_H
#define MIGRATE_DOOR_H

/*
 * A way for a guest's state from QEMU to QEMU, with QEMU's own TLS, where somebody asks for it
 * instead of the relay (stream.h). The source draws a key for this one migration, and tells it over
 * the channel; the destination listens where the source has reached it, and each gives its end of
 * that connection to its QEMU, with the key. Where it cannot be made, the relay is taken.
 *
 *   {"op": "door", "id", "uuid", "key": 64 hexadecimal digits}
 *   → {"port"}, the source connects, → {"open"}: false, and the state goes by the relay
 */

#include "migrate/outgoing.h"
#include "migrate/serve.h"

#define DOOR_MS 3000 /* to reach it */

/*
 * The source. *fd is the connection, for its QEMU, which has been told of the key; or -1: by the
 * relay, why being in reason.
 */
int door_open(struct outgoing *outgoing, const struct stream_options *options, int *fd,
	struct dd_error *reason, struct dd_error *err);

/* The destination's answer (serve.h), once it is known that its QEMU waits for that source. */
int door_answer(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err);

#endif
