/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Places on the virtual I/O bus of IBM's machines. No PC has that bus, but a definition may name a
 * device that belongs there, and libvirt gives it a place all the same: each kind of device from a
 * register of its own on, in steps.
 */

#include <stdio.h>
#include <string.h>

#include "schema/address/address.h"
#include "schema/fill.h"

#define REGISTER_STEP 0x1000u
#define REGISTER_LAST 0xfffff000u
#define REGISTER_SIZE 11 /* "0x00002000" */

static const struct {
	const char *element;
	const char *model;
	uint64_t first;
} residents[] = {
	{"interface", "spapr-vlan", 0x1000},
	{"controller", "ibmvscsi", 0x2000},
};

static const char *model_of(const xmlNode *device)
{
	const xmlNode *model = node_child(device, "model");

	return model ? node_attr(model, "type") : node_attr(device, "model");
}

static bool register_taken(const struct document *document, uint64_t number)
{
	for (const xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device)) {
		const xmlNode *address = node_child(device, "address");

		if (node_attr_is(address, "type", "spapr-vio") &&
			attr_number(address, "reg", 0) == number)
			return true;
	}
	return false;
}

static int assign(struct document *document, xmlNode *device, uint64_t number, struct dd_error *err)
{
	char text[REGISTER_SIZE];
	xmlNode *address;

	while (register_taken(document, number)) {
		if (number >= REGISTER_LAST)
			return node_error(device, err, DD_INVALID, "there is no register left");
		number += REGISTER_STEP;
	}
	address = address_make(device, "spapr-vio", err);
	if (!address)
		return DD_NO_MEMORY;
	snprintf(text, sizeof text, "0x%08x", (unsigned)number);
	return node_set_attr(address, "reg", text, err);
}

int spapr_assign_all(struct document *document, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < COUNT(residents); i++)
		for (xmlNode *device = device_first(document, residents[i].element); device && !rc;
			device = node_next(device)) {
			const char *model = model_of(device);

			if (model && strcmp(model, residents[i].model) == 0 &&
				address_wanted(device, "spapr-vio") &&
				!node_attr(node_child(device, "address"), "reg"))
				rc = assign(document, device, residents[i].first, err);
		}
	return rc;
}
