/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/rows.h"

#include "qmp/tap.h"

#include <stdio.h>
#include <string.h>

static const char *const known[] = {
	"@type",
	"mac/@address",
	"mac/@type",
	"mac/@check",
	"source/@bridge",
	"target/@dev",
	"target/@managed",
	"model/@type",
	"link/@state",
	"driver/@name",
	NULL,
};

static const struct property general[] = {
	{"rom/@bar", "rombar", PROPERTY_SWITCH},
	{"rom/@file", "romfile", PROPERTY_TEXT},
	{NULL},
};

static const struct property virtio[] = {
	{"mtu/@size", "host_mtu", PROPERTY_NUMBER},
	{"driver/@txmode", "tx", PROPERTY_TEXT},
	{"driver/@ioeventfd", "ioeventfd", PROPERTY_SWITCH},
	{"driver/@event_idx", "event_idx", PROPERTY_SWITCH},
	{"driver/@rx_queue_size", "rx_queue_size", PROPERTY_NUMBER},
	{"driver/@tx_queue_size", "tx_queue_size", PROPERTY_NUMBER},
	{NULL},
};

static const struct property *const tables[] = {general, virtio, virtio_properties, NULL};

static const struct word models[] = {
	{"e1000", "e1000"},
	{"e1000-82544gc", "e1000-82544gc"},
	{"e1000-82545em", "e1000-82545em"},
	{"e1000e", "e1000e"},
	{"rtl8139", "rtl8139"},
	{"ne2k_pci", "ne2k_pci"},
	{"pcnet", "pcnet"},
	{"vmxnet3", "vmxnet3"},
	{NULL},
};

static bool is_virtio(const xmlNode *nic)
{
	const char *model = text_of(nic, "model/@type");

	return model && strncmp(model, "virtio", 6) == 0;
}

static int find_driver(const xmlNode *nic, char *driver, size_t size, struct dd_error *err)
{
	const char *model = text_of(nic, "model/@type");
	const char *found = word_find(models, model);

	if (is_virtio(nic)) {
		snprintf(driver, size, "virtio-net-pci%s", model + strlen("virtio"));
		if (strcmp(model, "virtio") == 0 || strcmp(model, "virtio-transitional") == 0 ||
			strcmp(model, "virtio-non-transitional") == 0)
			return 0;
	}
	if (!found)
		return node_error(nic, err, DD_UNSUPPORTED,
			"an interface of model '%s' cannot be run yet", model ? model : "default");
	snprintf(driver, size, "%s", found);
	return 0;
}

static int plan_tap(struct plan *plan, const xmlNode *nic, const char *bridge, struct dd_error *err)
{
	char name[TAP_NAME_SIZE];
	struct json *args = plan_add(plan, STEP_NETDEV);
	struct step *step = plan_last(plan);
	char id[160];

	if (!step)
		return error_no_memory(err);
	tap_name(document_uuid(plan->live), nic, name);
	if (string_copy(&step->tap, name, err) ||
		(bridge && string_copy(&step->bridge, bridge, err)))
		return DD_NO_MEMORY;
	snprintf(id, sizeof id, "host%s", alias_of(nic));
	json_put_string(args, "type", "tap");
	json_put_string(args, "id", id);
	json_put_string(args, "fd", id);
	if (is_virtio(nic) && is_kvm(plan->live) &&
		!node_attr_is(node_child(nic, "driver"), "name", "qemu") &&
		access("/dev/vhost-net", R_OK | W_OK) == 0)
		json_put_bool(args, "vhost", true);
	return 0;
}

static int plan_backend(struct plan *plan, const xmlNode *nic, struct dd_error *err)
{
	const char *bridge = text_of(nic, "source/@bridge");
	char id[160];

	if (node_attr_is(nic, "type", "bridge"))
		return bridge ? plan_tap(plan, nic, bridge, err)
			      : node_error(nic, err, DD_INVALID, "which bridge is not said");
	if (node_attr_is(nic, "type", "ethernet"))
		return plan_tap(plan, nic, NULL, err);
	if (!node_attr_is(nic, "type", "user"))
		return node_error(nic, err, DD_UNSUPPORTED,
			"an interface of type '%s' cannot be run yet",
			node_attr(nic, "type") ? node_attr(nic, "type") : "");

	struct json *args = plan_add(plan, STEP_NETDEV);

	snprintf(id, sizeof id, "host%s", alias_of(nic));
	json_put_string(args, "type", "user");
	json_put_string(args, "id", id);
	return 0;
}

static int plan_interface(struct plan *plan, const xmlNode *nic, struct dd_error *err)
{
	char driver[64];
	char id[160];
	int code = find_driver(nic, driver, sizeof driver, err);

	if (!code)
		code = plan_backend(plan, nic, err);
	if (code)
		return code;

	struct json *args = plan_add(plan, STEP_DEVICE);

	code = put_driver(plan, nic, args, driver, err);
	if (code)
		return code;
	snprintf(id, sizeof id, "host%s", alias_of(nic));
	json_put_string(args, "netdev", id);
	json_put_string(args, "mac", text_of(nic, "mac/@address"));
	put_boot(plan, nic, args);
	code = put_properties(args, nic, general, err);
	if (!code && is_virtio(nic))
		code = put_properties(args, nic, virtio, err);
	if (!code && is_virtio(nic))
		code = put_properties(args, nic, virtio_properties, err);
	return code ? code : put_pci(plan, nic, args, err);
}

const struct device_row interface_row = {
	.element = "interface",
	.plan = plan_interface,
	.known = known,
	.properties = tables,
};
