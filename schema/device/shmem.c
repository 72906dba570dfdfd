/* SPDX-License-Identifier: Apache-2.0 */

/* Shared memory between guests. Known by its name. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

#define SHMEM_SIZE "4"
#define SHMEM_UNIT "M"

static int check(const struct document *document, const xmlNode *shmem, struct dd_error *err)
{
	bool doorbell = node_attr_is(node_child(shmem, "model"), "type", "ivshmem-doorbell");

	(void)document;
	if (!node_attr(shmem, "name"))
		return node_error(shmem, err, DD_INVALID, "a shmem device needs a name");
	if (strchr(node_attr(shmem, "name"), '/'))
		return node_error(shmem, err, DD_INVALID, "its name has no '/'");
	if (!node_attr(node_child(shmem, "model"), "type"))
		return node_error(shmem, err, DD_INVALID,
			"it needs a <model> of type ivshmem-plain or ivshmem-doorbell");
	if (doorbell != !!node_child(shmem, "server"))
		return node_error(shmem, err, DD_INVALID,
			"an ivshmem-doorbell has a <server>, an ivshmem-plain has none");
	if (!doorbell && node_child(shmem, "msi"))
		return node_error(shmem, err, DD_INVALID, "an ivshmem-plain has no <msi>");
	if (doorbell && node_child(shmem, "size"))
		return node_error(shmem, err, DD_INVALID,
			"an ivshmem-doorbell has the size that its server says");
	return 0;
}

static int complete_size(xmlNode *shmem, struct dd_error *err)
{
	xmlNode *size = node_child(shmem, "size");
	int rc;

	if (size)
		return 0;
	rc = fill_text(shmem, "size", SHMEM_SIZE, err);
	return rc ? rc : fill_child_attr(shmem, "size", "unit", SHMEM_UNIT, err);
}

static int complete(struct document *document, xmlNode *shmem, const struct freeze_options *options,
	struct dd_error *err)
{
	(void)document;
	(void)options;
	if (node_attr_is(node_child(shmem, "model"), "type", "ivshmem-plain"))
		return complete_size(shmem, err);
	if (node_attr_is(node_child(shmem, "model"), "type", "ivshmem-doorbell"))
		return fill_child_attr(shmem, "msi", "ioeventfd", "on", err);
	return 0;
}

static void words(const xmlNode *shmem, struct text *out)
{
	const char *name = node_attr(shmem, "name");

	text_puts(out, name ? name : "");
}

/* QEMU has no plain "ivshmem" any more. */
static const struct choice choices[] = {
	{"model/@type", "ivshmem-plain ivshmem-doorbell", NULL},
	{"@role", "master peer", NULL},
	{NULL, NULL, NULL},
};

const struct device_kind kind_shmem = {
	.element = "shmem",
	.choices = choices,
	.check = check,
	.complete = complete,
	.address = address_by_plug,
	.plug = plug_conventional,
	.same = same_words,
	.words = words,
	.alias = alias_numbered,
	.alias_prefix = "shmem",
	.live_paths = (const char *const[]){NULL},
	.free_paths = (const char *const[]){"server", "msi/@ioeventfd", NULL},
	.hot_pluggable = true,
};
