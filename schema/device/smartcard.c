/* SPDX-License-Identifier: Apache-2.0 */

/* Smart cards. Known by their place. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

#define CERTIFICATES 3u /* on a card that is made of the host's */

static int check(const struct document *document, const xmlNode *card, struct dd_error *err)
{
	unsigned certificates = 0;

	if (device_count(document, "smartcard") > 1)
		return node_error(card, err, DD_INVALID, "there can be only one smart card");
	for (const xmlNode *node = device_first(document, "controller"); node;
		node = node_next(node))
		if (node_attr_is(node, "type", "usb") && node_attr_is(node, "model", "none"))
			return node_error(card, err, DD_INVALID,
				"its reader is a USB device, but the domain has no USB controller");
	for (const xmlNode *node = node_child(card, "certificate"); node; node = node_next(node))
		certificates++;
	if (node_attr_is(card, "mode", "host-certificates") && certificates != CERTIFICATES)
		return node_error(card, err, DD_INVALID, "it has %u certificates, not %u",
			CERTIFICATES, certificates);
	return chardev_check(document, card, err);
}

static int complete(struct document *document, xmlNode *card, const struct freeze_options *options,
	struct dd_error *err)
{
	(void)document;
	(void)options;
	return chardev_complete(card, err);
}

static enum address_kind address(const struct document *document, const xmlNode *card)
{
	(void)document;
	(void)card;
	return ADDRESS_CCID;
}

static const struct choice choices[] = {
	{"@mode", "host host-certificates passthrough", NULL},
	{NULL, NULL, NULL},
};

const struct device_kind kind_smartcard = {
	.element = "smartcard",
	.choices = choices,
	.check = check,
	.complete = complete,
	.address = address,
	.same = same_words,
	.words = words_place,
	.alias = alias_numbered,
	.alias_prefix = "smartcard",
	.live_paths = (const char *const[]){NULL},
	.free_paths = (const char *const[]){"source", "protocol", NULL},
	.hot_pluggable = false,
};
