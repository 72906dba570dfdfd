/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/argv.h"

#include <stdio.h>
#include <string.h>

#define VENDOR_LENGTH 12 /* three registers of CPUID */

/* Features whose names differ, or ("") that QEMU derives by itself or no longer has. */
static const struct word feature_names[] = {
	{"pclmuldq", "pclmulqdq"},
	{"osxsave", ""},
	{"ospke", ""},
	{"pconfig", ""},
	{NULL},
};

static int put_feature(const xmlNode *feature, struct text *value, struct dd_error *err)
{
	static const struct word policies[] = {{"force", "on"}, {"require", "on"},
		{"optional", "on"}, {"disable", "off"}, {"forbid", "off"}, {NULL}};
	const char *name = node_attr(feature, "name");
	const char *policy = node_attr(feature, "policy");
	const char *state = word_find(policies, policy ? policy : "require");
	const char *other = word_find(feature_names, name);

	if (!name || !state || strpbrk(name, ",="))
		return node_error(feature, err, DD_INVALID, "no such CPU feature or policy");
	if (other && !other[0])
		return 0;
	text_printf(value, ",%s=%s", other ? other : name, state);
	return 0;
}

static int put_details(
	const xmlNode *root, const xmlNode *cpu, struct text *value, struct dd_error *err)
{
	const xmlNode *cache = node_child(cpu, "cache");
	const xmlNode *bits = node_child(cpu, "maxphysaddr");
	int code = put_cpu_features(node_child(root, "features"), value, err);

	if (code)
		return code;
	/* QEMU then ends rather than run with less than the record says */
	if (node_attr_is(cpu, "check", "full"))
		text_puts(value, ",enforce=on");
	if (node_attr_is(cache, "mode", "passthrough"))
		text_puts(value, ",host-cache-info=on,l3-cache=off");
	else if (node_attr_is(cache, "mode", "emulate") && node_attr_is(cache, "level", "3"))
		text_puts(value, ",l3-cache=on");
	else if (node_attr_is(cache, "mode", "disable"))
		text_puts(value, ",host-cache-info=off,l3-cache=off");
	else if (cache)
		return node_error(cache, err, DD_UNSUPPORTED, "this cache cannot be run yet");
	if (node_attr_is(bits, "mode", "passthrough"))
		text_puts(value, ",host-phys-bits=on");
	else if (node_attr(bits, "bits"))
		text_printf(value, ",phys-bits=%s,host-phys-bits=off", node_attr(bits, "bits"));
	return 0;
}

static int put_vendor(const xmlNode *model, struct text *value, struct dd_error *err)
{
	const char *vendor = node_attr(model, "vendor_id");

	if (!vendor)
		return 0;
	if (strlen(vendor) != VENDOR_LENGTH || strpbrk(vendor, ",="))
		return node_error(
			model, err, DD_INVALID, "a CPU's vendor has %d characters", VENDOR_LENGTH);
	text_printf(value, ",vendor=%s", vendor);
	return 0;
}

static int put_model(
	struct plan *plan, const xmlNode *cpu, struct text *value, struct dd_error *err)
{
	const char *mode = node_attr(cpu, "mode");
	const char *model = text_of(cpu, "model");

	if (!mode || strcmp(mode, "custom") == 0) {
		if (!model || !model[0])
			return 0;
		if (plan->caps && !capabilities_cpu(plan->caps, model))
			return node_error(cpu, err, DD_UNSUPPORTED, "%s %s has no CPU model '%s'",
				plan->caps->emulator, plan->caps->version, model);
		text_puts(value, model);
		return put_vendor(node_child(cpu, "model"), value, err);
	}
	if (strcmp(mode, "host-passthrough") == 0) {
		text_puts(value, is_kvm(plan->live) ? "host" : "max");
		if (node_attr(cpu, "migratable") && is_kvm(plan->live))
			text_printf(value, ",migratable=%s", node_attr(cpu, "migratable"));
		return 0;
	}
	if (strcmp(mode, "maximum") == 0) {
		text_puts(value, "max");
		return 0;
	}
	return node_error(cpu, err, DD_UNSUPPORTED,
		"CPU mode '%s' must be frozen to a model before the guest can be run", mode);
}

static int plan_model(struct plan *plan, const xmlNode *root, struct dd_error *err)
{
	CLEANUP(text) struct text value = TEXT_INIT;
	const xmlNode *cpu = node_child(root, "cpu");
	const xmlNode *feature = cpu ? node_child(cpu, "feature") : NULL;
	int code = cpu ? put_model(plan, cpu, &value, err) : 0;

	if (code || !value.size)
		return code;
	for (; feature && !code; feature = node_next(feature))
		code = put_feature(feature, &value, err);
	if (!code)
		code = put_details(root, cpu, &value, err);
	if (code)
		return code;
	if (text_failed(&value))
		return error_no_memory(err);
	plan_argument(plan, "-cpu", text_string(&value));
	return 0;
}

static int plan_count(struct plan *plan, const xmlNode *root, struct dd_error *err)
{
	const xmlNode *vcpu = node_child(root, "vcpu");
	const xmlNode *topology = node_descend(root, "cpu/topology");
	uint64_t most = 1;
	uint64_t dies = 1;
	uint64_t cores = 1;
	uint64_t threads = 1;
	char value[160];

	node_text_number(vcpu, &most);

	uint64_t now = most;
	uint64_t sockets = most;

	node_attr_number(vcpu, "current", &now);
	node_attr_number(topology, "sockets", &sockets);
	node_attr_number(topology, "dies", &dies);
	node_attr_number(topology, "cores", &cores);
	node_attr_number(topology, "threads", &threads);
	if (!most || most > UINT16_MAX || !now || now > most)
		return node_error(vcpu, err, DD_INVALID, "no such number of vCPUs");
	snprintf(value, sizeof value, "%u,maxcpus=%u,sockets=%u,dies=%u,cores=%u,threads=%u",
		(unsigned)now, (unsigned)most, (unsigned)sockets, (unsigned)dies, (unsigned)cores,
		(unsigned)threads);
	plan_argument(plan, "-smp", value);
	return 0;
}

/* "0-3,8" as cpus=0-3,cpus=8. A cell's memory gets a backend of its own. */
static int plan_cell(struct plan *plan, const xmlNode *cell, unsigned id, struct dd_error *err)
{
	CLEANUP(text) struct text value = TEXT_INIT;
	const char *cpus = node_attr(cell, "cpus") ? node_attr(cell, "cpus") : "";
	uint64_t kib = 0;
	char backend[32];

	snprintf(backend, sizeof backend, "ram-node%u", id);
	if (!node_attr_number(cell, "memory", &kib))
		return node_error(cell, err, DD_INVALID, "its memory is not said");

	int code = plan_memory_backend(plan, backend, kib, err);

	if (code)
		return code;
	text_printf(&value, "node,nodeid=%u", id);
	while (*cpus) {
		size_t length = strcspn(cpus, ",");

		text_printf(&value, ",cpus=%.*s", (int)length, cpus);
		cpus += length + (cpus[length] == ',');
	}
	text_printf(&value, ",memdev=%s", backend);
	if (text_failed(&value))
		return error_no_memory(err);
	plan_argument(plan, "-numa", text_string(&value));
	return 0;
}

int plan_processor(struct plan *plan, struct dd_error *err)
{
	const xmlNode *root = document_root(plan->live);
	const xmlNode *cell = node_descend(root, "cpu/numa/cell");
	unsigned next = 0;
	int code = plan_model(plan, root, err);

	if (!code)
		code = plan_count(plan, root, err);
	for (; cell && !code; cell = node_next(cell)) {
		uint64_t id = next++;

		node_attr_number(cell, "id", &id);
		code = plan_cell(plan, cell, (unsigned)id, err);
	}
	return code;
}
