/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/rows.h"

#include <string.h>

static const char *const known[] = {"@type", "@bus", "@model", NULL};
static const struct property *const tables[] = {virtio_properties, NULL};

static const struct kind {
	const char *bus;
	const char *type;
	const char *driver; /* "": every machine has it */
} kinds[] = {
	{"ps2", "mouse", ""},
	{"ps2", "keyboard", ""},
	{"usb", "tablet", "usb-tablet"},
	{"usb", "mouse", "usb-mouse"},
	{"usb", "keyboard", "usb-kbd"},
	{"virtio", "tablet", "virtio-tablet-pci"},
	{"virtio", "mouse", "virtio-mouse-pci"},
	{"virtio", "keyboard", "virtio-keyboard-pci"},
};

static int plan_kind(
	struct plan *plan, const xmlNode *input, const struct kind *kind, struct dd_error *err)
{
	struct json *args = plan_add(plan, STEP_DEVICE);
	int code = put_driver(plan, input, args, kind->driver, err);

	if (code)
		return code;
	if (strcmp(kind->bus, "usb") == 0)
		return put_usb(plan, input, args, err);
	code = put_properties(args, input, virtio_properties, err);
	return code ? code : put_pci(plan, input, args, err);
}

static int plan_input(struct plan *plan, const xmlNode *input, struct dd_error *err)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (node_attr_is(input, "bus", kinds[i].bus) &&
			node_attr_is(input, "type", kinds[i].type))
			return kinds[i].driver[0] ? plan_kind(plan, input, &kinds[i], err) : 0;
	return node_error(input, err, DD_UNSUPPORTED, "an input %s on bus %s cannot be run yet",
		node_attr(input, "type") ? node_attr(input, "type") : "?",
		node_attr(input, "bus") ? node_attr(input, "bus") : "?");
}

const struct device_row input_row = {
	.element = "input",
	.plan = plan_input,
	.known = known,
	.properties = tables,
};
