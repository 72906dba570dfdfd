/* SPDX-License-Identifier: Apache-2.0 */

/* Folders of the host shared with the guest. Known by their mount tag. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

#define MODE_DIGITS 4

static int check(const struct document *document, const xmlNode *fs, struct dd_error *err)
{
	(void)document;
	if (node_attr_is(node_child(fs, "driver"), "type", "virtiofs") &&
		node_child(fs, "readonly"))
		return node_error(fs, err, DD_INVALID, "virtiofs has no read-only mode");
	return 0;
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
	if (!rc && !socket)
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

static const char *alias_prefix(const xmlNode *filesystem)
{
	(void)filesystem;
	return "fs";
}

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
	.check = check,
	.complete = complete,
	.address = address_by_plug,
	.plug = plug_virtio_model,
	.same = same_words,
	.words = words,
	.details = details_source,
	.alias = alias_numbered,
	.alias_prefix = alias_prefix,
	.live_paths = (const char *const[]){NULL},
	.free_paths = free_paths,
	.hot_pluggable = true,
};
