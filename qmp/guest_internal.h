/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_GUEST_INTERNAL_H
#define QMP_GUEST_INTERNAL_H

/* What the files that make up a guest share. Not for anybody outside qmp/. */

#include "qmp/guest.h"
#include "qmp/hotplug.h"

#define MIGRATION_KEY_OBJECT "migration-key" /* QEMU's name for it */

struct guest {
	char *folder;
	pid_t pid;
	struct monitor *monitor;
	bool last_part; /* of its migration is being sent: QEMU may answer nobody */
};

/* As guest_connect(), waiting for the greeting no longer than told. */
int guest_meet(const char *folder, int wait_ms, struct guest **out, struct dd_error *err);

/*
 * The steps of a device of a running guest. What its QEMU can do is not asked first: QEMU itself
 * says so when it cannot.
 */
int guest_plan(const struct guest *guest, const struct document *live, const xmlNode *device,
	struct plan *plan, struct dd_error *err);

#define GUEST_SOCKET_SIZE 108 /* what QEMU takes, and the NUL */

/*
 * The name by which this QEMU, which takes no longer one, makes or finds the socket at path: the
 * path itself or, where that is too long, one through a descriptor of its folder. It holds for as
 * long as this connection to QEMU does.
 */
int guest_socket_name(
	struct guest *guest, const char *path, char name[GUEST_SOCKET_SIZE], struct dd_error *err);

#endif
