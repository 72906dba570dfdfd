/* SPDX-License-Identifier: Apache-2.0 */

/* USB hubs. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static int check(const struct document *document, const xmlNode *hub, struct dd_error *err)
{
	(void)document;
	if (!node_attr_is(hub, "type", "usb"))
		return node_error(hub, err, DD_INVALID, "a hub is of type usb");
	return 0;
}

const struct device_kind kind_hub = {
	.element = "hub",
	.check = check,
	.address = address_usb,
	.same = same_words,
	.words = words_place,
	.alias = alias_numbered,
	.alias_prefix = "hub",
	.live_paths = (const char *const[]){NULL},
	.free_paths = (const char *const[]){NULL},
	.hot_pluggable = false,
};
