/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A console may be without an address in the record: it then has, in the order of the document, the
 * lowest port that no <address> names, port 0 (which is for consoles) before others.
 */
#include "qmp/device/chardev.h"

#include <stdio.h>

static const char *const known[] = {
	CHARDEV_KNOWN,
	"target/@type",
	"target/@port",
	NULL,
};

#define PORTS_OF_CONTROLLER 31 /* where it does not say */

static bool is_waiting(const xmlNode *console)
{
	return node_attr_is(node_child(console, "target"), "type", "virtio") &&
	       !node_child(console, "address");
}

static bool is_taken(const struct document *live, uint64_t controller, uint64_t port)
{
	const xmlNode *device = node_first(document_devices(live));

	for (; device; device = node_after(device)) {
		const xmlNode *address = node_child(device, "address");
		uint64_t index = 0;
		uint64_t number = 0;

		if (!node_attr_is(address, "type", "virtio-serial"))
			continue;
		node_attr_number(address, "controller", &index);
		node_attr_number(address, "port", &number);
		if (index == controller && number == port)
			return true;
	}
	return false;
}

/* The port on this controller after *before others that are free; *before counts down to it. */
static bool find_port(const struct document *live, const xmlNode *controller, uint64_t index,
	size_t *before, uint64_t *port)
{
	uint64_t ports = PORTS_OF_CONTROLLER;

	node_attr_number(controller, "ports", &ports);
	for (*port = 0; *port < ports; ++*port)
		if (!is_taken(live, index, *port) && !(*before)--)
			return true;
	return false;
}

static int put_free_port(
	struct plan *plan, const xmlNode *console, struct json *args, struct dd_error *err)
{
	const xmlNode *controller;
	size_t before = 0;
	uint64_t port = 0;
	char bus[128];

	for (const xmlNode *other = node_child(console->parent, "console"); other != console;
		other = node_next(other))
		before += is_waiting(other);
	for (uint64_t index = 0;; index++) {
		controller = find_controller(plan->live, "virtio-serial", index);
		if (!controller)
			return node_error(console, err, DD_INVALID,
				"there is no free virtio-serial port left for it");
		if (find_port(plan->live, controller, index, &before, &port))
			break;
	}
	snprintf(bus, sizeof bus, "%s.0", alias_of(controller));
	json_put_string(args, "bus", bus);
	json_put(args, "nr", json_unsigned(port));
	return 0;
}

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
	return is_waiting(console) ? put_free_port(plan, console, args, err)
				   : put_virtio_serial(plan, console, args, err);
}

const struct device_row console_row = {
	.element = "console",
	.plan = plan_console,
	.known = known,
};
