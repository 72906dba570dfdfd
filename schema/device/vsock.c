/* SPDX-License-Identifier: Apache-2.0 */

/* A socket between guest and host. There is at most one. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

#define VSOCK_CID_MIN 3u /* those before have meanings of their own */

static int check(const struct document *document, const xmlNode *vsock, struct dd_error *err)
{
	if (device_count(document, "vsock") > 1)
		return node_error(vsock, err, DD_INVALID, "there can be only one vsock device");
	if (node_attr(node_child(vsock, "cid"), "address") &&
		(attr_number(node_child(vsock, "cid"), "address", 0) < VSOCK_CID_MIN ||
			attr_number(node_child(vsock, "cid"), "address", 0) > UINT32_MAX))
		return node_error(vsock, err, DD_INVALID, "a guest's CID is between %u and %u",
			VSOCK_CID_MIN, UINT32_MAX);
	return 0;
}

static int complete(struct document *document, xmlNode *vsock, const struct freeze_options *options,
	struct dd_error *err)
{
	bool fixed = node_attr(node_child(vsock, "cid"), "address") != NULL;
	int rc = fill_attr(vsock, "model", "virtio", err);

	(void)document;
	(void)options;
	return rc ? rc : fill_child_attr(vsock, "cid", "auto", fixed ? "no" : "yes", err);
}

const struct device_kind kind_vsock = {
	.element = "vsock",
	.check = check,
	.complete = complete,
	.address = address_by_plug,
	.plug = plug_virtio_model,
	.same = same_words,
	.words = words_model,
	.alias = alias_numbered,
	.alias_prefix = "vsock",
	.live_paths = (const char *const[]){NULL},
	.free_paths = (const char *const[]){"cid", NULL},
	.hot_pluggable = true,
};
