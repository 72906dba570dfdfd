/* SPDX-License-Identifier: Apache-2.0 */

/* Kinds of which there is little to say. */
#include "qmp/device/rows.h"

static const char *const nothing[] = {NULL};
static const char *const panic_known[] = {"@model", NULL};
static const char *const hub_known[] = {"@type", NULL};

static int plan_emulator(struct plan *plan, const xmlNode *emulator, struct dd_error *err)
{
	(void)plan;
	(void)emulator;
	(void)err;
	return 0;
}

static int plan_panic(struct plan *plan, const xmlNode *panic, struct dd_error *err)
{
	uint64_t port = 0;

	if (!node_attr_is(panic, "model", "isa"))
		return node_error(panic, err, DD_UNSUPPORTED,
			"a panic device of model '%s' cannot be run yet",
			node_attr(panic, "model") ? node_attr(panic, "model") : "");

	struct json *args = plan_add(plan, STEP_DEVICE);
	int code = put_driver(plan, panic, args, "pvpanic", err);

	if (!code && node_attr_number(node_child(panic, "address"), "iobase", &port))
		json_put(args, "ioport", json_unsigned(port));
	return code;
}

static int plan_hub(struct plan *plan, const xmlNode *hub, struct dd_error *err)
{
	if (!node_attr_is(hub, "type", "usb"))
		return node_error(hub, err, DD_UNSUPPORTED, "only a USB hub can be run");

	struct json *args = plan_add(plan, STEP_DEVICE);
	int code = put_driver(plan, hub, args, "usb-hub", err);

	return code ? code : put_usb(plan, hub, args, err);
}

const struct device_row emulator_row = {
	.element = "emulator",
	.plan = plan_emulator,
	.known = nothing,
};

const struct device_row panic_row = {
	.element = "panic",
	.plan = plan_panic,
	.known = panic_known,
};

const struct device_row hub_row = {
	.element = "hub",
	.plan = plan_hub,
	.known = hub_known,
};
