/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/rows.h"

#include <stdio.h>
#include <string.h>

static const char *const known[] = {
	"@type",
	"@device",
	"@model",
	"@snapshot",
	"driver/@name",
	"driver/@type",
	"driver/@cache",
	"driver/@io",
	"driver/@discard",
	"driver/@detect_zeroes",
	"driver/@iothread",
	"driver/@error_policy",
	"driver/@rerror_policy",
	"source/@file",
	"source/@dev",
	"source/@index",
	"source/seclabel/",
	"backingStore/",
	"target/@dev",
	"target/@bus",
	"target/@tray",
	"target/@removable",
	"readonly",
	"shareable",
	"serial",
	"wwn",
	NULL,
};

static const struct property general[] = {
	{"blockio/@logical_block_size", "logical_block_size", PROPERTY_NUMBER},
	{"blockio/@physical_block_size", "physical_block_size", PROPERTY_NUMBER},
	{"blockio/@discard_granularity", "discard_granularity", PROPERTY_NUMBER},
	{NULL},
};

static const struct property virtio[] = {
	{"driver/@queues", "num-queues", PROPERTY_NUMBER},
	{"driver/@queue_size", "queue-size", PROPERTY_NUMBER},
	{"driver/@ioeventfd", "ioeventfd", PROPERTY_SWITCH},
	{"driver/@event_idx", "event_idx", PROPERTY_SWITCH},
	{NULL},
};

static const struct property rotating[] = {
	{"target/@rotation_rate", "rotation_rate", PROPERTY_NUMBER},
	{NULL},
};

static const struct property scsi[] = {
	{"vendor", "vendor", PROPERTY_TEXT},
	{"product", "product", PROPERTY_TEXT},
	{NULL},
};

static const struct property *const tables[] = {
	general, virtio, virtio_properties, rotating, scsi, NULL};

struct place {
	uint64_t controller;
	uint64_t bus;
	uint64_t target;
	uint64_t unit;
};

static int read_place(const xmlNode *disk, struct place *place, struct dd_error *err)
{
	const xmlNode *address = node_child(disk, "address");

	memset(place, 0, sizeof *place);
	if (!node_attr_is(address, "type", "drive"))
		return node_error(disk, err, DD_UNSUPPORTED, "it has no drive address");
	node_attr_number(address, "controller", &place->controller);
	node_attr_number(address, "bus", &place->bus);
	node_attr_number(address, "target", &place->target);
	node_attr_number(address, "unit", &place->unit);
	return 0;
}

static bool is_cdrom(const xmlNode *disk)
{
	return node_attr_is(disk, "device", "cdrom");
}

static int on_virtio(
	struct plan *plan, const xmlNode *disk, struct json *args, struct dd_error *err)
{
	char driver[64];
	int code;

	if (is_cdrom(disk))
		return node_error(disk, err, DD_UNSUPPORTED, "virtio has no cdrom");
	code = virtio_driver(disk, "virtio-blk-pci", driver, sizeof driver, err);
	if (!code)
		code = put_driver(plan, disk, args, driver, err);
	if (!code)
		code = put_pci(plan, disk, args, err);
	put_iothread(disk, args);
	if (!code)
		code = put_properties(args, disk, virtio, err);
	if (!code)
		code = put_properties(args, disk, virtio_properties, err);
	return code;
}

/* In QEMU's bus names the parallel SCSI adapters have targets only, the others units too. */
static bool has_units(const xmlNode *controller)
{
	const char *model = node_attr(controller, "model");

	return model && strncmp(model, "virtio", 6) == 0;
}

static int on_scsi(struct plan *plan, const xmlNode *disk, struct json *args, struct dd_error *err)
{
	struct place place;
	char text[160];
	int code = read_place(disk, &place, err);
	const xmlNode *controller =
		code ? NULL : find_controller(plan->live, "scsi", place.controller);

	if (code)
		return code;
	if (!controller)
		return node_error(disk, err, DD_INVALID, "there is no SCSI controller %u",
			(unsigned)place.controller);
	code = put_driver(plan, disk, args, is_cdrom(disk) ? "scsi-cd" : "scsi-hd", err);
	if (code)
		return code;
	snprintf(text, sizeof text, "%s.%u", alias_of(controller),
		has_units(controller) ? 0 : (unsigned)place.bus);
	json_put_string(args, "bus", text);
	if (has_units(controller)) {
		json_put(args, "channel", json_unsigned(place.bus));
		json_put(args, "scsi-id", json_unsigned(place.target));
		json_put(args, "lun", json_unsigned(place.unit));
	} else {
		json_put(args, "scsi-id", json_unsigned(place.unit));
	}
	snprintf(text, sizeof text, "drive-%s", alias_of(disk));
	json_put_string(
		args, "device_id", text_of(disk, "serial") ? text_of(disk, "serial") : text);
	code = put_properties(args, disk, scsi, err);
	return code ? code : put_properties(args, disk, rotating, err);
}

static int on_ide(struct plan *plan, const xmlNode *disk, struct json *args, struct dd_error *err)
{
	struct place place;
	char bus[32];
	int code = read_place(disk, &place, err);

	if (code)
		return code;
	if (place.controller || is_q35(plan->live))
		return node_error(disk, err, DD_UNSUPPORTED,
			"only the IDE controller that a pc machine has can be run");
	code = put_driver(plan, disk, args, is_cdrom(disk) ? "ide-cd" : "ide-hd", err);
	if (code)
		return code;
	snprintf(bus, sizeof bus, "ide.%u", (unsigned)place.bus);
	json_put_string(args, "bus", bus);
	json_put(args, "unit", json_unsigned(place.unit));
	return put_properties(args, disk, rotating, err);
}

static int on_sata(struct plan *plan, const xmlNode *disk, struct json *args, struct dd_error *err)
{
	struct place place;
	char bus[160];
	int code = read_place(disk, &place, err);
	const xmlNode *controller =
		code ? NULL : find_controller(plan->live, "sata", place.controller);

	if (code)
		return code;
	if (!controller)
		return node_error(disk, err, DD_INVALID, "there is no SATA controller %u",
			(unsigned)place.controller);
	code = put_driver(plan, disk, args, is_cdrom(disk) ? "ide-cd" : "ide-hd", err);
	if (code)
		return code;
	/* the first one of a q35 machine is a part of it */
	snprintf(bus, sizeof bus, "%s.%u",
		is_q35(plan->live) && !place.controller ? "ide" : alias_of(controller),
		(unsigned)place.unit);
	json_put_string(args, "bus", bus);
	return put_properties(args, disk, rotating, err);
}

static int on_usb(struct plan *plan, const xmlNode *disk, struct json *args, struct dd_error *err)
{
	int code = put_driver(plan, disk, args, "usb-storage", err);

	if (!code)
		code = put_usb(plan, disk, args, err);
	if (code)
		return code;
	json_put_bool(
		args, "removable", node_attr_is(node_child(disk, "target"), "removable", "on"));
	return 0;
}

static const struct bus {
	const char *name;
	int (*put)(struct plan *, const xmlNode *, struct json *, struct dd_error *);
	bool can_be_empty;
	bool has_serial;
	bool has_wwn;
	bool has_write_cache;
} buses[] = {
	{"virtio", on_virtio, false, true, false, true},
	{"scsi", on_scsi, true, true, true, true},
	{"ide", on_ide, true, true, true, true},
	{"sata", on_sata, true, true, true, true},
	{"usb", on_usb, false, true, false, true},
};

static const struct bus *find_bus(const xmlNode *disk)
{
	for (size_t i = 0; i < sizeof buses / sizeof *buses; i++)
		if (node_attr_is(node_child(disk, "target"), "bus", buses[i].name))
			return &buses[i];
	return NULL;
}

static int put_policies(const xmlNode *disk, struct json *args, struct dd_error *err)
{
	static const struct word words[] = {{"stop", "stop"}, {"report", "report"},
		{"ignore", "ignore"}, {"enospace", "enospc"}, {NULL}};
	const char *on_write = text_of(disk, "driver/@error_policy");
	const char *on_read = text_of(disk, "driver/@rerror_policy");

	if ((on_write && !word_find(words, on_write)) || (on_read && !word_find(words, on_read)))
		return node_error(
			node_child(disk, "driver"), err, DD_INVALID, "no such error policy");
	/* libvirt's rule: the policy for writing holds for reading too, where it can */
	if (!on_read && on_write && strcmp(on_write, "enospace") != 0)
		on_read = on_write;
	if (on_write)
		json_put_string(args, "werror", word_find(words, on_write));
	if (on_read)
		json_put_string(args, "rerror", word_find(words, on_read));
	return 0;
}

/* Whether the device shows the guest a volatile write cache. */
static void put_write_cache(const xmlNode *disk, struct json *args)
{
	static const struct word modes[] = {{"none", "on"}, {"writeback", "on"}, {"unsafe", "on"},
		{"writethrough", "off"}, {"directsync", "off"}, {NULL}};
	const char *state = word_find(modes, text_of(disk, "driver/@cache"));

	if (state && !is_cdrom(disk))
		json_put_string(args, "write-cache", state);
}

static int put_common(
	const struct bus *bus, const xmlNode *disk, struct json *args, struct dd_error *err)
{
	const char *serial = text_of(disk, "serial");
	const char *wwn = text_of(disk, "wwn");

	if (serial && bus->has_serial)
		json_put_string(args, "serial", serial);
	if (wwn && !bus->has_wwn)
		return node_error(disk, err, DD_UNSUPPORTED, "a disk on %s has no WWN", bus->name);
	if (wwn)
		json_put(args, "wwn", json_unsigned(strtoull(wwn, NULL, 16)));
	if (node_child(disk, "shareable"))
		json_put_bool(args, "share-rw", true);
	if (bus->has_write_cache)
		put_write_cache(disk, args);

	int code = put_policies(disk, args, err);

	return code ? code : put_properties(args, disk, general, err);
}

static int check(const xmlNode *disk, const struct bus *bus, struct dd_error *err)
{
	const char *device = node_attr(disk, "device");
	const char *driver = text_of(disk, "driver/@name");

	if (device && strcmp(device, "disk") != 0 && strcmp(device, "cdrom") != 0)
		return node_error(disk, err, DD_UNSUPPORTED, "a %s cannot be run yet", device);
	if (driver && strcmp(driver, "qemu") != 0)
		return node_error(
			disk, err, DD_UNSUPPORTED, "driver '%s' cannot be run with QEMU", driver);
	if (!bus)
		return node_error(disk, err, DD_UNSUPPORTED, "a disk on bus '%s' cannot be run yet",
			text_of(disk, "target/@bus") ? text_of(disk, "target/@bus") : "");
	return 0;
}

static int plan_disk(struct plan *plan, const xmlNode *disk, struct dd_error *err)
{
	const struct bus *bus = find_bus(disk);
	bool has_medium = false;
	char drive[NODE_NAME_SIZE];
	int code = check(disk, bus, err);

	if (!code)
		code = plan_storage(plan, disk, &has_medium, err);
	if (code)
		return code;
	if (!has_medium && (!is_cdrom(disk) || !bus->can_be_empty))
		return node_error(disk, err, is_cdrom(disk) ? DD_UNSUPPORTED : DD_INVALID,
			"a disk like this must have a <source>");

	struct json *args = plan_add(plan, STEP_DEVICE);

	code = bus->put(plan, disk, args, err);
	if (code)
		return code;
	if (has_medium) {
		block_node_name(drive, alias_of(disk), "-format");
		json_put_string(args, "drive", drive);
	}
	put_boot(plan, disk, args);
	return put_common(bus, disk, args, err);
}

const struct device_row disk_row = {
	.element = "disk",
	.plan = plan_disk,
	.known = known,
	.properties = tables,
};
