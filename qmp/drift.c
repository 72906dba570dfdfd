/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Does QEMU have what the record says? The plan that would make each device is held against what
 * QEMU has: each device with its bus and address, MAC and drive; each block node with its file; the
 * memory and the vCPUs; and nothing else. Addresses are asked of the objects and not of the PCI
 * configuration space (query-pci), which is as the guest's firmware left it.
 */
#include "qmp/guest_internal.h"

#include "qmp/argv.h"
#include "schema/diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct comparison {
	struct guest *guest;
	const struct document *live;
	struct json *peripherals; /* what QEMU has, and is not expected so far */
	struct json *nodes;
	struct json *findings;
};

static void comparison_release(struct comparison *comparison)
{
	json_free(comparison->peripherals);
	json_free(comparison->nodes);
	json_free(comparison->findings);
}

static inline void cleanup_comparison(struct comparison *comparison)
{
	comparison_release(comparison);
}

/* About a device, or about the domain itself. */
PRINTF_LIKE(3, 4)
static void report(struct comparison *comparison, const xmlNode *node, const char *format, ...)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	char path[NODE_PATH_SIZE];
	char finding_words[1024];
	char sentence[1200];
	struct json *finding = json_object();
	va_list args;

	va_start(args, format);
	vsnprintf(finding_words, sizeof finding_words, format, args);
	va_end(args);
	if (node_is(node->parent, "devices"))
		device_words(node, &words);
	snprintf(sentence, sizeof sentence, "%.160s%s%s", text_string(&words),
		words.size ? ": " : "", finding_words);
	if (words.size)
		json_put_string(finding, "device", text_string(&words));
	json_put_string(finding, "path", node_path(node, path, sizeof path));
	json_put_string(finding, "message", sentence);
	json_push(comparison->findings, finding);
}

static int ask(struct guest *guest, const char *path, const char *property, struct json **reply,
	struct dd_error *err)
{
	struct json *args = json_object();

	json_put_string(args, "path", path);
	json_put_string(args, "property", property);
	return monitor_call(guest->monitor, "qom-get", args, reply, err);
}

static int put_name(struct json *set, const struct json *list, const char *member)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_get_string(json_at(list, i), member);
		const char *type = json_get_string(json_at(list, i), "type");

		/* qom-list also tells the container's own properties */
		if (name && strcmp(member, "name") == 0 && (!type || strncmp(type, "child<", 6)))
			continue;
		if (name)
			json_put(set, name, json_copy(json_at(list, i)));
	}
	return json_failed(set) ? DD_NO_MEMORY : 0;
}

static int ask_inventory(struct comparison *comparison, struct dd_error *err)
{
	CLEANUP(json) struct json *peripherals = NULL;
	CLEANUP(json) struct json *nodes = NULL;
	struct monitor *monitor = comparison->guest->monitor;
	struct json *args = json_object();

	json_put_string(args, "path", "/machine/peripheral");

	int code = monitor_call(monitor, "qom-list", args, &peripherals, err);

	if (code)
		return code;
	args = json_object();
	json_put_bool(args, "flat", true);
	code = monitor_call(monitor, "query-named-block-nodes", args, &nodes, err);
	if (code)
		return code;
	comparison->peripherals = json_object();
	comparison->nodes = json_object();
	comparison->findings = json_array();
	if (put_name(comparison->peripherals, peripherals, "name") ||
		put_name(comparison->nodes, nodes, "node-name"))
		return error_no_memory(err);
	return 0;
}

/* ---- devices ---- */

static int compare_text(struct comparison *comparison, const xmlNode *device, const char *path,
	const char *property, const char *words, const char *expected, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	int code = ask(comparison->guest, path, property, &reply, err);
	const char *found = json_as_string(reply);

	if (code)
		return code;
	if (!found || strcasecmp(found, expected) != 0)
		report(comparison, device, "%s is %s in QEMU, but %s in the record", words,
			found && found[0] ? found : "none", expected);
	return 0;
}

/* "0x2.0x1" is slot 2, function 1; QEMU has both in one number. */
static int compare_slot(struct comparison *comparison, const xmlNode *device, const char *path,
	const char *addr, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	const char *dot = strchr(addr, '.');
	long slot = strtol(addr, NULL, 16);
	long function = dot ? strtol(dot + 1, NULL, 16) : 0;
	int code = ask(comparison->guest, path, "addr", &reply, err);
	int64_t found = json_as_number(reply, -1);

	if (code)
		return code;
	if (found != slot * 8 + function)
		report(comparison, device,
			"it is in PCI slot %lld.%lld in QEMU, but in %ld.%ld in the record",
			(long long)found / 8, (long long)found % 8, slot, function);
	return 0;
}

static int compare_bus(struct comparison *comparison, const xmlNode *device, const char *path,
	const char *expected, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	int code = ask(comparison->guest, path, "parent_bus", &reply, err);
	const char *found = json_as_string(reply);
	const char *name = found ? strrchr(found, '/') : NULL;

	if (code)
		return code;
	if (!name || strcmp(name + 1, expected) != 0)
		report(comparison, device, "it is on bus %s in QEMU, but on %s in the record",
			name ? name + 1 : "none", expected);
	return 0;
}

static int compare_device(struct comparison *comparison, const xmlNode *device,
	const struct json *args, struct dd_error *err)
{
	static const char *const same[] = {"mac", "drive", "serial"};
	/* gives its drive away to the SCSI disk that it makes */
	bool keeps_drive = strcmp(json_get_string(args, "driver"), "usb-storage") != 0;
	const char *id = json_get_string(args, "id");
	const char *bus = json_get_string(args, "bus");
	const char *addr = json_get_string(args, "addr");
	char path[256];
	int code = 0;

	if (!id)
		return 0;
	if (!json_get(comparison->peripherals, id)) {
		report(comparison, device,
			"%s is in the record, but not in QEMU; if the guest let go of it late, "
			"detach it again",
			id);
		return 0;
	}
	json_put_bool(comparison->peripherals, id, true);
	snprintf(path, sizeof path, "/machine/peripheral/%s", id);
	if (bus)
		code = compare_bus(comparison, device, path, bus, err);
	if (!code && addr)
		code = compare_slot(comparison, device, path, addr, err);
	for (size_t i = 0; i < sizeof same / sizeof *same && !code; i++)
		if (json_get_string(args, same[i]) && (keeps_drive || strcmp(same[i], "drive")))
			code = compare_text(comparison, device, path, same[i], same[i],
				json_get_string(args, same[i]), err);
	return code;
}

static void compare_node(
	struct comparison *comparison, const xmlNode *device, const struct json *args)
{
	const char *name = json_get_string(args, "node-name");
	const char *file = json_get_string(args, "filename");
	const char *driver = json_get_string(args, "driver");
	const struct json *node = json_get(comparison->nodes, name);
	const char *has_file = json_get_string(node, "file");
	const char *has_driver = json_get_string(node, "drv");

	if (!node) {
		report(comparison, device, "its image %s is not open in QEMU", file ? file : name);
		return;
	}
	if (driver && has_driver && strcmp(driver, has_driver) != 0)
		report(comparison, device, "its image is read as %s in QEMU, but %s in the record",
			has_driver, driver);
	if (file && has_file && strcmp(file, has_file) != 0)
		report(comparison, device, "its image is %s in QEMU, but %s in the record",
			has_file, file);
	json_put_bool(comparison->nodes, name, true);
}

static int compare_plan(struct comparison *comparison, const xmlNode *device,
	const struct plan *plan, struct dd_error *err)
{
	int code = 0;

	for (size_t i = 0; i < plan->count && !code; i++)
		if (plan->steps[i].kind == STEP_DEVICE)
			code = compare_device(comparison, device, plan->steps[i].args, err);
		else if (plan->steps[i].kind == STEP_BLOCKDEV)
			compare_node(comparison, device, plan->steps[i].args);
	return code;
}

static int compare_devices(struct comparison *comparison, struct dd_error *err)
{
	const xmlNode *device = node_first(document_devices(comparison->live));
	CLEANUP(plan)
	struct plan machine = {.live = comparison->live, .folder = comparison->guest->folder};
	int code = plan_machine(&machine, err);

	if (!code)
		code = compare_plan(comparison, document_root(comparison->live), &machine, err);
	for (; device && !code; device = node_after(device)) {
		CLEANUP(plan)
		struct plan plan = {.live = comparison->live, .folder = comparison->guest->folder};

		code = plan_device(&plan, device, err);
		if (!code)
			code = compare_plan(comparison, device, &plan, err);
	}
	return code;
}

/* ---- what nothing in the record accounts for ---- */

static bool is_expected(const struct json *value)
{
	return !json_get(value, "type") && !json_get(value, "node-name");
}

static int extra_device(const char *name, const struct json *value, void *context)
{
	struct comparison *comparison = context;

	/* vCPUs are compared by their number */
	if (!is_expected(value) && strncmp(name, "vcpu", 4) != 0)
		report(comparison, document_devices(comparison->live),
			"%s is in QEMU, but not in the record", name);
	return 0;
}

static int extra_node(const char *name, const struct json *value, void *context)
{
	struct comparison *comparison = context;

	/* QEMU itself names what it opens behind an image "#block…" */
	if (!is_expected(value) && name[0] != '#')
		report(comparison, document_devices(comparison->live),
			"image %s is open in QEMU as %s, but not in the record",
			json_get_string(value, "file"), name);
	return 0;
}

/* ---- memory and vCPUs ---- */

static int compare_memory(struct comparison *comparison, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	const xmlNode *memory = node_child(document_root(comparison->live), "memory");
	uint64_t kib = memory_total(comparison->live);
	int code = monitor_call(
		comparison->guest->monitor, "query-memory-size-summary", NULL, &reply, err);
	uint64_t found = json_get_unsigned(reply, "base-memory", 0) +
			 json_get_unsigned(reply, "plugged-memory", 0);

	if (code)
		return code;
	if (found / 1024 != kib)
		report(comparison, memory, "QEMU has %llu KiB of memory, the record %llu KiB",
			(unsigned long long)(found / 1024), (unsigned long long)kib);
	return 0;
}

static int compare_vcpus(struct comparison *comparison, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	const xmlNode *vcpu = node_child(document_root(comparison->live), "vcpu");
	uint64_t count = 1;
	int code = monitor_call(comparison->guest->monitor, "query-cpus-fast", NULL, &reply, err);

	if (code)
		return code;
	node_text_number(vcpu, &count);
	node_attr_number(vcpu, "current", &count);
	if (json_count(reply) != count)
		report(comparison, vcpu ? vcpu : document_root(comparison->live),
			"QEMU has %zu vCPUs, the record %llu", json_count(reply),
			(unsigned long long)count);
	return 0;
}

int guest_drift(
	struct guest *guest, const struct document *live, struct json **array, struct dd_error *err)
{
	CLEANUP(comparison) struct comparison comparison = {.guest = guest, .live = live};
	int code = ask_inventory(&comparison, err);

	if (!code)
		code = compare_memory(&comparison, err);
	if (!code)
		code = compare_vcpus(&comparison, err);
	if (!code)
		code = compare_devices(&comparison, err);
	if (code)
		return code;
	json_each(comparison.peripherals, extra_device, &comparison);
	json_each(comparison.nodes, extra_node, &comparison);
	if (json_failed(comparison.findings))
		return error_no_memory(err);
	*array = TAKE(comparison.findings);
	return 0;
}
