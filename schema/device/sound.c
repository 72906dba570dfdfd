/* SPDX-License-Identifier: Apache-2.0 */

/* Sound cards. Known by model, those on a bus by their place. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static int check(const struct document *document, const xmlNode *sound, struct dd_error *err)
{
	static const char *const models[] = {
		"sb16", "pcspk", "es1370", "ac97", "ich6", "ich9", "usb", NULL};

	(void)document;
	if (!string_in(node_attr(sound, "model"), models))
		return node_error(sound, err, DD_UNSUPPORTED, "sound model '%s' is not supported",
			node_attr(sound, "model") ? node_attr(sound, "model") : "");
	return 0;
}

/* Only the Intel HDA ones have codecs. */
static int complete(struct document *document, xmlNode *sound, const struct freeze_options *options,
	struct dd_error *err)
{
	static const char *const models[] = {"ich6", "ich9", NULL};

	(void)document;
	(void)options;
	(void)err;
	while (!string_in(node_attr(sound, "model"), models) && node_child(sound, "codec"))
		node_remove(node_child(sound, "codec"));
	return 0;
}

static enum pci_plug plug(const struct document *document, const xmlNode *sound)
{
	static const char *const models[] = {"es1370", "ac97", "ich6", "ich9", NULL};

	(void)document;
	return string_in(node_attr(sound, "model"), models) ? PCI_PLUG_CONVENTIONAL : PCI_PLUG_NONE;
}

static enum address_kind address(const struct document *document, const xmlNode *sound)
{
	if (node_attr_is(sound, "model", "usb"))
		return ADDRESS_USB;
	return address_by_plug(document, sound);
}

static const struct choice choices[] = {
	{"codec/@type", "duplex micro output", NULL, true},
	{"audio/@id", NULL, NULL, true},
	{NULL, NULL, NULL},
};

const struct device_kind kind_sound = {
	.element = "sound",
	.choices = choices,
	.check = check,
	.complete = complete,
	.address = address,
	.plug = plug,
	.same = same_words,
	.words = words_place,
	.alias = alias_numbered,
	.alias_prefix = "sound",
	.live_paths = (const char *const[]){NULL},
	.free_paths = (const char *const[]){"audio", NULL},
	.hot_pluggable = false,
};
