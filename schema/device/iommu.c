/* SPDX-License-Identifier: Apache-2.0 */

/* The IOMMU that the guest sees. There is at most one. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"
#include "schema/machine.h"

static int check(const struct document *document, const xmlNode *iommu, struct dd_error *err)
{
	const char *address = node_attr(node_child(iommu, "address"), "type");
	const xmlNode *driver = node_child(iommu, "driver");
	const xmlNode *ioapic = node_descend(document_root(document), "features/ioapic");
	bool intel = node_attr_is(iommu, "model", "intel");

	if (!intel && !node_attr_is(iommu, "model", "virtio"))
		return node_error(iommu, err, DD_UNSUPPORTED, "IOMMU model '%s' is not supported",
			node_attr(iommu, "model") ? node_attr(iommu, "model") : "");
	if (!machine_is_q35(document))
		return node_error(iommu, err, DD_INVALID,
			"an IOMMU of model %s needs a q35 machine", node_attr(iommu, "model"));
	if (!intel && node_child(iommu, "driver"))
		return node_error(iommu, err, DD_INVALID, "a virtio IOMMU has no <driver> options");
	if (node_attr_is(driver, "eim", "on") && !node_attr_is(driver, "intremap", "on"))
		return node_error(driver, err, DD_INVALID, "eim='on' needs intremap='on'");
	if (node_attr_is(driver, "intremap", "on") && !node_attr_is(ioapic, "driver", "qemu")) {
		node_error(driver, err, DD_INVALID,
			"interrupt remapping needs a part of the I/O APIC in QEMU");
		return error_hint(err, "say <features><ioapic driver='qemu'/></features>");
	}
	if (intel && address)
		return node_error(iommu, err, DD_INVALID, "an Intel IOMMU has no address");
	if (address && strcmp(address, "pci") != 0)
		return node_error(iommu, err, DD_INVALID,
			"a virtio IOMMU has a pci address, not one of type %s", address);
	return 0;
}

static enum pci_plug plug(const struct document *document, const xmlNode *iommu)
{
	(void)document;
	return node_attr_is(iommu, "model", "virtio") ? PCI_PLUG_INTEGRATED : PCI_PLUG_NONE;
}

const struct device_kind kind_iommu = {
	.element = "iommu",
	.check = check,
	.address = address_by_plug,
	.plug = plug,
	.same = same_words,
	.words = words_place,
	.alias = alias_numbered,
	.alias_prefix = "iommu",
	.live_paths = (const char *const[]){NULL},
	.free_paths = (const char *const[]){NULL},
	.hot_pluggable = false,
};
