/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/rows.h"

#include "qmp/argv.h"

#include <stdio.h>

static const char *const known[] = {
	"@model", "target/size", "target/size/@unit", "target/node", NULL};

static int plan_memory(struct plan *plan, const xmlNode *memory, struct dd_error *err)
{
	const xmlNode *target = node_child(memory, "target");
	const xmlNode *address = node_child(memory, "address");
	uint64_t kib = 0;
	uint64_t value = 0;
	char id[160];

	if (!node_attr_is(memory, "model", "dimm"))
		return node_error(memory, err, DD_UNSUPPORTED,
			"memory of model '%s' cannot be run yet",
			node_attr(memory, "model") ? node_attr(memory, "model") : "");
	if (!node_text_number(node_child(target, "size"), &kib))
		return node_error(memory, err, DD_INVALID, "its size is not said");
	snprintf(id, sizeof id, "mem%s", alias_of(memory));

	int code = plan_memory_backend(plan, id, kib, err);

	if (code)
		return code;

	struct json *args = plan_add(plan, STEP_DEVICE);

	code = put_driver(plan, memory, args, "pc-dimm", err);

	if (code)
		return code;
	json_put_string(args, "memdev", id);
	if (node_text_number(node_child(target, "node"), &value))
		json_put(args, "node", json_unsigned(value));
	if (node_attr_number(address, "slot", &value))
		json_put(args, "slot", json_unsigned(value));
	if (node_attr_number(address, "base", &value))
		json_put(args, "addr", json_unsigned(value));
	return 0;
}

const struct device_row memory_row = {
	.element = "memory",
	.plan = plan_memory,
	.known = known,
};
