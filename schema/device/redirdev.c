/* SPDX-License-Identifier: Apache-2.0 */

/* USB devices of a remote screen. Known by their place. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static int check(const struct document *document, const xmlNode *redirdev, struct dd_error *err)
{
	return chardev_check(document, redirdev, err);
}

static int complete(struct document *document, xmlNode *redirdev,
	const struct freeze_options *options, struct dd_error *err)
{
	int rc = fill_attr(redirdev, "bus", "usb", err);

	(void)document;
	(void)options;
	return rc ? rc : chardev_complete(redirdev, err);
}

const struct device_kind kind_redirdev = {
	.element = "redirdev",
	.check = check,
	.complete = complete,
	.address = address_usb,
	.same = same_words,
	.words = words_place,
	.alias = alias_numbered,
	.alias_prefix = "redir",
	.live_paths = (const char *const[]){NULL},
	.free_paths = (const char *const[]){"@type", "source", "protocol", "boot", NULL},
	.hot_pluggable = true,
};
