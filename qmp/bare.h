/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_BARE_H
#define QMP_BARE_H

/* A QEMU without a machine, for as long as somebody asks it something or has it make something. */

#include "qmp/monitor.h"

typedef int (*bare_work)(struct monitor *monitor, void *context, struct dd_error *err);

/*
 * Starts one, hands its monitor to work, and ends it. accelerator: "tcg", "kvm". Returns what work
 * returns. DD_NOT_FOUND: there is no such emulator. DD_HYPERVISOR: it cannot be started.
 */
int bare_qemu(const char *emulator, const char *accelerator, bare_work work, void *context,
	struct dd_error *err);

#endif
