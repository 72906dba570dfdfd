/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "schema/address/pci.h"
#include "schema/controllers.h"
#include "schema/fill.h"
#include "schema/format.h"

/* What a <target> may say, and the bounds of what is a number. */
static const struct {
	const char *name;
	uint64_t least, most;
} options[] = {
	{"chassis", 0, 255},
	{"port", 0, 255},
	{"chassisNr", 1, 255},
	{"busNr", 1, 254},
	{"hotplug", 0, 0},
	{"index", 0, 0},
	{"node", 0, 0},
};

static int check_name(
	const xmlNode *controller, const struct pci_model *model, struct dd_error *err)
{
	const xmlNode *node = node_child(controller, "model");
	const char *name = node_attr(node, "name");

	if (!name || (model->name && strcmp(name, model->name) == 0) ||
		(model->other && strcmp(name, model->other) == 0))
		return 0;
	if (!model->name)
		return node_error(
			node, err, DD_INVALID, "a %s has no name='%s'", model->model, name);
	return node_error(node, err, DD_INVALID, "QEMU's name for a %s is %s, not %s", model->model,
		model->name, name);
}

int pci_check_options(const xmlNode *controller, struct dd_error *err)
{
	const struct pci_model *model = pci_model_of(controller);
	const xmlNode *target = node_child(controller, "target");

	for (size_t i = 0; i < COUNT(options) && model; i++) {
		const char *name = options[i].name;
		const char *value = node_attr(target, name);
		uint64_t number = attr_number(target, name, options[i].most);

		if (!value && !node_child(target, name))
			continue;
		if (format_place(model->options, name, NULL) < 0)
			return node_error(
				target, err, DD_INVALID, "a %s has no %s", model->model, name);
		if (options[i].most && (number < options[i].least || number > options[i].most))
			return node_error(target, err, DD_INVALID, "%s %s is not between %u and %u",
				name, value, (unsigned)options[i].least, (unsigned)options[i].most);
	}
	return model ? check_name(controller, model, err) : 0;
}

/* Bus numbers of an expander: itself and the bridge in it, as high as there is room. */
static int fill_bus_number(struct document *document, xmlNode *controller, struct dd_error *err)
{
	xmlNode *target = fill_child(controller, "target", err);
	unsigned lowest = PCI_BUS_MAX;

	if (!target)
		return DD_NO_MEMORY;
	if (node_attr(target, "busNr"))
		return 0;
	for (const xmlNode *node = controller_first(document, "pci"); node;
		node = controller_next(node)) {
		uint64_t number = attr_number(node_child(node, "target"), "busNr", lowest);

		if (number < lowest)
			lowest = (unsigned)number;
	}
	if (lowest <= 2)
		return node_error(controller, err, DD_INVALID,
			"no bus number is free for it: give it a <target busNr=''/>");
	return fill_number(target, "busNr", lowest - 2, err);
}

/* A port's number is where it sits: slot and function, or the slot of a switch. */
static int fill_port(xmlNode *controller, bool root, struct dd_error *err)
{
	struct pci_place place = {0};
	xmlNode *target = fill_child(controller, "target", err);
	int rc = target ? fill_number(target, "chassis", controller_index(controller), err)
			: DD_NO_MEMORY;

	(void)pci_place_read(node_child(controller, "address"), &place);
	if (rc || node_attr(target, "port"))
		return rc;
	return node_set_attr_hex(
		target, "port", root ? place.slot << 3 | place.function : place.slot, 1, err);
}

static int fill_chassis(xmlNode *controller, struct dd_error *err)
{
	xmlNode *target = fill_child(controller, "target", err);

	return target ? fill_number(target, "chassisNr", controller_index(controller), err)
		      : DD_NO_MEMORY;
}

int pci_controller_options(struct document *document, xmlNode *controller, struct dd_error *err)
{
	const struct pci_model *model = pci_model_of(controller);
	int rc = 0;

	if (!model || !model->name)
		return 0;
	rc = fill_child_attr(controller, "model", "name", model->name, err);
	if (rc)
		return rc;
	if (strcmp(model->model, "pci-bridge") == 0)
		return fill_chassis(controller, err);
	if (strcmp(model->model, "pcie-root-port") == 0)
		return fill_port(controller, true, err);
	if (strcmp(model->model, "pcie-switch-downstream-port") == 0)
		return fill_port(controller, false, err);
	if (strstr(model->model, "expander-bus"))
		return fill_bus_number(document, controller, err);
	return 0;
}

/* The address of a device on PCI; NULL where it has none. */
static xmlNode *place_of(const xmlNode *device, struct pci_place *place)
{
	xmlNode *address = node_child(device, "address");

	return pci_place_read(address, place) && place->bus < PCI_BUS_MAX &&
			       place->slot < PCI_SLOT_MAX
		       ? address
		       : NULL;
}

int pci_mark_multifunction(struct document *document, struct dd_error *err)
{
	bool shared[PCI_BUS_MAX][PCI_SLOT_MAX] = {{false}};
	xmlNode *devices = document_devices(document);
	struct pci_place place;
	int rc = 0;

	for (xmlNode *device = node_first(devices); device; device = node_after(device))
		if (place_of(device, &place) && place.function)
			shared[place.bus][place.slot] = true;
	for (xmlNode *device = node_first(devices); device && !rc; device = node_after(device)) {
		xmlNode *address = place_of(device, &place);

		if (address && !place.function && shared[place.bus][place.slot])
			rc = fill_attr(address, "multifunction", "on", err);
	}
	return rc;
}
