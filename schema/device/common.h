/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DEVICE_COMMON_H
#define SCHEMA_DEVICE_COMMON_H

/* What several kinds of device do alike. */

#include "schema/device/kind.h"

/* A virtio device by its model: a transitional one goes to a conventional slot. */
enum pci_plug plug_virtio(const char *model);

/* Refuses the <driver> options of virtio devices on a device that is none. */
int check_virtio_options(const xmlNode *device, bool virtio, struct dd_error *err);

/* Columns for kinds that are nothing but a PCI device, or a virtio one by its model attribute. */
enum pci_plug plug_conventional(const struct document *document, const xmlNode *device);
enum pci_plug plug_virtio_model(const struct document *document, const xmlNode *device);

/* ADDRESS_PCI where the kind has a plug for the device. */
enum address_kind address_by_plug(const struct document *document, const xmlNode *device);
enum address_kind address_none(const struct document *document, const xmlNode *device);
enum address_kind address_usb(const struct document *document, const xmlNode *device);

/* The same device when the words are. */
bool same_words(const xmlNode *a, const xmlNode *b);

/* Words of a kind of which there may be several: where it sits, else its model or type. */
void words_place(const xmlNode *device, struct text *out);

/* Words of a kind of which there is one of each model. */
void words_model(const xmlNode *device, struct text *out);

/* Details that are the source alone. */
void details_source(const xmlNode *device, struct text *out);

/* What a <source> names: a path, a bridge, a network, a host… Appends nothing where nothing. */
void source_words(const xmlNode *source, struct text *out);

/* By either column; NULL where the alias is made of other properties. */
const char *alias_prefix(const xmlNode *device);

/* "net" and the number. */
void alias_numbered(
	const struct document *document, const xmlNode *device, unsigned number, struct text *out);

/* Does the other end of a character device lack something? */
int chardev_check(const struct document *document, const xmlNode *device, struct dd_error *err);

/* A character device: type, protocol… of its other end. */
int chardev_complete(xmlNode *device, struct dd_error *err);

/* Do guest and host have the memory in common? All NUMA cells say so, or the whole of it. */
bool memory_is_shared(const struct document *document);

/* Appends "/0" to an iSCSI name that has no LUN. */
int iscsi_complete(xmlNode *source, struct dd_error *err);

/* Spells out the zeros that the address of a PCI device of the host left out. source may be NULL.
 */
int pci_source_complete(xmlNode *source, struct dd_error *err);

#endif
