/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_CARRIER_H
#define QMP_CARRIER_H

/*
 * A QEMU without a machine in the place of a guest that does not run: it has images of its disks
 * open, so that they are copied as those of a guest are (qmp/mirror.h). Disks have an alias,
 * whichever it is; formats, chains and devices are those of a guest's disk.
 */

#include "qmp/guest.h"

/*
 * The one that is copied to. As with guest_start() it is found by its folder, and lives until
 * guest_destroy(). The definition says which QEMU that is, and needs no aliases.
 */
int carrier_start(const char *folder, const struct document *definition,
	const struct capabilities *caps, struct guest **out, struct dd_error *err);

/* Opens the disk's image there, to be written; what is written is flushed when that is asked for,
 * and holes are kept, whatever the definition says. */
int carrier_open(struct guest *carrier, const xmlNode *disk, struct dd_error *err);

/*
 * The one that is copied from, for as long as work takes: whatever becomes of its caller, it ends
 * with him. The guest that work gets has no folder.
 */
typedef int (*carrier_work)(struct guest *carrier, void *context, struct dd_error *err);
int carrier_read(const char *emulator, carrier_work work, void *context, struct dd_error *err);

/* Opens the disk's images there to be read, without a lock: the caller has one (image_hold()). */
int carrier_open_to_read(struct guest *carrier, const xmlNode *disk, struct dd_error *err);

#endif
