/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_PLACES_H
#define QMP_PLACES_H

/*
 * Places of a host that a definition names and that only one QEMU can have: where a VNC screen
 * listens, or a serial port, console or channel. A guest that comes from another QEMU of this host
 * (guest_start_incoming()) listens in its folder instead until that one is gone. SPICE, which QEMU
 * cannot tell to listen elsewhere, has another port from the start on (qmp/device/spice.c).
 */

#include "qmp/guest.h"

/*
 * Has the guest listen where live says, and where it runs at the ports that live has. The QEMU that
 * had these places is gone. May be repeated. DD_HYPERVISOR, DD_SYSTEM: it could not have one of
 * them; it has the others.
 */
int guest_places_take(struct guest *guest, const struct document *live, struct dd_error *err);

#endif
