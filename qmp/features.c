/* SPDX-License-Identifier: Apache-2.0 */

/* <features>, <sysinfo> and <iothreads>: what the machine has besides devices. */
#include "qmp/argv.h"

#include <stdio.h>
#include <string.h>

#define IOTHREAD_MAX 1024

static bool is_on(const char *state)
{
	return !state || strcmp(state, "on") == 0;
}

/* Enlightenments for Windows. One that carries a value has it in the named attribute. */
static const struct enlightenment {
	const char *name;
	const char *property;
	const char *value;
} enlightenments[] = {
	{"relaxed", "hv-relaxed", NULL},
	{"vapic", "hv-vapic", NULL},
	{"spinlocks", "hv-spinlocks", "retries"},
	{"vpindex", "hv-vpindex", NULL},
	{"runtime", "hv-runtime", NULL},
	{"synic", "hv-synic", NULL},
	{"stimer", "hv-stimer", NULL},
	{"reset", "hv-reset", NULL},
	{"vendor_id", "hv-vendor-id", "value"},
	{"frequencies", "hv-frequencies", NULL},
	{"reenlightenment", "hv-reenlightenment", NULL},
	{"tlbflush", "hv-tlbflush", NULL},
	{"ipi", "hv-ipi", NULL},
	{"evmcs", "hv-evmcs", NULL},
	{"avic", "hv-avic", NULL},
};

static int put_enlightenment(const xmlNode *node, struct text *cpu, struct dd_error *err)
{
	for (size_t i = 0; i < sizeof enlightenments / sizeof *enlightenments; i++) {
		const struct enlightenment *row = &enlightenments[i];

		if (!node_is(node, row->name))
			continue;
		if (!is_on(node_attr(node, "state")))
			return 0;
		text_printf(cpu, ",%s=", row->property);
		argv_escape(cpu, row->value && node_attr(node, row->value)
					 ? node_attr(node, row->value)
					 : "on");
		if (node_attr_is(node_child(node, "direct"), "state", "on"))
			text_puts(cpu, ",hv-stimer-direct=on");
		return 0;
	}
	return node_error(node, err, DD_UNSUPPORTED, "this enlightenment cannot be run yet");
}

int put_cpu_features(const xmlNode *features, struct text *cpu, struct dd_error *err)
{
	static const struct {
		const char *path;
		const char *on;
		const char *off;
	} switches[] = {
		{"kvm/hidden/@state", ",kvm=off", ""},
		{"kvm/hint-dedicated/@state", ",kvm-hint-dedicated=on", ""},
		{"kvm/poll-control/@state", ",kvm-poll-control=on", ""},
		{"apic/@eoi", ",kvm-pv-eoi=on", ",kvm-pv-eoi=off"},
		{"pvspinlock/@state", ",kvm-pv-unhalt=on", ",kvm-pv-unhalt=off"},
		{"pmu/@state", ",pmu=on", ",pmu=off"},
	};
	const xmlNode *hyperv = node_child(features, "hyperv");
	int code = 0;

	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
		const char *state = text_of(features, switches[i].path);

		if (state)
			text_puts(cpu, is_on(state) ? switches[i].on : switches[i].off);
	}
	if (node_attr_is(hyperv, "mode", "passthrough"))
		text_puts(cpu, ",hv-passthrough=on");
	for (const xmlNode *node = node_first(hyperv); node && !code; node = node_after(node))
		code = put_enlightenment(node, cpu, err);
	return code;
}

/* ---- SMBIOS ---- */

static const struct word bios[] = {{"vendor", "vendor"}, {"version", "version"}, {"date", "date"},
	{"release", "release"}, {NULL}};
static const struct word machine[] = {{"manufacturer", "manufacturer"}, {"product", "product"},
	{"version", "version"}, {"serial", "serial"}, {"uuid", "uuid"}, {"sku", "sku"},
	{"family", "family"}, {NULL}};
static const struct word board[] = {{"manufacturer", "manufacturer"}, {"product", "product"},
	{"version", "version"}, {"serial", "serial"}, {"asset", "asset"}, {"location", "location"},
	{NULL}};
static const struct word chassis[] = {{"manufacturer", "manufacturer"}, {"version", "version"},
	{"serial", "serial"}, {"asset", "asset"}, {"sku", "sku"}, {NULL}};

static const struct table {
	const char *element;
	unsigned number;
	const struct word *entries; /* NULL: each is a value */
} tables[] = {
	{"bios", 0, bios},
	{"system", 1, machine},
	{"baseBoard", 2, board},
	{"chassis", 3, chassis},
	{"oemStrings", 11, NULL},
};

static int plan_table(
	struct plan *plan, const xmlNode *node, const struct table *table, struct dd_error *err)
{
	CLEANUP(text) struct text value = TEXT_INIT;
	const xmlNode *entry = node_child(node, "entry");

	text_printf(&value, "type=%u", table->number);
	for (; entry; entry = node_next(entry)) {
		const char *name = table->entries
					   ? word_find(table->entries, node_attr(entry, "name"))
					   : "value";

		if (!name)
			return node_error(entry, err, DD_UNSUPPORTED,
				"'%s' cannot be told to a guest yet", node_attr(entry, "name"));
		text_printf(&value, ",%s=", name);
		argv_escape(&value, node_text(entry));
	}
	if (text_failed(&value))
		return error_no_memory(err);
	plan_argument(plan, "-smbios", text_string(&value));
	return 0;
}

static int plan_sysinfo(struct plan *plan, const xmlNode *root, struct dd_error *err)
{
	const xmlNode *sysinfo = node_child(root, "sysinfo");
	int code = 0;

	if (!node_attr_is(node_descend(root, "os/smbios"), "mode", "sysinfo"))
		return 0;
	if (sysinfo && (!node_attr_is(sysinfo, "type", "smbios") || node_next(sysinfo)))
		return node_error(sysinfo, err, DD_UNSUPPORTED, "this <sysinfo> cannot be run yet");
	for (size_t i = 0; sysinfo && i < sizeof tables / sizeof *tables && !code; i++) {
		const xmlNode *node = node_child(sysinfo, tables[i].element);

		for (; node && !code; node = node_next(node))
			code = plan_table(plan, node, &tables[i], err);
	}
	return code;
}

/* ---- I/O threads ---- */

static void plan_iothread(struct plan *plan, uint64_t id)
{
	struct json *args = plan_add(plan, STEP_OBJECT);
	char name[32];

	snprintf(name, sizeof name, "iothread%u", (unsigned)id);
	json_put_string(args, "qom-type", "iothread");
	json_put_string(args, "id", name);
}

/* Those with an id of their own, and as many more, from 1 on, as are still missing. */
static int plan_iothreads(struct plan *plan, const xmlNode *root, struct dd_error *err)
{
	const xmlNode *ids = node_child(root, "iothreadids");
	const xmlNode *named = ids ? node_child(ids, "iothread") : NULL;
	uint64_t missing = 0;
	bool used[IOTHREAD_MAX + 1] = {false};

	node_text_number(node_child(root, "iothreads"), &missing);
	if (missing > IOTHREAD_MAX)
		return node_error(node_child(root, "iothreads"), err, DD_INVALID,
			"more than %d I/O threads", IOTHREAD_MAX);
	for (; named; named = node_next(named)) {
		uint64_t id = 0;

		if (!node_attr_number(named, "id", &id) || !id || id > IOTHREAD_MAX || used[id])
			return node_error(
				named, err, DD_INVALID, "no such number of an I/O thread");
		used[id] = true;
		plan_iothread(plan, id);
		missing -= missing > 0;
	}
	for (uint64_t id = 1; id <= IOTHREAD_MAX && missing; id++)
		if (!used[id]) {
			plan_iothread(plan, id);
			missing--;
		}
	return 0;
}

void put_iothread(const xmlNode *device, struct json *args)
{
	const char *id = text_of(device, "driver/@iothread");
	char name[32];

	if (!id)
		return;
	snprintf(name, sizeof name, "iothread%.10s", id);
	json_put_string(args, "iothread", name);
}

int plan_features(struct plan *plan, const xmlNode *root, struct dd_error *err)
{
	int code = plan_sysinfo(plan, root, err);

	if (!code)
		code = plan_iothreads(plan, root, err);
	if (code)
		return code;
	if (node_attr_is(node_descend(root, "features/vmcoreinfo"), "state", "on")) {
		struct json *args = plan_add(plan, STEP_DEVICE);

		json_put_string(args, "driver", "vmcoreinfo");
	}
	for (const xmlNode *node = node_descend(root, "devices/controller"); node;
		node = node_next(node)) {
		const char *hole = text_of(node, "pcihole64");
		char value[96];

		if (!hole || !node_attr_is(node, "type", "pci"))
			continue;
		snprintf(value, sizeof value, "%s.pci-hole64-size=%.20sK",
			is_q35(plan->live) ? "q35-pcihost" : "i440FX-pcihost", hole);
		plan_argument(plan, "-global", value);
	}
	return 0;
}
