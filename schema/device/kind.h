/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DEVICE_KIND_H
#define SCHEMA_DEVICE_KIND_H

/*
 * The table of device kinds. Whatever differs from kind to kind is a column here, and a kind is one
 * file in this folder with one row in kinds.c: nothing elsewhere compares element names.
 */

#include "schema/freeze.h"

enum address_kind {
	ADDRESS_NONE, /* has no guest address, or it is fixed by its other properties */
	ADDRESS_PCI,
	ADDRESS_USB,
	ADDRESS_DRIVE,
	ADDRESS_VIRTIO_SERIAL,
	ADDRESS_ISA,
	ADDRESS_DIMM,
	ADDRESS_CCID,
};

struct device_kind {
	const char *element; /* "disk" */

	/* Fails where the element alone, or within its document, makes no sense. */
	int (*check)(const struct document *document, const xmlNode *device, struct dd_error *err);

	/* Spells out defaults (model, bus, target, MAC…), addresses excepted. May add devices. */
	int (*complete)(struct document *document, xmlNode *device,
		const struct freeze_options *options, struct dd_error *err);

	/* The bus that it is plugged into, once completed. */
	enum address_kind (*address)(const struct document *document, const xmlNode *device);

	/* Are these two elements the same device (target, MAC…)? */
	bool (*same)(const xmlNode *a, const xmlNode *b);

	/* Appends what a person calls it ("vdb"), and what is behind it ("/images/data.qcow2"). */
	void (*words)(const xmlNode *device, struct text *out);
	void (*details)(const xmlNode *device, struct text *out);

	/* Appends the alias by libvirt's rule, given its number among its like. */
	void (*alias)(const struct document *document, const xmlNode *device, unsigned number,
		struct text *out);

	/* Relative paths ("source/@file", "mac/@address") that may change live, NULL-terminated. */
	const char *const *live_paths;
	/* Relative paths that no guest sees and may change while shut off, NULL-terminated. */
	const char *const *free_paths;

	bool hot_pluggable;
};

/* The kind of a device element; NULL for one that Domesday keeps but does not interpret. */
const struct device_kind *device_kind(const xmlNode *device);

#endif
