/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/plan.h"

#include <stdio.h>
#include <string.h>

const struct property virtio_properties[] = {
	{"driver/@iommu", "iommu_platform", PROPERTY_SWITCH},
	{"driver/@ats", "ats", PROPERTY_SWITCH},
	{"driver/@packed", "packed", PROPERTY_SWITCH},
	{"driver/@page_per_vq", "page-per-vq", PROPERTY_SWITCH},
	{NULL},
};

const char *word_find(const struct word *table, const char *from)
{
	for (; from && table->from; table++)
		if (strcmp(table->from, from) == 0)
			return table->to;
	return NULL;
}

const char *alias_of(const xmlNode *device)
{
	const char *alias = node_attr(node_child(device, "alias"), "name");

	return alias ? alias : "unnamed";
}

const char *text_of(const xmlNode *parent, const char *path)
{
	char step[64];

	for (const char *slash; parent && (slash = strchr(path, '/')); path = slash + 1) {
		snprintf(step, sizeof step, "%.*s", (int)(slash - path), path);
		parent = node_child(parent, step);
	}
	if (path[0] == '@')
		return node_attr(parent, path + 1);

	const xmlNode *child = parent ? node_child(parent, path) : NULL;

	return child ? node_text(child) : NULL;
}

static bool machine_is(const struct document *live, const char *word)
{
	const char *machine = text_of(document_root(live), "os/type/@machine");

	return machine && strstr(machine, word);
}

bool is_q35(const struct document *live)
{
	return machine_is(live, "q35");
}

bool is_kvm(const struct document *live)
{
	return node_attr_is(document_root(live), "type", "kvm");
}

const xmlNode *find_controller(const struct document *live, const char *type, uint64_t index)
{
	const xmlNode *devices = document_devices(live);
	const xmlNode *node = devices ? node_child(devices, "controller") : NULL;

	for (; node; node = node_next(node)) {
		uint64_t number = 0;

		node_attr_number(node, "index", &number);
		if (node_attr_is(node, "type", type) && number == index &&
			!node_child(node, "master"))
			return node;
	}
	return NULL;
}

int put_driver(struct plan *plan, const xmlNode *device, struct json *args, const char *driver,
	struct dd_error *err)
{
	/* short names that QEMU keeps for long ones are not among its types */
	static const struct word types[] = {
		{"lsi", "lsi53c895a"},
		{"ahci", "ich9-ahci"},
		{NULL},
	};
	const char *type = word_find(types, driver);

	if (plan->caps && !capabilities_has_device(plan->caps, type ? type : driver))
		return node_error(device, err, DD_UNSUPPORTED, "%s %s has no device '%s'",
			plan->caps->emulator, plan->caps->version, driver);
	json_put_string(args, "driver", driver);
	json_put_string(args, "id", alias_of(device));
	return 0;
}

static int put_property(struct json *args, const xmlNode *device, const struct property *property,
	const char *value, struct dd_error *err)
{
	static const struct word switches[] = {
		{"on", "y"}, {"yes", "y"}, {"off", "n"}, {"no", "n"}, {NULL}};
	const char *state = word_find(switches, value);
	char *end = NULL;

	switch (property->kind) {
	case PROPERTY_TEXT:
		json_put_string(args, property->name, value);
		return 0;
	case PROPERTY_SWITCH:
		if (!state)
			break;
		json_put_bool(args, property->name, state[0] == 'y');
		return 0;
	case PROPERTY_NUMBER: {
		unsigned long long number = strtoull(value, &end, 0);

		if (end == value || *end || value[0] == '-')
			break;
		json_put(args, property->name, json_unsigned(number));
		return 0;
	}
	}
	return node_error(
		device, err, DD_INVALID, "%s: '%s' is not what it can be", property->path, value);
}

int put_properties(struct json *args, const xmlNode *device, const struct property *table,
	struct dd_error *err)
{
	for (; table->path; table++) {
		const char *value = text_of(device, table->path);

		if (value) {
			int code = put_property(args, device, table, value, err);

			if (code)
				return code;
		}
	}
	return 0;
}

/* The name that QEMU has for the PCI bus behind the controller of this index. */
static const char *pci_bus(const struct document *live, uint64_t index)
{
	const xmlNode *controller = find_controller(live, "pci", index);

	if (!controller)
		return index ? NULL : is_q35(live) ? "pcie.0" : "pci.0";
	if (node_attr_is(controller, "model", "pci-root"))
		return "pci.0";
	if (node_attr_is(controller, "model", "pcie-root"))
		return "pcie.0";
	return alias_of(controller);
}

int put_pci(struct plan *plan, const xmlNode *device, struct json *args, struct dd_error *err)
{
	const xmlNode *address = node_child(device, "address");
	uint64_t bus = 0;
	uint64_t slot = 0;
	uint64_t function = 0;
	uint64_t index = 0;
	char place[32];

	if (!node_attr_is(address, "type", "pci"))
		return node_error(device, err, DD_UNSUPPORTED, "it has no PCI address");
	node_attr_number(address, "bus", &bus);
	node_attr_number(address, "slot", &slot);
	node_attr_number(address, "function", &function);

	const char *name = pci_bus(plan->live, bus);

	if (!name)
		return node_error(
			address, err, DD_INVALID, "there is no PCI controller %u", (unsigned)bus);
	if (slot > 31 || function > 7)
		return node_error(address, err, DD_INVALID, "no such place on a PCI bus");
	snprintf(place, sizeof place, function ? "0x%x.0x%x" : "0x%x", (unsigned)slot,
		(unsigned)function);
	json_put_string(args, "bus", name);
	json_put_string(args, "addr", place);
	if (node_attr(address, "multifunction"))
		json_put_bool(args, "multifunction", node_attr_is(address, "multifunction", "on"));
	if (node_attr_number(node_child(device, "acpi"), "index", &index))
		json_put(args, "acpi-index", json_unsigned(index));
	return 0;
}

int put_usb(struct plan *plan, const xmlNode *device, struct json *args, struct dd_error *err)
{
	const xmlNode *address = node_child(device, "address");
	uint64_t bus = 0;
	char name[128];

	if (!node_attr_is(address, "type", "usb"))
		return node_error(device, err, DD_UNSUPPORTED, "it has no USB address");
	node_attr_number(address, "bus", &bus);

	const xmlNode *controller = find_controller(plan->live, "usb", bus);

	if (!controller)
		return node_error(
			address, err, DD_INVALID, "there is no USB controller %u", (unsigned)bus);
	snprintf(name, sizeof name, "%s.0", alias_of(controller));
	json_put_string(args, "bus", name);
	if (node_attr(address, "port"))
		json_put_string(args, "port", node_attr(address, "port"));
	return 0;
}

int put_virtio_serial(
	struct plan *plan, const xmlNode *device, struct json *args, struct dd_error *err)
{
	const xmlNode *address = node_child(device, "address");
	uint64_t index = 0;
	uint64_t port = 0;
	char name[128];

	if (!node_attr_is(address, "type", "virtio-serial"))
		return node_error(device, err, DD_UNSUPPORTED, "it has no virtio-serial address");
	node_attr_number(address, "controller", &index);
	node_attr_number(address, "port", &port);

	const xmlNode *controller = find_controller(plan->live, "virtio-serial", index);

	if (!controller)
		return node_error(address, err, DD_INVALID,
			"there is no virtio-serial controller %u", (unsigned)index);
	snprintf(name, sizeof name, "%s.0", alias_of(controller));
	json_put_string(args, "bus", name);
	json_put(args, "nr", json_unsigned(port));
	return 0;
}

/* What <os><boot dev> calls this device; NULL for one that it does not boot from. */
static const char *boot_class(const xmlNode *device)
{
	const char *kind = node_attr(device, "device");

	if (node_is(device, "interface"))
		return "network";
	if (!node_is(device, "disk"))
		return NULL;
	if (kind && strcmp(kind, "cdrom") == 0)
		return "cdrom";
	return kind && strcmp(kind, "floppy") == 0 ? "fd" : "hd";
}

static bool is_first_of_class(const xmlNode *device, const char *class)
{
	const xmlNode *node = node_child(device->parent, (const char *)device->name);

	for (; node && node != device; node = node_next(node))
		if (strcmp(boot_class(node), class) == 0)
			return false;
	return true;
}

static unsigned class_order(const struct plan *plan, const xmlNode *device)
{
	const char *class = boot_class(device);
	const xmlNode *boot = node_descend(document_root(plan->live), "os/boot");

	if (!class || !device->parent || !is_first_of_class(device, class))
		return 0;
	for (unsigned order = 1; boot; boot = node_next(boot), order++)
		if (node_attr_is(boot, "dev", class))
			return order;
	return 0;
}

void put_boot(struct plan *plan, const xmlNode *device, struct json *args)
{
	uint64_t order = class_order(plan, device);

	node_attr_number(node_child(device, "boot"), "order", &order);
	if (order)
		json_put(args, "bootindex", json_unsigned(order));
}

int virtio_driver(
	const xmlNode *device, const char *base, char *out, size_t size, struct dd_error *err)
{
	static const struct word suffixes[] = {
		{"virtio", ""},
		{"virtio-transitional", "-transitional"},
		{"virtio-non-transitional", "-non-transitional"},
		{NULL},
	};
	const char *model = node_attr(device, "model");
	const char *suffix = word_find(suffixes, model ? model : "virtio");

	if (!suffix)
		return node_error(
			device, err, DD_UNSUPPORTED, "model '%s' cannot be run yet", model);
	snprintf(out, size, "%s%s", base, suffix);
	return 0;
}

/*
 * A name that is too long is replaced by one made of its hash, so that it is the same at every
 * time and for every process.
 */
void block_node_name(char out[NODE_NAME_SIZE], const char *alias, const char *suffix)
{
	size_t length = strlen(alias);
	size_t more = strlen(suffix);

	if (length + more < NODE_NAME_SIZE) {
		memcpy(out, alias, length);
		memcpy(out + length, suffix, more + 1);
		return;
	}

	uint64_t hash = 0xcbf29ce484222325u;

	for (const char *at = alias; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
	snprintf(out, NODE_NAME_SIZE, "n%016llx%s", (unsigned long long)hash, suffix);
}
