/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/argv.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const known[] = {
	"@type",
	"@id",
	"name",
	"uuid",
	"genid/",
	"title",
	"description",
	"metadata/",
	"devices/",
	"memory",
	"memory/@unit",
	"memory/@dumpCore",
	"currentMemory",
	"currentMemory/@unit",
	"maxMemory",
	"maxMemory/@unit",
	"maxMemory/@slots",
	"memoryBacking/locked",
	"memoryBacking/nosharepages",
	"memoryBacking/hugepages",
	"memoryBacking/hugepages/page/",
	"memoryBacking/source/@type",
	"memoryBacking/access/@mode",
	"memoryBacking/allocation/@mode",
	"iothreads",
	"iothreadids/iothread/@id",
	"sysinfo/",
	"vcpu",
	"vcpu/@placement",
	"vcpu/@current",
	"vcpu/@cpuset",
	"resource/",
	"os/type",
	"os/type/@arch",
	"os/type/@machine",
	"os/@firmware",
	"os/firmware/",
	"os/loader",
	"os/loader/@readonly",
	"os/loader/@type",
	"os/loader/@secure",
	"os/nvram",
	"os/nvram/@template",
	"os/kernel",
	"os/initrd",
	"os/cmdline",
	"os/boot/@dev",
	"os/bootmenu/@enable",
	"os/bootmenu/@timeout",
	"os/bios/@rebootTimeout",
	"os/smbios/@mode",
	"features/acpi",
	"features/apic",
	"features/apic/@eoi",
	"features/pvspinlock/@state",
	"features/ioapic/@driver",
	"features/vmcoreinfo/@state",
	"features/hyperv/",
	"features/kvm/hint-dedicated/@state",
	"features/kvm/poll-control/@state",
	"features/pae",
	"features/vmport/@state",
	"features/pmu/@state",
	"features/kvm/hidden/@state",
	"features/smm/@state",
	"cpu/@mode",
	"cpu/@match",
	"cpu/@check",
	"cpu/@migratable",
	"cpu/model",
	"cpu/model/@fallback",
	"cpu/vendor",
	"cpu/topology/",
	"cpu/feature/",
	"cpu/cache/",
	"cpu/maxphysaddr/",
	"cpu/numa/cell/@id",
	"cpu/numa/cell/@cpus",
	"cpu/numa/cell/@memory",
	"cpu/numa/cell/@unit",
	"clock/@offset",
	"clock/@adjustment",
	"clock/@basis",
	"clock/timer/@name",
	"clock/timer/@present",
	"clock/timer/@tickpolicy",
	"clock/timer/@track",
	"on_poweroff",
	"on_reboot",
	"on_crash",
	"pm/suspend-to-mem/@enabled",
	"pm/suspend-to-disk/@enabled",
	"seclabel/",
	NULL,
};

/* Values that must be one of a few, because QEMU is told nothing about them. */
static const struct fixed_value {
	const char *path;
	const char *values[4];
} fixed_values[] = {
	{"os/type", {"hvm"}},
	{"os/smbios/@mode", {"emulate", "sysinfo"}},
	{"memoryBacking/source/@type", {"memfd", "anonymous"}},
	{"memoryBacking/access/@mode", {"shared", "private"}},
	{"memoryBacking/allocation/@mode", {"immediate", "ondemand"}},
	{"features/ioapic/@driver", {"kvm", "qemu"}},
	{"vcpu/@placement", {"static"}},
	{"on_poweroff", {"destroy"}},
	{"on_reboot", {"restart", "destroy"}},
	{"on_crash", {"destroy", "restart", "preserve"}},
	{"os/loader/@type", {"rom", "pflash"}},
	{"clock/@offset", {"utc", "localtime", "variable"}},
};

static int check_fixed(const xmlNode *root, struct dd_error *err)
{
	for (size_t i = 0; i < sizeof fixed_values / sizeof *fixed_values; i++) {
		const char *value = text_of(root, fixed_values[i].path);
		bool found = !value;

		for (size_t v = 0; !found && v < 4 && fixed_values[i].values[v]; v++)
			found = strcmp(value, fixed_values[i].values[v]) == 0;
		if (found)
			continue;

		char element[64];

		snprintf(element, sizeof element, "%s", fixed_values[i].path);
		if (strstr(element, "/@"))
			*strstr(element, "/@") = '\0';
		return node_error(node_descend(root, element), err, DD_UNSUPPORTED,
			"'%s' is kept, but a guest with it cannot be run yet", value);
	}
	return 0;
}

int machine_check(const struct document *live, struct dd_error *err)
{
	const xmlNode *root = document_root(live);

	if (!node_attr_is(root, "type", "qemu") && !node_attr_is(root, "type", "kvm"))
		return node_error(root, err, DD_UNSUPPORTED, "a domain of type '%s' cannot be run",
			node_attr(root, "type"));

	int code = vocabulary_check(root, known, NULL, err);

	if (!code && node_attr_is(node_child(root, "os"), "firmware", "efi") &&
		!(node_descend(root, "os/loader") && node_text(node_descend(root, "os/loader"))[0]))
		return node_error(node_child(root, "os"), err, DD_UNSUPPORTED,
			"which firmware is to be used must be said with <loader>");
	return code ? code : check_fixed(root, err);
}

static void put_machine_switches(const xmlNode *root, struct text *value)
{
	static const struct word switches[] = {
		{"features/vmport/@state", "vmport"}, {"features/smm/@state", "smm"}, {NULL}};

	for (const struct word *row = switches; row->from; row++)
		if (text_of(root, row->from))
			text_printf(value, ",%s=%s", row->to, text_of(root, row->from));
}

static bool timer_absent(const xmlNode *root, const char *name)
{
	const xmlNode *timer = node_descend(root, "clock/timer");

	for (; timer; timer = node_next(timer))
		if (node_attr_is(timer, "name", name) && node_attr_is(timer, "present", "no"))
			return true;
	return false;
}

/* Firmware in flash: the code, and the variables that the guest may change. */
static int plan_flash(struct plan *plan, const char *id, const xmlNode *file, bool read_only,
	struct dd_error *err)
{
	const char *path = node_text(file);
	char storage[NODE_NAME_SIZE];
	char format[NODE_NAME_SIZE];

	if (path[0] != '/')
		return node_error(file, err, DD_INVALID, "the path must begin with '/'");
	block_node_name(storage, id, "-storage");
	block_node_name(format, id, "-format");

	struct json *args = plan_add(plan, STEP_BLOCKDEV);

	json_put_string(args, "driver", "file");
	json_put_string(args, "filename", path);
	json_put_string(args, "node-name", storage);
	json_put_bool(args, "auto-read-only", true);
	json_put_string(args, "discard", "unmap");
	args = plan_add(plan, STEP_BLOCKDEV);
	json_put_string(args, "node-name", format);
	json_put_bool(args, "read-only", read_only);
	json_put_string(args, "driver", "raw");
	json_put_string(args, "file", storage);
	return 0;
}

static int plan_firmware(
	struct plan *plan, const xmlNode *os, struct text *machine, struct dd_error *err)
{
	const xmlNode *loader = node_child(os, "loader");
	const xmlNode *nvram = node_child(os, "nvram");
	int code = 0;

	if (!loader)
		return 0;
	if (!node_attr_is(loader, "type", "pflash")) {
		plan_argument(plan, "-bios", node_text(loader));
		return 0;
	}
	code = plan_flash(plan, "pflash0", loader, !node_attr_is(loader, "readonly", "no"), err);
	text_puts(machine, ",pflash0=pflash0-format");
	if (!code && nvram) {
		code = plan_flash(plan, "pflash1", nvram, false, err);
		text_puts(machine, ",pflash1=pflash1-format");
	}
	if (node_attr_is(loader, "secure", "yes"))
		plan_argument(plan, "-global", "driver=cfi.pflash01,property=secure,value=on");
	return code;
}

static int plan_type(struct plan *plan, const xmlNode *root, struct dd_error *err)
{
	CLEANUP(text) struct text value = TEXT_INIT;
	const char *machine = text_of(root, "os/type/@machine");

	if (plan->caps && (!machine || !capabilities_machine(plan->caps, machine)))
		return node_error(node_descend(root, "os/type"), err, DD_UNSUPPORTED,
			"%s %s has no machine type '%s'", plan->caps->emulator, plan->caps->version,
			machine ? machine : "");
	text_printf(&value, "%s,usb=off,dump-guest-core=%s", machine,
		node_attr_is(node_child(root, "memory"), "dumpCore", "on") ? "on" : "off");
	put_machine_switches(root, &value);
	if (timer_absent(root, "hpet"))
		text_puts(&value, ",hpet=off");
	if (node_descend(root, "memoryBacking/nosharepages"))
		text_puts(&value, ",mem-merge=off");
	if (is_kvm(plan->live) && text_of(root, "features/ioapic/@driver"))
		text_puts(&value, strcmp(text_of(root, "features/ioapic/@driver"), "kvm") == 0
					  ? ",kernel_irqchip=on"
					  : ",kernel_irqchip=split");

	bool made = false;
	int code = plan_main_memory(plan, &made, err);

	if (made)
		text_puts(&value, ",memory-backend=pc.ram");
	if (!code)
		code = plan_firmware(plan, node_child(root, "os"), &value, err);
	if (code)
		return code;
	if (text_failed(&value))
		return error_no_memory(err);
	plan_argument(plan, "-machine", text_string(&value));
	if (plan->caps && is_kvm(plan->live) && !plan->caps->kvm)
		return node_error(
			root, err, DD_UNSUPPORTED, "this host has no KVM: /dev/kvm cannot be used");
	plan_argument(plan, "-accel", is_kvm(plan->live) ? "kvm" : "tcg");
	if (!node_descend(root, "features/acpi"))
		plan_argument(plan, "-no-acpi", NULL);
	return 0;
}

static int plan_memory_size(struct plan *plan, const xmlNode *root, struct dd_error *err)
{
	const xmlNode *maximum = node_child(root, "maxMemory");
	uint64_t initial = memory_initial(plan->live);
	uint64_t most = 0;
	uint64_t slots = 0;
	char value[128];

	if (!initial)
		return node_error(node_child(root, "memory"), err, DD_INVALID,
			"no memory is left besides the pluggable modules");
	snprintf(value, sizeof value, "size=%lluk", (unsigned long long)initial);
	if (node_text_number(maximum, &most)) {
		node_attr_number(maximum, "slots", &slots);
		snprintf(value, sizeof value, "size=%lluk,slots=%u,maxmem=%lluk",
			(unsigned long long)initial, (unsigned)slots, (unsigned long long)most);
	}
	plan_argument(plan, "-m", value);
	plan_argument(plan, "-overcommit",
		node_descend(root, "memoryBacking/locked") ? "mem-lock=on" : "mem-lock=off");
	return 0;
}

static const char *clock_base(const xmlNode *clock, char *buffer, size_t size)
{
	const char *adjustment = node_attr(clock, "adjustment");
	struct tm broken;

	if (node_attr_is(clock, "offset", "localtime"))
		return "localtime";
	if (!node_attr_is(clock, "offset", "variable"))
		return "utc";

	time_t now = time(NULL) + (adjustment ? (time_t)strtoll(adjustment, NULL, 10) : 0);

	if (node_attr_is(clock, "basis", "localtime"))
		localtime_r(&now, &broken);
	else
		gmtime_r(&now, &broken);
	strftime(buffer, size, "%Y-%m-%dT%H:%M:%S", &broken);
	return buffer;
}

static int plan_timer(
	struct plan *plan, const xmlNode *timer, struct text *rtc, struct dd_error *err)
{
	const char *name = node_attr(timer, "name") ? node_attr(timer, "name") : "";
	const char *policy = node_attr(timer, "tickpolicy");
	bool usual = !policy || strcmp(policy, "delay") == 0;

	if (strcmp(name, "rtc") == 0 && policy && strcmp(policy, "catchup") == 0) {
		text_puts(rtc, ",driftfix=slew");
		usual = true;
	} else if (strcmp(name, "pit") == 0 && policy && is_kvm(plan->live)) {
		if (strcmp(policy, "delay") == 0 || strcmp(policy, "discard") == 0) {
			plan_argument(plan, "-global",
				usual ? "kvm-pit.lost_tick_policy=delay"
				      : "kvm-pit.lost_tick_policy=discard");
			usual = true;
		}
	}
	if (strcmp(name, "rtc") == 0 && node_attr(timer, "track")) {
		bool guest = node_attr_is(timer, "track", "guest");

		text_puts(rtc, guest ? ",clock=vm" : ",clock=host");
	} else if (node_attr(timer, "track")) {
		usual = false;
	}
	if (!usual)
		return node_error(timer, err, DD_UNSUPPORTED,
			"timer '%s' with this policy cannot be run yet", name);
	return 0;
}

static int plan_clock(struct plan *plan, const xmlNode *root, struct dd_error *err)
{
	static const struct word timers[] = {
		{"rtc", ""}, {"pit", ""}, {"hpet", ""}, {"kvmclock", ""}, {NULL}};
	CLEANUP(text) struct text value = TEXT_INIT;
	const xmlNode *clock = node_child(root, "clock");
	const xmlNode *timer = clock ? node_child(clock, "timer") : NULL;
	char base[64];
	int code = 0;

	text_printf(&value, "base=%s", clock_base(clock, base, sizeof base));
	for (; timer && !code; timer = node_next(timer)) {
		if (!word_find(timers, node_attr(timer, "name")))
			return node_error(timer, err, DD_UNSUPPORTED,
				"timer '%s' cannot be run yet", node_attr(timer, "name"));
		code = plan_timer(plan, timer, &value, err);
	}
	if (code)
		return code;
	if (text_failed(&value))
		return error_no_memory(err);
	plan_argument(plan, "-rtc", text_string(&value));
	return 0;
}

static void plan_boot(struct plan *plan, const xmlNode *os)
{
	static const struct word direct[] = {
		{"kernel", "-kernel"}, {"initrd", "-initrd"}, {"cmdline", "-append"}, {NULL}};
	CLEANUP(text) struct text value = TEXT_INIT;
	const xmlNode *menu = node_child(os, "bootmenu");

	if (node_attr(menu, "enable"))
		text_printf(&value, node_attr_is(menu, "enable", "yes") ? "menu=on," : "menu=off,");
	if (node_attr(menu, "timeout"))
		text_printf(&value, "splash-time=%s,", node_attr(menu, "timeout"));
	if (text_of(os, "bios/@rebootTimeout"))
		text_printf(&value, "reboot-timeout=%s,", text_of(os, "bios/@rebootTimeout"));
	text_puts(&value, "strict=on");
	plan->failed = plan->failed || text_failed(&value);
	plan_argument(plan, "-boot", text_string(&value));
	for (const struct word *row = direct; row->from; row++)
		if (node_child(os, row->from))
			plan_argument(plan, row->to, node_text(node_child(os, row->from)));
}

static void plan_power(struct plan *plan, const xmlNode *root)
{
	static const struct word states[] = {
		{"suspend-to-mem", "disable_s3"}, {"suspend-to-disk", "disable_s4"}, {NULL}};
	const char *on_crash = text_of(root, "on_crash");

	for (const struct word *row = states; row->from; row++) {
		const char *enabled =
			node_attr(node_child(node_child(root, "pm"), row->from), "enabled");
		char value[64];

		if (!enabled)
			continue;
		snprintf(value, sizeof value, "%s.%s=%d",
			is_q35(plan->live) ? "ICH9-LPC" : "PIIX4_PM", row->to,
			strcmp(enabled, "no") == 0);
		plan_argument(plan, "-global", value);
	}
	if (text_of(root, "on_reboot") && strcmp(text_of(root, "on_reboot"), "destroy") == 0)
		plan_argument(plan, "-action", "reboot=shutdown");
	if (on_crash && strcmp(on_crash, "preserve") == 0)
		plan_argument(plan, "-action", "panic=pause");
}

static int plan_name(struct plan *plan, const xmlNode *root, struct dd_error *err)
{
	CLEANUP(text) struct text value = TEXT_INIT;
	const xmlNode *genid = node_child(root, "genid");

	text_puts(&value, "guest=");
	argv_escape(&value, document_name(plan->live) ? document_name(plan->live) : "");
	text_puts(&value, ",debug-threads=on");
	if (text_failed(&value))
		return error_no_memory(err);
	plan_argument(plan, "-name", text_string(&value));
	if (document_uuid(plan->live))
		plan_argument(plan, "-uuid", document_uuid(plan->live));
	if (!genid)
		return 0;

	struct json *args = plan_add(plan, STEP_DEVICE);

	json_put_string(args, "driver", "vmgenid");
	json_put_string(args, "guid", node_text(genid));
	json_put_string(args, "id", "vmgenid0");
	return 0;
}

int plan_machine(struct plan *plan, struct dd_error *err)
{
	static int (*const parts[])(struct plan *, const xmlNode *, struct dd_error *) = {
		plan_name, plan_type, plan_memory_size, plan_clock, plan_features};
	const xmlNode *root = document_root(plan->live);
	int code = 0;

	for (size_t i = 0; i < sizeof parts / sizeof *parts && !code; i++)
		code = parts[i](plan, root, err);
	if (!code)
		code = plan_processor(plan, err);
	if (code)
		return code;
	plan_boot(plan, node_child(root, "os"));
	plan_power(plan, root);
	return plan_finish(plan, err);
}
