/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/check_features.h"

#include <string.h>

#include "schema/fill.h"
#include "schema/machine.h"

#define VENDOR_ID_MAX 12
#define RING_LEAST 1024u
#define RING_MOST 65536u
#define MIB_IN_KIB 1024u

static const xmlNode *feature(const struct document *document, const char *path)
{
	return node_descend(node_child(document_root(document), "features"), path);
}

/* Those of other machines. */
static int check_foreign(const struct document *document, struct dd_error *err)
{
	static const char *const names[] = {
		"gic", "hpt", "htm", "nested-hv", "ccf-assist", "cfpc", "sbbc", "ibs"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (feature(document, names[i]))
			return node_error(feature(document, names[i]), err, DD_UNSUPPORTED,
				"machine type %s has no such feature", machine_name(document));
	return 0;
}

static int check_hyperv(const struct document *document, struct dd_error *err)
{
	const xmlNode *vendor = feature(document, "hyperv/vendor_id");
	const xmlNode *spinlocks = feature(document, "hyperv/spinlocks");
	const char *value = node_attr(vendor, "value");

	if (node_attr_is(spinlocks, "state", "on") && !node_attr(spinlocks, "retries"))
		return node_error(spinlocks, err, DD_INVALID, "the attribute retries is missing");
	if (attr_number(spinlocks, "retries", 0) > UINT32_MAX)
		return node_error(
			spinlocks, err, DD_INVALID, "retries='' takes at most %u", UINT32_MAX);
	if (!node_attr_is(vendor, "state", "on"))
		return 0;
	if (!value)
		return node_error(vendor, err, DD_INVALID, "the attribute value is missing");
	if (strlen(value) > VENDOR_ID_MAX || strchr(value, ','))
		return node_error(vendor, err, DD_INVALID,
			"'%s' is not up to %d characters without a comma", value, VENDOR_ID_MAX);
	return 0;
}

static int check_ring(const struct document *document, struct dd_error *err)
{
	const xmlNode *ring = feature(document, "kvm/dirty-ring");
	uint64_t size = attr_number(ring, "size", 0);

	if (!node_attr_is(ring, "state", "on"))
		return 0;
	if (!node_attr(ring, "size"))
		return node_error(ring, err, DD_INVALID, "the attribute size is missing");
	if (size >= RING_LEAST && size <= RING_MOST && !(size & (size - 1)))
		return 0;
	return node_error(ring, err, DD_INVALID, "a size of %s is no power of two from %u to %u",
		node_attr(ring, "size"), RING_LEAST, RING_MOST);
}

static int check_tcg(const struct document *document, struct dd_error *err)
{
	const xmlNode *cache = feature(document, "tcg/tb-cache");
	uint64_t size = 0;

	if (!cache)
		return 0;
	if (machine_uses_kvm(document))
		return node_error(cache, err, DD_INVALID,
			"only a domain of type qemu is emulated, and so has such a cache");
	(void)node_text_number(cache, &size);
	if (size % MIB_IN_KIB)
		return node_error(cache, err, DD_INVALID, "its size is not a multiple of one MiB");
	return 0;
}

int check_features(const struct document *document, struct dd_error *err)
{
	int rc = check_foreign(document, err);

	if (!rc)
		rc = check_hyperv(document, err);
	if (!rc)
		rc = check_ring(document, err);
	return rc ? rc : check_tcg(document, err);
}
