/* SPDX-License-Identifier: Apache-2.0 */

/* Disks that make no sense. */

#include <stdio.h>
#include <string.h>

#include "schema/device/common.h"
#include "schema/device/disk.h"
#include "schema/fill.h"

/* What a serial number may have. */
#define SERIAL_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.+ "

static bool is(const xmlNode *disk, const char *name, const char *value)
{
	return node_attr_is(disk, name, value);
}

static bool on_bus(const xmlNode *disk, const char *const *buses)
{
	return string_in(disk_bus(disk), buses);
}

static bool is_virtio(const xmlNode *disk)
{
	return on_bus(disk, (const char *const[]){"virtio", NULL});
}

static bool is_scsi(const xmlNode *disk)
{
	return on_bus(disk, (const char *const[]){"scsi", NULL});
}

static bool is_usb(const xmlNode *disk)
{
	return on_bus(disk, (const char *const[]){"usb", NULL});
}

static bool is_ide(const xmlNode *disk)
{
	return on_bus(disk, (const char *const[]){"ide", NULL});
}

static bool has_wwn(const xmlNode *disk)
{
	return on_bus(disk, (const char *const[]){"ide", "scsi", NULL});
}

static bool can_rotate(const xmlNode *disk)
{
	return on_bus(disk, (const char *const[]){"ide", "scsi", "sata", NULL}) &&
	       (!node_attr(disk, "device") || is(disk, "device", "disk"));
}

static bool is_removable(const xmlNode *disk)
{
	return is(disk, "device", "cdrom") || is(disk, "device", "floppy");
}

static bool is_lun(const xmlNode *disk)
{
	return is(disk, "device", "lun");
}

static bool is_not_lun(const xmlNode *disk)
{
	return !is_lun(disk);
}

static bool is_read_only(const xmlNode *disk)
{
	return node_child(disk, "readonly") || is(disk, "device", "cdrom");
}

static bool is_scsi_disk(const xmlNode *disk)
{
	return is_scsi(disk) && !is_lun(disk);
}

/* Properties that only some disks have. */
static const struct {
	const char *path;
	bool (*allowed)(const xmlNode *disk);
	const char *where;
} properties[] = {
	{"@model", is_virtio, "disks on the virtio bus"},
	{"@sgio", is_lun, "disks with device='lun'"},
	{"@rawio", is_lun, "disks with device='lun'"},
	{"driver/@ioeventfd", is_virtio, "disks on the virtio bus"},
	{"driver/@event_idx", is_virtio, "disks on the virtio bus"},
	{"driver/@queues", is_virtio, "disks on the virtio bus"},
	{"driver/@queue_size", is_virtio, "disks on the virtio bus"},
	{"driver/@iothread", is_virtio, "disks on the virtio bus"},
	{"target/@tray", is_removable, "cdrom and floppy drives"},
	{"target/@removable", is_usb, "disks on the usb bus"},
	{"target/@rotation_rate", can_rotate, "disks on the ide, sata and scsi buses"},
	{"geometry/@trans", is_ide, "disks on the ide bus"},
	{"wwn", has_wwn, "disks on the ide and scsi buses"},
	{"vendor", is_scsi_disk, "disks on the scsi bus that are no lun"},
	{"product", is_scsi_disk, "disks on the scsi bus that are no lun"},
	{"encryption", is_not_lun, "disks that are no lun"},
	{"source/encryption", is_not_lun, "disks that are no lun"},
};

static int check_properties(const xmlNode *disk, struct dd_error *err)
{
	for (size_t i = 0; i < COUNT(properties); i++) {
		const xmlNode *node = node_property(disk, properties[i].path);

		if (node && !properties[i].allowed(disk))
			return node_error(node, err, DD_INVALID, "%s is for %s", properties[i].path,
				properties[i].where);
	}
	return check_virtio_options(disk, is_virtio(disk), err);
}

/* A vhost-user daemon serves the whole disk by itself. */
static int check_vhostuser(const xmlNode *disk, struct dd_error *err)
{
	static const char *const others[] = {"driver/@cache", "driver/@error_policy",
		"driver/@rerror_policy", "driver/@io", "driver/@discard", "driver/@detect_zeroes",
		"driver/@copy_on_read", "driver/@iothread", "backingStore", "readonly", "shareable",
		"transient", "serial", "wwn", "vendor", "product", "geometry", "blockio", "iotune",
		"encryption", "auth", NULL};

	if (!is(disk, "type", "vhostuser"))
		return 0;
	if (!is_virtio(disk) || (node_attr(disk, "device") && !is(disk, "device", "disk")))
		return node_error(disk, err, DD_INVALID,
			"a vhostuser disk is a device='disk' on the virtio bus");
	for (size_t i = 0; others[i]; i++)
		if (node_property(disk, others[i]))
			return node_error(node_property(disk, others[i]), err, DD_INVALID,
				"a vhostuser disk has no %s", others[i]);
	return 0;
}

static int check_device(const xmlNode *disk, struct dd_error *err)
{
	const char *bus = disk_bus(disk);
	const char *format = node_attr(node_child(disk, "driver"), "type");

	if (strcmp(bus, "fdc") == 0 && !is(disk, "device", "floppy"))
		return node_error(disk, err, DD_INVALID, "only floppy drives are on the fdc bus");
	if (is(disk, "device", "floppy") && strcmp(bus, "fdc") != 0)
		return node_error(disk, err, DD_INVALID, "a floppy drive is on the fdc bus");
	if (is(disk, "device", "cdrom") && is_virtio(disk))
		return node_error(disk, err, DD_INVALID,
			"a CD-ROM drive cannot be on the virtio bus: its medium could not change");
	if (!is_lun(disk))
		return 0;
	if (!is_virtio(disk) && !is_scsi(disk))
		return node_error(disk, err, DD_INVALID,
			"a lun is on the scsi or virtio bus, not on %s", bus);
	if (format && strcmp(format, "raw") != 0)
		return node_error(disk, err, DD_INVALID, "a lun has the format raw");
	if (is(disk, "type", "block") || is(disk, "type", "volume") ||
		is(node_child(disk, "source"), "protocol", "iscsi"))
		return 0;
	return node_error(disk, err, DD_INVALID, "a lun is a block device of the host");
}

/* How the name begins is free, but it must be one of the beginnings, letters behind it. */
static int check_name(const xmlNode *disk, struct dd_error *err)
{
	const xmlNode *target = node_child(disk, "target");
	const char *name = node_attr(target, "dev");
	bool floppy = is(disk, "device", "floppy");
	size_t digits = strcspn(name, "0123456789");

	if (disk_index(disk) < 0)
		return node_error(target, err, DD_INVALID,
			"'%s' is no name of a disk, such as vda, sdb or hdc", name);
	if (floppy != (strncmp(name, "fd", 2) == 0))
		return node_error(target, err, DD_INVALID,
			"'%s': floppy drives, and no others, have names such as fda", name);
	if (name[digits] && strspn(name + digits, "0") != strlen(name + digits))
		return node_error(target, err, DD_INVALID,
			"'%s' names a partition: a disk is given as a whole", name);
	return 0;
}

static int check_driver(const xmlNode *disk, struct dd_error *err)
{
	const xmlNode *driver = node_child(disk, "driver");
	bool direct = is(driver, "cache", "none") || is(driver, "cache", "directsync");

	if (is(driver, "io", "native") && !direct)
		return node_error(
			driver, err, DD_INVALID, "io='native' needs cache='none' or 'directsync'");
	if (node_attr(driver, "name") && !is(driver, "name", "qemu"))
		return node_error(driver, err, DD_INVALID, "the driver is qemu, not %s",
			node_attr(driver, "name"));
	if (is(driver, "copy_on_read", "on") && is_read_only(disk))
		return node_error(driver, err, DD_INVALID,
			"copy_on_read writes: it does not go with a disk that is only read");
	return 0;
}

static int check_medium(const xmlNode *disk, struct dd_error *err)
{
	const xmlNode *source = node_child(disk, "source");
	const xmlNode *transient = node_child(disk, "transient");
	const char *bus = disk_bus(disk);

	if (is(disk, "sgio", "unfiltered"))
		return node_error(
			disk, err, DD_UNSUPPORTED, "sgio='unfiltered' is gone from Linux");
	if (node_child(disk, "readonly") && !is_removable(disk) &&
		(strcmp(bus, "ide") == 0 || strcmp(bus, "sata") == 0))
		return node_error(
			disk, err, DD_INVALID, "disks on the %s bus cannot be only read", bus);
	if (transient && is_read_only(disk))
		return node_error(transient, err, DD_INVALID, "a transient disk is written to");
	if (transient && node_attr(disk, "type") && !is(disk, "type", "file"))
		return node_error(transient, err, DD_INVALID, "a transient disk is a file");
	if (is(disk, "type", "volume") && source &&
		!node_attr(source, "pool") != !node_attr(source, "volume"))
		return node_error(source, err, DD_INVALID,
			"a volume is named by its pool and its name: pool='' volume=''");
	if (is(source, "startupPolicy", "requisite") && !is_removable(disk))
		return node_error(
			source, err, DD_INVALID, "'requisite' is for cdrom and floppy drives");
	if (is_removable(disk) || (source && (source->properties || node_first(source))))
		return 0;
	return node_error(disk, err, DD_INVALID, "the disk has no <source>");
}

static int check_nfs(const xmlNode *source, struct dd_error *err)
{
	const xmlNode *host = node_child(source, "host");

	if (!host || node_next(host))
		return node_error(source, err, DD_INVALID, "an NFS source has one host");
	if (node_attr(host, "port"))
		return node_error(host, err, DD_INVALID, "an NFS host has no port");
	return 0;
}

static int check_network(const xmlNode *disk, struct dd_error *err)
{
	const xmlNode *source = node_child(disk, "source");
	const char *protocol = node_attr(source, "protocol");
	static const char *const secret[] = {
		"rbd", "iscsi", "http", "https", "ftp", "ftps", "tftp", "ssh", NULL};
	const xmlNode *auth = node_child(disk, "auth");

	if (!is(disk, "type", "network") || !source || (!source->properties && !node_first(source)))
		return 0;
	if (!protocol)
		return node_error(source, err, DD_INVALID, "a network source needs a protocol");
	auth = auth ? auth : node_child(source, "auth");
	if (auth && !string_in(protocol, secret))
		return node_error(auth, err, DD_INVALID,
			"a source with protocol %s takes no user and secret", protocol);
	if (strcmp(protocol, "tftp") == 0)
		return node_error(source, err, DD_UNSUPPORTED, "QEMU has no tftp any more");
	if (strcmp(protocol, "nbd") != 0 && !node_attr(source, "name"))
		return node_error(source, err, DD_INVALID, "a source with protocol %s needs a name",
			protocol);
	return strcmp(protocol, "nfs") == 0 ? check_nfs(source, err) : 0;
}

/* What the guest reads of the drive: what QEMU's command line and the SCSI standard allow. */
static int check_texts(const xmlNode *disk, struct dd_error *err)
{
	static const struct {
		const char *name;
		size_t longest;
	} inquiries[] = {{"vendor", 8}, {"product", 16}};
	const xmlNode *serial = node_child(disk, "serial");
	const char *value = serial ? node_text(serial) : "";

	if (value[strspn(value, SERIAL_CHARACTERS)])
		return node_error(serial, err, DD_INVALID,
			"'%s' has other characters than letters, digits, space and _-.+", value);
	for (size_t i = 0; i < COUNT(inquiries); i++) {
		const xmlNode *node = node_child(disk, inquiries[i].name);
		const char *text = node ? node_text(node) : "";

		if (strlen(text) > inquiries[i].longest)
			return node_error(node, err, DD_INVALID, "it has more than %zu characters",
				inquiries[i].longest);
		for (; *text; text++)
			if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
				return node_error(node, err, DD_INVALID,
					"it has other characters than those of ASCII");
	}
	return 0;
}

/* Disks of one group share its limits. */
static int check_iotune_group(const xmlNode *disk, struct dd_error *err)
{
	const xmlNode *iotune = node_child(disk, "iotune");
	const xmlNode *first = node_first(iotune);
	const char *group = node_text(node_child(iotune, "group_name"));

	/* who names a group alone takes its limits */
	if (!group || !node_after(first))
		return 0;
	for (const xmlNode *other = node_child(disk->parent, "disk"); other != disk;
		other = node_next(other)) {
		const xmlNode *limits = node_child(other, "iotune");
		const char *name = node_text(node_child(limits, "group_name"));

		if (name && strcmp(name, group) == 0 && !node_equal(limits, iotune))
			return node_error(iotune, err, DD_INVALID,
				"%s has other limits in the same group, %s",
				node_attr(node_child(other, "target"), "dev"), group);
	}
	return 0;
}

static int check_iotune(const xmlNode *disk, struct dd_error *err)
{
	static const char *const units[] = {"bytes_sec", "iops_sec"};
	static const char *const ends[] = {"", "_max"};
	const xmlNode *iotune = node_child(disk, "iotune");

	for (size_t i = 0; iotune && i < COUNT(units) * COUNT(ends); i++) {
		uint64_t values[3] = {0};
		static const char *const starts[] = {"total", "read", "write"};

		for (size_t j = 0; j < COUNT(starts); j++) {
			char name[32];

			snprintf(
				name, sizeof name, "%s_%s%s", starts[j], units[i % 2], ends[i / 2]);
			(void)node_text_number(node_child(iotune, name), &values[j]);
		}
		if (values[0] && (values[1] || values[2]))
			return node_error(iotune, err, DD_INVALID,
				"%s%s: there is a total besides that for reading or writing",
				units[i % 2], ends[i / 2]);
	}
	return 0;
}

static int check_format(const xmlNode *disk, struct dd_error *err)
{
	static const char *const formats[] = {"raw", "qcow2", "qcow", "qed", "vmdk", "vdi", "vpc",
		"vhdx", "vhd", "fat", "dmg", "bochs", "cloop", "aio", NULL};
	const xmlNode *driver = node_child(disk, "driver");
	const char *format = node_attr(driver, "type");

	if (format && !string_in(format, formats))
		return node_error(driver, err, DD_UNSUPPORTED,
			"images of format '%s' are not supported", format);
	if (is(disk, "type", "dir") && !is_removable(disk) &&
		strcmp(format ? format : "raw", "fat") != 0)
		return node_error(disk, err, DD_INVALID, "a disk of type dir has the format fat");
	if (format && strcmp(format, "fat") == 0 && !is(disk, "type", "dir"))
		return node_error(disk, err, DD_INVALID, "format fat goes with type dir alone");
	if (node_child(disk, "shareable") && !is_read_only(disk) && format &&
		strcmp(format, "raw") != 0)
		return node_error(disk, err, DD_INVALID,
			"an image of format %s cannot be shared: its own data would be written by "
			"several",
			format);
	return 0;
}

/* A source that asks for a secret takes one of its own kind, said once. */
static int check_secrets(const xmlNode *disk, struct dd_error *err)
{
	const xmlNode *source = node_child(disk, "source");
	const xmlNode *auth = node_child(source, "auth");
	const char *wanted = node_attr_is(source, "protocol", "iscsi") ? "iscsi"
			     : node_attr_is(source, "protocol", "rbd") ? "ceph"
								       : NULL;
	const char *type;

	if (auth && node_child(disk, "auth"))
		return node_error(auth, err, DD_INVALID, "the disk has an <auth> besides this one");
	if (!auth)
		auth = node_child(disk, "auth");
	type = node_attr(node_child(auth, "secret"), "type");
	if (!auth || !wanted || (type && strcmp(type, wanted) == 0))
		return 0;
	return node_error(auth, err, DD_INVALID, "the secret is of type '%s', not %s",
		type ? type : "", wanted);
}

static int check_encryption(const xmlNode *disk, struct dd_error *err)
{
	const xmlNode *inner = node_descend(disk, "source/encryption");
	const xmlNode *outer = node_child(disk, "encryption");
	const char *format = node_attr(node_child(disk, "driver"), "type");

	if (inner && outer)
		return node_error(
			inner, err, DD_INVALID, "the disk has an <encryption> besides this one");
	if ((inner || outer) && !is(inner ? inner : outer, "format", "luks"))
		return node_error(inner ? inner : outer, err, DD_UNSUPPORTED,
			"QEMU encrypts with format='luks' alone");
	if ((inner || outer) && format && strcmp(format, "raw") != 0 &&
		strcmp(format, "qcow2") != 0)
		return node_error(inner ? inner : outer, err, DD_INVALID,
			"images of format %s are not encrypted", format);
	if (node_child(inner ? inner : outer, "cipher"))
		return node_error(inner ? inner : outer, err, DD_INVALID,
			"a cipher belongs to making an image: a disk finds it in the image");
	return 0;
}

static int (*const checks[])(const xmlNode *disk, struct dd_error *err) = {check_device, check_name,
	check_properties, check_driver, check_medium, check_network, check_iotune,
	check_iotune_group, check_vhostuser, check_texts};

int disk_check(const struct document *document, const xmlNode *disk, struct dd_error *err)
{
	static const char *const devices[] = {"disk", "cdrom", "floppy", "lun", NULL};
	static const char *const buses[] = {
		"virtio", "scsi", "sata", "ide", "usb", "fdc", "sd", "xen", NULL};

	if (is(disk, "type", "vhostuser") && document_devices(document) &&
		!memory_is_shared(document)) {
		node_error(disk, err, DD_INVALID, "vhostuser needs memory that the host shares");
		return error_hint(
			err, "say <memoryBacking><access mode='shared'/></memoryBacking>");
	}
	if (!node_attr(node_child(disk, "target"), "dev")) {
		node_error(disk, err, DD_INVALID, "the disk has no target");
		return error_hint(err, "say <target dev='vda' bus='virtio'/>");
	}
	if (node_attr(disk, "device") && !string_in(node_attr(disk, "device"), devices))
		return node_error(disk, err, DD_INVALID, "'%s' is no kind of disk device",
			node_attr(disk, "device"));
	if (!string_in(disk_bus(disk), buses))
		return node_error(node_child(disk, "target"), err, DD_UNSUPPORTED,
			"disk bus '%s' is not supported", disk_bus(disk));

	int rc = check_format(disk, err);

	if (!rc)
		rc = check_secrets(disk, err);
	if (!rc)
		rc = check_encryption(disk, err);
	for (size_t i = 0; i < COUNT(checks) && !rc; i++)
		rc = checks[i](disk, err);
	return rc;
}
