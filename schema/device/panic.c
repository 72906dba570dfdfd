/* SPDX-License-Identifier: Apache-2.0 */

/* Panic notifiers: at most one of each model. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static int check(const struct document *document, const xmlNode *panic, struct dd_error *err)
{
	static const char *const models[] = {"isa", "hyperv", "pvpanic", NULL};
	const char *model = node_attr(panic, "model");

	if (model && !string_in(model, models))
		return node_error(
			panic, err, DD_UNSUPPORTED, "panic model '%s' is not supported", model);
	if (model && strcmp(model, "hyperv") == 0 && node_child(panic, "address"))
		return node_error(panic, err, DD_INVALID, "a hyperv panic device has no address");
	if (node_child(panic, "address") && (!model || strcmp(model, "isa") == 0) &&
		!node_attr_is(node_child(panic, "address"), "type", "isa"))
		return node_error(panic, err, DD_INVALID, "an isa panic device has an isa address");
	for (const xmlNode *other = device_first(document, "panic"); model && other;
		other = node_next(other))
		if (other != panic && node_attr_is(other, "model", model))
			return node_error(panic, err, DD_INVALID,
				"there are several panic devices of model %s", model);
	return 0;
}

static int complete(struct document *document, xmlNode *panic, const struct freeze_options *options,
	struct dd_error *err)
{
	(void)document;
	(void)options;
	return fill_attr(panic, "model", "isa", err);
}

static enum pci_plug plug(const struct document *document, const xmlNode *panic)
{
	(void)document;
	return node_attr_is(panic, "model", "pvpanic") ? PCI_PLUG_INTEGRATED : PCI_PLUG_NONE;
}

const struct device_kind kind_panic = {
	.element = "panic",
	.check = check,
	.complete = complete,
	.address = address_by_plug,
	.plug = plug,
	.same = same_words,
	.words = words_model,
	.live_paths = (const char *const[]){NULL},
	.free_paths = (const char *const[]){NULL},
	.hot_pluggable = false,
};
