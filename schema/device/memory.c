/* SPDX-License-Identifier: Apache-2.0 */

/* Memory modules. Known by their slot, those on PCI by their place. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static bool is_module(const xmlNode *memory)
{
	return node_attr_is(memory, "model", "dimm") || node_attr_is(memory, "model", "nvdimm");
}

static int check(const struct document *document, const xmlNode *memory, struct dd_error *err)
{
	static const char *const models[] = {
		"dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc", NULL};

	if (!string_in(node_attr(memory, "model"), models))
		return node_error(memory, err, DD_UNSUPPORTED, "memory model '%s' is not supported",
			node_attr(memory, "model") ? node_attr(memory, "model") : "");
	if (node_attr_is(memory, "model", "virtio-pmem") && node_descend(memory, "target/node"))
		return node_error(memory, err, DD_INVALID, "a virtio-pmem belongs to no NUMA node");
	if (!node_child(document_root(document), "maxMemory") && is_module(memory)) {
		node_error(memory, err, DD_INVALID, "a memory module needs free memory slots");
		return error_hint(err, "say <maxMemory slots='16' unit='GiB'>64</maxMemory>");
	}
	return 0;
}

static int complete(struct document *document, xmlNode *memory,
	const struct freeze_options *options, struct dd_error *err)
{
	(void)document;
	(void)options;
	return node_attr_is(memory, "model", "virtio-pmem")
		       ? fill_attr(memory, "access", "shared", err)
		       : 0;
}

static enum pci_plug plug(const struct document *document, const xmlNode *memory)
{
	(void)document;
	return is_module(memory) || node_attr_is(memory, "model", "sgx-epc") ? PCI_PLUG_NONE
									     : PCI_PLUG_EXPRESS;
}

static enum address_kind address(const struct document *document, const xmlNode *memory)
{
	return is_module(memory) ? ADDRESS_DIMM : address_by_plug(document, memory);
}

static const char *prefix_of(const xmlNode *memory)
{
	if (node_attr_is(memory, "model", "virtio-pmem"))
		return "virtiopmem";
	return node_attr_is(memory, "model", "virtio-mem") ? "virtiomem"
							   : node_attr(memory, "model");
}

/* A module is numbered by its slot. */
static void alias(
	const struct document *document, const xmlNode *memory, unsigned number, struct text *out)
{
	uint64_t slot = number;

	(void)document;
	if (is_module(memory))
		slot = attr_number(node_child(memory, "address"), "slot", number);
	text_printf(out, "%s%u", prefix_of(memory), (unsigned)slot);
}

/* How much of a virtio-mem device is asked for and had is settled with the guest. */
static const char *const free_paths[] = {
	"@access", "@discard", "source", "target/requested", "target/current", NULL};

const struct device_kind kind_memory = {
	.element = "memory",
	.check = check,
	.complete = complete,
	.address = address,
	.plug = plug,
	.same = same_words,
	.words = words_place,
	.alias = alias,
	.alias_prefix_of = prefix_of,
	.live_paths = (const char *const[]){NULL},
	.free_paths = free_paths,
	.hot_pluggable = true,
};
