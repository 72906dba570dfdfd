/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/chardev.h"

static const char *const known[] = {
	CHARDEV_KNOWN,
	"target/@type",
	"target/@name",
	"target/@state",
	NULL,
};

static int plan_channel(struct plan *plan, const xmlNode *channel, struct dd_error *err)
{
	const xmlNode *target = node_child(channel, "target");

	if (!node_attr_is(target, "type", "virtio"))
		return node_error(channel, err, DD_UNSUPPORTED,
			"a channel of type '%s' cannot be run yet",
			node_attr(target, "type") ? node_attr(target, "type") : "");

	int code = plan_chardev(plan, channel, err);

	if (code)
		return code;

	struct json *args = plan_add(plan, STEP_DEVICE);

	code = put_driver(plan, channel, args, "virtserialport", err);
	if (code)
		return code;
	put_chardev(args, channel);
	if (node_attr(target, "name"))
		json_put_string(args, "name", node_attr(target, "name"));
	return put_virtio_serial(plan, channel, args, err);
}

const struct device_row channel_row = {
	.element = "channel",
	.plan = plan_channel,
	.known = known,
};
