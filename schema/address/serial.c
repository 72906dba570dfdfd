/* SPDX-License-Identifier: Apache-2.0 */

/*
 * virtio-serial places: the ports of virtio-serial controllers. Port 0 of a controller is for
 * consoles. A virtio console is given no address by libvirt, but takes the lowest free port when
 * the guest starts, 0 before others: so these ports are counted as taken and not given to channels.
 */

#include <stdio.h>

#include "schema/address/places.h"
#include "schema/controllers.h"
#include "schema/fill.h"

#define SERIAL_PORTS 31 /* of a controller that does not say how many */
#define SERIAL_PORTS_MAX 511

static bool is_complete(const xmlNode *device)
{
	return attr_number(node_child(device, "address"), "port", 0) != 0;
}

static unsigned waiting_consoles(const struct document *document)
{
	unsigned count = 0;

	for (const xmlNode *node = device_first(document, "console"); node; node = node_next(node))
		count += node_attr_is(node_child(node, "target"), "type", "virtio") &&
			 !is_complete(node);
	return count;
}

static bool port_taken(const struct places *places, unsigned controller, unsigned port)
{
	char words[64];

	snprintf(words, sizeof words, "virtio-serial %u:%u", controller, port);
	return places_taken(places, words);
}

static unsigned port_count(const xmlNode *controller)
{
	uint64_t ports = attr_number(controller, "ports", SERIAL_PORTS);

	return ports > SERIAL_PORTS_MAX ? SERIAL_PORTS_MAX : (unsigned)ports;
}

static int write_place(xmlNode *device, unsigned controller, unsigned port, struct dd_error *err)
{
	xmlNode *address = address_make(device, "virtio-serial", err);
	int rc = address ? node_set_attr_format(address, "controller", err, "%u", controller)
			 : DD_NO_MEMORY;

	if (!rc)
		rc = node_set_attr(address, "bus", "0", err);
	return rc ? rc : node_set_attr_format(address, "port", err, "%u", port);
}

/* The first port that a channel may have; 0 where there is none. */
static unsigned find_port(
	const struct places *places, const xmlNode *controller, unsigned *consoles)
{
	unsigned index = controller_index(controller);

	for (unsigned port = 0; port < port_count(controller); port++) {
		if (port_taken(places, index, port))
			continue;
		if (*consoles)
			--*consoles;
		else if (port)
			return port;
	}
	return 0;
}

static unsigned unused_index(const struct document *document)
{
	unsigned index = 0;

	while (controller_find(document, "virtio-serial", index))
		index++;
	return index;
}

static int assign_among(struct document *document, xmlNode *device, enum place_choice choice,
	const struct places *places, struct dd_error *err)
{
	unsigned consoles = waiting_consoles(document);
	uint64_t only = CONTROLLER_INDEX_NONE;
	bool limited = node_attr_number(node_child(device, "address"), "controller", &only);
	int rc;

	for (const xmlNode *node = controller_after(document, "virtio-serial", NULL); node;
		node = controller_after(document, "virtio-serial", node)) {
		unsigned port = find_port(places, node, &consoles);

		if (port && (!limited || only == controller_index(node)))
			return write_place(device, controller_index(node), port, err);
	}
	if (limited || choice == PLACE_NEW)
		return node_error(
			device, err, DD_REFUSED, "there is no free virtio-serial port left for it");

	unsigned index = unused_index(document);

	rc = controller_ensure(document, "virtio-serial", index, NULL, err);
	return rc ? rc : write_place(device, index, 1, err);
}

int serial_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err)
{
	CLEANUP(places) struct places *places = NULL;
	int rc;

	if (is_complete(device))
		return 0;
	rc = places_new(document, choice, &places, err);
	return rc ? rc : assign_among(document, device, choice, places, err);
}

int serial_assign_all(struct document *document, struct dd_error *err)
{
	CLEANUP(places) struct places *places = NULL;
	int rc = places_new(document, PLACE_FREE, &places, err);

	for (xmlNode *node = device_first(document, "channel"); node && !rc;
		node = node_next(node)) {
		if (!node_attr_is(node_child(node, "target"), "type", "virtio") ||
			is_complete(node))
			continue;
		rc = assign_among(document, node, PLACE_FREE, places, err);
		if (!rc)
			rc = places_add(places, node, err);
	}
	return rc;
}
