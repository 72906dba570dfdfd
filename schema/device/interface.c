/* SPDX-License-Identifier: Apache-2.0 */

/* Network interfaces. Known by their MAC. */

#include <string.h>
#include <strings.h>

#include "schema/device/common.h"
#include "schema/fill.h"
#include "schema/mac.h"

static bool is_virtio(const xmlNode *interface)
{
	const char *model = node_attr(node_child(interface, "model"), "type");

	return model && strncmp(model, "virtio", strlen("virtio")) == 0;
}

static int check(const struct document *document, const xmlNode *interface, struct dd_error *err)
{
	const xmlNode *mac = node_child(interface, "mac");

	(void)document;
	if (!node_attr(interface, "type"))
		return node_error(interface, err, DD_INVALID, "an interface needs a type");
	if (mac && !mac_is_valid(node_attr(mac, "address"))) {
		node_error(mac, err, DD_INVALID, "'%s' is no MAC address of one interface",
			node_attr(mac, "address") ? node_attr(mac, "address") : "");
		return error_hint(err, "leave <mac> out, and one is made");
	}
	return 0;
}

static int complete_mac(xmlNode *interface, struct dd_error *err)
{
	char address[MAC_SIZE];
	xmlNode *mac = fill_child(interface, "mac", err);

	if (!mac)
		return DD_NO_MEMORY;
	if (node_attr(mac, "address"))
		return 0;

	int rc = mac_make(address, err);

	return rc ? rc : node_set_attr(mac, "address", address, err);
}

/* A model is spelt as QEMU knows it: small letters. */
static int complete_model(xmlNode *interface, struct dd_error *err)
{
	static const char *const known[] = {"virtio", "virtio-transitional",
		"virtio-non-transitional", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet",
		"i82551", "i82557b", "i82559er", "vmxnet3", "usb-net", NULL};
	bool vdpa = node_attr_is(interface, "type", "vdpa");
	const char *type = node_attr(node_child(interface, "model"), "type");

	if (node_attr_is(interface, "type", "hostdev"))
		return 0;
	for (size_t i = 0; type && known[i]; i++)
		if (strcasecmp(type, known[i]) == 0)
			return node_set_attr(node_child(interface, "model"), "type", known[i], err);
	return fill_child_attr(interface, "model", "type", vdpa ? "virtio" : "rtl8139", err);
}

/* Settings that only a virtio card has, and the port that a network chose for one run. */
static void drop_meaningless(xmlNode *interface)
{
	xmlNode *driver = node_child(interface, "driver");
	xmlNode *rx = node_descend(interface, "coalesce/rx");

	if (!is_virtio(interface) && !node_attr_is(interface, "type", "hostdev")) {
		node_remove(driver);
		(void)node_set_attr(node_child(interface, "backend"), "vhost", NULL, NULL);
	}
	if (is_virtio(interface) && node_attr_is(driver, "queues", "1"))
		(void)node_set_attr(driver, "queues", NULL, NULL);
	if (attr_number(node_child(rx, "frames"), "max", 0) == 0)
		node_remove(node_child(interface, "coalesce"));
	if (node_attr_is(interface, "type", "network"))
		(void)node_set_attr(node_child(interface, "source"), "portid", NULL, NULL);
}

static int complete(struct document *document, xmlNode *interface,
	const struct freeze_options *options, struct dd_error *err)
{
	int rc = complete_mac(interface, err);

	(void)document;
	(void)options;
	if (!rc)
		rc = complete_model(interface, err);
	if (!rc)
		drop_meaningless(interface);
	return rc;
}

static enum pci_plug plug(const struct document *document, const xmlNode *interface)
{
	static const char *const express[] = {"e1000e", NULL};
	static const char *const elsewhere[] = {"usb-net", "spapr-vlan", NULL};
	const char *model = node_attr(node_child(interface, "model"), "type");

	(void)document;
	if (node_attr_is(interface, "type", "hostdev"))
		return PCI_PLUG_EXPRESS;
	if (string_in(model, elsewhere))
		return PCI_PLUG_NONE;
	if (is_virtio(interface))
		return plug_virtio(model);
	return !model || string_in(model, express) ? PCI_PLUG_EXPRESS : PCI_PLUG_CONVENTIONAL;
}

static void words(const xmlNode *interface, struct text *out)
{
	const char *mac = node_attr(node_child(interface, "mac"), "address");

	text_puts(out, mac ? mac : "");
}

static void details(const xmlNode *interface, struct text *out)
{
	CLEANUP(text) struct text source = TEXT_INIT;
	const char *type = node_attr(interface, "type");

	source_words(node_child(interface, "source"), &source);
	text_printf(out, "%s%s%s", type ? type : "", source.size ? " " : "", text_string(&source));
}

static const char *alias_prefix(const xmlNode *interface)
{
	return node_attr_is(interface, "type", "hostdev") ? "hostdev" : "net";
}

static const char *const live_paths[] = {
	"@type",
	"link",
	"source",
	"filterref",
	"bandwidth",
	"virtualport",
	"vlan",
	"port",
	NULL,
};

static const char *const free_paths[] = {
	"@type",
	"@managed",
	"@trustGuestRxFilters",
	"source",
	"target",
	"link",
	"filterref",
	"bandwidth",
	"virtualport",
	"vlan",
	"port",
	"script",
	"downscript",
	"backend",
	"portForward",
	"ip",
	"route",
	"tune",
	"coalesce",
	"guest",
	"boot",
	"driver/@name",
	"driver/@txmode",
	"driver/@ioeventfd",
	"backenddomain",
	NULL,
};

const struct device_kind kind_interface = {
	.element = "interface",
	.check = check,
	.complete = complete,
	.address = address_by_plug,
	.plug = plug,
	.same = same_words,
	.words = words,
	.details = details,
	.alias = alias_numbered,
	.alias_prefix = alias_prefix,
	.live_paths = live_paths,
	.free_paths = free_paths,
	.hot_pluggable = true,
};
