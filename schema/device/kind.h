/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DEVICE_KIND_H
#define SCHEMA_DEVICE_KIND_H

/*
 * The table of device kinds. Whatever differs from kind to kind is a column here, and a kind is one
 * file in this folder with one row in kinds.c: nothing elsewhere compares element names.
 */

#include "schema/device/choices.h"
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

/* How a device is plugged into PCI. */
enum pci_plug {
	PCI_PLUG_NONE,
	PCI_PLUG_CONVENTIONAL, /* a conventional slot, whatever the machine has */
	PCI_PLUG_EXPRESS,      /* an Express slot where the machine has them */
	PCI_PLUG_INTEGRATED,   /* on the root bus itself */
	PCI_PLUG_BUS,          /* a PCI controller: where its model goes */
};

struct device_kind {
	const char *element; /* "disk" */

	/* Attributes whose value is one of a few words; NULL: none. */
	const struct choice *choices;

	/* Fails where the element alone, or within its document, makes no sense. */
	int (*check)(const struct document *document, const xmlNode *device, struct dd_error *err);

	/* Spells out defaults (model, bus, target, MAC…), addresses excepted. May add devices. */
	int (*complete)(struct document *document, xmlNode *device,
		const struct freeze_options *options, struct dd_error *err);

	/* The bus that it is plugged into, once completed. */
	enum address_kind (*address)(const struct document *document, const xmlNode *device);

	/* How, where the bus may be PCI; NULL: never is. */
	enum pci_plug (*plug)(const struct document *document, const xmlNode *device);

	/* Are these two elements the same device (target, MAC…)? */
	bool (*same)(const xmlNode *a, const xmlNode *b);

	/*
	 * Appends what a person calls it ("vdb"), and what is behind it ("/images/data.qcow2"),
	 * the address excepted. details may be NULL.
	 */
	void (*words)(const xmlNode *device, struct text *out);
	void (*details)(const xmlNode *device, struct text *out);

	/* Appends the alias by libvirt's rule, given its number among its like. NULL: has none. */
	void (*alias)(const struct document *document, const xmlNode *device, unsigned number,
		struct text *out);
	/*
	 * What a numbered alias begins with ("net"), the second where that depends on the device;
	 * neither where other properties make the alias.
	 */
	const char *alias_prefix;
	const char *(*alias_prefix_of)(const xmlNode *device);

	/* Relative paths ("source/@file", "mac/@address") that may change live, NULL-terminated. */
	const char *const *live_paths;
	/* May the path change live on this device? NULL: every one of live_paths may. */
	bool (*changes_live)(const xmlNode *device, const char *path);
	/* Relative paths that no guest sees and may change while shut off, NULL-terminated. */
	const char *const *free_paths;

	bool hot_pluggable;
	/* Why this very device cannot be plugged into a running guest; NULL: it can. */
	const char *(*no_hot_plug)(const xmlNode *device);
};

/* The kind of a device element; NULL for one that Domesday keeps but does not interpret. */
const struct device_kind *device_kind(const xmlNode *device);

/* The kinds, each in the file of its name; the four character devices are in chardev.c. */
extern const struct device_kind kind_audio;
extern const struct device_kind kind_channel;
extern const struct device_kind kind_console;
extern const struct device_kind kind_controller;
extern const struct device_kind kind_disk;
extern const struct device_kind kind_filesystem;
extern const struct device_kind kind_graphics;
extern const struct device_kind kind_hostdev;
extern const struct device_kind kind_hub;
extern const struct device_kind kind_input;
extern const struct device_kind kind_interface;
extern const struct device_kind kind_iommu;
extern const struct device_kind kind_memballoon;
extern const struct device_kind kind_memory;
extern const struct device_kind kind_panic;
extern const struct device_kind kind_parallel;
extern const struct device_kind kind_redirdev;
extern const struct device_kind kind_redirfilter;
extern const struct device_kind kind_rng;
extern const struct device_kind kind_serial;
extern const struct device_kind kind_shmem;
extern const struct device_kind kind_smartcard;
extern const struct device_kind kind_sound;
extern const struct device_kind kind_tpm;
extern const struct device_kind kind_video;
extern const struct device_kind kind_vsock;
extern const struct device_kind kind_watchdog;

#endif
