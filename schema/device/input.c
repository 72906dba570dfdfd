/* SPDX-License-Identifier: Apache-2.0 */

/* Input devices. Known by type and bus, "mouse ps2"; further ones by their address. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static bool without_usb(const struct document *document)
{
	for (const xmlNode *node = device_first(document, "controller"); node;
		node = node_next(node))
		if (node_attr_is(node, "type", "usb") && node_attr_is(node, "model", "none"))
			return true;
	return false;
}

static int check_bus(const xmlNode *input, struct dd_error *err)
{
	static const char *const ps2[] = {"mouse", "keyboard", NULL};
	const char *bus = node_attr(input, "bus");
	bool virtio = bus && strcmp(bus, "virtio") == 0;
	bool passthrough = node_attr_is(input, "type", "passthrough");

	if (bus && strcmp(bus, "ps2") == 0 && !string_in(node_attr(input, "type"), ps2))
		return node_error(
			input, err, DD_INVALID, "on ps2 there are only mouse and keyboard");
	if (bus && passthrough && !virtio)
		return node_error(
			input, err, DD_INVALID, "a passthrough input is on the virtio bus");
	if (bus && strcmp(bus, "none") != 0 && node_attr_is(input, "type", "evdev"))
		return node_error(input, err, DD_INVALID, "an evdev input is on no bus");
	if (bus && node_attr(input, "model") && !virtio)
		return node_error(
			input, err, DD_INVALID, "only inputs on the virtio bus have a model");
	if (node_attr(input, "model") && !node_attr_is(input, "model", "virtio"))
		return node_error(input, err, DD_INVALID,
			"inputs are not there as (non-)transitional models");
	return 0;
}

static int check(const struct document *document, const xmlNode *input, struct dd_error *err)
{
	static const char *const types[] = {
		"mouse", "keyboard", "tablet", "passthrough", "evdev", NULL};
	static const char *const buses[] = {"ps2", "usb", "virtio", "none", NULL};
	const char *bus = node_attr(input, "bus");

	if (!string_in(node_attr(input, "type"), types))
		return node_error(input, err, DD_INVALID, "'%s' is no type of input device",
			node_attr(input, "type") ? node_attr(input, "type") : "");
	if (bus && !string_in(bus, buses))
		return node_error(
			input, err, DD_UNSUPPORTED, "input bus '%s' is not supported", bus);
	if (bus && strcmp(bus, "usb") == 0 && without_usb(document))
		return node_error(input, err, DD_INVALID,
			"it is a USB device, but the domain has no USB controller");
	return check_bus(input, err);
}

static const char *default_bus(const xmlNode *input)
{
	static const struct {
		const char *type, *bus;
	} buses[] = {{"mouse", "ps2"}, {"keyboard", "ps2"}, {"passthrough", "virtio"}};

	for (size_t i = 0; i < COUNT(buses); i++)
		if (node_attr_is(input, "type", buses[i].type))
			return buses[i].bus;
	return node_attr_is(input, "type", "evdev") ? NULL : "usb";
}

static int complete(struct document *document, xmlNode *input, const struct freeze_options *options,
	struct dd_error *err)
{
	const char *bus = default_bus(input);

	(void)document;
	(void)options;
	if (node_attr_is(input, "bus", "none"))
		(void)node_set_attr(input, "bus", NULL, NULL);
	return bus ? fill_attr(input, "bus", bus, err) : 0;
}

static enum pci_plug plug(const struct document *document, const xmlNode *input)
{
	(void)document;
	return node_attr_is(input, "bus", "virtio") ? plug_virtio(node_attr(input, "model"))
						    : PCI_PLUG_NONE;
}

static enum address_kind address(const struct document *document, const xmlNode *input)
{
	if (node_attr_is(input, "bus", "usb"))
		return ADDRESS_USB;
	return address_by_plug(document, input);
}

static void words(const xmlNode *input, struct text *out)
{
	const char *type = node_attr(input, "type");
	const char *bus = node_attr(input, "bus");

	text_printf(out, "%s%s%s", type ? type : "", type && bus ? " " : "", bus ? bus : "");
}

static const char *no_hot_plug(const xmlNode *input)
{
	return node_attr_is(input, "bus", "ps2") ? "ps2 does not allow it: use usb or virtio"
						 : NULL;
}

const struct device_kind kind_input = {
	.element = "input",
	.check = check,
	.complete = complete,
	.address = address,
	.plug = plug,
	.same = same_words,
	.words = words,
	.alias = alias_numbered,
	.alias_prefix = "input",
	.live_paths = (const char *const[]){NULL},
	.free_paths = (const char *const[]){"source", NULL},
	.hot_pluggable = true,
	.no_hot_plug = no_hot_plug,
};
