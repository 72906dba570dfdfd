/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/check_cpu.h"

#include <inttypes.h>
#include <string.h>

#include "schema/fill.h"
#include "schema/numa.h"

#define VENDOR_ID_SIZE 12

static bool passes_host_cpu(const xmlNode *cpu)
{
	static const char *const modes[] = {"host-passthrough", "maximum", NULL};

	return string_in(node_attr(cpu, "mode"), modes);
}

static bool is_custom(const xmlNode *cpu)
{
	const char *mode = node_attr(cpu, "mode");

	return !mode || strcmp(mode, "custom") == 0;
}

static int check_model(const xmlNode *cpu, struct dd_error *err)
{
	const xmlNode *model = node_child(cpu, "model");
	const char *vendor_id = node_attr(model, "vendor_id");
	const xmlNode *vendor = node_child(cpu, "vendor");
	const xmlNode *feature = node_child(cpu, "feature");

	if (vendor && !(model && node_text(model)[0]))
		return node_error(vendor, err, DD_INVALID, "a vendor needs a <model> beside it");
	if (is_custom(cpu) && feature && !model)
		return node_error(
			feature, err, DD_INVALID, "features need a <model> that they change");
	if (vendor_id && (strlen(vendor_id) != VENDOR_ID_SIZE || strchr(vendor_id, ',')))
		return node_error(model, err, DD_INVALID,
			"the vendor_id '%s' is not %d characters without a comma", vendor_id,
			VENDOR_ID_SIZE);
	if (node_attr(cpu, "migratable") && !passes_host_cpu(cpu))
		return node_error(cpu, err, DD_INVALID,
			"migratable can only be said of a CPU that is host-passthrough or maximum");
	return 0;
}

static int check_features(const xmlNode *cpu, struct dd_error *err)
{
	unsigned count = 0;

	for (const xmlNode *node = node_child(cpu, "feature"); node; node = node_next(node)) {
		if (++count > CPU_FEATURES_MAX)
			return node_error(node, err, DD_INVALID, "more than %u features of a CPU",
				CPU_FEATURES_MAX);

		const char *name = node_attr(node, "name");

		for (const xmlNode *other = node_child(cpu, "feature"); name && other != node;
			other = node_next(other))
			if (node_attr_is(other, "name", name))
				return node_error(node, err, DD_INVALID,
					"there is a policy for the feature %s already", name);
	}
	return 0;
}

static int check_topology(const xmlNode *cpu, uint64_t vcpus, struct dd_error *err)
{
	static const char *const parts[] = {"sockets", "dies", "cores", "threads"};
	const xmlNode *topology = node_child(cpu, "topology");
	uint64_t product = 1;

	for (size_t i = 0; topology && i < COUNT(parts); i++) {
		uint64_t number = attr_number(topology, parts[i], 1);

		/* the words are checked with all the others */
		if (!number || (i != 1 && !node_attr(topology, parts[i])))
			return 0;
		if (__builtin_mul_overflow(product, number, &product))
			product = 0;
	}
	if (!topology || product == vcpus)
		return 0;
	return node_error(topology, err, DD_INVALID,
		"sockets, dies, cores and threads make %" PRIu64
		" vCPUs, but the domain has %" PRIu64,
		product, vcpus);
}

static int check_cache(const xmlNode *cpu, struct dd_error *err)
{
	const xmlNode *cache = node_child(cpu, "cache");
	const char *level = node_attr(cache, "level");

	if (node_attr_is(cache, "mode", "emulate") && attr_number(cache, "level", 0) != 3)
		return node_error(
			cache, err, DD_INVALID, "only a cache of level 3 can be emulated");
	if (level && node_attr_is(cache, "mode", "disable"))
		return node_error(cache, err, DD_INVALID, "no cache has no level");
	if (!node_attr_is(cache, "mode", "passthrough"))
		return 0;
	if (level)
		return node_error(
			cache, err, DD_INVALID, "a cache that is passed through has no level");
	if (!passes_host_cpu(cpu))
		return node_error(cache, err, DD_INVALID,
			"the cache can only be passed through together with the host's CPU");
	return 0;
}

static int check_address_size(const xmlNode *cpu, struct dd_error *err)
{
	const xmlNode *size = node_child(cpu, "maxphysaddr");

	if (node_attr_is(size, "mode", "emulate") && !node_attr(size, "bits"))
		return node_error(size, err, DD_INVALID, "an emulated size needs bits=''");
	if (node_attr_is(size, "mode", "passthrough") && node_attr(size, "bits"))
		return node_error(
			size, err, DD_INVALID, "a size that is passed through has no bits=''");
	return 0;
}

int cpu_check_given(const struct document *document, struct dd_error *err)
{
	const xmlNode *root = document_root(document);
	const xmlNode *cpu = node_child(root, "cpu");
	uint64_t vcpus = 1;
	int rc;

	if (!cpu)
		return 0;
	(void)node_text_number(node_child(root, "vcpu"), &vcpus);
	rc = check_model(cpu, err);
	if (!rc)
		rc = check_features(cpu, err);
	if (!rc)
		rc = check_topology(cpu, vcpus, err);
	if (!rc)
		rc = check_cache(cpu, err);
	if (!rc)
		rc = check_address_size(cpu, err);
	return rc ? rc : numa_check(cpu, vcpus, err);
}
