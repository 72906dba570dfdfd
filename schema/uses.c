/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/uses.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "schema/words.h"

void uses_release(struct uses *uses)
{
	for (size_t i = 0; i < uses->count; i++)
		free(uses->items[i].value);
	free(uses->items);
	memset(uses, 0, sizeof *uses);
}

/* value is handed over, also on failure. */
static int add_use(
	struct uses *out, const char *kind, char *value, enum use_mode mode, struct dd_error *err)
{
	struct use *items = realloc(out->items, (out->count + 1) * sizeof items[0]);

	if (!items) {
		free(value);
		return error_no_memory(err);
	}
	out->items = items;
	items[out->count++] = (struct use){.kind = kind, .value = value, .mode = mode};
	return 0;
}

/* Takes ".", ".." and doubled slashes out of an absolute path, by its letters alone. */
static void squeeze(char *path)
{
	char *to = path;
	const char *at = path;

	while (*at) {
		at += strspn(at, "/");

		size_t length = strcspn(at, "/");

		if (length == 2 && memcmp(at, "..", 2) == 0) {
			while (to > path && *--to != '/')
				;
		} else if (length && !(length == 1 && *at == '.')) {
			*to++ = '/';
			memmove(to, at, length);
			to += length;
		}
		at += length;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

static int absolute(const char *path, char **out, struct dd_error *err)
{
	char folder[PATH_MAX] = "";
	char *whole = NULL;
	int rc;

	if (path[0] != '/' && !getcwd(folder, sizeof folder))
		return error_set(err, DD_SYSTEM, "cannot tell what folder '%.200s' is in", path);
	rc = string_format(&whole, err, "%s/%s", folder, path);
	if (rc)
		return rc;
	squeeze(whole);
	*out = whole;
	return 0;
}

/* A path has a slash or is there; anything else is spelt in lower case, as MACs and ids are. */
int use_normalise(const char *value, struct text *out, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;

	if (strchr(value, '/') || access(value, F_OK) == 0) {
		int rc = absolute(value, &path, err);

		if (rc)
			return rc;
		text_puts(out, path);
	} else {
		for (const char *c = value; *c; c++)
			text_putc(out, (char)tolower((unsigned char)*c));
	}
	return text_failed(out) ? error_no_memory(err) : 0;
}

static int add_path(struct uses *out, const char *path, enum use_mode mode, struct dd_error *err)
{
	char *value = NULL;

	if (!path || !path[0])
		return 0;

	int rc = absolute(path, &value, err);

	return rc ? rc : add_use(out, "disk", value, mode, err);
}

static const char *source_path(const xmlNode *source)
{
	static const char *const names[] = {"file", "dev", "dir"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (node_attr(source, names[i]))
			return node_attr(source, names[i]);
	return NULL;
}

static enum use_mode disk_mode(const xmlNode *disk)
{
	if (node_child(disk, "readonly") || node_attr_is(disk, "device", "cdrom"))
		return USE_READ;
	return node_child(disk, "shareable") ? USE_SHARED : USE_EXCLUSIVE;
}

static int disk_uses(const xmlNode *disk, struct uses *out, struct dd_error *err)
{
	int rc = add_path(out, source_path(node_child(disk, "source")), disk_mode(disk), err);
	const xmlNode *backing = node_child(disk, "backingStore");

	for (; backing && !rc; backing = node_child(backing, "backingStore"))
		rc = add_path(out, source_path(node_child(backing, "source")), USE_READ, err);
	if (!rc)
		rc = add_path(
			out, source_path(node_descend(disk, "mirror/source")), USE_EXCLUSIVE, err);
	return rc;
}

static int pci_use(const xmlNode *address, struct uses *out, struct dd_error *err)
{
	uint64_t domain = 0, bus = 0, slot = 0, function = 0;
	char *value = NULL;

	if (!node_attr_number(address, "slot", &slot))
		return 0;
	node_attr_number(address, "domain", &domain);
	node_attr_number(address, "bus", &bus);
	node_attr_number(address, "function", &function);

	int rc = string_format(&value, err, "pci %04x:%02x:%02x.%x", (unsigned)domain,
		(unsigned)bus, (unsigned)slot, (unsigned)function);

	return rc ? rc : add_use(out, "hostdev", value, USE_EXCLUSIVE, err);
}

static const char *hex_digits(const xmlNode *node)
{
	const char *id = node_attr(node, "id");

	return id && strncmp(id, "0x", 2) == 0 ? id + 2 : id;
}

/* By vendor and product where it is named so, else by where it is plugged in. */
static int usb_use(const xmlNode *source, struct uses *out, struct dd_error *err)
{
	const char *vendor = hex_digits(node_child(source, "vendor"));
	const char *product = hex_digits(node_child(source, "product"));
	const xmlNode *address = node_child(source, "address");
	const char *bus = node_attr(address, "bus"), *device = node_attr(address, "device");
	char *value = NULL;
	int rc = 0;

	if (vendor && product)
		rc = string_format(&value, err, "usb %s:%s", vendor, product);
	else if (bus && device)
		rc = string_format(&value, err, "usb bus %s device %s", bus, device);
	if (rc || !value)
		return rc;
	return add_use(out, "hostdev", value, USE_EXCLUSIVE, err);
}

static int scsi_use(const xmlNode *source, struct uses *out, struct dd_error *err)
{
	const char *adapter = node_attr(node_child(source, "adapter"), "name");
	const xmlNode *address = node_child(source, "address");
	uint64_t bus = 0, target = 0, unit = 0;
	char *value = NULL;

	if (!adapter)
		return 0;
	node_attr_number(address, "bus", &bus);
	node_attr_number(address, "target", &target);
	node_attr_number(address, "unit", &unit);

	int rc = string_format(&value, err, "scsi %s:%u:%u:%u", adapter, (unsigned)bus,
		(unsigned)target, (unsigned)unit);

	return rc ? rc : add_use(out, "hostdev", value, USE_EXCLUSIVE, err);
}

static int mdev_use(const xmlNode *source, struct uses *out, struct dd_error *err)
{
	const char *uuid = node_attr(node_child(source, "address"), "uuid");
	char *value = NULL;
	int rc = uuid ? string_format(&value, err, "mdev %s", uuid) : 0;

	return rc || !value ? rc : add_use(out, "hostdev", value, USE_EXCLUSIVE, err);
}

static int pci_source_use(const xmlNode *source, struct uses *out, struct dd_error *err)
{
	return pci_use(node_child(source, "address"), out, err);
}

static int hostdev_uses(const xmlNode *hostdev, struct uses *out, struct dd_error *err)
{
	static const struct {
		const char *type;
		int (*add)(const xmlNode *source, struct uses *out, struct dd_error *err);
	} types[] = {
		{"pci", pci_source_use}, {"usb", usb_use}, {"scsi", scsi_use}, {"mdev", mdev_use}};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (node_attr_is(hostdev, "type", types[i].type))
			return types[i].add(node_child(hostdev, "source"), out, err);
	return 0;
}

static int interface_uses(const xmlNode *interface, struct uses *out, struct dd_error *err)
{
	const char *mac = node_attr(node_child(interface, "mac"), "address");
	char *value = NULL;
	int rc = mac ? string_copy(&value, mac, err) : 0;

	if (!rc && value)
		rc = add_use(out, "mac", value, USE_EXCLUSIVE, err);
	if (!rc && node_attr_is(interface, "type", "hostdev"))
		rc = pci_source_use(node_child(interface, "source"), out, err);
	return rc;
}

/* A memory module that is backed by a file of its own. */
static int memory_uses(const xmlNode *memory, struct uses *out, struct dd_error *err)
{
	return add_path(out, node_text(node_descend(memory, "source/path")),
		node_attr_is(memory, "access", "shared") ? USE_SHARED : USE_EXCLUSIVE, err);
}

int document_uses(const struct document *document, struct uses *out, struct dd_error *err)
{
	static const struct {
		const char *element;
		int (*add)(const xmlNode *device, struct uses *out, struct dd_error *err);
	} kinds[] = {
		{"disk", disk_uses},
		{"interface", interface_uses},
		{"hostdev", hostdev_uses},
		{"memory", memory_uses},
	};
	const xmlNode *nvram = node_descend(document_root(document), "os/nvram");
	struct uses found = USES_INIT;
	int rc = 0;

	for (xmlNode *at = node_first(document_devices(document)); at && !rc; at = node_after(at))
		for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !rc; i++)
			if (node_is(at, kinds[i].element))
				rc = kinds[i].add(at, &found, err);
	/* the firmware's variables are a disk to the guest that writes them */
	if (!rc && nvram && !node_first(nvram))
		rc = add_path(&found, node_text(nvram), USE_EXCLUSIVE, err);
	if (!rc)
		rc = add_path(&found, source_path(node_child(nvram, "source")), USE_EXCLUSIVE, err);
	if (rc) {
		uses_release(&found);
		return rc;
	}
	uses_release(out);
	*out = found;
	return 0;
}
