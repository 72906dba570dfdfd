/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who gets which PCI place.
 *
 * The order is that in which libvirt goes through a definition, so that the same definition gets
 * the same places: the chipset, then the rows of the table below one by one, each in document
 * order, each device the first place that fits.
 *
 * This is done twice. The first time only counts: the set may grow, and what it grew becomes
 * controllers. With all buses there, the second time gives the addresses out. On an i440fx machine
 * the first round keeps one slot for a bridge to come; on one with Express whose PCI controllers
 * were all left to us it keeps one free port, into which a device can be hot-plugged later.
 */

#include <stdlib.h>
#include <string.h>

#include "schema/address/pci.h"
#include "schema/controllers.h"
#include "schema/fill.h"
#include "schema/machine.h"

/* The rows: an element, and which of them. */
enum which {
	EVERY,
	PCI_CONTROLLERS,
	OTHER_CONTROLLERS,
	HOST_DEVICES,    /* interfaces of type hostdev */
	NO_HOST_DEVICES, /* the other interfaces */
};

static const struct {
	const char *element;
	enum which which;
} rows[] = {
	{"controller", PCI_CONTROLLERS},
	{"filesystem", EVERY},
	{"interface", NO_HOST_DEVICES},
	{"sound", EVERY},
	{"controller", OTHER_CONTROLLERS},
	{"disk", EVERY},
	{"interface", HOST_DEVICES},
	{"hostdev", EVERY},
	{"memballoon", EVERY},
	{"rng", EVERY},
	{"watchdog", EVERY},
	{"video", EVERY},
	{"shmem", EVERY},
	{"input", EVERY},
	{"serial", EVERY},
	{"iommu", EVERY},
	{"vsock", EVERY},
	{"memory", EVERY},
	{"crypto", EVERY},
	{"panic", EVERY},
};

static bool belongs(const xmlNode *device, enum which which)
{
	switch (which) {
	case PCI_CONTROLLERS:
		return node_attr_is(device, "type", "pci");
	case OTHER_CONTROLLERS:
		return !node_attr_is(device, "type", "pci");
	case HOST_DEVICES:
		return node_attr_is(device, "type", "hostdev");
	case NO_HOST_DEVICES:
		return !node_attr_is(device, "type", "hostdev");
	case EVERY:
		break;
	}
	return true;
}

/* One round over a document. counting: nothing is written. */
struct round {
	struct document *document;
	struct pci_set *set;
	bool counting;
};

/* The controllers of an ICH9 USB group are functions of one slot. */
static const struct {
	const char *model;
	unsigned function;
} companions[] = {
	{"ich9-ehci1", 7},
	{"ich9-uhci1", 0},
	{"ich9-uhci2", 1},
	{"ich9-uhci3", 2},
};

static int companion_function(const xmlNode *device)
{
	const char *model = node_attr(device, "model");

	if (!node_is(device, "controller") || !node_attr_is(device, "type", "usb") || !model)
		return -1;
	for (size_t i = 0; i < COUNT(companions); i++)
		if (strcmp(companions[i].model, model) == 0)
			return (int)companions[i].function;
	return -1;
}

/* The place of the first other controller of the group that has one. */
static bool group_place(
	const struct document *document, const xmlNode *device, struct pci_place *out)
{
	for (const xmlNode *other = device_first(document, "controller"); other;
		other = node_next(other))
		if (companion_function(other) >= 0 &&
			controller_index(other) == controller_index(device) &&
			pci_place_read(node_child(other, "address"), out))
			return true;
	return false;
}

static int place_companion(
	struct round *round, xmlNode *device, int function, unsigned needs, struct dd_error *err)
{
	struct pci_place place;
	int rc;

	if (group_place(round->document, device, &place)) {
		place.function = (unsigned)function;
		rc = pci_set_take(round->set, &place, needs, true, device, err);
	} else {
		rc = pci_set_find(round->set, needs, function, &place, device, err);
		if (!rc)
			rc = pci_set_take(round->set, &place, needs, false, device, err);
	}
	if (rc || round->counting)
		return rc;
	return pci_place_write(device, &place, function ? NULL : "on", err);
}

static int place_device(struct round *round, xmlNode *device, unsigned needs, struct dd_error *err)
{
	struct pci_place place;
	int function = companion_function(device);

	if (function >= 0)
		return place_companion(round, device, function, needs, err);

	int rc = pci_set_find(round->set, needs, -1, &place, device, err);

	if (!rc)
		rc = pci_set_take(round->set, &place, needs, false, device, err);
	if (rc || round->counting)
		return rc;
	return pci_place_write(device, &place, NULL, err);
}

static int place_rows(struct round *round, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < COUNT(rows); i++)
		for (xmlNode *device = device_first(round->document, rows[i].element);
			device && !rc; device = node_next(device)) {
			unsigned needs = pci_needs(round->document, device);

			if (needs && belongs(device, rows[i].which) &&
				address_wanted(device, "pci"))
				rc = place_device(round, device, needs, err);
		}
	return rc;
}

static int keep_one(struct pci_set *set, unsigned needs, const xmlNode *blame, struct dd_error *err)
{
	struct pci_place place;
	int rc = pci_set_find(set, needs | PCI_AUTOMATIC, -1, &place, blame, err);

	return rc ? rc : pci_set_take(set, &place, needs | PCI_AUTOMATIC, false, blame, err);
}

static bool all_full(const struct pci_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		if (!pci_bus_full(&set->buses[i]))
			return false;
	return true;
}

/* A new bus hangs on one that was there before it; a place that another left is better than none.
 */
static int place_bus(
	struct round *round, xmlNode *node, unsigned index, unsigned needs, struct dd_error *err)
{
	static const enum place_choice choices[] = {PLACE_NEW, PLACE_FREE};
	struct pci_set *set = round->set;
	unsigned count = set->count;
	int rc = DD_REFUSED;

	if (round->counting)
		return place_device(round, node, needs, err);
	for (size_t i = 0; rc && i < COUNT(choices); i++) {
		set->choice = choices[i];
		set->count = index;
		rc = place_device(round, node, needs, err);
		set->count = count;
	}
	return rc;
}

/* The PCI controllers by index; the first of those that have the same. */
static void controllers_by_index(const struct document *document, xmlNode *table[PCI_BUS_MAX])
{
	memset(table, 0, PCI_BUS_MAX * sizeof table[0]);
	for (xmlNode *node = controller_first(document, "pci"); node;
		node = controller_next(node)) {
		unsigned index = controller_index(node);

		if (index < PCI_BUS_MAX && !table[index])
			table[index] = node;
	}
}

/* Makes controllers of the buses that the set invented, and counts their own places. */
static int add_grown(struct round *round, struct dd_error *err)
{
	struct pci_set *set = round->set;
	xmlNode *there[PCI_BUS_MAX];

	controllers_by_index(round->document, there);
	for (unsigned i = 1; i < set->count; i++) {
		xmlNode *node;
		int rc;

		if (there[i])
			continue;
		rc = controller_add(
			round->document, "pci", i, set->buses[i].model->model, &node, err);
		if (!rc && set->buses[i].model->needs)
			rc = place_bus(round, node, i, set->buses[i].model->needs, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int count_round(
	struct document *document, const struct capabilities *caps, struct dd_error *err)
{
	CLEANUP(free) struct pci_set *set = NULL;
	const xmlNode *devices = document_devices(document);
	unsigned defined = 0;
	int rc;

	for (const xmlNode *node = controller_first(document, "pci"); node;
		node = controller_next(node))
		if (controller_index(node) + 1 > defined)
			defined = controller_index(node) + 1;
	rc = pci_set_new(document, caps, true, &set, err);
	if (!rc)
		rc = pci_place_chipset(document, set, err);
	if (!rc && !machine_has_express(document) && !all_full(set))
		rc = keep_one(set, PCI_NEEDS_CONVENTIONAL, devices, err);
	if (rc)
		return rc;

	struct round round = {.document = document, .set = set, .counting = true};

	rc = place_rows(&round, err);
	if (!rc && defined <= 1 && set->count > defined && machine_has_express(document))
		rc = keep_one(set, PCI_NEEDS_EXPRESS, devices, err);
	return rc ? rc : add_grown(&round, err);
}

static int give_round(
	struct document *document, const struct capabilities *caps, struct dd_error *err)
{
	CLEANUP(free) struct pci_set *set = NULL;
	int rc = pci_set_new(document, caps, false, &set, err);
	struct round round = {.document = document, .set = set};

	if (!rc)
		rc = pci_place_chipset(document, set, err);
	return rc ? rc : place_rows(&round, err);
}

/* Does the way from every controller lead to a root? */
static int check_loops(struct document *document, struct dd_error *err)
{
	xmlNode *table[PCI_BUS_MAX];

	controllers_by_index(document, table);
	for (xmlNode *node = controller_first(document, "pci"); node;
		node = controller_next(node)) {
		const xmlNode *step = node;
		struct pci_place place;
		unsigned steps = 0;

		while (steps++ <= PCI_BUS_MAX &&
			pci_place_read(node_child(step, "address"), &place))
			step = place.bus < PCI_BUS_MAX ? table[place.bus] : NULL;
		if (steps <= PCI_BUS_MAX)
			continue;
		node_error(node, err, DD_INVALID,
			"the PCI controller with index %u would be plugged into itself",
			controller_index(node));
		return error_hint(
			err, "put the controller that it is to be plugged into before it");
	}
	return 0;
}

static int finish(struct document *document, struct dd_error *err)
{
	int rc = check_loops(document, err);

	if (!rc)
		rc = pci_mark_multifunction(document, err);

	for (xmlNode *node = controller_first(document, "pci"); node && !rc;
		node = controller_next(node))
		rc = pci_controller_options(document, node, err);
	return rc;
}

/* An address that gives a part of the place has 0 for the rest. */
static int spell_out(struct document *document, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(document)); device && !rc;
		device = node_after(device)) {
		struct pci_place place;

		if (pci_place_read(node_child(device, "address"), &place))
			rc = pci_place_write(device, &place, NULL, err);
	}
	return rc;
}

int pci_assign_all(struct document *document, const struct capabilities *caps, struct dd_error *err)
{
	int rc = count_round(document, caps, err);

	if (!rc)
		rc = spell_out(document, err);
	if (!rc)
		rc = give_round(document, caps, err);
	return rc ? rc : finish(document, err);
}

/* Adds the buses that the set invented, with addresses that nobody had where there are such. */
static int add_for_one(struct document *document, struct pci_set *set, struct dd_error *err)
{
	struct round round = {.document = document, .set = set};
	int rc;

	set->growing = false;
	rc = add_grown(&round, err);
	return rc ? rc : finish(document, err);
}

/* Is there no place left for another bridge with conventional slots, where there were such? */
static bool bridges_full(const struct pci_set *set)
{
	bool found = false;

	for (unsigned i = 0; i < set->count; i++) {
		if (!(set->buses[i].accepts & PCI_NEEDS_BRIDGE_PLACE))
			continue;
		if (!pci_bus_full(&set->buses[i]))
			return false;
		found = true;
	}
	return found;
}

/*
 * The last conventional place goes to the bridge that makes more of them: once it is taken, no
 * bridge can come any more.
 */
static void leave_last(
	struct pci_set *set, unsigned needs, struct pci_place *place, const xmlNode *device)
{
	unsigned char *at = &set->buses[place->bus].taken[place->slot];
	unsigned char before = *at;
	struct pci_place on_new;

	*at |= (unsigned char)(1u << place->function);
	if (bridges_full(set)) {
		set->growing = true;
		if (pci_set_find(set, needs, -1, &on_new, device, NULL) == 0)
			*place = on_new;
		set->growing = false;
	}
	*at = before;
}

/* A place that nobody ever had; else, while shut off, on a bus made for it; else one left by
 * another. */
static int find_for_one(struct document *document, struct pci_set *set, xmlNode *device, bool live,
	struct pci_place *place, struct dd_error *err)
{
	unsigned needs = pci_needs(document, device) | (live ? PCI_HOT_PLUG : 0);
	static const struct {
		enum place_choice choice;
		bool growing;
	} tries[] = {{PLACE_NEW, false}, {PLACE_NEW, true}, {PLACE_FREE, false}};
	struct dd_error first = {0};
	int rc = DD_REFUSED;

	for (size_t i = 0; rc && i < sizeof tries / sizeof tries[0]; i++) {
		if (live && tries[i].growing)
			continue;
		set->choice = tries[i].choice;
		set->growing = tries[i].growing;
		rc = pci_set_find(set, needs, -1, place, device, &first);
	}
	if (!rc && !live)
		leave_last(set, needs, place, device);
	if (rc && err)
		*err = first;
	return rc && live ? DD_REFUSED : rc;
}

/* An address that came with the device: is it one that a running guest can take? */
static int check_given(struct pci_set *set, const struct pci_place *place, bool live,
	const xmlNode *device, struct dd_error *err)
{
	if (!live)
		return 0;
	if (place->function)
		return node_error(device, err, DD_REFUSED,
			"function 0x%x: a running guest can only be given function 0 of a slot",
			place->function);
	if (!(set->buses[place->bus].accepts & PCI_HOT_PLUG))
		return node_error(device, err, DD_REFUSED, "PCI bus 0x%02x does not allow hot-plug",
			place->bus);
	return 0;
}

int pci_assign(struct document *document, xmlNode *device, bool live,
	const struct capabilities *caps, struct dd_error *err)
{
	CLEANUP(free) struct pci_set *set = NULL;
	struct pci_place place;
	bool given = pci_place_read(node_child(device, "address"), &place);
	int rc = pci_set_new(document, caps, false, &set, err);

	if (!rc)
		rc = pci_place_chipset(document, set, err);
	if (rc)
		return rc;
	/* a controller that the chipset itself has is at its place now */
	if (!given && node_is(device, "controller"))
		given = pci_place_read(node_child(device, "address"), &place);
	if (given)
		return check_given(set, &place, live, device, err);
	rc = find_for_one(document, set, device, live, &place, err);
	if (!rc)
		rc = pci_set_take(set, &place, pci_needs(document, device), false, device, err);
	if (!rc)
		rc = pci_place_write(device, &place, NULL, err);
	return rc || live ? rc : add_for_one(document, set, err);
}
