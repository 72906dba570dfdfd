/* SPDX-License-Identifier: Apache-2.0 */

/* Controllers. Known by type and index: "usb 0". Several USB controllers may share an index. */

#include "schema/controllers.h"

#include <string.h>

#include "schema/address/pci.h"
#include "schema/device/common.h"
#include "schema/fill.h"
#include "schema/machine.h"

static bool is_virtio(const xmlNode *controller)
{
	const char *model = node_attr(controller, "model");

	if (node_attr_is(controller, "type", "virtio-serial"))
		return true;
	return node_attr_is(controller, "type", "scsi") && model &&
	       strncmp(model, "virtio", strlen("virtio")) == 0;
}

/* The models of a type; the other types take no model, or check it where they are placed. */
static int check_model(const xmlNode *controller, struct dd_error *err)
{
	static const struct {
		const char *type, *models;
	} rows[] = {
		{"scsi", "auto lsilogic lsisas1068 lsisas1078 vmpvscsi ibmvscsi dc390 am53c974 "
			 "virtio-scsi virtio-transitional virtio-non-transitional"},
		{"usb", "piix3-uhci piix4-uhci ehci ich9-ehci1 ich9-uhci1 ich9-uhci2 ich9-uhci3 "
			"vt82c686b-uhci pci-ohci nec-xhci qemu-xhci none"},
		{"ide", "piix3 piix4 ich6"},
		{"virtio-serial", "virtio virtio-transitional virtio-non-transitional"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct choice choice[] = {{"@model", rows[i].models, NULL}, {NULL, NULL, NULL}};

		if (node_attr_is(controller, "type", rows[i].type))
			return choices_apply((xmlNode *)(uintptr_t)controller, choice, err);
	}
	return 0;
}

/* The options that drivers of virtio-scsi controllers have. */
static int check_driver(const xmlNode *controller, struct dd_error *err)
{
	static const char *const names[] = {
		"queues", "cmd_per_lun", "max_sectors", "ioeventfd", "iothread"};
	const xmlNode *driver = node_child(controller, "driver");
	bool scsi = node_attr_is(controller, "type", "scsi") && is_virtio(controller);

	for (size_t i = 0; i < COUNT(names) && !scsi; i++)
		if (node_attr(driver, names[i]))
			return node_error(driver, err, DD_INVALID,
				"%s is an option of virtio-scsi controllers only", names[i]);
	if (!node_attr_is(controller, "type", "scsi"))
		return 0;
	return check_virtio_options(controller, is_virtio(controller), err);
}

/* A machine without USB has that one controller, which says so. */
static int check_usb(
	const struct document *document, const xmlNode *controller, struct dd_error *err)
{
	const xmlNode *first;

	if (!node_attr_is(controller, "type", "usb"))
		return 0;
	first = controller_first(document, "usb");
	if (!first || !controller_next(first))
		return 0;
	for (const xmlNode *other = first; other; other = controller_next(other))
		if (node_attr_is(other, "model", "none"))
			return node_error(controller, err, DD_INVALID,
				"there is no USB in this domain: a controller says model='none'");
	return 0;
}

static int check_built_in(
	const struct document *document, const xmlNode *controller, struct dd_error *err)
{
	if (!node_attr_is(controller, "type", "ide"))
		return 0;
	if (!machine_is_i440fx(document) && machine_name(document))
		return node_error(controller, err, DD_INVALID,
			"machine type %s has no IDE: use sata", machine_name(document));
	if (node_attr(controller, "index") && controller_index(controller))
		return node_error(
			controller, err, DD_INVALID, "this machine type has one IDE controller");
	return 0;
}

static int check(const struct document *document, const xmlNode *controller, struct dd_error *err)
{
	static const char *const types[] = {
		"pci", "usb", "sata", "ide", "scsi", "virtio-serial", "fdc", "ccid", NULL};
	const char *type = node_attr(controller, "type");
	unsigned ports = (unsigned)attr_number(controller, "ports", 0);

	if (!type)
		return node_error(controller, err, DD_INVALID, "a controller needs a type");
	if (!string_in(type, types))
		return node_error(controller, err, DD_UNSUPPORTED,
			"controllers of type '%s' are not supported", type);
	if (strcmp(type, "usb") == 0 && ports > 15)
		return node_error(controller, err, DD_INVALID,
			"a USB controller has at most 15 ports, not %u", ports);

	int rc = check_model(controller, err);

	if (!rc && strcmp(type, "pci") == 0)
		rc = pci_check_options(controller, err);
	if (!rc)
		rc = check_driver(controller, err);
	if (!rc)
		rc = check_usb(document, controller, err);
	return rc ? rc : check_built_in(document, controller, err);
}

static int complete_usb(xmlNode *controller, const struct capabilities *caps, struct dd_error *err)
{
	bool piix = capabilities_has_device(caps, "piix3-usb-uhci") || !caps->device_count;

	int rc = piix ? fill_attr(controller, "model", "piix3-uhci", err) : 0;

	return rc ? rc : controller_fill_master(controller, err);
}

static int complete_scsi(xmlNode *controller, const struct capabilities *caps, struct dd_error *err)
{
	bool lsi = capabilities_has_device(caps, "lsi53c895a") || !caps->device_count;

	if (node_attr_is(controller, "model", "auto"))
		(void)node_set_attr(controller, "model", NULL, NULL);
	return fill_attr(controller, "model", lsi ? "lsilogic" : "virtio-scsi", err);
}

/* What says nothing, such as an I/O thread 0, and the hole for memory that a root alone has. */
static void drop_meaningless(xmlNode *controller)
{
	static const char *const roots[] = {"pci-root", "pcie-root", NULL};
	xmlNode *target = node_child(controller, "target");
	xmlNode *driver = node_child(controller, "driver");
	xmlNode *model = node_child(controller, "model");

	if (target && !target->properties && !node_first(target))
		node_remove(target);
	if (model && !model->properties)
		node_remove(model);
	if (!string_in(node_attr(controller, "model"), roots))
		node_remove(node_child(controller, "pcihole64"));
	if (attr_number(driver, "iothread", 1) == 0)
		(void)node_set_attr(driver, "iothread", NULL, NULL);
}

static int complete(struct document *document, xmlNode *controller,
	const struct freeze_options *options, struct dd_error *err)
{
	drop_meaningless(controller);
	(void)document;
	if (node_attr_is(controller, "type", "usb"))
		return complete_usb(controller, options->capabilities, err);
	if (node_attr_is(controller, "type", "scsi"))
		return complete_scsi(controller, options->capabilities, err);
	return 0;
}

static enum pci_plug plug_usb(const char *model)
{
	static const char *const express[] = {"nec-xhci", "qemu-xhci", NULL};

	if (model && strcmp(model, "none") == 0)
		return PCI_PLUG_NONE;
	return string_in(model, express) ? PCI_PLUG_EXPRESS : PCI_PLUG_CONVENTIONAL;
}

static enum pci_plug plug_scsi(const char *model)
{
	static const char *const elsewhere[] = {"ncr53c90", "ibmvscsi", NULL};

	if (string_in(model, elsewhere))
		return PCI_PLUG_NONE;
	return model && strncmp(model, "virtio", strlen("virtio")) == 0 ? plug_virtio(model)
									: PCI_PLUG_CONVENTIONAL;
}

static enum pci_plug plug(const struct document *document, const xmlNode *controller)
{
	const char *type = node_attr(controller, "type");
	const char *model = node_attr(controller, "model");

	(void)document;
	if (!type)
		return PCI_PLUG_NONE;
	if (strcmp(type, "pci") == 0)
		return PCI_PLUG_BUS;
	if (strcmp(type, "usb") == 0)
		return plug_usb(model);
	if (strcmp(type, "scsi") == 0)
		return plug_scsi(model);
	if (strcmp(type, "virtio-serial") == 0)
		return plug_virtio(model);
	return strcmp(type, "ide") == 0 || strcmp(type, "sata") == 0 ? PCI_PLUG_CONVENTIONAL
								     : PCI_PLUG_NONE;
}

static enum address_kind address(const struct document *document, const xmlNode *controller)
{
	const char *model = node_attr(controller, "model");

	if (node_attr_is(controller, "type", "ccid"))
		return ADDRESS_USB;
	if (node_attr_is(controller, "type", "pci") && model &&
		(strcmp(model, "pci-root") == 0 || strcmp(model, "pcie-root") == 0))
		return ADDRESS_NONE;
	return address_by_plug(document, controller);
}

static void words(const xmlNode *controller, struct text *out)
{
	const char *type = node_attr(controller, "type");

	text_printf(out, "%s%s%u", type ? type : "", type ? " " : "", controller_index(controller));
}

static bool same(const xmlNode *a, const xmlNode *b)
{
	const char *model = node_attr(a, "model");

	if (!same_words(a, b))
		return false;
	/* companions share an index */
	return !node_attr_is(a, "type", "usb") || !model || !node_attr(b, "model") ||
	       node_attr_is(b, "model", model);
}

static void details(const xmlNode *controller, struct text *out)
{
	const char *model = node_attr(controller, "model");

	text_puts(out, model ? model : "");
}

/* The first IDE controller, and on Q35 the first SATA one, is called "ide" by QEMU itself. */
static bool is_built_in(const struct document *document, const char *type, unsigned index)
{
	if (index)
		return false;
	return (strcmp(type, "ide") == 0 && machine_is_i440fx(document)) ||
	       (strcmp(type, "sata") == 0 && machine_is_q35(document));
}

static void alias(const struct document *document, const xmlNode *controller, unsigned number,
	struct text *out)
{
	const char *type = node_attr(controller, "type");
	unsigned index = controller_index(controller);

	(void)number;
	if (!type)
		return;
	if (is_built_in(document, type, index))
		text_puts(out, "ide");
	else if (strcmp(type, "pci") == 0)
		text_printf(out, "%s.%u",
			node_attr_is(controller, "model", "pcie-root") ? "pcie" : "pci", index);
	else if (strcmp(type, "usb") == 0 && !index)
		text_puts(out, "usb");
	else
		text_printf(out, "%s%u", type, index);
}

static const char *no_hot_plug(const xmlNode *controller)
{
	static const char *const types[] = {"scsi", "virtio-serial", "usb", "ccid", NULL};

	if (!string_in(node_attr(controller, "type"), types))
		return "a running guest can only be given scsi, virtio-serial, usb and ccid "
		       "controllers";
	return NULL;
}

static const struct choice choices[] = {
	{"model/@name",
		"pci-bridge i82801b11-bridge ioh3420 pcie-root-port x3130-upstream "
		"xio3130-downstream pxb pxb-pcie spapr-pci-host-bridge pcie-pci-bridge",
		"none"},
	{NULL, NULL, NULL},
};

static const char *const free_paths[] = {"driver/@iothread", "driver/@ioeventfd", NULL};

const struct device_kind kind_controller = {
	.element = "controller",
	.choices = choices,
	.check = check,
	.complete = complete,
	.address = address,
	.plug = plug,
	.same = same,
	.words = words,
	.details = details,
	.alias = alias,
	.live_paths = (const char *const[]){NULL},
	.free_paths = free_paths,
	.hot_pluggable = true,
	.no_hot_plug = no_hot_plug,
};
