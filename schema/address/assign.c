/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/address/address.h"

#include <string.h>

#include "schema/address/pci.h"
#include "schema/controllers.h"
#include "schema/fill.h"

typedef int assign_function(
	struct document *document, xmlNode *device, enum place_choice choice, struct dd_error *err);

/* The allocators that need nothing but the document; PCI has its own way. */
static assign_function *const allocators[] = {
	[ADDRESS_USB] = usb_assign,
	[ADDRESS_DRIVE] = drive_assign,
	[ADDRESS_VIRTIO_SERIAL] = serial_assign,
	[ADDRESS_ISA] = isa_assign,
	[ADDRESS_DIMM] = dimm_assign,
	[ADDRESS_CCID] = ccid_assign,
};

static enum address_kind bus_of(const struct document *document, const xmlNode *device)
{
	const struct device_kind *kind = device_kind(device);

	return kind && kind->address ? kind->address(document, device) : ADDRESS_NONE;
}

static enum place_choice choice_for(const xmlNode *device)
{
	return node_is(device, "disk") ? PLACE_NAMED : PLACE_FREE;
}

static int assign_on(struct document *document, enum address_kind bus, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(document)); device && !rc;
		device = node_after(device))
		if (bus_of(document, device) == bus)
			rc = allocators[bus](document, device, choice_for(device), err);
	return rc;
}

int addresses_assign_drives(struct document *document, struct dd_error *err)
{
	int rc = drive_assign_all(document, err);

	return rc ? rc : assign_on(document, ADDRESS_CCID, err);
}

int addresses_assign(
	struct document *document, const struct freeze_options *options, struct dd_error *err)
{
	int rc = serial_assign_all(document, err);

	if (!rc)
		rc = pci_assign_all(document, options->capabilities, err);
	if (!rc)
		rc = usb_assign_all(document, err);
	if (!rc)
		rc = spapr_assign_all(document, err);
	return rc ? rc : assign_on(document, ADDRESS_DIMM, err);
}

/* A place that nobody ever had, or else one that somebody left. */
static int choose(
	struct document *document, xmlNode *device, enum address_kind bus, struct dd_error *err)
{
	int rc = allocators[bus](document, device, PLACE_NEW, err);

	return rc == DD_REFUSED ? allocators[bus](document, device, PLACE_FREE, err) : rc;
}

static int check_free(struct document *document, xmlNode *device, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	char path[NODE_PATH_SIZE];
	const xmlNode *owner;

	place_words(device, node_child(device, "address"), &words);
	owner = words.size ? address_owner(document, text_string(&words), device) : NULL;
	if (!owner)
		return 0;
	return node_error(device, err, DD_EXISTS, "%s is used by %s", text_string(&words),
		node_path(owner, path, sizeof path));
}

/* Completes and places the controllers that the device brought along. */
static int place_controllers(struct document *document, bool live,
	const struct freeze_options *options, struct dd_error *err)
{
	int rc = controllers_add_needed(document, err);

	for (xmlNode *node = device_first(document, "controller"); node && !rc;
		node = node_next(node)) {
		enum address_kind bus = bus_of(document, node);

		if (bus == ADDRESS_NONE || node_child(node, "address"))
			continue;
		rc = device_freeze(document, node, live, options, err);
	}
	return rc;
}

static bool calls_for_controller(enum address_kind bus)
{
	return bus == ADDRESS_DRIVE || bus == ADDRESS_VIRTIO_SERIAL || bus == ADDRESS_CCID;
}

/* Finds a place, or sees whether the given one will do. */
static int place(struct document *document, xmlNode *device, enum address_kind bus, bool live,
	const struct freeze_options *options, struct dd_error *err)
{
	int rc;

	if (bus == ADDRESS_PCI)
		return pci_assign(document, device, live, options->capabilities, err);
	rc = choose(document, device, bus, err);
	return rc ? rc : usb_check(document, device, err);
}

int address_assign(struct document *document, xmlNode *device, bool live,
	const struct freeze_options *options, struct dd_error *err)
{
	enum address_kind bus = bus_of(document, device);
	bool returned = false;
	int rc = 0;

	if (bus == ADDRESS_NONE)
		return 0;
	if (!node_child(device, "address"))
		rc = address_return(document, device, &returned, err);
	if (rc)
		return rc;
	rc = place(document, device, bus, live, options, err);
	if (rc && rc != DD_NO_MEMORY && returned) {
		/* its old place is gone, or cannot be had while the guest runs */
		node_remove(node_child(device, "address"));
		rc = place(document, device, bus, live, options, err);
	}
	if (!rc)
		rc = check_free(document, device, err);
	if (!rc)
		rc = address_settle(document, device, err);
	if (rc || !calls_for_controller(bus))
		return rc;
	return place_controllers(document, live, options, err);
}
