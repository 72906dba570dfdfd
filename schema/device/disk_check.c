/* SPDX-License-Identifier: Apache-2.0 */

/* Disks that make no sense. */

#include <string.h>

#include "schema/device/disk.h"
#include "schema/fill.h"

static int check_format(const xmlNode *disk, struct dd_error *err)
{
	static const char *const formats[] = {"raw", "qcow2", "qcow", "qed", "vmdk", "vdi", "vpc",
		"vhdx", "fat", "dmg", "bochs", "cloop", "luks", NULL};
	const xmlNode *driver = node_child(disk, "driver");
	const char *format = node_attr(driver, "type");

	if (format && !string_in(format, formats))
		return node_error(driver, err, DD_UNSUPPORTED,
			"images of format '%s' are not supported", format);
	if (node_child(disk, "shareable") && format && strcmp(format, "raw") != 0)
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

	if (inner && outer)
		return node_error(
			inner, err, DD_INVALID, "the disk has an <encryption> besides this one");
	if (node_child(inner ? inner : outer, "cipher"))
		return node_error(inner ? inner : outer, err, DD_INVALID,
			"a cipher belongs to making an image: a disk finds it in the image");
	return 0;
}

int disk_check(const struct document *document, const xmlNode *disk, struct dd_error *err)
{
	static const char *const devices[] = {"disk", "cdrom", "floppy", "lun", NULL};
	static const char *const buses[] = {
		"virtio", "scsi", "sata", "ide", "usb", "fdc", "sd", "xen", NULL};

	(void)document;
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
	return rc ? rc : check_encryption(disk, err);
}
