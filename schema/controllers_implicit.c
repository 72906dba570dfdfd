/* SPDX-License-Identifier: Apache-2.0 */

/* The controllers that nobody wrote down: those of the machine, and those that devices need. */

#include <string.h>

#include "schema/address/address.h"
#include "schema/controllers.h"
#include "schema/fill.h"
#include "schema/machine.h"

static int add_root(struct document *document, const char *model, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *node = controller_first(document, "pci"); node && !rc;
		node = controller_next(node)) {
		const char *own = node_attr(node, "model");
		bool root = own && (strcmp(own, "pci-root") == 0 || strcmp(own, "pcie-root") == 0);

		if (!own && !controller_index(node))
			rc = node_set_attr(node, "model", model, err);
		if (root && controller_index(node))
			return node_error(node, err, DD_INVALID,
				"a %s controller has index 0 and no other", own);
		if (own && !controller_index(node) && strcmp(own, model) != 0)
			return node_error(node, err, DD_INVALID,
				"the first PCI controller of this machine type is a %s, not a %s",
				model, own);
	}
	return rc ? rc : controller_ensure(document, "pci", 0, model, err);
}

int controllers_add_for_host_devices(struct document *document, struct dd_error *err)
{
	unsigned count = 0;
	int rc = 0;

	for (const xmlNode *device = device_first(document, "hostdev"); device;
		device = node_next(device)) {
		const xmlNode *address = node_child(device, "address");
		uint64_t index = attr_number(address, "controller", 0);

		if (!node_attr_is(device, "type", "scsi"))
			continue;
		if (index >= CONTROLLERS_NEEDED_MAX)
			return node_error(address, err, DD_INVALID,
				"controller index %s is too large",
				node_attr(address, "controller"));
		count = index >= count ? (unsigned)index + 1 : count;
	}
	for (unsigned i = 0; i < count && !rc; i++)
		rc = controller_ensure(document, "scsi", i, NULL, err);
	return rc;
}

/* Companions are of no use without one that they accompany. */
static int check_companions(const struct document *document, struct dd_error *err)
{
	const xmlNode *first = controller_first(document, "usb");

	for (const xmlNode *node = first; node; node = controller_next(node))
		if (!controller_is_companion(node))
			return 0;
	if (!first)
		return 0;
	node_error(first, err, DD_INVALID, "it accompanies another USB controller, but is alone");
	return error_hint(err, "add <controller type='usb' index='%u' model='ich9-ehci1'/>",
		controller_index(first));
}

int controllers_add_machine(struct document *document, struct dd_error *err)
{
	bool express = machine_is_q35(document);
	int rc = check_companions(document, err);

	if (!rc)
		rc = controller_ensure(
			document, "usb", 0, express ? "qemu-xhci" : "piix3-uhci", err);
	if (!rc && express)
		rc = controller_ensure(document, "sata", 0, NULL, err);
	return rc ? rc : add_root(document, express ? "pcie-root" : "pci-root", err);
}

/*
 * The controllers that drive addresses on a bus count, 0 to the greatest. Host devices want more of
 * the model that they are on already.
 */
static int add_for_bus(
	struct document *document, const char *bus, const char *element, struct dd_error *err)
{
	const char *model = NULL;
	unsigned count = 0;
	int rc = 0;

	for (const xmlNode *device = device_first(document, element); device;
		device = node_next(device)) {
		const xmlNode *address = node_child(device, "address");
		const char *own = node_is(device, "disk")
					  ? node_attr(node_child(device, "target"), "bus")
					  : node_attr(device, "type");
		uint64_t index = attr_number(address, "controller", 0);

		if (!own || strcmp(own, bus) != 0 || !node_attr_is(address, "type", "drive"))
			continue;
		if (index >= CONTROLLERS_NEEDED_MAX)
			return node_error(address, err, DD_INVALID,
				"controller index %s is too large",
				node_attr(address, "controller"));
		if (strcmp(bus, "ide") == 0 && (index || !machine_is_i440fx(document)))
			return node_error(device, err, DD_INVALID,
				"machine type %s has no IDE controller %u: use sata",
				machine_name(document), (unsigned)index);
		if (strcmp(bus, "fdc") == 0 && index)
			return node_error(device, err, DD_INVALID,
				"a machine has one floppy controller: two drives, fda and fdb");
		count = index >= count ? (unsigned)index + 1 : count;
		if (node_is(device, "hostdev") && !model)
			model = node_attr(controller_find(document, bus, (unsigned)index), "model");
	}
	for (unsigned i = 0; i < count && !rc; i++)
		rc = controller_ensure(document, bus, i, model, err);
	return rc;
}

/* Those for virtio channels and consoles: of the index in their address, otherwise the first. */
static int add_for_serial(struct document *document, const char *element, struct dd_error *err)
{
	bool there[CONTROLLERS_NEEDED_MAX] = {false};
	int rc = 0;

	for (const xmlNode *device = device_first(document, element); device && !rc;
		device = node_next(device)) {
		const xmlNode *address = node_child(device, "address");
		bool given = node_attr_is(address, "type", "virtio-serial");
		uint64_t index = given ? attr_number(address, "controller", 0) : 0;

		if (!node_attr_is(node_child(device, "target"), "type", "virtio"))
			continue;
		if (index >= CONTROLLERS_NEEDED_MAX)
			return node_error(address, err, DD_INVALID,
				"controller index %s is too large",
				node_attr(address, "controller"));
		if (!there[index])
			rc = controller_ensure(
				document, "virtio-serial", (unsigned)index, NULL, err);
		there[index] = true;
	}
	return rc;
}

static int add_for_smartcards(struct document *document, struct dd_error *err)
{
	int rc = 0;

	for (const xmlNode *device = device_first(document, "smartcard"); device && !rc;
		device = node_next(device)) {
		uint64_t index = attr_number(node_child(device, "address"), "controller", 0);

		if (index >= CONTROLLERS_NEEDED_MAX)
			return node_error(device, err, DD_INVALID, "controller index is too large");
		rc = controller_ensure(document, "ccid", (unsigned)index, NULL, err);
	}
	return rc;
}

int controllers_add_needed(struct document *document, struct dd_error *err)
{
	static const char *const buses[] = {"scsi", "fdc", "ide", "sata"};
	int rc = 0;

	for (size_t i = 0; i < COUNT(buses) && !rc; i++)
		rc = add_for_bus(document, buses[i], "disk", err);
	if (!rc)
		rc = add_for_serial(document, "channel", err);
	if (!rc)
		rc = add_for_serial(document, "console", err);
	if (!rc)
		rc = add_for_smartcards(document, err);
	return rc ? rc : add_for_bus(document, "scsi", "hostdev", err);
}
