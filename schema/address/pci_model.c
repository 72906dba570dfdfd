/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/address/pci.h"

#include <string.h>

#include "schema/machine.h"

/* Root and downstream ports are one slot; slot 0 of a bridge with a hot-plug controller is its. */
static const struct pci_model models[] = {
	{"pci-root", NULL, NULL, "hotplug", 0,
		PCI_AUTOMATIC | PCI_HOT_PLUG | PCI_NEEDS_CONVENTIONAL | PCI_NEEDS_BRIDGE_PLACE |
			PCI_NEEDS_EXPANDER_PLACE,
		1, 31},
	{"pcie-root", NULL, NULL, "", 0,
		PCI_NEEDS_EXPRESS | PCI_NEEDS_ROOT_PORT_PLACE | PCI_NEEDS_DMI_PLACE |
			PCI_NEEDS_EXPRESS_EXPANDER_PLACE,
		1, 31},
	{"pci-bridge", "pci-bridge", NULL, "chassisNr", PCI_NEEDS_BRIDGE_PLACE,
		PCI_AUTOMATIC | PCI_HOT_PLUG | PCI_NEEDS_CONVENTIONAL | PCI_NEEDS_BRIDGE_PLACE, 1,
		31},
	{"dmi-to-pci-bridge", "i82801b11-bridge", NULL, "", PCI_NEEDS_DMI_PLACE,
		PCI_NEEDS_CONVENTIONAL | PCI_NEEDS_BRIDGE_PLACE, 0, 31},
	{"pcie-to-pci-bridge", "pcie-pci-bridge", NULL, "", PCI_NEEDS_TO_PCI_PLACE,
		PCI_AUTOMATIC | PCI_HOT_PLUG | PCI_NEEDS_CONVENTIONAL | PCI_NEEDS_BRIDGE_PLACE, 1,
		31},
	{"pcie-root-port", "pcie-root-port", "ioh3420", "chassis port hotplug",
		PCI_NEEDS_ROOT_PORT_PLACE | PCI_SHARES_SLOT,
		PCI_AUTOMATIC | PCI_HOT_PLUG | PCI_NEEDS_EXPRESS | PCI_NEEDS_UPSTREAM_PLACE |
			PCI_NEEDS_TO_PCI_PLACE,
		0, 0},
	{"pcie-switch-upstream-port", "x3130-upstream", NULL, "", PCI_NEEDS_UPSTREAM_PLACE,
		PCI_NEEDS_DOWNSTREAM_PLACE, 0, 31},
	{"pcie-switch-downstream-port", "xio3130-downstream", NULL, "chassis port hotplug",
		PCI_NEEDS_DOWNSTREAM_PLACE,
		PCI_AUTOMATIC | PCI_HOT_PLUG | PCI_NEEDS_EXPRESS | PCI_NEEDS_UPSTREAM_PLACE |
			PCI_NEEDS_TO_PCI_PLACE,
		0, 0},
	{"pci-expander-bus", "pxb", NULL, "busNr node", PCI_NEEDS_EXPANDER_PLACE,
		PCI_AUTOMATIC | PCI_HOT_PLUG | PCI_NEEDS_CONVENTIONAL | PCI_NEEDS_BRIDGE_PLACE, 0,
		31},
	{"pcie-expander-bus", "pxb-pcie", NULL, "busNr node", PCI_NEEDS_EXPRESS_EXPANDER_PLACE,
		PCI_NEEDS_ROOT_PORT_PLACE | PCI_NEEDS_DMI_PLACE, 0, 31},
};

const struct pci_model *pci_model(const char *model)
{
	for (size_t i = 0; model && i < sizeof models / sizeof models[0]; i++)
		if (strcmp(models[i].model, model) == 0)
			return &models[i];
	return NULL;
}

const struct pci_model *pci_model_of(const xmlNode *controller)
{
	return pci_model(node_attr(controller, "model"));
}

static unsigned controller_needs(const xmlNode *controller)
{
	const struct pci_model *model = pci_model_of(controller);

	return model ? model->needs : 0;
}

unsigned pci_needs(const struct document *document, const xmlNode *device)
{
	const struct device_kind *kind = device_kind(device);
	enum pci_plug plug = kind && kind->plug ? kind->plug(document, device) : PCI_PLUG_NONE;
	unsigned express =
		machine_has_express(document) ? PCI_NEEDS_EXPRESS : PCI_NEEDS_CONVENTIONAL;

	switch (plug) {
	case PCI_PLUG_CONVENTIONAL:
		return PCI_NEEDS_CONVENTIONAL | PCI_AUTOMATIC;
	case PCI_PLUG_EXPRESS:
		return express | PCI_AUTOMATIC;
	case PCI_PLUG_INTEGRATED:
		return express | PCI_AUTOMATIC | PCI_INTEGRATED;
	case PCI_PLUG_BUS:
		return controller_needs(device);
	case PCI_PLUG_NONE:
		break;
	}
	return 0;
}

bool pci_place_read(const xmlNode *address, struct pci_place *out)
{
	static const struct {
		const char *name;
		size_t offset;
	} parts[] = {
		{"domain", offsetof(struct pci_place, domain)},
		{"bus", offsetof(struct pci_place, bus)},
		{"slot", offsetof(struct pci_place, slot)},
		{"function", offsetof(struct pci_place, function)},
	};
	struct pci_place place = {0};
	bool any = false;

	if (!node_attr_is(address, "type", "pci"))
		return false;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		uint64_t number = 0;

		/* what does not fit is a place that no bus has, and found by the check */
		if (node_attr(address, parts[i].name) &&
			!node_attr_number(address, parts[i].name, &number))
			number = UINT32_MAX;
		if (number > UINT32_MAX)
			number = UINT32_MAX;
		any = any || (number && parts[i].offset != offsetof(struct pci_place, function));
		*(unsigned *)((char *)&place + parts[i].offset) = (unsigned)number;
	}
	if (any)
		*out = place;
	return any;
}

int pci_place_write(xmlNode *device, const struct pci_place *place, const char *multifunction,
	struct dd_error *err)
{
	struct pci_place before;
	bool moves = !pci_place_read(node_child(device, "address"), &before);
	xmlNode *address = address_make(device, "pci", err);
	int rc = address ? 0 : DD_NO_MEMORY;

	if (!rc && moves)
		rc = node_set_attr(address, "multifunction", NULL, err);

	if (!rc)
		rc = node_set_attr_hex(address, "domain", place->domain, 4, err);
	if (!rc)
		rc = node_set_attr_hex(address, "bus", place->bus, 2, err);
	if (!rc)
		rc = node_set_attr_hex(address, "slot", place->slot, 2, err);
	if (!rc)
		rc = node_set_attr_hex(address, "function", place->function, 1, err);
	if (!rc && multifunction)
		rc = node_set_attr(address, "multifunction", multifunction, err);
	return rc;
}
