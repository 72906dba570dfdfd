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

/* The attributes of an address that say where, as numbers with ':' between. */
static void put_numbers(const xmlNode *address, const char *const *names, struct text *out)
{
	for (size_t i = 0; names[i]; i++) {
		if (i)
			text_putc(out, ':');
		text_number(out, attr_number(address, names[i], 0), 10, 1);
	}
}

static void usb_words(const xmlNode *address, struct text *out)
{
	const char *port = node_attr(address, "port");

	if (!port)
		return;
	text_puts(out, "usb ");
	put_numbers(address, (const char *const[]){"bus", NULL}, out);
	text_putc(out, ':');
	text_puts(out, port);
}

static void drive_words(const xmlNode *device, const xmlNode *address, struct text *out)
{
	text_puts(out, drive_bus(device));
	text_putc(out, ' ');
	put_numbers(
		address, (const char *const[]){"controller", "bus", "target", "unit", NULL}, out);
}

static void pci_words(const xmlNode *address, struct text *out)
{
	struct pci_place place;

	if (!pci_place_read(address, &place))
		return;
	text_puts(out, "pci ");
	text_number(out, place.domain, 16, 4);
	text_putc(out, ':');
	text_number(out, place.bus, 16, 2);
	text_putc(out, ':');
	text_number(out, place.slot, 16, 2);
	text_putc(out, '.');
	text_number(out, place.function, 16, 1);
}

static void isa_words(const xmlNode *address, struct text *out)
{
	if (!node_attr(address, "iobase"))
		return;
	text_puts(out, "isa 0x");
	text_number(out, attr_number(address, "iobase", 0), 16, 1);
}

/* Places that are told by numbers alone. */
static const struct {
	const char *type;
	const char *needs; /* without this attribute there is no place; NULL: there always is */
	const char *names[3];
} numbered[] = {
	{"virtio-serial", NULL, {"controller", "port"}},
	{"ccid", NULL, {"controller", "slot"}},
	{"dimm", "slot", {"slot"}},
};

static void numbered_words(const char *type, const xmlNode *address, struct text *out)
{
	for (size_t i = 0; i < COUNT(numbered); i++) {
		if (strcmp(numbered[i].type, type) != 0 ||
			(numbered[i].needs && !node_attr(address, numbered[i].needs)))
			continue;
		text_puts(out, type);
		text_putc(out, ' ');
		put_numbers(address, numbered[i].names, out);
	}
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
	else if (strcmp(type, "isa") == 0)
		isa_words(address, out);
	else
		numbered_words(type, address, out);
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
