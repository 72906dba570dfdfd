/* SPDX-License-Identifier: Apache-2.0 */

/* Watchdogs. Known by their model. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static int check(const struct document *document, const xmlNode *watchdog, struct dd_error *err)
{
	static const char *const models[] = {"i6300esb", "ib700", "itco", NULL};

	if (device_count(document, "watchdog") > 1)
		return node_error(watchdog, err, DD_INVALID, "there can be only one watchdog");
	if (node_attr_is(watchdog, "model", "ib700") && node_child(watchdog, "address"))
		return node_error(watchdog, err, DD_INVALID,
			"an ib700 is at a fixed place: it has no address");
	if (!string_in(node_attr(watchdog, "model"), models))
		return node_error(watchdog, err, DD_UNSUPPORTED,
			"watchdog model '%s' is not supported",
			node_attr(watchdog, "model") ? node_attr(watchdog, "model") : "");
	return 0;
}

static int complete(struct document *document, xmlNode *watchdog,
	const struct freeze_options *options, struct dd_error *err)
{
	(void)document;
	(void)options;
	return fill_attr(watchdog, "action", "reset", err);
}

static enum pci_plug plug(const struct document *document, const xmlNode *watchdog)
{
	(void)document;
	return node_attr_is(watchdog, "model", "i6300esb") ? PCI_PLUG_CONVENTIONAL : PCI_PLUG_NONE;
}

static const char *no_hot_plug(const xmlNode *watchdog)
{
	return node_attr_is(watchdog, "model", "i6300esb") ? NULL : "only model i6300esb can be";
}

static const struct choice choices[] = {
	{"@action", "reset shutdown poweroff pause dump none inject-nmi", NULL},
	{NULL, NULL, NULL},
};

const struct device_kind kind_watchdog = {
	.element = "watchdog",
	.choices = choices,
	.check = check,
	.complete = complete,
	.address = address_by_plug,
	.plug = plug,
	.same = same_words,
	.words = words_model,
	.alias = alias_numbered,
	.alias_prefix = "watchdog",
	.live_paths = (const char *const[]){"@action", NULL},
	.free_paths = (const char *const[]){"@action", NULL},
	.hot_pluggable = true,
	.no_hot_plug = no_hot_plug,
};
