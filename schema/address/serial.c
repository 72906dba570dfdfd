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
	int rc = address ? node_set_attr_number(address, "controller", controller, err)
			 : DD_NO_MEMORY;

	if (!rc)
		rc = node_set_attr(address, "bus", "0", err);
	return rc ? rc : node_set_attr_number(address, "port", port, err);
}

/* Where the search for a free port is: nothing before it is free, or it is for a console. */
struct search {
	struct document *document;
	const struct places *places;
	unsigned consoles; /* that wait for a free port from here on */
	const xmlNode *controller;
	unsigned port;
};

static void search_begin(
	struct search *search, struct document *document, const struct places *places)
{
	*search = (struct search){
		.document = document,
		.places = places,
		.consoles = waiting_consoles(document),
		.controller = controller_after(document, "virtio-serial", NULL),
	};
}

/* Goes on to a port that a channel may have; false at the end. */
static bool search_port(struct search *search)
{
	for (; search->controller; search->port = 0) {
		unsigned index = controller_index(search->controller);
		unsigned count = port_count(search->controller);

		for (; search->port < count; search->port++) {
			if (port_taken(search->places, index, search->port))
				continue;
			if (search->consoles)
				search->consoles--;
			else if (search->port)
				return true;
		}
		search->controller =
			controller_after(search->document, "virtio-serial", search->controller);
	}
	return false;
}

static unsigned unused_index(const struct document *document)
{
	unsigned index = 0;

	while (controller_find(document, "virtio-serial", index))
		index++;
	return index;
}

/* A new controller; what was searched before it stays searched if it is the last. */
static int add_controller(struct search *search, unsigned *index, struct dd_error *err)
{
	int rc;

	*index = unused_index(search->document);
	rc = controller_ensure(search->document, "virtio-serial", *index, NULL, err);
	if (rc)
		return rc;
	search->controller = controller_find(search->document, "virtio-serial", *index);
	search->port = 0;
	if (controller_after(search->document, "virtio-serial", search->controller))
		search_begin(search, search->document, search->places);
	return 0;
}

/* A port of the controller that the address names alone. */
static int assign_limited(
	struct search *search, xmlNode *device, uint64_t only, struct dd_error *err)
{
	while (search_port(search) && controller_index(search->controller) != only)
		search->port++;
	if (search->controller)
		return write_place(device, (unsigned)only, search->port, err);
	return node_error(
		device, err, DD_REFUSED, "there is no free virtio-serial port left for it");
}

static int assign_among(
	struct search *search, xmlNode *device, enum place_choice choice, struct dd_error *err)
{
	uint64_t only;
	unsigned index;
	int rc;

	if (node_attr_number(node_child(device, "address"), "controller", &only)) {
		struct search own;

		search_begin(&own, search->document, search->places);
		return assign_limited(&own, device, only, err);
	}
	if (search_port(search))
		return write_place(device, controller_index(search->controller), search->port, err);
	if (choice == PLACE_NEW)
		return node_error(
			device, err, DD_REFUSED, "there is no free virtio-serial port left for it");
	rc = add_controller(search, &index, err);
	return rc ? rc : write_place(device, index, 1, err);
}

int serial_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err)
{
	CLEANUP(places) struct places *places = NULL;
	struct search search;
	int rc;

	if (is_complete(device))
		return 0;
	rc = places_new(document, choice, &places, err);
	if (rc)
		return rc;
	search_begin(&search, document, places);
	return assign_among(&search, device, choice, err);
}

int serial_assign_all(struct document *document, struct dd_error *err)
{
	CLEANUP(places) struct places *places = NULL;
	struct search search;
	int rc = places_new(document, PLACE_FREE, &places, err);

	if (!rc)
		search_begin(&search, document, places);
	for (xmlNode *node = device_first(document, "channel"); node && !rc;
		node = node_next(node)) {
		if (!node_attr_is(node_child(node, "target"), "type", "virtio") ||
			is_complete(node))
			continue;
		rc = assign_among(&search, node, PLACE_FREE, err);
		if (!rc)
			rc = places_add(places, node, err);
	}
	return rc;
}
