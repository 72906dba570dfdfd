/* SPDX-License-Identifier: Apache-2.0 */

/*
 * USB places: "bus:port", where bus is the index of a controller and port a path of port numbers
 * through hubs, such as 1.2. A device takes the lowest free port of the first bus that has one, at
 * first on the controller itself, then on its hubs. Where devices outnumber ports, hubs are added.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/address/places.h"
#include "schema/controllers.h"
#include "schema/fill.h"

#define USB_DEPTH_MAX 4 /* ports in a path */
#define USB_HUB_PORTS 8
#define USB_XHCI_PORTS 4
#define USB_PORT_MAX 255

/* The ports of a controller; 0 for a companion, whose ports are those of its master. */
static unsigned controller_ports(const xmlNode *controller)
{
	static const struct {
		const char *model;
		unsigned ports;
	} models[] = {
		{"piix3-uhci", 2},
		{"piix4-uhci", 2},
		{"vt82c686b-uhci", 2},
		{"ehci", 6},
		{"ich9-ehci1", 6},
		{"pci-ohci", 3},
	};
	const char *model = node_attr(controller, "model");

	if (!model)
		return 2;
	if (strcmp(model, "nec-xhci") == 0 || strcmp(model, "qemu-xhci") == 0) {
		uint64_t ports = attr_number(controller, "ports", USB_XHCI_PORTS);

		return ports > USB_PORT_MAX ? USB_PORT_MAX : (unsigned)ports;
	}
	for (size_t i = 0; i < COUNT(models); i++)
		if (strcmp(models[i].model, model) == 0)
			return models[i].ports;
	return 0;
}

static bool is_hub(const xmlNode *device)
{
	return node_is(device, "hub") && node_attr_is(device, "type", "usb");
}

/* The order in which USB devices are given ports; hubs come before all. */
static const char *const elements[] = {
	"hostdev", "disk", "controller", "input", "serial", "sound", "redirdev", NULL};

static bool is_usb(const struct document *document, const xmlNode *device)
{
	const struct device_kind *kind = device_kind(device);

	return kind && kind->address && kind->address(document, device) == ADDRESS_USB;
}

static bool wants_port(const xmlNode *device)
{
	const xmlNode *address = node_child(device, "address");

	return !address || !node_attr(address, "type") ||
	       (node_attr_is(address, "type", "usb") && !node_attr(address, "port"));
}

/* A search for a free port: the path so far, and how the words of a place begin. */
struct search {
	const struct places *places;
	unsigned bus;
	char path[USB_DEPTH_MAX * 5];
};

static bool port_taken(const struct search *search, unsigned port)
{
	char words[64];

	snprintf(words, sizeof words, "usb %u:%s%u", search->bus, search->path, port);
	return places_taken(search->places, words);
}

static bool port_has_hub(const struct search *search, unsigned port)
{
	char words[64];

	snprintf(words, sizeof words, "usb %u:%s%u", search->bus, search->path, port);
	return is_hub(places_owner(search->places, words, NULL));
}

static bool find_port(struct search *search, unsigned ports, unsigned depth)
{
	size_t length = strlen(search->path);

	for (unsigned port = 1; port <= ports; port++)
		if (!port_taken(search, port)) {
			snprintf(search->path + length, sizeof search->path - length, "%u", port);
			return true;
		}
	if (depth >= USB_DEPTH_MAX)
		return false;
	for (unsigned port = 1; port <= ports; port++) {
		if (!port_has_hub(search, port))
			continue;
		snprintf(search->path + length, sizeof search->path - length, "%u.", port);
		if (find_port(search, USB_HUB_PORTS, depth + 1))
			return true;
		search->path[length] = '\0';
	}
	return false;
}

static int write_place(xmlNode *device, const struct search *search, struct dd_error *err)
{
	xmlNode *address = address_make(device, "usb", err);
	int rc = address ? node_set_attr_number(address, "bus", search->bus, err) : DD_NO_MEMORY;

	return rc ? rc : node_set_attr(address, "port", search->path, err);
}

static bool has_usb(const struct document *document)
{
	for (const xmlNode *node = controller_first(document, "usb"); node;
		node = controller_next(node))
		if (!node_attr_is(node, "model", "none"))
			return true;
	return false;
}

/* A port alone is one of the first bus. */
static int fill_bus(xmlNode *address, struct dd_error *err)
{
	return node_attr_is(address, "type", "usb") ? fill_attr(address, "bus", "0", err) : 0;
}

static int assign_among(struct document *document, xmlNode *device, const struct places *places,
	struct dd_error *err)
{
	uint64_t only = CONTROLLER_INDEX_NONE;
	bool limited = node_attr_number(node_child(device, "address"), "bus", &only);

	if (!has_usb(document))
		return node_error(device, err, DD_INVALID,
			"it is a USB device, but the domain has no USB controller");
	for (const xmlNode *node = controller_after(document, "usb", NULL); node;
		node = controller_after(document, "usb", node)) {
		struct search search = {.places = places, .bus = controller_index(node)};
		unsigned ports = controller_ports(node);

		if (limited && only != search.bus)
			continue;
		if (ports && find_port(&search, ports, 1))
			return write_place(device, &search, err);
	}
	node_error(device, err, DD_REFUSED, "there is no free USB port left for it");
	return error_hint(err, "add <controller type='usb' model='qemu-xhci'/>");
}

int usb_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err)
{
	CLEANUP(places) struct places *places = NULL;
	int rc;

	if (!wants_port(device))
		return fill_bus(node_child(device, "address"), err);
	rc = places_new(document, choice, &places, err);
	return rc ? rc : assign_among(document, device, places, err);
}

/* Follows the path "1.2.3" from hub to hub. */
static int check_path(const struct document *document, const xmlNode *device, unsigned bus,
	unsigned ports, struct dd_error *err)
{
	const char *path = node_attr(node_child(device, "address"), "port");
	const char *step = path;

	for (unsigned depth = 1;; depth++) {
		char *end;
		char words[64];
		unsigned long port = strtoul(step, &end, 10);
		size_t length = (size_t)(end - path);

		if (end == step || depth > USB_DEPTH_MAX || (*end && *end != '.'))
			return node_error(device, err, DD_INVALID, "'%s' is no USB port", path);
		if (!port || port > ports)
			return node_error(device, err, DD_INVALID,
				"USB %u:%.*s: there are only ports 1 to %u", bus, (int)length, path,
				ports);
		if (!*end)
			return 0;
		snprintf(words, sizeof words, "usb %u:%.*s", bus, (int)length, path);
		if (!is_hub(address_owner(document, words, NULL)))
			return node_error(device, err, DD_INVALID, "there is no hub at USB %u:%.*s",
				bus, (int)length, path);
		ports = USB_HUB_PORTS;
		step = end + 1;
	}
}

int usb_check(const struct document *document, const xmlNode *device, struct dd_error *err)
{
	const xmlNode *address = node_child(device, "address");
	uint64_t bus = attr_number(address, "bus", 0);

	if (!node_attr_is(address, "type", "usb") || !node_attr(address, "port"))
		return 0;
	for (const xmlNode *node = controller_first(document, "usb"); node;
		node = controller_next(node))
		if (controller_index(node) == bus && controller_ports(node))
			return check_path(
				document, device, (unsigned)bus, controller_ports(node), err);
	return node_error(
		device, err, DD_INVALID, "there is no USB controller with index %u", (unsigned)bus);
}

static unsigned count_ports(const struct document *document)
{
	unsigned ports = 0;

	for (const xmlNode *node = controller_first(document, "usb"); node;
		node = controller_next(node))
		ports += controller_ports(node);
	return ports + USB_HUB_PORTS * device_count(document, "hub");
}

static unsigned count_devices(const struct document *document)
{
	unsigned devices = 0;

	for (const xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device))
		devices += is_usb(document, device);
	return devices;
}

/* A hub takes a port and brings eight. Who needs any gets one port to spare. */
static int add_hubs(struct document *document, struct dd_error *err)
{
	unsigned ports = count_ports(document);
	unsigned devices = count_devices(document);
	unsigned hubs = device_count(document, "hub");
	int rc = 0;

	if (!has_usb(document))
		return 0;
	if (devices > ports)
		devices++;
	for (; devices > ports && hubs < USB_HUBS_MAX && !rc; ports += USB_HUB_PORTS - 1, hubs++) {
		xmlNode *hub = device_add(document, "hub", err);

		rc = hub ? node_set_attr(hub, "type", "usb", err) : DD_NO_MEMORY;
	}
	return rc;
}

static int assign_one(
	struct document *document, xmlNode *device, struct places *places, struct dd_error *err)
{
	int rc;

	if (!wants_port(device))
		return fill_bus(node_child(device, "address"), err);
	rc = assign_among(document, device, places, err);
	return rc ? rc : places_add(places, device, err);
}

static int check_hubs(const struct document *document, struct dd_error *err)
{
	unsigned count = 0;

	for (const xmlNode *hub = device_first(document, "hub"); hub; hub = node_next(hub))
		if (++count > USB_HUBS_MAX)
			return node_error(
				hub, err, DD_INVALID, "more than %u USB hubs", USB_HUBS_MAX);
	return 0;
}

int usb_assign_all(struct document *document, struct dd_error *err)
{
	CLEANUP(places) struct places *places = NULL;
	int rc = check_hubs(document, err);

	if (!rc)
		rc = add_hubs(document, err);
	if (!rc)
		rc = places_new(document, PLACE_NEW, &places, err);
	for (xmlNode *hub = device_first(document, "hub"); hub && !rc; hub = node_next(hub))
		if (is_hub(hub))
			rc = assign_one(document, hub, places, err);
	for (size_t i = 0; elements[i]; i++)
		for (xmlNode *device = device_first(document, elements[i]); device && !rc;
			device = node_next(device))
			if (is_usb(document, device))
				rc = assign_one(document, device, places, err);
	return rc;
}
