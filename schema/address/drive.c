/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Drive places: controller, bus, target and unit, on the bus of the disk's kind.
 *
 * A disk's target name says where it sits: the n-th letter is the n-th place of the bus, controller
 * by controller. Of a SCSI controller these are the first seven, which every model has: unit 7 may
 * be the controller itself. Only where somebody else has that place, or has left it, is the first
 * other one taken.
 */

#include <stdio.h>

#include "schema/address/places.h"
#include "schema/controllers.h"
#include "schema/device/disk.h"
#include "schema/fill.h"

static const struct layout {
	const char *bus;
	unsigned buses; /* of a controller */
	unsigned units; /* of a bus */
} layouts[] = {
	{"scsi", 1, 7},
	{"ide", 2, 2},
	{"sata", 1, 6},
	{"fdc", 1, 2},
};

struct drive_place {
	unsigned controller, bus, unit;
};

static struct drive_place place_number(const struct layout *layout, unsigned number)
{
	unsigned rest = number % (layout->buses * layout->units);
	struct drive_place place = {
		.controller = number / (layout->buses * layout->units),
		.bus = rest / layout->units,
		.unit = rest % layout->units,
	};

	return place;
}

static bool taken(
	const struct places *places, const struct layout *layout, const struct drive_place *place)
{
	char words[64];

	snprintf(words, sizeof words, "%s %u:%u:0:%u", layout->bus, place->controller, place->bus,
		place->unit);
	return places_taken(places, words);
}

static int write_place(xmlNode *device, const struct drive_place *place, struct dd_error *err)
{
	xmlNode *address = address_make(device, "drive", err);
	int rc = address ? node_set_attr_number(address, "controller", place->controller, err)
			 : DD_NO_MEMORY;

	if (!rc)
		rc = node_set_attr_number(address, "bus", place->bus, err);
	if (!rc)
		rc = node_set_attr(address, "target", "0", err);
	return rc ? rc : node_set_attr_number(address, "unit", place->unit, err);
}

static const struct layout *layout_of(const xmlNode *device)
{
	const char *bus = node_is(device, "disk") ? disk_bus(device) : "scsi";

	for (size_t i = 0; i < COUNT(layouts); i++)
		if (node_is(device, "hostdev")
				? i == 0
				: string_in(bus, (const char *const[]){layouts[i].bus, NULL}))
			return &layouts[i];
	return NULL;
}

/* Places to try: as many as the controllers have that there are, or that will be added. */
static unsigned place_count(
	const struct document *document, const struct layout *layout, unsigned wanted)
{
	unsigned each = layout->buses * layout->units;
	unsigned count = each;

	/* who wants one more SCSI controller gets it */
	if (layout == &layouts[0])
		return CONTROLLERS_NEEDED_MAX * each;

	for (const xmlNode *node = controller_first(document, layout->bus); node;
		node = controller_next(node))
		if (controller_index(node) < 256 && (controller_index(node) + 1) * each > count)
			count = (controller_index(node) + 1) * each;
	return wanted >= count ? wanted + 1 : count;
}

static int fill_partial(xmlNode *device, struct dd_error *err)
{
	static const char *const parts[] = {"controller", "bus", "target", "unit"};
	xmlNode *address = node_child(device, "address");
	int rc = 0;

	for (size_t i = 0; i < COUNT(parts) && !rc; i++)
		rc = fill_attr(address, parts[i], "0", err);
	return rc;
}

static int no_place(const xmlNode *device, const struct layout *layout, struct dd_error *err)
{
	return node_error(
		device, err, DD_REFUSED, "there is no free place on its %s bus", layout->bus);
}

int drive_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err)
{
	const struct layout *layout = layout_of(device);
	int named = node_is(device, "disk") ? disk_index(device) : 0;
	unsigned first = named < 0 ? 0 : (unsigned)named;

	if (!layout)
		return 0;
	if (address_type(device))
		return node_attr_is(node_child(device, "address"), "type", "drive")
			       ? fill_partial(device, err)
			       : 0;
	struct drive_place place = place_number(layout, first);

	if (choice == PLACE_NAMED)
		return write_place(device, &place, err);

	CLEANUP(places) struct places *places = NULL;
	unsigned count = place_count(document, layout, first);
	int rc = places_new(document, choice, &places, err);

	if (rc)
		return rc;
	for (unsigned i = 0; i <= count; i++) {
		/* the named place first, then all from the start */
		if (!taken(places, layout, &place))
			return write_place(device, &place, err);
		place = place_number(layout, i);
	}
	return no_place(device, layout, err);
}

/* Gives a host device the first free place; those before *number are not. */
static int assign_next(struct document *document, xmlNode *device, const struct places *places,
	unsigned *number, struct dd_error *err)
{
	const struct layout *layout = layout_of(device);
	unsigned count = place_count(document, layout, 0);

	for (; *number < count; ++*number) {
		struct drive_place place = place_number(layout, *number);

		if (taken(places, layout, &place))
			continue;
		++*number;
		return write_place(device, &place, err);
	}
	return no_place(device, layout, err);
}

int drive_assign_all(struct document *document, struct dd_error *err)
{
	CLEANUP(places) struct places *places = NULL;
	unsigned number = 0;
	int rc = 0;

	for (xmlNode *disk = device_first(document, "disk"); disk && !rc; disk = node_next(disk))
		rc = drive_assign(document, disk, PLACE_NAMED, err);
	if (!rc)
		rc = places_new(document, PLACE_FREE, &places, err);
	for (xmlNode *device = device_first(document, "hostdev"); device && !rc;
		device = node_next(device)) {
		if (!node_attr_is(device, "type", "scsi"))
			continue;
		rc = address_type(device) ? drive_assign(document, device, PLACE_FREE, err)
					  : assign_next(document, device, places, &number, err);
	}
	return rc;
}

/* SCSI controllers have targets, except the lsilogic one; the other buses have none. */
static bool has_targets(
	const struct document *document, const struct layout *layout, const xmlNode *address)
{
	const xmlNode *controller = controller_find(
		document, layout->bus, (unsigned)attr_number(address, "controller", 0));

	return layout == &layouts[0] && !node_attr_is(controller, "model", "lsilogic");
}

int drive_check(const struct document *document, const xmlNode *device, struct dd_error *err)
{
	const xmlNode *address = node_child(device, "address");
	const struct layout *layout = layout_of(device);

	if (!layout || !node_attr_is(address, "type", "drive"))
		return 0;
	if (attr_number(address, "target", 0) && !has_targets(document, layout, address))
		return node_error(address, err, DD_INVALID,
			"target %s: this %s controller has no targets, so it must be 0",
			node_attr(address, "target"), layout->bus);
	return 0;
}
