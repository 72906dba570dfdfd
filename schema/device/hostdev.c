/* SPDX-License-Identifier: Apache-2.0 */

/* Devices of the host given to the guest. Known by what they are on the host. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static bool is_type(const xmlNode *hostdev, const char *type)
{
	return node_attr_is(hostdev, "type", type);
}

static int check_mdev(const struct document *document, const xmlNode *hostdev, struct dd_error *err)
{
	const char *address = node_attr(node_child(hostdev, "address"), "type");

	if (address && node_attr_is(hostdev, "model", "vfio-pci") && strcmp(address, "pci") != 0)
		return node_error(hostdev, err, DD_INVALID,
			"a vfio-pci device has a pci address, not one of type %s", address);
	if (node_attr_is(hostdev, "display", "on") && !device_first(document, "graphics"))
		return node_error(
			hostdev, err, DD_INVALID, "display='on' needs a <graphics> to show it");
	for (const xmlNode *other = node_next(hostdev); other; other = node_next(other))
		if (node_attr_is(hostdev, "ramfb", "on") && node_attr_is(other, "ramfb", "on"))
			return node_error(other, err, DD_INVALID, "only one device can have ramfb");
	return 0;
}

static int check(const struct document *document, const xmlNode *hostdev, struct dd_error *err)
{
	static const char *const types[] = {"pci", "usb", "scsi", "scsi_host", "mdev", NULL};
	const char *type = node_attr(hostdev, "type");

	if (node_attr_is(hostdev, "mode", "capabilities"))
		return node_error(hostdev, err, DD_UNSUPPORTED,
			"host devices by capability are for containers only");
	if (!string_in(type, types))
		return node_error(hostdev, err, DD_UNSUPPORTED,
			"host devices of type '%s' are not supported", type ? type : "");
	if (is_type(hostdev, "mdev"))
		return check_mdev(document, hostdev, err);
	if (is_type(hostdev, "scsi") && node_attr_is(hostdev, "sgio", "unfiltered"))
		return node_error(
			hostdev, err, DD_UNSUPPORTED, "sgio='unfiltered' is gone from Linux");
	if (is_type(hostdev, "scsi_host") && node_child(hostdev, "boot"))
		return node_error(hostdev, err, DD_INVALID,
			"booting from a vhost-scsi device is not supported");
	return 0;
}

static int complete_mdev(xmlNode *hostdev, struct dd_error *err)
{
	if (!node_attr_is(hostdev, "model", "vfio-pci"))
		return 0;
	return fill_attr(hostdev, "display", "off", err);
}

static int complete_pci(xmlNode *source, struct dd_error *err)
{
	xmlNode *address = node_child(source, "address");

	if (!address)
		return 0;
	(void)node_set_attr(address, "type", NULL, NULL);
	(void)node_set_attr(address, "multifunction", NULL, NULL);
	return pci_source_complete(source, err);
}

static int complete(struct document *document, xmlNode *hostdev,
	const struct freeze_options *options, struct dd_error *err)
{
	xmlNode *source = node_child(hostdev, "source");
	int rc = fill_attr(hostdev, "mode", "subsystem", err);

	(void)document;
	(void)options;
	if (!rc)
		rc = fill_attr(hostdev, "managed", "no", err);
	if (!rc && is_type(hostdev, "pci"))
		rc = complete_pci(source, err);
	if (!rc && is_type(hostdev, "mdev"))
		rc = complete_mdev(hostdev, err);
	if (!rc && is_type(hostdev, "scsi") && source)
		rc = iscsi_complete(source, err);
	return rc;
}

/* Nearly every device that can be given away is an Express one; the host is not asked. */
static enum pci_plug plug(const struct document *document, const xmlNode *hostdev)
{
	(void)document;
	if (node_attr_is(node_child(hostdev, "address"), "type", "unassigned"))
		return PCI_PLUG_NONE;
	if (is_type(hostdev, "pci"))
		return PCI_PLUG_EXPRESS;
	if (is_type(hostdev, "mdev"))
		return node_attr_is(hostdev, "model", "vfio-pci") ? PCI_PLUG_EXPRESS
								  : PCI_PLUG_NONE;
	return is_type(hostdev, "scsi_host") ? plug_virtio(node_attr(hostdev, "model"))
					     : PCI_PLUG_NONE;
}

static enum address_kind address(const struct document *document, const xmlNode *hostdev)
{
	if (is_type(hostdev, "usb"))
		return ADDRESS_USB;
	if (is_type(hostdev, "scsi"))
		return ADDRESS_DRIVE;
	return address_by_plug(document, hostdev);
}

static void attr_words(const xmlNode *node, const char *const *names, struct text *out)
{
	for (; *names; names++) {
		const char *value = node_attr(node, *names);

		if (value)
			text_printf(out, "%s%s", out->size ? " " : "", value);
	}
}

static void words(const xmlNode *hostdev, struct text *out)
{
	static const char *const address_parts[] = {
		"domain", "bus", "slot", "function", "device", "target", "unit", "uuid", NULL};
	static const char *const source_parts[] = {"name", "wwpn", NULL};
	static const char *const id[] = {"id", NULL};
	static const char *const adapter[] = {"name", NULL};
	const xmlNode *source = node_child(hostdev, "source");
	const char *type = node_attr(hostdev, "type");

	text_puts(out, type ? type : "");
	attr_words(node_child(source, "vendor"), id, out);
	attr_words(node_child(source, "product"), id, out);
	attr_words(node_child(source, "adapter"), adapter, out);
	attr_words(node_child(source, "address"), address_parts, out);
	attr_words(source, source_parts, out);
}

static const char *const free_paths[] = {
	"@managed",
	"@sgio",
	"@rawio",
	"driver",
	"source/@startupPolicy",
	"source/@guestReset",
	"source/@writeFiltering",
	"boot",
	"teaming",
	NULL,
};

const struct device_kind kind_hostdev = {
	.element = "hostdev",
	.check = check,
	.complete = complete,
	.address = address,
	.plug = plug,
	.same = same_words,
	.words = words,
	.alias = alias_numbered,
	.alias_prefix = "hostdev",
	.live_paths = (const char *const[]){NULL},
	.free_paths = free_paths,
	.hot_pluggable = true,
};
