/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_ALIAS_H
#define SCHEMA_ALIAS_H

/*
 * Device aliases: the ids that QEMU knows devices by ("virtio-disk0", "net1", "pci.3"). They are
 * given by libvirt's rule when a guest starts or a device is plugged, and live in the live document
 * (the persistent definition plus facts of the running guest); the persistent definition keeps only
 * those that the user chose, which begin with "ua-".
 */

#include "schema/document.h"

/* Gives every device without an alias one. */
int document_assign_aliases(struct document *document, struct dd_error *err);

/* Gives device the next free alias of its kind in the document. */
int device_assign_alias(struct document *document, xmlNode *device, struct dd_error *err);

/* As document_find_device; also by the alias that a device without one would get. */
int document_find_named(const struct document *document, const char *reference, xmlNode **device,
	struct dd_error *err);

const char *device_alias(const xmlNode *device); /* NULL where it has none */

/* The serial port that a device is another name of, as the first console is; NULL: none. */
const xmlNode *console_port(const struct document *document, const xmlNode *device);

/* Takes away what one run gave the device: alias, pseudo terminal, socket, tap. */
void device_strip_runtime(xmlNode *device);

/*
 * Takes away what holds only for one run: domain id, derived aliases, chosen ports and ptys. What
 * is left can be compared with, and stored as, a persistent definition.
 */
int document_strip_runtime(struct document *document, struct dd_error *err);

/*
 * The same but for the aliases: what is left is the guest as another host can take it over while it
 * runs, whose QEMU must know everything by the same ids.
 */
int document_strip_place(struct document *document, struct dd_error *err);

#endif
