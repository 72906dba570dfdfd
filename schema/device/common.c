/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/device/common.h"

#include <string.h>

#include "schema/address/address.h"
#include "schema/fill.h"

int check_virtio_options(const xmlNode *device, bool virtio, struct dd_error *err)
{
	static const char *const names[] = {"iommu", "ats", "packed", "page_per_vq"};
	const xmlNode *driver = node_child(device, "driver");

	for (size_t i = 0; i < COUNT(names) && !virtio; i++)
		if (node_attr(driver, names[i]))
			return node_error(driver, err, DD_INVALID,
				"%s is an option of virtio devices only", names[i]);
	return 0;
}

enum pci_plug plug_virtio(const char *model)
{
	bool transitional = model && strcmp(model, "virtio-transitional") == 0;

	return transitional ? PCI_PLUG_CONVENTIONAL : PCI_PLUG_EXPRESS;
}

enum pci_plug plug_conventional(const struct document *document, const xmlNode *device)
{
	(void)document;
	(void)device;
	return PCI_PLUG_CONVENTIONAL;
}

enum pci_plug plug_virtio_model(const struct document *document, const xmlNode *device)
{
	(void)document;
	return plug_virtio(node_attr(device, "model"));
}

enum address_kind address_by_plug(const struct document *document, const xmlNode *device)
{
	const struct device_kind *kind = device_kind(device);

	return kind->plug(document, device) == PCI_PLUG_NONE ? ADDRESS_NONE : ADDRESS_PCI;
}

enum address_kind address_none(const struct document *document, const xmlNode *device)
{
	(void)document;
	(void)device;
	return ADDRESS_NONE;
}

enum address_kind address_usb(const struct document *document, const xmlNode *device)
{
	(void)document;
	(void)device;
	return ADDRESS_USB;
}

bool same_words(const xmlNode *a, const xmlNode *b)
{
	CLEANUP(text) struct text first = TEXT_INIT;
	CLEANUP(text) struct text second = TEXT_INIT;
	const struct device_kind *kind = device_kind(a);

	if (!kind || kind != device_kind(b))
		return false;
	kind->words(a, &first);
	kind->words(b, &second);
	return strcmp(text_string(&first), text_string(&second)) == 0;
}

void words_place(const xmlNode *device, struct text *out)
{
	const char *name = node_attr(device, "model");
	size_t before = out->size;

	place_words(device, node_child(device, "address"), out);
	if (out->size != before)
		return;
	if (!name)
		name = node_attr(device, "type");
	text_puts(out, name ? name : "");
}

void source_words(const xmlNode *source, struct text *out)
{
	static const char *const names[] = {"file", "dev", "dir", "volume", "name", "path",
		"bridge", "network", "address", "host", "channel", NULL};
	const char *pool = node_attr(source, "pool");
	const char *protocol = node_attr(source, "protocol");

	for (size_t i = 0; names[i]; i++) {
		const char *value = node_attr(source, names[i]);

		if (!value)
			continue;
		if (protocol)
			text_printf(out, "%s:", protocol);
		if (pool && strcmp(names[i], "volume") == 0)
			text_printf(out, "%s/", pool);
		text_puts(out, value);
		return;
	}
}

void words_model(const xmlNode *device, struct text *out)
{
	const char *model = node_attr(device, "model");

	text_puts(out, model ? model : "");
}

void details_source(const xmlNode *device, struct text *out)
{
	source_words(node_child(device, "source"), out);
}

const char *alias_prefix(const xmlNode *device)
{
	const struct device_kind *kind = device_kind(device);

	return kind->alias_prefix_of ? kind->alias_prefix_of(device) : kind->alias_prefix;
}

void alias_numbered(
	const struct document *document, const xmlNode *device, unsigned number, struct text *out)
{
	(void)document;
	text_printf(out, "%s%u", alias_prefix(device), number);
}

int iscsi_complete(xmlNode *source, struct dd_error *err)
{
	const char *name = node_attr(source, "name");

	if (!node_attr_is(source, "protocol", "iscsi") || !name || strchr(name, '/'))
		return 0;

	CLEANUP(free) char *whole = NULL;
	int rc = string_format(&whole, err, "%s/0", name);

	return rc ? rc : node_set_attr(source, "name", whole, err);
}

int pci_source_complete(xmlNode *source, struct dd_error *err)
{
	static const struct {
		const char *name, *zero;
	} parts[] = {{"domain", "0x0000"}, {"bus", "0x00"}, {"slot", "0x00"}, {"function", "0x0"}};
	xmlNode *address = node_child(source, "address");
	int rc = 0;

	for (size_t i = 0; i < COUNT(parts) && address && !rc; i++)
		rc = fill_attr(address, parts[i].name, parts[i].zero, err);
	return rc;
}

bool memory_is_shared(const struct document *document)
{
	const xmlNode *root = document_root(document);
	const xmlNode *cell = node_descend(root, "cpu/numa/cell");

	if (node_attr_is(node_descend(root, "memoryBacking/access"), "mode", "shared"))
		return true;
	if (!cell)
		return false;
	for (; cell; cell = node_next(cell))
		if (!node_attr_is(cell, "memAccess", "shared"))
			return false;
	return true;
}

static bool has_spice(const struct document *document)
{
	for (const xmlNode *node = device_first(document, "graphics"); node; node = node_next(node))
		if (node_attr_is(node, "type", "spice"))
			return true;
	return false;
}

/* What the other end cannot be without. */
static int check_source(const xmlNode *device, struct dd_error *err)
{
	static const char *const with_path[] = {"dev", "file", "pipe", NULL};
	const xmlNode *source = node_child(device, "source");
	const char *type = node_attr(device, "type");
	bool binds = false;

	if (string_in(type, with_path) && !node_attr(source, "path"))
		return node_error(device, err, DD_INVALID,
			"its <source> needs a path, being of type %s", type);
	for (; source; source = node_next(source)) {
		binds = binds || node_attr_is(source, "mode", "bind");
		if (node_attr_is(node_child(source, "reconnect"), "enabled", "yes") &&
			node_attr_is(source, "mode", "bind"))
			return node_error(node_child(source, "reconnect"), err, DD_INVALID,
				"only who connects can connect again: say mode='connect'");
	}
	source = node_child(device, "source");
	if (node_attr_is(device, "type", "unix") && !node_is(device, "channel") && !binds &&
		!node_attr(source, "path"))
		return node_error(device, err, DD_INVALID, "a socket to connect to needs a path");
	if (node_attr_is(device, "type", "tcp") && !node_attr(source, "host"))
		return node_error(device, err, DD_INVALID, "its <source> needs a host");
	if (node_attr_is(device, "type", "tcp") && !node_attr(source, "service"))
		return node_error(device, err, DD_INVALID, "its <source> needs a service");
	return 0;
}

int chardev_check(const struct document *document, const xmlNode *device, struct dd_error *err)
{
	static const char *const spice[] = {"spicevmc", "spiceport", NULL};
	const char *type = node_attr(device, "type");

	if (type && strcmp(type, "spiceport") == 0 &&
		!node_attr(node_child(device, "source"), "channel"))
		return node_error(device, err, DD_INVALID, "its <source> needs a channel");
	if (string_in(type, spice) && !has_spice(document) && document_devices(document)) {
		node_error(device, err, DD_INVALID, "type %s needs a SPICE screen", type);
		return error_hint(err, "add <graphics type='spice'/>");
	}
	return check_source(device, err);
}

/* Types that nothing stands behind have no source, and TCP connects unless it says otherwise. */
static int complete_source(xmlNode *device, struct dd_error *err)
{
	static const char *const bare[] = {"null", "vc", "stdio", "spicevmc", NULL};
	xmlNode *source = node_child(device, "source");

	if (string_in(node_attr(device, "type"), bare))
		for (; source; source = node_child(device, "source"))
			node_remove(source);
	else if (source &&
		 (node_attr_is(device, "type", "tcp") ||
			 (node_attr_is(device, "type", "unix") && node_attr(source, "path"))))
		return fill_attr(source, "mode", "connect", err);
	return 0;
}

int chardev_complete(xmlNode *device, struct dd_error *err)
{
	int rc = 0;

	if (!node_is(device, "redirdev") && !node_is(device, "smartcard"))
		rc = fill_attr(device, "type", "pty", err);
	if (!rc)
		rc = complete_source(device, err);
	if (!rc && node_attr_is(device, "type", "tcp"))
		rc = fill_child_attr(device, "protocol", "type", "raw", err);
	return rc;
}
