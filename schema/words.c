/* SPDX-License-Identifier: Apache-2.0 */

/* A device in words: what its kind says, or what can be said of one that nobody interprets. */

#include "schema/words.h"

#include <string.h>

#include "schema/device/kind.h"
#include "schema/diff.h"

/* What a device is told by, first that is there; own says that no other of its kind has it. */
static const struct {
	const char *element; /* "" for the device itself */
	const char *attribute;
	bool own;
} names[] = {
	{"target", "dev", true},
	{"mac", "address", true},
	{"target", "dir", true},
	{"target", "name", true},
	{"", "index", true},
	{"target", "port", true},
	{"", "name", true},
	{"", "id", true},
	{"model", "type", false},
	{"", "model", false},
	{"", "type", false},
};

static const xmlNode *part(const xmlNode *device, const char *element)
{
	return element[0] ? node_child(device, element) : device;
}

const char *device_own_name(const xmlNode *device)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *name = node_attr(part(device, names[i].element), names[i].attribute);

		if (names[i].own && name && name[0])
			return name;
	}
	return NULL;
}

bool device_same(const xmlNode *a, const xmlNode *b)
{
	const struct device_kind *kind = device_kind(a);

	return kind && kind->same && device_own_name(a) && device_own_name(b) && kind->same(a, b);
}

void device_identity(const xmlNode *device, struct text *out)
{
	const struct device_kind *kind = device_kind(device);

	if (kind && kind->words) {
		kind->words(device, out);
		return;
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *name = node_attr(part(device, names[i].element), names[i].attribute);

		if (name && name[0]) {
			text_puts(out, name);
			return;
		}
	}
}

void device_words(const xmlNode *device, struct text *out)
{
	char buffer[TREE_NAME_SIZE];
	size_t before;

	text_puts(out, node_name(device, buffer, sizeof buffer));
	before = out->size;
	text_putc(out, ' ');
	device_identity(device, out);
	/* one that has nothing to be told by is "memballoon", without the space */
	if (!text_failed(out) && out->size == before + 1)
		out->data[out->size = before] = '\0';
}

static void put_pci(const xmlNode *address, struct text *out)
{
	uint64_t domain = 0, bus = 0, slot = 0, function = 0;

	node_attr_number(address, "domain", &domain);
	node_attr_number(address, "bus", &bus);
	node_attr_number(address, "slot", &slot);
	node_attr_number(address, "function", &function);
	text_printf(out, "%04x:%02x:%02x.%x", (unsigned)domain, (unsigned)bus, (unsigned)slot,
		(unsigned)function);
}

static void put_parts(const xmlNode *address, const char *const *attributes, struct text *out)
{
	for (size_t i = 0; attributes[i]; i++) {
		const char *value = node_attr(address, attributes[i]);

		text_printf(out, "%s%s", i ? ":" : "", value ? value : "0");
	}
}

void address_words(const xmlNode *address, struct text *out)
{
	static const struct {
		const char *type;
		const char *const parts[5];
	} forms[] = {
		{"drive", {"controller", "bus", "target", "unit"}},
		{"usb", {"bus", "port"}},
		{"virtio-serial", {"controller", "bus", "port"}},
		{"ccid", {"controller", "slot"}},
		{"isa", {"iobase"}},
		{"dimm", {"slot"}},
		{"ccw", {"cssid", "ssid", "devno"}},
	};
	const char *type = node_attr(address, "type");

	text_puts(out, type ? type : "address");
	if (!type)
		return;
	if (strcmp(type, "pci") == 0 && node_attr(address, "slot")) {
		text_putc(out, ' ');
		put_pci(address, out);
	}
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (strcmp(type, forms[i].type) == 0) {
			text_putc(out, ' ');
			put_parts(address, forms[i].parts, out);
		}
}

void device_details(const xmlNode *device, struct text *out)
{
	const struct device_kind *kind = device_kind(device);
	const xmlNode *address = node_child(device, "address");
	size_t before = out->size;

	if (kind && kind->details)
		kind->details(device, out);
	if (!address)
		return;
	if (out->size > before)
		text_puts(out, ", ");
	address_words(address, out);
}
