/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The picture of all PCI buses.
 *
 * A place that stands in the definition may be anywhere an endpoint can be plugged at all: a
 * conventional device on an Express slot and the other way round. A place that we choose must fit
 * exactly, on a bus made for being filled by us, and its slot must be empty; only ports, which
 * share slots, take the next function of a slot that a port began.
 *
 * A set that is growing invents the bus that a device needs: behind the last one, a pci-bridge or
 * (where everything is Express) a root port, for a conventional device first a root port and a
 * pcie-to-pci-bridge in it.
 */

#include <stdlib.h>
#include <string.h>

#include "schema/address/pci.h"
#include "schema/controllers.h"
#include "schema/fill.h"
#include "schema/machine.h"

bool pci_slot_used(const struct pci_set *set, unsigned bus, unsigned slot)
{
	return set->buses[bus].taken[slot] != 0;
}

bool pci_bus_full(const struct pci_bus *bus)
{
	if (!bus->model)
		return true;
	for (unsigned slot = bus->model->first_slot; slot <= bus->model->last_slot; slot++)
		if (!bus->taken[slot])
			return false;
	return true;
}

static void bus_init(struct pci_bus *bus, const struct pci_model *model)
{
	bus->model = model;
	bus->accepts = model->accepts;
}

static bool compatible(const struct pci_bus *bus, unsigned index, unsigned needs, bool fixed)
{
	unsigned accepts = bus->accepts;

	if (!bus->model)
		return false;
	if (needs & PCI_INTEGRATED) {
		if (index)
			return false;
		accepts |= PCI_AUTOMATIC;
	}
	if (fixed && accepts & PCI_ENDPOINT)
		accepts |= PCI_ENDPOINT;
	if (fixed && needs & PCI_NEEDS_BRIDGE_PLACE)
		needs |= PCI_NEEDS_CONVENTIONAL;
	if (!fixed && needs & PCI_AUTOMATIC && !(accepts & PCI_AUTOMATIC))
		return false;
	if (needs & PCI_HOT_PLUG && !(accepts & PCI_HOT_PLUG))
		return false;
	return (needs & accepts & PCI_NEEDS_KIND) != 0;
}

/* What is taken from the viewpoint of who chooses. */
static unsigned char closed(const struct pci_set *set, const struct pci_bus *bus, unsigned slot)
{
	unsigned left = set->choice == PLACE_NEW ? bus->left[slot] : 0u;

	return (unsigned char)(bus->taken[slot] | left);
}

static bool find_function(const struct pci_set *set, const struct pci_bus *bus, unsigned slot,
	int function, unsigned *found)
{
	unsigned char used = closed(set, bus, slot);
	unsigned first = function < 0 ? 0 : (unsigned)function;
	unsigned last = function < 0 ? PCI_FUNCTION_MAX - 1 : first;

	for (unsigned f = first; f <= last; f++)
		if (!(used & 1u << f)) {
			*found = f;
			return true;
		}
	return false;
}

static bool find_on_bus(const struct pci_set *set, unsigned index, unsigned needs, int function,
	struct pci_place *out)
{
	const struct pci_bus *bus = &set->buses[index];

	if (!compatible(bus, index, needs, false))
		return false;
	for (unsigned slot = bus->model->first_slot; slot <= bus->model->last_slot; slot++) {
		unsigned found = function < 0 ? 0 : (unsigned)function;
		bool empty = !closed(set, bus, slot);
		bool shares = needs & PCI_SHARES_SLOT && bus->shared[slot];

		if (empty || (shares && find_function(set, bus, slot, function, &found))) {
			*out = (struct pci_place){.bus = index, .slot = slot, .function = found};
			return true;
		}
	}
	return false;
}

static bool accepts_bridge(const struct pci_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->buses[i].accepts & PCI_NEEDS_BRIDGE_PLACE)
			return true;
	return false;
}

static int add_bus(
	struct pci_set *set, const char *model, const xmlNode *device, struct dd_error *err)
{
	if (set->count >= PCI_BUS_MAX)
		return node_error(device, err, DD_REFUSED,
			"there is no place left: a machine has at most %u PCI buses", PCI_BUS_MAX);
	memset(&set->buses[set->count], 0, sizeof set->buses[0]);
	bus_init(&set->buses[set->count++], pci_model(model));
	return 0;
}

/* Begins conventional PCI on a machine that has only Express. */
static int add_conventional_root(struct pci_set *set, const xmlNode *device, struct dd_error *err)
{
	int rc;

	if (!set->to_pci_bridge) {
		rc = add_bus(set, "dmi-to-pci-bridge", device, err);
		return rc ? rc : add_bus(set, "pci-bridge", device, err);
	}
	rc = add_bus(set, "pcie-root-port", device, err);
	if (rc)
		return rc;
	/* nothing but the bridge may be plugged into this port */
	set->buses[set->count - 1].accepts = PCI_NEEDS_TO_PCI_PLACE;
	return add_bus(set, "pcie-to-pci-bridge", device, err);
}

/* Adds the bus on which a device with these needs finds a place. */
static int grow(struct pci_set *set, unsigned needs, const xmlNode *device, struct dd_error *err)
{
	if (needs & PCI_NEEDS_CONVENTIONAL) {
		if (accepts_bridge(set))
			return add_bus(set, "pci-bridge", device, err);
		return add_conventional_root(set, device, err);
	}
	if (needs & (PCI_NEEDS_EXPRESS | PCI_NEEDS_UPSTREAM_PLACE))
		return add_bus(set, "pcie-root-port", device, err);
	return node_error(device, err, DD_INVALID,
		"there is no PCI controller that this one can be plugged into, and none can be "
		"added automatically");
}

static int no_place(unsigned needs, const xmlNode *device, struct dd_error *err)
{
	bool express = needs & PCI_NEEDS_EXPRESS;

	if (!(needs & PCI_HOT_PLUG))
		return node_error(device, err, DD_REFUSED, "there is no free PCI slot left for it");
	node_error(device, err, DD_REFUSED,
		"there is no free hot-plug slot for it in the running guest");
	return error_hint(err, "%s",
		express ? "add <controller type='pci' model='pcie-root-port'/> while the domain is "
			  "shut off, or use a scsi or usb device"
			: "add <controller type='pci' model='pci-bridge'/> while the domain is "
			  "shut off, or use a scsi or usb device");
}

int pci_set_find(struct pci_set *set, unsigned needs, int function, struct pci_place *out,
	const xmlNode *device, struct dd_error *err)
{
	for (unsigned i = 0; i < set->count; i++)
		if (find_on_bus(set, i, needs, function, out))
			return 0;
	if (!set->growing)
		return no_place(needs, device, err);

	int rc = grow(set, needs, device, err);

	if (rc)
		return rc;
	if (!find_on_bus(set, set->count - 1, needs, function, out))
		return no_place(needs, device, err);
	return 0;
}

static int refuse_plug(
	const struct pci_place *place, unsigned needs, const xmlNode *device, struct dd_error *err)
{
	if (needs & PCI_INTEGRATED && place->bus)
		return node_error(device, err, DD_INVALID,
			"pci %04x:%02x:%02x.%x: this device is integrated and must be on bus 0",
			place->domain, place->bus, place->slot, place->function);
	return node_error(device, err, DD_INVALID,
		"pci %04x:%02x:%02x.%x: the PCI controller with index %u does not accept this kind "
		"of "
		"device",
		place->domain, place->bus, place->slot, place->function, place->bus);
}

static int check_range(const struct pci_set *set, const struct pci_place *place,
	const xmlNode *device, struct dd_error *err)
{
	if (place->domain)
		return node_error(device, err, DD_INVALID,
			"PCI domain 0x%x: there is only domain 0", place->domain);
	if (place->bus >= PCI_BUS_MAX)
		return node_error(device, err, DD_INVALID, "PCI bus 0x%x: the last is 0x%x",
			place->bus, PCI_BUS_MAX - 1);
	if (place->bus >= set->count || !set->buses[place->bus].model)
		return node_error(device, err, DD_INVALID,
			"PCI bus 0x%02x: there is no <controller type='pci' index='%u'>",
			place->bus, place->bus);

	const struct pci_model *model = set->buses[place->bus].model;

	if (place->slot < model->first_slot || place->slot > model->last_slot)
		return node_error(device, err, DD_INVALID,
			"PCI slot 0x%02x: a %s has slots 0x%02x to 0x%02x", place->slot,
			model->model, model->first_slot, model->last_slot);
	if (place->function >= PCI_FUNCTION_MAX)
		return node_error(device, err, DD_INVALID, "PCI function 0x%x: the last is 0x7",
			place->function);
	return 0;
}

int pci_set_take(struct pci_set *set, struct pci_place *place, unsigned needs, bool fixed,
	const xmlNode *device, struct dd_error *err)
{
	while (set->growing && place->bus < PCI_BUS_MAX && place->bus >= set->count) {
		int rc = grow(set, needs, device, err);

		if (rc)
			return rc;
	}

	int rc = check_range(set, place, device, err);

	if (rc)
		return rc;

	struct pci_bus *bus = &set->buses[place->bus];

	if (!compatible(bus, place->bus, needs, fixed))
		return refuse_plug(place, needs, device, err);
	if (bus->taken[place->slot] & 1u << place->function)
		return node_error(device, err, DD_INVALID,
			"pci %04x:%02x:%02x.%x is used by another device", place->domain,
			place->bus, place->slot, place->function);
	if (!bus->taken[place->slot] && needs & PCI_SHARES_SLOT)
		bus->shared[place->slot] = true;
	bus->taken[place->slot] |= (unsigned char)(1u << place->function);
	return 0;
}

static int add_controllers(struct document *document, struct pci_set *set, struct dd_error *err)
{
	for (xmlNode *node = controller_first(document, "pci"); node;
		node = controller_next(node)) {
		unsigned index = controller_index(node);
		const struct pci_model *model = pci_model_of(node);

		if (index >= PCI_BUS_MAX)
			return node_error(node, err, DD_INVALID,
				"PCI controller index %u: the last is %u", index, PCI_BUS_MAX - 1);
		if (!model)
			return node_error(node, err, DD_UNSUPPORTED,
				"PCI controller model '%s' is not known",
				node_attr(node, "model") ? node_attr(node, "model") : "");
		bus_init(&set->buses[index], model);
		if (node_attr_is(node_child(node, "target"), "hotplug", "off"))
			set->buses[index].accepts &= ~(unsigned)PCI_HOT_PLUG;
		if (index >= set->count)
			set->count = index + 1;
	}
	return 0;
}

/* A gap in the indexes is filled with what would be added anyway. */
static void fill_gaps(const struct document *document, struct pci_set *set)
{
	const char *model = machine_has_express(document) ? "pcie-root-port" : "pci-bridge";

	for (unsigned i = 0; i < set->count; i++)
		if (!set->buses[i].model)
			bus_init(&set->buses[i], pci_model(i ? model : "pci-root"));
}

/* The IDE and USB functions of the PIIX3 are taken together with their slot. */
static bool is_piix_function(const xmlNode *device, const struct pci_place *place)
{
	if (!node_is(device, "controller") || controller_index(device) || place->bus ||
		place->slot != 1)
		return false;
	if (node_attr_is(device, "type", "ide"))
		return place->function == 1;
	return node_attr_is(device, "type", "usb") && place->function == 2 &&
	       (!node_attr(device, "model") || node_attr_is(device, "model", "piix3-uhci"));
}

static int take_fixed(struct document *document, struct pci_set *set, struct dd_error *err)
{
	for (xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device)) {
		struct pci_place place;
		unsigned needs = pci_needs(document, device);

		/* a console repeats the address of the serial port whose other name it is */
		if (node_is(device, "console") ||
			!pci_place_read(node_child(device, "address"), &place))
			continue;
		if (machine_is_i440fx(document) && is_piix_function(device, &place))
			continue;
		if (!needs)
			needs = PCI_NEEDS_CONVENTIONAL;

		int rc = pci_set_take(set, &place, needs, true, device, err);

		if (rc)
			return rc;
	}
	return 0;
}

static void mark_left(struct document *document, struct pci_set *set)
{
	for (xmlNode *entry = vacated_first(document); entry; entry = node_next(entry)) {
		struct pci_place place;

		if (pci_place_read(node_child(entry, "address"), &place) &&
			place.bus < set->count && place.slot < PCI_SLOT_MAX &&
			place.function < PCI_FUNCTION_MAX)
			set->buses[place.bus].left[place.slot] |=
				(unsigned char)(1u << place.function);
	}
}

int pci_set_new(struct document *document, const struct capabilities *caps, bool growing,
	struct pci_set **out, struct dd_error *err)
{
	CLEANUP(free) struct pci_set *set = calloc(1, sizeof *set);

	if (!set)
		return error_no_memory(err);
	set->growing = growing;
	set->to_pci_bridge = !caps || capabilities_has_device(caps, "pcie-pci-bridge");

	int rc = add_controllers(document, set, err);

	if (rc)
		return rc;
	fill_gaps(document, set);
	mark_left(document, set);
	rc = take_fixed(document, set, err);
	if (!rc)
		*out = TAKE(set);
	return rc;
}
