/* SPDX-License-Identifier: Apache-2.0 */

/* The memory balloon. There is exactly one, of model none where it is not wanted. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static int check(const struct document *document, const xmlNode *balloon, struct dd_error *err)
{
	static const char *const models[] = {
		"virtio", "virtio-transitional", "virtio-non-transitional", "none", NULL};

	if (!string_in(node_attr(balloon, "model"), models))
		return node_error(balloon, err, DD_UNSUPPORTED,
			"balloon model '%s' is not supported",
			node_attr(balloon, "model") ? node_attr(balloon, "model") : "");
	if (device_count(document, "memballoon") > 1)
		return node_error(balloon, err, DD_INVALID, "there can be only one memballoon");
	return 0;
}

/* A balloon that is not there has no place and no name. */
static int complete(struct document *document, xmlNode *balloon,
	const struct freeze_options *options, struct dd_error *err)
{
	xmlNode *stats = node_child(balloon, "stats");

	(void)document;
	(void)options;
	(void)err;
	if (attr_number(stats, "period", 0) == 0)
		node_remove(stats);
	if (node_attr_is(balloon, "model", "none")) {
		node_remove(node_child(balloon, "alias"));
		node_remove(node_child(balloon, "address"));
	}
	return 0;
}

static enum pci_plug plug(const struct document *document, const xmlNode *balloon)
{
	(void)document;
	return node_attr_is(balloon, "model", "none") ? PCI_PLUG_NONE
						      : plug_virtio(node_attr(balloon, "model"));
}

const struct device_kind kind_memballoon = {
	.element = "memballoon",
	.check = check,
	.complete = complete,
	.address = address_by_plug,
	.plug = plug,
	.same = same_words,
	.words = words_model,
	.alias = alias_numbered,
	.alias_prefix = "balloon",
	.live_paths = (const char *const[]){"stats", NULL},
	.free_paths = (const char *const[]){"stats", NULL},
	.hot_pluggable = false,
};
