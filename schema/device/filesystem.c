/* SPDX-License-Identifier: Apache-2.0 */

/* Folders of the host shared with the guest. Known by their mount tag. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

#define MODE_DIGITS 4

static int check_virtiofs(const struct document *document, const xmlNode *fs, struct dd_error *err)
{
	static const char *const others[] = {"model", "multidevs"};

	if (node_child(fs, "readonly"))
		return node_error(fs, err, DD_INVALID, "virtiofs has no read-only mode");
	if (node_attr(fs, "accessmode") && !node_attr_is(fs, "accessmode", "passthrough"))
		return node_error(
			fs, err, DD_INVALID, "virtiofs has accessmode='passthrough' alone");
	for (size_t i = 0; i < COUNT(others); i++)
		if (node_attr(fs, others[i]))
			return node_error(fs, err, DD_INVALID, "virtiofs has no %s", others[i]);
	if (document_devices(document) && !memory_is_shared(document)) {
		node_error(fs, err, DD_INVALID, "virtiofs needs memory that the host shares");
		return error_hint(
			err, "say <memoryBacking><access mode='shared'/></memoryBacking>");
	}
	return 0;
}

static int check(const struct document *document, const xmlNode *fs, struct dd_error *err)
{
	static const char *const types[] = {"mount", NULL};
	static const char *const drivers[] = {"path", "handle", "virtiofs", NULL};
	const char *driver = node_attr(node_child(fs, "driver"), "type");
	const xmlNode *source = node_child(fs, "source");
	const char *target = node_attr(node_child(fs, "target"), "dir");
	bool virtiofs = driver && strcmp(driver, "virtiofs") == 0;

	if (node_attr(fs, "type") && !string_in(node_attr(fs, "type"), types))
		return node_error(fs, err, DD_UNSUPPORTED,
			"filesystems of type '%s' are not supported, only mount",
			node_attr(fs, "type"));
	if (driver && !string_in(driver, drivers))
		return node_error(
			fs, err, DD_UNSUPPORTED, "filesystem driver '%s' is not supported", driver);
	if ((node_attr(fs, "fmode") || node_attr(fs, "dmode")) &&
		!node_attr_is(fs, "accessmode", "mapped"))
		return node_error(
			fs, err, DD_INVALID, "fmode and dmode go with accessmode='mapped' alone");
	if (!target || !target[0])
		return node_error(fs, err, DD_INVALID, "it needs a <target>");
	if (!source || !source->properties)
		return node_error(fs, err, DD_INVALID, "it needs a <source>");
	if (node_child(fs, "boot") && !virtiofs)
		return node_error(fs, err, DD_INVALID, "only from virtiofs can a guest boot");
	return virtiofs ? check_virtiofs(document, fs, err) : 0;
}

/* File modes are four octal digits. */
static int complete_mode(xmlNode *fs, const char *name, struct dd_error *err)
{
	const char *mode = node_attr(fs, name);
	char padded[MODE_DIGITS + 1] = "0000";
	size_t length = mode ? strlen(mode) : MODE_DIGITS;

	if (length >= MODE_DIGITS)
		return 0;
	memcpy(padded + MODE_DIGITS - length, mode, length);
	return node_set_attr(fs, name, padded, err);
}

static int complete(struct document *document, xmlNode *fs, const struct freeze_options *options,
	struct dd_error *err)
{
	bool socket = node_attr(node_child(fs, "source"), "socket") != NULL;
	int rc = fill_attr(fs, "type", "mount", err);

	(void)document;
	(void)options;
	if (socket)
		(void)node_set_attr(node_child(fs, "source"), "dir", NULL, NULL);
	else if (!rc)
		rc = fill_attr(fs, "accessmode", "passthrough", err);
	if (!rc)
		rc = complete_mode(fs, "fmode", err);
	return rc ? rc : complete_mode(fs, "dmode", err);
}

static void words(const xmlNode *fs, struct text *out)
{
	const char *tag = node_attr(node_child(fs, "target"), "dir");

	text_puts(out, tag ? tag : "");
}

static const struct choice choices[] = {
	{"@accessmode", "passthrough mapped squash", NULL},
	{"@model", "virtio virtio-transitional virtio-non-transitional", NULL},
	{"@multidevs", "remap forbid warn", "default"},
	{"driver/@wrpolicy", "immediate", "default"},
	{"binary/cache/@mode", "none always", "default"},
	{NULL, NULL, NULL},
};

/* Whose files they are shown as, and how much room they have, is decided by the host. */
static const char *const free_paths[] = {
	"@accessmode",
	"@fmode",
	"@dmode",
	"@multidevs",
	"driver/@wrpolicy",
	"source",
	"binary",
	"space_hard_limit",
	"space_soft_limit",
	"boot",
	NULL,
};

const struct device_kind kind_filesystem = {
	.element = "filesystem",
	.choices = choices,
	.check = check,
	.complete = complete,
	.address = address_by_plug,
	.plug = plug_virtio_model,
	.same = same_words,
	.words = words,
	.details = details_source,
	.alias = alias_numbered,
	.alias_prefix = "fs",
	.live_paths = (const char *const[]){NULL},
	.free_paths = free_paths,
	.hot_pluggable = true,
};
