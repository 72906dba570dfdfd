/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/rows.h"

#include <string.h>

static const char *const known[] = {"@model", "@action", NULL};

static const struct word actions[] = {
	{"reset", "reset"},
	{"shutdown", "shutdown"},
	{"poweroff", "poweroff"},
	{"pause", "pause"},
	{"none", "none"},
	{"inject-nmi", "inject-nmi"},
	{NULL},
};

static int plan_device_of(struct plan *plan, const xmlNode *watchdog, struct dd_error *err)
{
	const char *model = node_attr(watchdog, "model");
	bool pci = model && strcmp(model, "i6300esb") == 0;

	/* a part of q35's chipset, which only has to be told that it may reset the machine */
	if (model && strcmp(model, "itco") == 0) {
		plan_argument(plan, "-global", "ICH9-LPC.noreboot=off");
		return 0;
	}
	if (!pci && !(model && strcmp(model, "ib700") == 0))
		return node_error(watchdog, err, DD_UNSUPPORTED,
			"a watchdog of model '%s' cannot be run yet", model ? model : "");

	struct json *args = plan_add(plan, STEP_DEVICE);
	int code = put_driver(plan, watchdog, args, model, err);

	return code || !pci ? code : put_pci(plan, watchdog, args, err);
}

const char *watchdog_action(const xmlNode *watchdog)
{
	const char *action = node_attr(watchdog, "action");

	return word_find(actions, action ? action : "reset");
}

/* What is done when it barks is QEMU's, and not the device's: hotplug_settle() says it. */
static int plan_watchdog(struct plan *plan, const xmlNode *watchdog, struct dd_error *err)
{
	int code = plan_device_of(plan, watchdog, err);

	if (code || watchdog_action(watchdog))
		return code;
	return node_error(watchdog, err, DD_UNSUPPORTED,
		"action '%s' of a watchdog cannot be run yet", node_attr(watchdog, "action"));
}

const struct device_row watchdog_row = {
	.element = "watchdog",
	.plan = plan_watchdog,
	.known = known,
};
