/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/rows.h"

static const char *const known[] = {"@model", "stats/@period", NULL};

static const struct property balloon[] = {
	{"@autodeflate", "deflate-on-oom", PROPERTY_SWITCH},
	{"@freePageReporting", "free-page-reporting", PROPERTY_SWITCH},
	{NULL},
};

static const struct property *const tables[] = {balloon, virtio_properties, NULL};

static int plan_memballoon(struct plan *plan, const xmlNode *device, struct dd_error *err)
{
	char driver[64];

	if (node_attr_is(device, "model", "none"))
		return 0;

	int code = virtio_driver(device, "virtio-balloon-pci", driver, sizeof driver, err);
	struct json *args = code ? NULL : plan_add(plan, STEP_DEVICE);

	if (!code)
		code = put_driver(plan, device, args, driver, err);
	if (!code)
		code = put_properties(args, device, balloon, err);
	if (!code)
		code = put_properties(args, device, virtio_properties, err);
	return code ? code : put_pci(plan, device, args, err);
}

const struct device_row memballoon_row = {
	.element = "memballoon",
	.plan = plan_memballoon,
	.known = known,
	.properties = tables,
};
