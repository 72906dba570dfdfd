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

/* Before the stream begins. screen: where they are to go. Returns whether they are told. */
bool viewers_tell(struct dd_host *host, struct guest *guest, const struct address *screen);

/* Before the QEMU in folder, which a guest has left, is ended; where they were told. */
void viewers_await(const char *folder, struct guest *guest);

#endif
