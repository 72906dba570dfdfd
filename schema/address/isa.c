/* SPDX-License-Identifier: Apache-2.0 */

/* ISA serial ports: COM1 to COM4, known by the number in <target port=''/>. */

#include "schema/address/address.h"
#include "schema/fill.h"

#define ISA_SERIAL_PORTS 4u

static bool is_isa(const xmlNode *serial)
{
	return node_attr_is(node_child(serial, "target"), "type", "isa-serial");
}

static bool port_taken(const struct document *document, uint64_t port, const xmlNode *except)
{
	for (const xmlNode *node = device_first(document, "serial"); node; node = node_next(node))
		if (node != except && is_isa(node) &&
			attr_number(node_child(node, "target"), "port", ISA_SERIAL_PORTS) == port)
			return true;
	return false;
}

int isa_assign(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err)
{
	xmlNode *target = node_child(device, "target");

	(void)choice; /* a number that was left is as good as any other: nothing is bound to it */
	if (!is_isa(device) || node_attr(target, "port"))
		return 0;
	for (unsigned port = 0; port < ISA_SERIAL_PORTS; port++)
		if (!port_taken(document, port, device))
			return fill_number(target, "port", port, err);
	return node_error(device, err, DD_INVALID, "a machine has at most %u ISA serial ports",
		ISA_SERIAL_PORTS);
}
