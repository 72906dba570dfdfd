/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_ANSWERS_H
#define MIGRATE_ANSWERS_H

/*
 * What a peer can ask of this host about migrations; the other end of ask.c and outgoing.c. As the
 * destination: have, look, offer, prepare, disk, door, viewers, stream, finish, recover, ask,
 * receipt, over. As the source: row.
 */

#include "migrate/serve.h"

/* Ended by one without a name. */
extern const struct peer_op migration_ops[];

/* After an answer was sent: what need not be done before it. */
void migration_answered(struct peer_session *session);

#endif
