/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_SCREEN_H
#define MIGRATE_SCREEN_H

/*
 * Where a guest's VNC screen is at the destination: its port is known when the QEMU that waits has
 * it. The destination tells it when it has prepared, as an object of address, which it listens on,
 * and port. QEMU itself tells viewers of SPICE alone where a guest has gone.
 */

#include "migrate/peer.h"

/* NULL: it has none that can be reached over a network. */
struct json *screen_of(const struct document *live);

/* "HOST:PORT" for a viewer: of the peer where it listens everywhere. "" where screen is none. */
void screen_place(const struct json *screen, const struct peer *peer, char out[ADDRESS_MAX]);

#endif
