/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_VIEWERS_H
#define QMP_VIEWERS_H

/*
 * Those who look at a guest through SPICE, when it goes from one QEMU to another: QEMU tells them
 * where they are to connect, and, when all of the guest has gone, that they are to go on there.
 * (VNC has nothing of that kind.) Same rules as qmp/migration.h.
 */

#include "qmp/guest.h"

/*
 * Before the migration begins, when the other QEMU listens; port in digits. DD_HYPERVISOR: there is
 * no such screen.
 */
int guest_viewers_tell(
	struct guest *guest, const char *host, const char *port, struct dd_error *err);

/* How many are connected to it. */
int guest_viewers_count(struct guest *guest, unsigned *count, struct dd_error *err);

/*
 * After it has ended: until they all have gone, or those who could not have been told to connect
 * anew. DD_BUSY: not within wait_ms.
 */
int guest_viewers_await(struct guest *guest, int wait_ms, struct dd_error *err);

#endif
