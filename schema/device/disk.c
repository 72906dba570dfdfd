/* SPDX-License-Identifier: Apache-2.0 */

/* Disks, CD-ROM and floppy drives. Known by their target: "vda". */

#include "schema/device/disk.h"

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

#define DISK_INDEX_MAX 65535

/* How a name begins, and what that says of the bus. */
static const struct {
	const char *prefix, *bus;
} names[] = {
	{"xvd", "xen"},
	{"ubd", "uml"},
	{"hd", "ide"},
	{"sd", "scsi"},
	{"vd", "virtio"},
	{"fd", "fdc"},
};

static const char *target_name(const xmlNode *disk)
{
	return node_attr(node_child(disk, "target"), "dev");
}

const char *disk_bus(const xmlNode *disk)
{
	const char *bus = node_attr(node_child(disk, "target"), "bus");
	const char *name = target_name(disk);

	if (bus || !name)
		return bus;
	if (node_attr_is(disk, "device", "floppy"))
		return "fdc";
	for (size_t i = 0; i < COUNT(names); i++)
		if (strncmp(name, names[i].prefix, strlen(names[i].prefix)) == 0 &&
			strcmp(names[i].bus, "fdc") != 0)
			return names[i].bus;
	return "ide";
}

static const char *letters_of(const char *name)
{
	for (size_t i = 0; name && i < COUNT(names); i++) {
		size_t length = strlen(names[i].prefix);

		if (strncmp(name, names[i].prefix, length) == 0)
			return name + length;
	}
	return NULL;
}

int disk_index(const xmlNode *disk)
{
	const char *letter = letters_of(target_name(disk));
	int index = 0;

	if (!letter || *letter < 'a' || *letter > 'z')
		return -1;
	for (; *letter >= 'a' && *letter <= 'z'; letter++) {
		index = index * 26 + (*letter - 'a') + 1;
		if (index > DISK_INDEX_MAX)
			return -1;
	}
	letter += strspn(letter, "0123456789"); /* a partition */
	return *letter ? -1 : index - 1;
}

/* The bus that is written down: those that say none are together, whatever their names. */
static bool same_bus(const xmlNode *a, const xmlNode *b)
{
	const char *bus = node_attr(node_child(a, "target"), "bus");
	const char *other = node_attr(node_child(b, "target"), "bus");

	return strcmp(bus ? bus : "", other ? other : "") == 0;
}

/* Disks that lack nothing were put in order when they got it. */
static bool are_settled(const struct document *document)
{
	for (const xmlNode *disk = device_first(document, "disk"); disk; disk = node_next(disk))
		if (!node_attr(node_child(disk, "target"), "bus") ||
			!node_attr(node_child(disk, "driver"), "name") ||
			(!node_child(disk, "address") &&
				kind_disk.address(document, disk) != ADDRESS_NONE))
			return false;
	return node_child(document_root(document), "on_crash") &&
	       node_child(document_devices(document), "memballoon");
}

/* Is every disk behind one of its bus with a lower name, or the first of its bus? */
static bool are_sorted(const xmlNode *first)
{
	for (const xmlNode *disk = first; disk; disk = node_next(disk)) {
		const xmlNode *next = node_next(disk);
		bool again = next && same_bus(disk, next);

		if (again && disk_index(disk) > disk_index(next))
			return false;
		for (const xmlNode *other = first; next && !again && other != next;
			other = node_next(other))
			if (same_bus(other, next))
				return false;
	}
	return true;
}

/* Moves a disk before the first of its bus with a greater name, else behind the last of its bus. */
static void settle(xmlNode *first, xmlNode *disk)
{
	xmlNode *last = NULL;

	for (xmlNode *other = first; other && other != disk; other = node_next(other)) {
		if (!same_bus(other, disk))
			continue;
		if (disk_index(other) > disk_index(disk)) {
			xmlAddPrevSibling(other, disk);
			return;
		}
		last = other;
	}
	if (last && node_next(last) != disk)
		xmlAddNextSibling(last, disk);
}

void disks_sort(struct document *document)
{
	xmlNode *next;

	if (are_settled(document) || are_sorted(device_first(document, "disk")))
		return;
	for (xmlNode *disk = device_first(document, "disk"); disk; disk = next) {
		next = node_next(disk);
		settle(device_first(document, "disk"), disk);
	}
}

/* That labelling failed is a fact of one run. */
static void drop_skipped_labels(xmlNode *source)
{
	xmlNode *next;

	for (xmlNode *label = node_child(source, "seclabel"); label; label = next) {
		next = node_next(label);
		if (node_attr_is(label, "labelskip", "yes"))
			node_remove(label);
	}
}

/* What says nothing of the next run: a copy under way, and the numbers of open images. */
static void drop_runtime(xmlNode *disk)
{
	node_remove(node_child(disk, "mirror"));
	drop_skipped_labels(node_child(disk, "source"));
	for (xmlNode *layer = disk; layer; layer = node_child(layer, "backingStore")) {
		(void)node_set_attr(node_child(layer, "source"), "index", NULL, NULL);
		if (layer != disk)
			(void)node_set_attr(layer, "index", NULL, NULL);
	}
}

/* What says the same as nothing. */
static void drop_meaningless(xmlNode *disk)
{
	xmlNode *serial = node_child(disk, "serial");
	xmlNode *iotune = node_child(disk, "iotune");
	xmlNode *blockio = node_child(disk, "blockio");
	xmlNode *next;

	for (xmlNode *limit = node_first(iotune); limit; limit = next) {
		next = node_after(limit);
		if (strcmp(node_text(limit), "0") == 0)
			node_remove(limit);
	}
	if (iotune && !node_first(iotune))
		node_remove(iotune);
	if (blockio && !blockio->properties)
		node_remove(blockio);

	if (serial && !node_text(serial)[0])
		node_remove(serial);
	if (node_attr_is(node_child(disk, "transient"), "shareBacking", "no"))
		(void)node_set_attr(node_child(disk, "transient"), "shareBacking", NULL, NULL);
	if (node_child(disk, "readonly") && node_attr_is(disk, "snapshot", "no"))
		(void)node_set_attr(disk, "snapshot", NULL, NULL);
}

static const char *iotune_group(const xmlNode *iotune)
{
	const xmlNode *name = node_child(iotune, "group_name");

	return name ? node_text(name) : NULL;
}

/* Who names a throttle group and no limit has those of the first disk that says them. */
static int complete_iotune(struct document *document, xmlNode *disk, struct dd_error *err)
{
	xmlNode *own = node_child(disk, "iotune");
	const char *group = iotune_group(own);

	if (!group || node_after(node_first(own)))
		return 0;
	for (xmlNode *other = device_first(document, "disk"); other; other = node_next(other)) {
		const xmlNode *iotune = node_child(other, "iotune");
		const char *name = iotune_group(iotune);

		if (!name || strcmp(name, group) != 0 || !node_after(node_first(iotune)))
			continue;

		xmlNode *copy = node_copy(iotune, disk->doc, err);

		if (!copy)
			return DD_NO_MEMORY;
		xmlReplaceNode(own, copy);
		xmlFreeNode(own);
		return 0;
	}
	return node_error(own, err, DD_INVALID,
		"the group '%.64s' has no limits: say them, or those of another disk of the group",
		group);
}

static int complete_encryption(xmlNode *node, struct dd_error *err)
{
	xmlNode *encryption = node_child(node, "encryption");

	if (!node_attr_is(encryption, "format", "luks"))
		return 0;
	return fill_attr(encryption, "engine", "qemu", err);
}

/* The port of a host that says none. */
static int complete_hosts(xmlNode *source, struct dd_error *err)
{
	static const struct {
		const char *protocol, *port;
	} ports[] = {{"nbd", "10809"}, {"ftp", "21"}, {"ftps", "990"}, {"http", "80"},
		{"https", "443"}, {"tftp", "69"}, {"ssh", "22"}, {"sheepdog", "7000"},
		{"iscsi", "3260"}, {"gluster", "24007"}, {"vxhs", "9999"}};
	int rc = 0;

	for (size_t i = 0; i < COUNT(ports); i++)
		for (xmlNode *host = node_child(source, "host");
			host && !rc && node_attr_is(source, "protocol", ports[i].protocol);
			host = node_next(host))
			if (!node_attr(host, "transport") || node_attr_is(host, "transport", "tcp"))
				rc = fill_attr(host, "port", ports[i].port, err);
	return rc;
}

static int complete_layers(xmlNode *disk, struct dd_error *err)
{
	int rc = complete_encryption(disk, err);

	for (xmlNode *layer = disk; layer && !rc; layer = node_child(layer, "backingStore")) {
		xmlNode *source = node_child(layer, "source");

		if (!source)
			continue;
		rc = complete_encryption(source, err);
		if (!rc)
			rc = iscsi_complete(source, err);
		if (!rc)
			rc = complete_hosts(source, err);
		if (!rc && node_attr_is(layer, "type", "nvme"))
			rc = fill_attr(source, "managed", "yes", err);
		if (!rc && node_attr_is(layer, "type", "nvme"))
			rc = pci_source_complete(source, err);
		if (node_attr_is(layer, "type", "network"))
			node_remove(node_child(source, "reconnect"));
		if (!rc && layer != disk)
			rc = node_set_attr(source, "startupPolicy", NULL, err);
	}
	return rc;
}

/* The format of a volume is what its pool knows when the guest starts. */
static int complete_driver(xmlNode *disk, struct dd_error *err)
{
	xmlNode *driver = fill_child(disk, "driver", err);
	int rc = driver ? fill_attr(driver, "name", "qemu", err) : DD_NO_MEMORY;

	if (!rc && node_attr_is(driver, "type", "aio"))
		rc = node_set_attr(driver, "type", "raw", err);
	if (rc || node_attr_is(disk, "type", "volume"))
		return rc;
	return fill_attr(driver, "type", "raw", err);
}

/* An empty drive is a file that is not there, whatever kind its medium was to be. */
static bool has_no_medium(const xmlNode *disk)
{
	const xmlNode *source = node_child(disk, "source");
	bool removable =
		node_attr_is(disk, "device", "cdrom") || node_attr_is(disk, "device", "floppy");

	return removable && (!source || (!source->properties && !node_first(source)));
}

/* A file without a name is no medium. */
static void drop_empty_file(xmlNode *source)
{
	if (node_attr_is(source, "file", ""))
		(void)node_set_attr(source, "file", NULL, NULL);
	if (source && !source->properties && !node_first(source))
		node_remove(source);
}

static int complete(struct document *document, xmlNode *disk, const struct freeze_options *options,
	struct dd_error *err)
{
	xmlNode *target = node_child(disk, "target");
	bool cdrom = node_attr_is(disk, "device", "cdrom");
	int rc = fill_attr(disk, "type", "file", err);

	drop_empty_file(node_child(disk, "source"));
	(void)options;
	if (!rc)
		rc = fill_attr(disk, "device", "disk", err);
	if (!rc && has_no_medium(disk))
		rc = node_set_attr(disk, "type", "file", err);
	if (!rc && node_attr_is(disk, "type", "vhostuser"))
		rc = fill_attr(disk, "snapshot", "no", err);
	if (!rc)
		rc = complete_driver(disk, err);
	if (!rc && !node_attr(target, "bus"))
		rc = node_set_attr(target, "bus", disk_bus(disk), err);
	if (!rc && cdrom && !fill_child(disk, "readonly", err))
		rc = DD_NO_MEMORY;
	if (!rc)
		rc = complete_iotune(document, disk, err);
	drop_runtime(disk);
	drop_meaningless(disk);
	return rc ? rc : complete_layers(disk, err);
}

static enum address_kind address(const struct document *document, const xmlNode *disk)
{
	static const char *const drives[] = {"scsi", "sata", "ide", "fdc", NULL};
	const char *bus = disk_bus(disk);

	(void)document;
	if (string_in(bus, drives))
		return ADDRESS_DRIVE;
	if (bus && strcmp(bus, "usb") == 0)
		return ADDRESS_USB;
	return bus && strcmp(bus, "virtio") == 0 ? ADDRESS_PCI : ADDRESS_NONE;
}

static enum pci_plug plug(const struct document *document, const xmlNode *disk)
{
	return address(document, disk) == ADDRESS_PCI ? plug_virtio(node_attr(disk, "model"))
						      : PCI_PLUG_NONE;
}

static void words(const xmlNode *disk, struct text *out)
{
	text_puts(out, target_name(disk) ? target_name(disk) : "");
}

/* An lsilogic controller has no targets, so they are not in the alias. */
static bool counts_targets(const struct document *document, const xmlNode *disk, uint64_t index)
{
	if (strcmp(disk_bus(disk), "scsi") != 0)
		return false;
	for (const xmlNode *node = node_child(document_devices(document), "controller"); node;
		node = node_next(node))
		if (node_attr_is(node, "type", "scsi") &&
			attr_number(node, "index", UINT64_MAX) == index)
			return !node_attr_is(node, "model", "lsilogic");
	return true;
}

static void alias(
	const struct document *document, const xmlNode *disk, unsigned number, struct text *out)
{
	const xmlNode *place = node_child(disk, "address");
	const char *bus = disk_bus(disk);
	uint64_t controller = attr_number(place, "controller", 0);

	(void)number;
	if (!node_attr_is(place, "type", "drive")) {
		text_printf(out, "%s-disk%d", bus ? bus : "", disk_index(disk));
		return;
	}
	text_printf(
		out, "%s%u-%u-", bus, (unsigned)controller, (unsigned)attr_number(place, "bus", 0));
	if (counts_targets(document, disk, controller))
		text_printf(out, "%u-", (unsigned)attr_number(place, "target", 0));
	text_printf(out, "%u", (unsigned)attr_number(place, "unit", 0));
}

static const char *const live_paths[] = {
	"@type",
	"source",
	"driver/@type",
	"backingStore",
	"iotune",
	NULL,
};

/* Only a drive with a removable medium can be given another one. */
static bool changes_live(const xmlNode *disk, const char *path)
{
	bool removable =
		node_attr_is(disk, "device", "cdrom") || node_attr_is(disk, "device", "floppy");

	return removable || strcmp(path, "iotune") == 0;
}

static const char *const free_paths[] = {
	"@type",
	"@snapshot",
	"@rawio",
	"@sgio",
	"source",
	"backingStore",
	"driver/@name",
	"driver/@type",
	"driver/@cache",
	"driver/@io",
	"driver/@discard",
	"driver/@detect_zeroes",
	"driver/@error_policy",
	"driver/@rerror_policy",
	"driver/@copy_on_read",
	"driver/@iothread",
	"driver/@ioeventfd",
	"driver/metadata_cache",
	"iotune",
	"encryption",
	"auth",
	"transient",
	"shareable",
	"mirror",
	"backenddomain",
	"privateData",
	"boot",
	NULL,
};

static const char *no_hot_plug(const xmlNode *disk)
{
	static const char *const buses[] = {"ide", "sata", "fdc", NULL};

	if (string_in(disk_bus(disk), buses))
		return "its bus does not allow it: use virtio, scsi or usb";
	return NULL;
}

static const struct choice choices[] = {
	{"@type", "file block dir network volume nvme vhostuser", NULL},
	{"@snapshot", "no internal external manual", "default"},
	{"@model", "virtio virtio-transitional virtio-non-transitional", NULL},
	{"@sgio", "filtered unfiltered", "default"},
	{"driver/@cache", "none writethrough writeback directsync unsafe", "default"},
	{"driver/@error_policy", "stop report ignore enospace", "default"},
	{"driver/@rerror_policy", "stop report ignore", "default"},
	{"driver/@io", "native threads io_uring", "default"},
	{"driver/@discard", "unmap ignore", "default"},
	{"driver/@detect_zeroes", "off on unmap", "default"},
	{"target/@tray", "open", "closed"},
	{"geometry/@trans", "none auto lba", "default"},
	{"source/@startupPolicy", "mandatory requisite optional", "default"},
	{"source/@mode", "host direct", "default"},
	{"auth/@username", NULL, NULL, true},
	{"encryption/@format", NULL, NULL, true},
	{"source/encryption/@format", NULL, NULL, true},
	{"source/reservations/@managed", NULL, NULL, true},
	{NULL, NULL, NULL},
};

const struct device_kind kind_disk = {
	.element = "disk",
	.choices = choices,
	.check = disk_check,
	.complete = complete,
	.address = address,
	.plug = plug,
	.same = same_words,
	.words = words,
	.details = details_source,
	.alias = alias,
	.live_paths = live_paths,
	.changes_live = changes_live,
	.free_paths = free_paths,
	.hot_pluggable = true,
	.no_hot_plug = no_hot_plug,
};
