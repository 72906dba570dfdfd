/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What may not be detached: a controller or hub that something is plugged into, and what the
 * machine brings along by itself, which would be back at the next freeze.
 */

#include <string.h>

#include "schema/diff.h"
#include "schema/edit_internal.h"

/* Which addresses a controller of a type carries, and the attribute that names it there. */
static const struct {
	const char *controller;
	const char *address;
	const char *attribute;
	bool by_bus; /* drive addresses: the disk's target bus is the controller's type */
} carries[] = {
	{"pci", "pci", "bus", false},
	{"usb", "usb", "bus", false},
	{"virtio-serial", "virtio-serial", "controller", false},
	{"ccid", "ccid", "controller", false},
	{"ide", "drive", "controller", true},
	{"sata", "drive", "controller", true},
	{"scsi", "drive", "controller", true},
	{"fdc", "drive", "controller", true},
};

/* What kind of controller a drive is on: the disk's bus; a host device is a SCSI one. */
static const char *drive_bus(const xmlNode *device)
{
	const char *bus = node_attr(node_child(device, "target"), "bus");

	return bus ? bus : "scsi";
}

bool edit_plugged_into(const xmlNode *device, const xmlNode *controller)
{
	const xmlNode *address = node_child(device, "address");
	uint64_t index, number;

	for (size_t i = 0; address && i < sizeof carries / sizeof carries[0]; i++) {
		if (!node_attr_is(controller, "type", carries[i].controller) ||
			!node_attr_is(address, "type", carries[i].address))
			continue;
		if (carries[i].by_bus && strcmp(drive_bus(device), carries[i].controller) != 0)
			continue;
		if (node_attr_number(controller, "index", &index) &&
			node_attr_number(address, carries[i].attribute, &number) && index == number)
			return true;
	}
	return false;
}

/* "1.2" is plugged into the hub at port 1 of the same bus. */
static bool plugged_into_hub(const xmlNode *device, const xmlNode *hub)
{
	const xmlNode *address = node_child(device, "address"), *at = node_child(hub, "address");
	const char *port = node_attr(address, "port"), *own = node_attr(at, "port");
	const char *bus = node_attr(at, "bus");
	size_t length = own ? strlen(own) : 0;

	return node_attr_is(address, "type", "usb") && port && own && bus &&
	       node_attr_is(address, "bus", bus) && strncmp(port, own, length) == 0 &&
	       port[length] == '.';
}

static int refuse(const xmlNode *device, const char *why, const char *hint, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;

	device_words(device, &words);
	node_error(device, err, DD_REFUSED, "%s cannot be detached: %s", text_string(&words), why);
	return hint ? error_hint(err, "%s", hint) : DD_REFUSED;
}

static int check_users(const struct document *document, const xmlNode *device, struct dd_error *err)
{
	bool controller = node_is(device, "controller"), hub = node_is(device, "hub");

	for (xmlNode *other = node_first(document_devices(document)); other;
		other = node_after(other)) {
		CLEANUP(text) struct text why = TEXT_INIT;

		if (other == device || !((controller && edit_plugged_into(other, device)) ||
					       (hub && plugged_into_hub(other, device))))
			continue;
		device_words(other, &why);
		text_puts(&why, " is plugged into it");
		return refuse(device, text_string(&why), "detach that first", err);
	}
	return 0;
}

/* Built in, by an attribute of the element or of its address. */
static const struct {
	const char *element;
	const char *part; /* "" for the element itself */
	const char *attribute;
	const char *value;
	const char *why;
	const char *hint;
} built_in[] = {
	{"emulator", "", NULL, NULL, "it is the program that runs the machine", NULL},
	{"controller", "", "model", "pci-root", "every machine of this type has it", NULL},
	{"controller", "", "model", "pcie-root", "every machine of this type has it", NULL},
	{"controller", "", "type", "ide", "every machine of this type has it", NULL},
	{"controller", "", "type", "fdc", "every machine of this type has it", NULL},
	{"input", "", "bus", "ps2", "every machine of this type has it", NULL},
	{"memballoon", "", NULL, NULL, "a definition always says which it has",
		"update it to model='none' to go without"},
	{"console", "target", "type", "serial", "it is the first serial port under another name",
		"detach the serial port"},
};

static bool is_built_in(const xmlNode *device, size_t row)
{
	const xmlNode *part =
		built_in[row].part[0] ? node_child(device, built_in[row].part) : device;

	return node_is(device, built_in[row].element) &&
	       (!built_in[row].attribute ||
		       node_attr_is(part, built_in[row].attribute, built_in[row].value));
}

/* The SATA controller of the q35 chip set, which is at this place in each. */
static bool is_chipset_sata(const xmlNode *device)
{
	uint64_t bus = 1, slot = 0;
	const xmlNode *address = node_child(device, "address");

	return node_attr_is(device, "type", "sata") && node_attr_number(address, "bus", &bus) &&
	       node_attr_number(address, "slot", &slot) && bus == 0 && slot == 0x1f;
}

int detach_check(const struct document *document, const xmlNode *device, struct dd_error *err)
{
	for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++)
		if (is_built_in(device, i))
			return refuse(device, built_in[i].why, built_in[i].hint, err);
	if (node_is(device, "controller") && is_chipset_sata(device))
		return refuse(device, "every machine of this type has it", NULL, err);
	return check_users(document, device, err);
}
