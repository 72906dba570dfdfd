/* SPDX-License-Identifier: Apache-2.0 */

/*
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
