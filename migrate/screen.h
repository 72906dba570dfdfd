/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_SCREEN_H
#define MIGRATE_SCREEN_H

/*
 * Where a guest's screens are at the destination: their ports are known when the QEMU that waits
 * has them. The destination tells it when it has prepared, as an array of objects of type (vnc,
 * spice), address, which it listens on, and port.
 */

#include "migrate/channel/address.h"
#include "qmp/json.h"
#include "schema/document.h"

#define SCREEN_SPICE "spice" /* QEMU can tell its viewers where a guest has gone */

/* Can it be shown here? DD_BUSY: a port is taken; or there is no such address. */
int screens_check(const struct document *live, struct dd_error *err);

/* NULL: it has none that can be reached over a network. */
struct json *screens_of(const struct document *live);

/*
 * The first of that type (NULL: of any), as a viewer reaches it: where it listens everywhere, at
 * host. Returns its type, which lives as long as the program; NULL: there is none.
 */
const char *screen_find(
	const struct json *screens, const char *type, const char *host, struct address *out);

#endif
