/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_VIEWERS_H
#define MIGRATE_VIEWERS_H

/*
 * Those who look at a guest through SPICE when it moves: they connect to the other QEMU before the
 * guest goes, and go on there. All this is for them alone: no migration fails because of it.
 */

#include "domain/host.h"
#include "migrate/screen.h"
#include "qmp/guest.h"

/* How many are connected to the other QEMU. Not 0: that is not to be known, or nobody may wait. */
typedef int (*viewers_fn)(void *context, unsigned *count);

/*
 * Before the stream begins. screen: where they are to go. They are waited for until they are there,
 * for some seconds at most: who is not when the guest has gone is left behind. Returns whether they
 * are told.
 */
bool viewers_tell(struct dd_host *host, struct guest *guest, const struct address *screen,
	viewers_fn there, void *context);

/* Before the QEMU in folder, which a guest has left, is ended; where they were told. */
void viewers_await(const char *folder, struct guest *guest);

#endif
