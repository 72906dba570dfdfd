/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The memory of a guest: sizes and backends.
 *
 * The sizes of a guest's memory. What <memory> says includes the pluggable modules; QEMU wants to
 * know what is there without them, and with NUMA that is the sum of its nodes.
 */
#include "qmp/argv.h"

uint64_t memory_round(uint64_t kib)
{
	return (kib + 1023) / 1024 * 1024;
}

static uint64_t modules(const struct document *live)
{
	const xmlNode *memory = node_child(document_devices(live), "memory");
	uint64_t total = 0;

	for (; memory; memory = node_next(memory)) {
		uint64_t size = 0;

		node_text_number(node_descend(memory, "target/size"), &size);
		total += memory_round(size);
	}
	return total;
}

static uint64_t cells(const struct document *live)
{
	const xmlNode *cell = node_descend(document_root(live), "cpu/numa/cell");
	uint64_t total = 0;

	for (; cell; cell = node_next(cell)) {
		uint64_t size = 0;

		node_attr_number(cell, "memory", &size);
		total += memory_round(size);
	}
	return total;
}

uint64_t memory_initial(const struct document *live)
{
	uint64_t total = cells(live);
	uint64_t plugged = modules(live);

	if (total)
		return total;
	node_text_number(node_child(document_root(live), "memory"), &total);
	return total > plugged ? memory_round(total - plugged) : 0;
}

uint64_t memory_total(const struct document *live)
{
	return memory_initial(live) + modules(live);
}

/*
 * Memory that is shared with others, or of huge pages, is an anonymous file. QEMU would then call
 * it by another name in a migration stream, which the last property prevents.
 */
static int put_file_backed(
	const struct plan *plan, const xmlNode *backing, struct json *args, struct dd_error *err)
{
	const xmlNode *page = node_descend(backing, "hugepages/page");
	uint64_t kib = 0;

	if (page && (node_next(page) || node_attr(page, "nodeset")))
		return node_error(
			page, err, DD_UNSUPPORTED, "huge pages of several kinds cannot be run yet");
	json_put_string(
		args, "qom-type", plan->memory ? "memory-backend-file" : "memory-backend-memfd");
	if (plan->memory)
		json_put_string(args, "mem-path", plan->memory);
	json_put_bool(args, "share", node_attr_is(node_child(backing, "access"), "mode", "shared"));
	if (node_child(backing, "hugepages")) {
		if (!plan->memory)
			json_put_bool(args, "hugetlb", true);
		json_put_bool(args, "prealloc", true);
	}
	if (node_attr_number(page, "size", &kib) && !plan->memory)
		json_put(args, "hugetlbsize", json_unsigned(kib * 1024));
	json_put_bool(args, "x-use-canonical-path-for-ramblock-id", false);
	return 0;
}

static bool is_file_backed(const xmlNode *backing)
{
	return node_child(backing, "hugepages") ||
	       node_attr_is(node_child(backing, "source"), "type", "memfd") ||
	       node_attr_is(node_child(backing, "access"), "mode", "shared");
}

int plan_memory_backend(struct plan *plan, const char *id, uint64_t kib, struct dd_error *err)
{
	const xmlNode *backing = node_child(document_root(plan->live), "memoryBacking");
	struct json *args = plan_add(plan, STEP_OBJECT);
	int code = 0;

	if (is_file_backed(backing))
		code = put_file_backed(plan, backing, args, err);
	else
		json_put_string(args, "qom-type", "memory-backend-ram");
	json_put_string(args, "id", id);
	if (node_attr_is(node_child(backing, "allocation"), "mode", "immediate"))
		json_put_bool(args, "prealloc", true);
	json_put(args, "size", json_unsigned(memory_round(kib) * 1024));
	return code;
}

int plan_main_memory(struct plan *plan, bool *made, struct dd_error *err)
{
	const xmlNode *backing = node_child(document_root(plan->live), "memoryBacking");
	bool special = is_file_backed(backing) || node_child(backing, "allocation");

	*made = special && !cells(plan->live);
	return *made ? plan_memory_backend(plan, "pc.ram", memory_initial(plan->live), err) : 0;
}
