/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/vcpus.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schema/fill.h"
#include "schema/ids.h"

struct vcpus {
	unsigned count;
	xmlNode *of[ID_MAX]; /* by id; the last that speaks of it */
};

static void vcpus_free(struct vcpus *vcpus)
{
	free(vcpus);
}
CLEANUP_DEFINE(vcpus, struct vcpus *, vcpus_free)

static bool is_there(const xmlNode *vcpu)
{
	return node_attr_is(vcpu, "enabled", "yes");
}

static int gather(struct vcpus *vcpus, xmlNode *list, struct dd_error *err)
{
	xmlNode *next;

	for (xmlNode *node = node_child(list, "vcpu"); node; node = next) {
		uint64_t id = attr_number(node, "id", ID_MAX);

		next = node_next(node);
		if (!node_attr(node, "id"))
			return node_error(node, err, DD_INVALID, "the attribute id is missing");
		if (!node_attr(node, "enabled"))
			return node_error(
				node, err, DD_INVALID, "the attribute enabled is missing");
		if (id >= vcpus->count)
			return node_error(node, err, DD_INVALID,
				"there is no vCPU %s: the domain has %u, from 0 on",
				node_attr(node, "id"), vcpus->count);
		node_remove(vcpus->of[id]);
		vcpus->of[id] = node;
	}
	return 0;
}

/* Adds those that nobody spoke of, and puts all in order. */
static int complete(struct vcpus *vcpus, xmlNode *list, struct dd_error *err)
{
	int rc = 0;

	for (unsigned id = 0; id < vcpus->count && !rc; id++) {
		xmlNode *node = vcpus->of[id] ? vcpus->of[id] : node_add(list, "vcpu", err);

		if (!node)
			return DD_NO_MEMORY;
		vcpus->of[id] = node;
		xmlUnlinkNode(node);
		xmlAddChild(list, node);
		rc = fill_number(node, "id", id, err);
		if (!rc)
			rc = fill_attr(node, "enabled", "no", err);
		if (!rc && !id && node_attr_is(node, "hotpluggable", "yes"))
			return node_error(node, err, DD_INVALID,
				"the first vCPU cannot be plugged: say hotpluggable='no'");
		if (!rc)
			rc = fill_attr(node, "hotpluggable", is_there(node) ? "no" : "yes", err);
		if (!rc && !attr_number(node, "order", 1))
			rc = node_set_attr(node, "order", NULL, err);
	}
	return rc;
}

static int check(const struct vcpus *vcpus, struct dd_error *err)
{
	const xmlNode *first = vcpus->of[0];
	bool pluggable = false;

	if (!is_there(first))
		return node_error(first, err, DD_INVALID, "the first vCPU is always enabled");
	if (attr_number(first, "order", 1) != 1)
		return node_error(
			first, err, DD_INVALID, "the first vCPU is the first that is enabled");
	for (unsigned id = 0; id < vcpus->count; id++) {
		const xmlNode *vcpu = vcpus->of[id];
		bool fixed = node_attr_is(vcpu, "hotpluggable", "no");

		if (is_there(vcpu) && !node_attr(vcpu, "order") != !node_attr(first, "order"))
			return node_error(vcpu, err, DD_INVALID,
				"either all vCPUs that are enabled have an order, or none");
		if (fixed && !is_there(vcpu))
			return node_error(vcpu, err, DD_INVALID,
				"it is neither enabled nor can it be plugged");
		if (fixed && pluggable)
			return node_error(vcpu, err, DD_INVALID,
				"vCPUs that cannot be plugged come before those that can");
		pluggable = pluggable || (is_there(vcpu) && !fixed);
	}
	return 0;
}

static int freeze_list(xmlNode *vcpu, xmlNode *list, unsigned count, struct dd_error *err)
{
	CLEANUP(vcpus) struct vcpus *vcpus = calloc(1, sizeof *vcpus);
	uint64_t there = 0;
	int rc;

	if (!vcpus)
		return error_no_memory(err);
	vcpus->count = count;
	rc = gather(vcpus, list, err);
	if (!rc)
		rc = complete(vcpus, list, err);
	if (!rc)
		rc = check(vcpus, err);
	for (unsigned id = 0; id < count && !rc; id++)
		there += is_there(vcpus->of[id]);
	return rc ? rc : node_set_attr_number(vcpu, "current", there, err);
}

int freeze_vcpus(xmlNode *root, struct dd_error *err)
{
	xmlNode *vcpu = node_child(root, "vcpu");
	xmlNode *list = node_child(root, "vcpus");
	uint64_t count = 0;
	int rc = 0;

	(void)node_text_number(vcpu, &count);
	if (list && count && count <= ID_MAX)
		rc = freeze_list(vcpu, list, (unsigned)count, err);
	if (!rc && attr_number(vcpu, "current", 0) == count)
		rc = node_set_attr(vcpu, "current", NULL, err);
	return rc;
}
