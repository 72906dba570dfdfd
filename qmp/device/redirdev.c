/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/chardev.h"

static const char *const known[] = {
	CHARDEV_KNOWN,
	"@bus",
	"boot/@order",
	NULL,
};

static int plan_redirdev(struct plan *plan, const xmlNode *redirdev, struct dd_error *err)
{
	int code = plan_chardev(plan, redirdev, err);

	if (code)
		return code;

	struct json *args = plan_add(plan, STEP_DEVICE);

	code = put_driver(plan, redirdev, args, "usb-redir", err);
	if (code)
		return code;
	put_chardev(args, redirdev);
	put_boot(plan, redirdev, args);
	return put_usb(plan, redirdev, args, err);
}

const struct device_row redirdev_row = {
	.element = "redirdev",
	.plan = plan_redirdev,
	.known = known,
};
