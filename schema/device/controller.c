/* SPDX-License-Identifier: Apache-2.0 */

/* Controllers. Known by type and index: "usb 0". Several USB controllers may share an index. */

#include "schema/controllers.h"

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"
#include "schema/machine.h"

static int check(const struct document *document, const xmlNode *controller, struct dd_error *err)
{
	static const char *const types[] = {
		"pci", "usb", "sata", "ide", "scsi", "virtio-serial", "fdc", "ccid", NULL};
	const char *type = node_attr(controller, "type");
	unsigned ports = (unsigned)attr_number(controller, "ports", 0);

	(void)document;
	if (!type)
		return node_error(controller, err, DD_INVALID, "a controller needs a type");
	if (!string_in(type, types))
		return node_error(controller, err, DD_UNSUPPORTED,
			"controllers of type '%s' are not supported", type);
	if (strcmp(type, "usb") == 0 && ports > 15)
		return node_error(controller, err, DD_INVALID,
			"a USB controller has at most 15 ports, not %u", ports);
	return 0;
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

static int complete(struct document *document, xmlNode *controller,
	const struct freeze_options *options, struct dd_error *err)
{
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

static const char *const free_paths[] = {"driver/@iothread", "driver/@ioeventfd", NULL};

const struct device_kind kind_controller = {
	.element = "controller",
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
