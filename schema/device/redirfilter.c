/* SPDX-License-Identifier: Apache-2.0 */

/* Which USB devices of a remote screen are let in. There is at most one such list. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static int check(const struct document *document, const xmlNode *filter, struct dd_error *err)
{
	if (device_count(document, "redirfilter") > 1)
		return node_error(filter, err, DD_INVALID, "there can be only one redirfilter");
	return 0;
}

/* A version is a number with two digits behind the point, as on the device. */
static int complete_version(xmlNode *usbdev, struct dd_error *err)
{
	const char *version = node_attr(usbdev, "version");
	const char *point = version ? strchr(version, '.') : NULL;

	if (!version || (point && strlen(point + 1) >= 2))
		return 0;
	if (point)
		return node_set_attr_format(
			usbdev, "version", err, "%s%s", version, point[1] ? "0" : "00");
	return node_set_attr_format(usbdev, "version", err, "%s.00", version);
}

/* -1 stands for any. */
static int drop_any(xmlNode *usbdev, struct dd_error *err)
{
	static const char *const names[] = {"class", "vendor", "product", "version"};
	int rc = 0;

	for (size_t i = 0; i < COUNT(names) && !rc; i++)
		if (node_attr_is(usbdev, names[i], "-1"))
			rc = node_set_attr(usbdev, names[i], NULL, err);
	return rc;
}

static int complete(struct document *document, xmlNode *filter,
	const struct freeze_options *options, struct dd_error *err)
{
	int rc = 0;

	(void)document;
	(void)options;
	for (xmlNode *usbdev = node_child(filter, "usbdev"); usbdev && !rc;
		usbdev = node_next(usbdev)) {
		rc = drop_any(usbdev, err);
		if (!rc)
			rc = complete_version(usbdev, err);
	}
	return rc;
}

static void words(const xmlNode *filter, struct text *out)
{
	(void)filter;
	(void)out;
}

const struct device_kind kind_redirfilter = {
	.element = "redirfilter",
	.check = check,
	.complete = complete,
	.address = address_none,
	.same = same_words,
	.words = words,
	.live_paths = (const char *const[]){NULL},
	.free_paths = (const char *const[]){"usbdev", NULL},
	.hot_pluggable = false,
};
