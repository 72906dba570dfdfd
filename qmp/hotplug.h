/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_HOTPLUG_H
#define QMP_HOTPLUG_H

/* A plan carried out on a running QEMU, and undone. */

#include "qmp/monitor.h"
#include "qmp/plan.h"

/* Every step, in order; when one fails, those before are undone. */
int hotplug_do(struct monitor *monitor, const struct plan *plan, struct dd_error *err);

/*
 * Undoes all steps but devices, backwards; what is not there is no failure. DD_HYPERVISOR: one is
 * still in use.
 */
int hotplug_undo_backends(struct monitor *monitor, const struct plan *plan, struct dd_error *err);

/*
 * Asks for the device to be unplugged and waits for QEMU's word that it is. DD_REFUSED: the guest
 * refused, or has not let go after wait_ms.
 */
int hotplug_remove_device(
	struct monitor *monitor, const char *id, int wait_ms, struct dd_error *err);

/* Does QEMU say that there is no such thing? It has no class of error for that, only words. */
bool hotplug_says_absent(const struct dd_error *err);

/* Is there a device with this id? */
int hotplug_has_device(struct monitor *monitor, const char *id, bool *out, struct dd_error *err);

/* What is not a step because it is set afterwards: link state, password, statistics. */
int hotplug_settle(struct monitor *monitor, const xmlNode *device, struct dd_error *err);

#endif
