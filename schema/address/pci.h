/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_ADDRESS_PCI_H
#define SCHEMA_ADDRESS_PCI_H

/*
 * PCI and PCI Express places.
 *
 * Every PCI controller is a bus, known by its index, that accepts some kinds of plug in a range of
 * slots. pci_models says which. A pci_set is the picture of all buses with what is taken on them;
 * it is made from a document, asked for places, and thrown away.
 */

#include "schema/address/address.h"

#define PCI_BUS_MAX 256u
#define PCI_SLOT_MAX 32u
#define PCI_FUNCTION_MAX 8u

/* What plugs where. A device has one of the first group, a bus accepts several. */
enum {
	PCI_NEEDS_CONVENTIONAL = 1u << 0,
	PCI_NEEDS_EXPRESS = 1u << 1,
	PCI_NEEDS_BRIDGE_PLACE = 1u << 2, /* of a pci-bridge */
	PCI_NEEDS_ROOT_PORT_PLACE = 1u << 3,
	PCI_NEEDS_UPSTREAM_PLACE = 1u << 4,
	PCI_NEEDS_DOWNSTREAM_PLACE = 1u << 5,
	PCI_NEEDS_DMI_PLACE = 1u << 6,
	PCI_NEEDS_TO_PCI_PLACE = 1u << 7, /* of a pcie-to-pci-bridge */
	PCI_NEEDS_EXPANDER_PLACE = 1u << 8,
	PCI_NEEDS_EXPRESS_EXPANDER_PLACE = 1u << 9,
	PCI_NEEDS_KIND = (1u << 10) - 1,

	PCI_AUTOMATIC = 1u << 10,   /* a device that is placed by us; a bus that we may place on */
	PCI_HOT_PLUG = 1u << 11,    /* needs, or offers, plugging into a running guest */
	PCI_INTEGRATED = 1u << 12,  /* sits on bus 0 itself */
	PCI_SHARES_SLOT = 1u << 13, /* functions of one slot may be different such devices */
	PCI_ENDPOINT = PCI_NEEDS_CONVENTIONAL | PCI_NEEDS_EXPRESS,
};

struct pci_place {
	unsigned domain, bus, slot, function;
};

struct pci_model {
	const char *model;   /* as in <controller model=''> */
	const char *name;    /* as in <model name=''>, what QEMU calls it; NULL for the roots */
	const char *other;   /* another name that it may have */
	const char *options; /* of its <target>, apart by a space */
	unsigned needs;      /* where it is plugged itself */
	unsigned accepts;    /* what is plugged into it */
	unsigned first_slot, last_slot;
};

const struct pci_model *pci_model(const char *model); /* NULL where unknown */
const struct pci_model *pci_model_of(const xmlNode *controller);

/* What a device needs; 0 where it is not a PCI device. */
unsigned pci_needs(const struct document *document, const xmlNode *device);

/* Reads a whole or partial PCI address; false where it names no place. */
bool pci_place_read(const xmlNode *address, struct pci_place *out);

/* multifunction is "on", "off" or NULL for leaving it as it is. */
int pci_place_write(xmlNode *device, const struct pci_place *place, const char *multifunction,
	struct dd_error *err);

struct pci_bus {
	const struct pci_model *model; /* NULL: there is no such controller */
	unsigned accepts;
	unsigned char taken[PCI_SLOT_MAX]; /* a bit for each function */
	unsigned char left[PCI_SLOT_MAX];  /* functions that a detached device had */
	bool shared[PCI_SLOT_MAX];
};

struct pci_set {
	struct pci_bus buses[PCI_BUS_MAX];
	unsigned count;
	bool growing; /* may invent buses, which the caller then makes controllers */
	enum place_choice choice;
	bool to_pci_bridge; /* the binary has pcie-pci-bridge */
};

/* The picture of a document. *out is released with free(). */
int pci_set_new(struct document *document, const struct capabilities *caps, bool growing,
	struct pci_set **out, struct dd_error *err);

/* Takes the place for device (NULL: for the chipset). fixed: it is written in the definition. */
int pci_set_take(struct pci_set *set, struct pci_place *place, unsigned needs, bool fixed,
	const xmlNode *device, struct dd_error *err);

/* Finds a place; function is -1 for any. DD_REFUSED where there is none. */
int pci_set_find(struct pci_set *set, unsigned needs, int function, struct pci_place *out,
	const xmlNode *device, struct dd_error *err);

bool pci_slot_used(const struct pci_set *set, unsigned bus, unsigned slot);
bool pci_bus_full(const struct pci_bus *bus);

/* Places the devices that a chipset has at fixed places, and reserves its hidden ones. */
int pci_place_chipset(struct document *document, struct pci_set *set, struct dd_error *err);

int pci_assign_all(
	struct document *document, const struct capabilities *caps, struct dd_error *err);
int pci_assign(struct document *document, xmlNode *device, bool live,
	const struct capabilities *caps, struct dd_error *err);

/* Name, chassis, port… of a PCI controller that has its address. */
int pci_controller_options(struct document *document, xmlNode *controller, struct dd_error *err);

/* Are its options, and the name that it is known by to QEMU, ones that its model has? */
int pci_check_options(const xmlNode *controller, struct dd_error *err);

/* Marks function 0 of every slot with several functions as multifunction. */
int pci_mark_multifunction(struct document *document, struct dd_error *err);

#endif
