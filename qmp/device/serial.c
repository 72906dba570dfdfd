/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/chardev.h"

#include <string.h>

static const char *const known[] = {
	CHARDEV_KNOWN,
	"target/@type",
	"target/@port",
	"target/model/@name",
	NULL,
};

static int plan_serial(struct plan *plan, const xmlNode *serial, struct dd_error *err)
{
	const char *model = text_of(serial, "target/model/@name");
	uint64_t port = 0;
	int code = plan_chardev(plan, serial, err);

	if (code)
		return code;
	if (!model)
		model = "isa-serial";

	struct json *args = plan_add(plan, STEP_DEVICE);

	code = put_driver(plan, serial, args, model, err);
	if (code)
		return code;
	put_chardev(args, serial);
	if (strcmp(model, "isa-serial") == 0) {
		node_attr_number(node_child(serial, "target"), "port", &port);
		json_put(args, "index", json_unsigned(port));
		return 0;
	}
	if (strcmp(model, "pci-serial") == 0)
		return put_pci(plan, serial, args, err);
	if (strcmp(model, "usb-serial") == 0)
		return put_usb(plan, serial, args, err);
	return node_error(serial, err, DD_UNSUPPORTED, "model '%s' cannot be run yet", model);
}

const struct device_row serial_row = {
	.element = "serial",
	.plan = plan_serial,
	.known = known,
};
