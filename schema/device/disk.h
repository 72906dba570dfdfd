/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DEVICE_DISK_H
#define SCHEMA_DEVICE_DISK_H

#include "schema/device/kind.h"

/* "virtio", "scsi"…: what the target says, or its name means. NULL where nothing does. */
const char *disk_bus(const xmlNode *disk);

/* The number that the target's name means: 0 for vda, 26 for sdaa; negative where none. */
int disk_index(const xmlNode *disk);

/* Puts the disks of each bus together, by their names. */
void disks_sort(struct document *document);

/* The column check of its kind. */
int disk_check(const struct document *document, const xmlNode *disk, struct dd_error *err);

#endif
