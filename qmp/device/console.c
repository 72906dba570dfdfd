/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/chardev.h"

static const char *const known[] = {
	CHARDEV_KNOWN,
	"target/@type",
	"target/@port",
	NULL,
};

static int plan_console(struct plan *plan, const xmlNode *console, struct dd_error *err)
{
	const char *type = text_of(console, "target/@type");

	/* the first console is another name for the first serial port */
	if (node_attr_is(node_child(console, "target"), "type", "serial"))
		return 0;
	if (!node_attr_is(node_child(console, "target"), "type", "virtio"))
		return node_error(console, err, DD_UNSUPPORTED,
			"a console of type '%s' cannot be run yet", type ? type : "");

	int code = plan_chardev(plan, console, err);

	if (code)
		return code;

	struct json *args = plan_add(plan, STEP_DEVICE);

	code = put_driver(plan, console, args, "virtconsole", err);
	if (code)
		return code;
	put_chardev(args, console);
	return put_virtio_serial(plan, console, args, err);
}

const struct device_row console_row = {
	.element = "console",
	.plan = plan_console,
	.known = known,
};
