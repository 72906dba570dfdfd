/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/address/address.h"

#include <string.h>

#include "schema/address/pci.h"
#include "schema/fill.h"

const char *address_type(const xmlNode *device)
{
	return node_attr(node_child(device, "address"), "type");
}

static bool says_more_than_type(const xmlNode *address)
{
	for (const xmlAttr *attr = address ? address->properties : NULL; attr; attr = attr->next)
		if (strcmp((const char *)attr->name, "type") != 0)
			return true;
	return false;
}

bool address_wanted(const xmlNode *device, const char *type)
{
	const xmlNode *address = node_child(device, "address");

	struct pci_place place;

	if (!address || !node_attr(address, "type"))
		return true;
	if (!node_attr_is(address, "type", type))
		return false;
	/* a function of slot 0 on bus 0 is no place */
	return strcmp(type, "pci") == 0 ? !pci_place_read(address, &place)
					: !says_more_than_type(address);
}

xmlNode *address_make(xmlNode *device, const char *type, struct dd_error *err)
{
	xmlNode *address = fill_child(device, "address", err);

	if (!address || node_set_attr(address, "type", type, err))
		return NULL;
	return address;
}

/* The bus that a drive address counts on: that of the disk, or of the host device. */
static const char *drive_bus(const xmlNode *device)
{
	const char *bus = node_attr(node_child(device, "target"), "bus");

	if (!bus && node_is(device, "device"))
		bus = node_attr(device, "bus"); /* an entry of <vacated> */
	return bus ? bus : "scsi";
}

static void usb_words(const xmlNode *address, struct text *out)
{
	const char *port = node_attr(address, "port");

	if (port)
		text_printf(out, "usb %u:%s", (unsigned)attr_number(address, "bus", 0), port);
}

static void drive_words(const xmlNode *device, const xmlNode *address, struct text *out)
{
	text_printf(out, "%s %u:%u:%u:%u", drive_bus(device),
		(unsigned)attr_number(address, "controller", 0),
		(unsigned)attr_number(address, "bus", 0),
		(unsigned)attr_number(address, "target", 0),
		(unsigned)attr_number(address, "unit", 0));
}

static void pci_words(const xmlNode *address, struct text *out)
{
	struct pci_place place;

	if (pci_place_read(address, &place))
		text_printf(out, "pci %04x:%02x:%02x.%x", place.domain, place.bus, place.slot,
			place.function);
}

void place_words(const xmlNode *device, const xmlNode *address, struct text *out)
{
	const char *type = node_attr(address, "type");

	/* a console repeats the address of the serial port whose other name it is */
	if (!type || (node_is(device, "console") && strcmp(type, "virtio-serial") != 0))
		return;
	if (strcmp(type, "pci") == 0)
		pci_words(address, out);
	else if (strcmp(type, "usb") == 0)
		usb_words(address, out);
	else if (strcmp(type, "drive") == 0)
		drive_words(device, address, out);
	else if (strcmp(type, "virtio-serial") == 0)
		text_printf(out, "virtio-serial %u:%u",
			(unsigned)attr_number(address, "controller", 0),
			(unsigned)attr_number(address, "port", 0));
	else if (strcmp(type, "ccid") == 0)
		text_printf(out, "ccid %u:%u", (unsigned)attr_number(address, "controller", 0),
			(unsigned)attr_number(address, "slot", 0));
	else if (strcmp(type, "dimm") == 0 && node_attr(address, "slot"))
		text_printf(out, "dimm %u", (unsigned)attr_number(address, "slot", 0));
	else if (strcmp(type, "isa") == 0 && node_attr(address, "iobase"))
		text_printf(out, "isa 0x%x", (unsigned)attr_number(address, "iobase", 0));
}

static bool has_words(const xmlNode *device, const char *words)
{
	CLEANUP(text) struct text own = TEXT_INIT;

	place_words(device, node_child(device, "address"), &own);
	return strcmp(text_string(&own), words) == 0;
}

xmlNode *address_owner(const struct document *document, const char *words, const xmlNode *except)
{
	xmlNode *device = node_first(document_devices(document));

	while (device && (device == except || !has_words(device, words)))
		device = node_after(device);
	return device;
}

xmlNode *vacated_first(struct document *document)
{
	return node_child(document_vacated(document, NULL), "device");
}

/* Was it this device that left the entry? */
static bool left_by(const xmlNode *entry, const xmlNode *device)
{
	CLEANUP(text) struct text identity = TEXT_INIT;
	const struct device_kind *kind = device_kind(device);

	if (!kind || !kind->words || !node_attr_is(entry, "kind", kind->element))
		return false;
	kind->words(device, &identity);
	return node_attr_is(entry, "identity", text_string(&identity));
}

/*
 * Of the kinds that are told apart by their places alone, any may return to a place that one left.
 */
static bool left_by_its_like(const xmlNode *entry, const xmlNode *device)
{
	const char *identity = node_attr(entry, "identity");

	return identity && node_attr_is(entry, "kind", (const char *)device->name) &&
	       has_words(entry, identity);
}

/* Does an address of this type fit the bus that the device is plugged into? */
static bool fits(const struct document *document, const xmlNode *device, const xmlNode *address)
{
	static const char *const types[] = {
		[ADDRESS_PCI] = "pci",
		[ADDRESS_USB] = "usb",
		[ADDRESS_DRIVE] = "drive",
		[ADDRESS_VIRTIO_SERIAL] = "virtio-serial",
		[ADDRESS_ISA] = "isa",
		[ADDRESS_DIMM] = "dimm",
		[ADDRESS_CCID] = "ccid",
	};
	const struct device_kind *kind = device_kind(device);
	enum address_kind bus = kind->address ? kind->address(document, device) : ADDRESS_NONE;

	return types[bus] && node_attr_is(address, "type", types[bus]);
}

static xmlNode *copy_address(const xmlNode *address, xmlNode *device, struct dd_error *err)
{
	xmlNode *copy = node_copy(address, device->doc, err);

	if (!copy)
		return NULL;
	node_remove(node_child(device, "address"));
	return xmlAddChild(device, copy);
}

int address_return(struct document *document, xmlNode *device, bool *given, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	xmlNode *first = vacated_first(document);
	xmlNode *entry = first;

	while (entry && !left_by(entry, device))
		entry = node_next(entry);
	if (!entry)
		for (entry = first; entry && !left_by_its_like(entry, device);)
			entry = node_next(entry);

	const xmlNode *address = node_child(entry, "address");

	*given = false;
	if (!address || !fits(document, device, address))
		return 0;
	place_words(device, address, &words);
	if (text_failed(&words))
		return error_no_memory(err);
	if (address_owner(document, text_string(&words), device))
		return 0;
	if (!copy_address(address, device, err))
		return DD_NO_MEMORY;
	*given = true;
	return 0;
}

int address_settle(struct document *document, const xmlNode *device, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	xmlNode *next;

	place_words(device, node_child(device, "address"), &words);
	if (text_failed(&words))
		return error_no_memory(err);
	for (xmlNode *entry = vacated_first(document); entry; entry = next) {
		next = node_next(entry);
		if (left_by(entry, device) || (words.size && has_words(entry, text_string(&words))))
			node_remove(entry);
	}
	return 0;
}
