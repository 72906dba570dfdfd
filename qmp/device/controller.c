/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/rows.h"

#include <stdio.h>
#include <string.h>

static const char *const known[] = {
	"@type",
	"@index",
	"@model",
	"model/@name",
	"master/@startport",
	"driver/@iothread",
	"pcihole64",
	"pcihole64/@unit",
	NULL,
};

static const struct property pci_bridge[] = {
	{"target/@chassisNr", "chassis_nr", PROPERTY_NUMBER},
	{NULL},
};

static const struct property pci_port[] = {
	{"target/@port", "port", PROPERTY_NUMBER},
	{"target/@chassis", "chassis", PROPERTY_NUMBER},
	{"target/@hotplug", "hotplug", PROPERTY_SWITCH},
	{NULL},
};

static const struct property usb_ports[] = {
	{"@ports", "p2", PROPERTY_NUMBER},
	{"@ports", "p3", PROPERTY_NUMBER},
	{NULL},
};

static const struct property serial[] = {
	{"@ports", "max_ports", PROPERTY_NUMBER},
	{"@vectors", "vectors", PROPERTY_NUMBER},
	{NULL},
};

static const struct property scsi[] = {
	{"driver/@queues", "num_queues", PROPERTY_NUMBER},
	{"driver/@cmd_per_lun", "cmd_per_lun", PROPERTY_NUMBER},
	{"driver/@max_sectors", "max_sectors", PROPERTY_NUMBER},
	{"driver/@ioeventfd", "ioeventfd", PROPERTY_SWITCH},
	{NULL},
};

static const struct property none[] = {{NULL}};

static const struct property *const tables[] = {
	pci_bridge, pci_port, usb_ports, serial, scsi, virtio_properties, NULL};

/*
 * What a controller of this type and model is in QEMU. An empty driver: it is a part of the
 * machine, or nothing. model NULL: any, also none.
 */
static const struct kind {
	const char *type;
	const char *model;
	const char *driver;
	const struct property *properties;
} kinds[] = {
	{"pci", "pci-root", "", none},
	{"pci", "pcie-root", "", none},
	{"pci", "pci-bridge", "pci-bridge", pci_bridge},
	{"pci", "pcie-root-port", "pcie-root-port", pci_port},
	{"pci", "pcie-to-pci-bridge", "pcie-pci-bridge", none},
	{"pci", "dmi-to-pci-bridge", "i82801b11-bridge", none},
	{"pci", "pcie-switch-upstream-port", "x3130-upstream", none},
	{"pci", "pcie-switch-downstream-port", "xio3130-downstream", pci_port},
	{"usb", "none", "", none},
	{"usb", "piix3-uhci", "piix3-usb-uhci", none},
	{"usb", "piix4-uhci", "piix4-usb-uhci", none},
	{"usb", "ehci", "usb-ehci", none},
	{"usb", "ich9-ehci1", "ich9-usb-ehci1", none},
	{"usb", "ich9-uhci1", "ich9-usb-uhci1", none},
	{"usb", "ich9-uhci2", "ich9-usb-uhci2", none},
	{"usb", "ich9-uhci3", "ich9-usb-uhci3", none},
	{"usb", "pci-ohci", "pci-ohci", none},
	{"usb", "nec-xhci", "nec-usb-xhci", usb_ports},
	{"usb", "qemu-xhci", "qemu-xhci", usb_ports},
	{"sata", NULL, "ahci", none},
	{"scsi", "virtio-scsi", "virtio-scsi-pci", scsi},
	{"scsi", "virtio-transitional", "virtio-scsi-pci-transitional", scsi},
	{"scsi", "virtio-non-transitional", "virtio-scsi-pci-non-transitional", scsi},
	{"scsi", "lsilogic", "lsi", none},
	{"virtio-serial", NULL, "virtio-serial-pci", serial},
	{"virtio-serial", "virtio", "virtio-serial-pci", serial},
	{"virtio-serial", "virtio-transitional", "virtio-serial-pci-transitional", serial},
	{"virtio-serial", "virtio-non-transitional", "virtio-serial-pci-non-transitional", serial},
	{"isa", NULL, "", none},
};

static const struct kind *find_kind(const xmlNode *controller)
{
	const char *model = node_attr(controller, "model");

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (node_attr_is(controller, "type", kinds[i].type) &&
			(!kinds[i].model ? !model || strcmp(kinds[i].type, "sata") == 0
					 : model && strcmp(model, kinds[i].model) == 0))
			return &kinds[i];
	return NULL;
}

/* The controllers that every machine of the type has and that no argument makes. */
static bool is_built_in(const struct plan *plan, const xmlNode *controller)
{
	uint64_t index = 0;

	node_attr_number(controller, "index", &index);
	if (index)
		return false;
	return node_attr_is(controller, "type", is_q35(plan->live) ? "sata" : "ide");
}

/* Companions serve ports of the controller that shares their index, and have no id of their own. */
static int put_identity(struct plan *plan, const xmlNode *controller, struct json *args,
	const char *driver, struct dd_error *err)
{
	const xmlNode *companion = node_child(controller, "master");
	uint64_t index = 0;
	uint64_t port = 0;
	char bus[128];

	if (!companion)
		return put_driver(plan, controller, args, driver, err);
	node_attr_number(controller, "index", &index);
	node_attr_number(companion, "startport", &port);

	const xmlNode *master = find_controller(plan->live, "usb", index);

	if (!master)
		return node_error(controller, err, DD_INVALID,
			"there is no USB controller %u that it could be a companion of",
			(unsigned)index);
	snprintf(bus, sizeof bus, "%s.0", alias_of(master));
	json_put_string(args, "driver", driver);
	json_put_string(args, "masterbus", bus);
	json_put(args, "firstport", json_unsigned(port));
	return 0;
}

static int plan_kind(
	struct plan *plan, const xmlNode *controller, const struct kind *kind, struct dd_error *err)
{
	struct json *args = plan_add(plan, STEP_DEVICE);
	const char *driver = kind->driver;

	/* Intel's own root port is the other name that <model> may give */
	if (strcmp(driver, "pcie-root-port") == 0 && text_of(controller, "model/@name"))
		driver = text_of(controller, "model/@name");

	int code = put_identity(plan, controller, args, driver, err);

	if (!code)
		code = put_properties(args, controller, kind->properties, err);
	if (strncmp(driver, "virtio-scsi", 11) == 0)
		put_iothread(controller, args);
	if (!code && strncmp(driver, "virtio-", 7) == 0)
		code = put_properties(args, controller, virtio_properties, err);
	return code ? code : put_pci(plan, controller, args, err);
}

static int plan_controller(struct plan *plan, const xmlNode *controller, struct dd_error *err)
{
	const struct kind *kind = find_kind(controller);

	if (is_built_in(plan, controller) || (kind && !kind->driver[0]))
		return 0;
	if (!kind)
		return node_error(controller, err, DD_UNSUPPORTED,
			"a %s controller of model '%s' cannot be run yet",
			node_attr(controller, "type") ? node_attr(controller, "type") : "?",
			node_attr(controller, "model") ? node_attr(controller, "model")
						       : "default");
	return plan_kind(plan, controller, kind, err);
}

const struct device_row controller_row = {
	.element = "controller",
	.plan = plan_controller,
	.known = known,
	.properties = tables,
};
