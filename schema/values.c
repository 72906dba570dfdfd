/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/values.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schema/fill.h"

/* In the order of their elements, as they are found by halving. */
static const struct value_rule rules[] = {
	{"acpi/table", "type", "slic", 0, 0, true},
	{"cache/line", "value", NULL, 0, 0, true},
	{"cache/size", "value", NULL, 0, 0, true},
	{"cachetune/cache", "id", NULL, 0, 0, true},
	{"cachetune/cache", "level", NULL, 0, 0, true},
	{"cachetune/cache", "type", "both code data", 0, 0, true},
	{"cachetune/cache", "size", NULL, 0, 0, true},
	{"cachetune/monitor", "level", NULL, 3, 3, true},
	{"cachetune/monitor", "vcpus", NULL, 0, 0, true},
	{"cell/cache", "associativity", "none direct full", 0, 0, true},
	{"cell/cache", "policy", "none writeback writethrough", 0, 0, true},
	{"cell/cache", "level", NULL, 1, UINT32_MAX, true},
	{"clock/timer", "name", "platform pit rtc hpet tsc kvmclock hypervclock", 0, 0, true},
	{"clock/timer", "tickpolicy", "delay catchup merge discard"},
	{"clock/timer", "track", "boot guest wall realtime"},
	{"clock/timer", "mode", "auto native emulate paravirt smpsafe"},
	{"cpu/cache", "mode", "emulate passthrough disable", 0, 0, true},
	{"cpu/cache", "level", NULL, 1, 3},
	{"cpu/feature", "policy", "force require optional disable forbid"},
	{"cpu/feature", "name", NULL, 0, 0, true},
	{"cpu/maxphysaddr", "mode", "emulate passthrough", 0, 0, true},
	{"cpu/model", "fallback", "allow forbid"},
	{"cpu/topology", "sockets", NULL, 1, UINT32_MAX, true},
	{"cpu/topology", "cores", NULL, 1, UINT32_MAX, true},
	{"cpu/topology", "threads", NULL, 1, UINT32_MAX, true},
	{"cpu/topology", "dies", NULL, 1, UINT32_MAX},
	{"cputune/cachetune", "vcpus", NULL, 0, 0, true},
	{"cputune/emulator_period", "", NULL, 1000, 1000000},
	{"cputune/emulator_quota", "", NULL, 1000, 17592186044415},
	{"cputune/emulatorpin", "cpuset", NULL, 0, 0, true},
	{"cputune/emulatorsched", "scheduler", "batch idle fifo rr", 0, 0, true},
	{"cputune/global_period", "", NULL, 1000, 1000000},
	{"cputune/global_quota", "", NULL, 1000, 17592186044415},
	{"cputune/iothread_period", "", NULL, 1000, 1000000},
	{"cputune/iothread_quota", "", NULL, 1000, 17592186044415},
	{"cputune/iothreadpin", "iothread", NULL, 1, UINT32_MAX, true},
	{"cputune/iothreadpin", "cpuset", NULL, 0, 0, true},
	{"cputune/iothreadsched", "iothreads", NULL, 0, 0, true},
	{"cputune/iothreadsched", "scheduler", "batch idle fifo rr", 0, 0, true},
	{"cputune/memorytune", "vcpus", NULL, 0, 0, true},
	{"cputune/period", "", NULL, 1000, 1000000},
	{"cputune/quota", "", NULL, 1000, 17592186044415},
	{"cputune/shares", "", NULL, 0, 262144},
	{"cputune/vcpupin", "vcpu", NULL, 0, 0, true},
	{"cputune/vcpupin", "cpuset", NULL, 0, 0, true},
	{"cputune/vcpusched", "vcpus", NULL, 0, 0, true},
	{"cputune/vcpusched", "scheduler", "batch idle fifo rr", 0, 0, true},
	{"distances/sibling", "id", NULL, 0, 0, true},
	{"distances/sibling", "value", NULL, 10, 255, true},
	{"domain/clock", "offset", "utc localtime variable timezone absolute"},
	{"domain/cpu", "mode", "custom host-model host-passthrough maximum"},
	{"domain/cpu", "match", "minimum exact strict"},
	{"domain/cpu", "check", "none partial full"},
	{"domain/defaultiothread", "thread_pool_min", NULL, 0, INT32_MAX},
	{"domain/defaultiothread", "thread_pool_max", NULL, 1, INT32_MAX},
	{"domain/launchSecurity", "type", "sev s390-pv", 0, 0, true},
	{"domain/maxMemory", "slots", NULL, 1, UINT32_MAX, true},
	{"domain/on_crash", "", "destroy restart preserve coredump-destroy coredump-restart"},
	{"domain/on_lockfailure", "", "poweroff restart pause ignore"},
	{"domain/on_poweroff", "", "destroy restart"},
	{"domain/on_reboot", "", "destroy restart"},
	{"domain/os", "firmware", "efi bios"},
	{"domain/seclabel", "type", "none dynamic static"},
	{"domain/sysinfo", "type", "smbios fwcfg", 0, 0, true},
	{"domain/vcpu", "placement", "static auto"},
	{"features/capabilities", "policy", "default allow deny"},
	{"features/hyperv", "mode", "custom passthrough"},
	{"features/ioapic", "driver", "kvm qemu"},
	{"features/msrs", "unknown", "ignore fault", 0, 0, true},
	{"firmware/feature", "name", "secure-boot enrolled-keys", 0, 0, true},
	{"firmware/feature", "enabled", NULL, 0, 0, true},
	{"hugepages/page", "size", NULL, 1, INT64_MAX, true},
	{"hyperv/avic", "state", NULL, 0, 0, true},
	{"hyperv/evmcs", "state", NULL, 0, 0, true},
	{"hyperv/frequencies", "state", NULL, 0, 0, true},
	{"hyperv/ipi", "state", NULL, 0, 0, true},
	{"hyperv/reenlightenment", "state", NULL, 0, 0, true},
	{"hyperv/relaxed", "state", NULL, 0, 0, true},
	{"hyperv/reset", "state", NULL, 0, 0, true},
	{"hyperv/runtime", "state", NULL, 0, 0, true},
	{"hyperv/spinlocks", "state", NULL, 0, 0, true},
	{"hyperv/stimer", "state", NULL, 0, 0, true},
	{"hyperv/synic", "state", NULL, 0, 0, true},
	{"hyperv/tlbflush", "state", NULL, 0, 0, true},
	{"hyperv/vapic", "state", NULL, 0, 0, true},
	{"hyperv/vendor_id", "state", NULL, 0, 0, true},
	{"hyperv/vpindex", "state", NULL, 0, 0, true},
	{"idmap/gid", "start", NULL, 0, 0, true},
	{"idmap/gid", "target", NULL, 0, 0, true},
	{"idmap/gid", "count", NULL, 0, 0, true},
	{"idmap/uid", "start", NULL, 0, 0, true},
	{"idmap/uid", "target", NULL, 0, 0, true},
	{"idmap/uid", "count", NULL, 0, 0, true},
	{"interconnects/bandwidth", "initiator", NULL, 0, 0, true},
	{"interconnects/bandwidth", "target", NULL, 0, 0, true},
	{"interconnects/bandwidth", "type", "access read write", 0, 0, true},
	{"interconnects/bandwidth", "value", NULL, 1, INT64_MAX, true},
	{"interconnects/latency", "initiator", NULL, 0, 0, true},
	{"interconnects/latency", "target", NULL, 0, 0, true},
	{"interconnects/latency", "type", "access read write", 0, 0, true},
	{"interconnects/latency", "value", NULL, 1, INT64_MAX, true},
	{"iothreadids/iothread", "id", NULL, 1, UINT32_MAX, true},
	{"iothreadids/iothread", "thread_pool_min", NULL, 0, INT32_MAX},
	{"iothreadids/iothread", "thread_pool_max", NULL, 1, INT32_MAX},
	{"keywrap/cipher", "name", "aes dea", 0, 0, true},
	{"keywrap/cipher", "state", NULL, 0, 0, true},
	{"kvm/dirty-ring", "state", NULL, 0, 0, true},
	{"kvm/hidden", "state", NULL, 0, 0, true},
	{"kvm/hint-dedicated", "state", NULL, 0, 0, true},
	{"kvm/poll-control", "state", NULL, 0, 0, true},
	{"kvm/pv-ipi", "state", NULL, 0, 0, true},
	{"memoryBacking/access", "mode", "shared private"},
	{"memoryBacking/allocation", "mode", "immediate ondemand"},
	{"memoryBacking/source", "type", "file anonymous memfd"},
	{"memorytune/monitor", "vcpus", NULL, 0, 0, true},
	{"memorytune/node", "id", NULL, 0, 0, true},
	{"memorytune/node", "bandwidth", NULL, 0, 100, true},
	{"numa/cell", "memory", NULL, 0, 0, true},
	{"numa/cell", "memAccess", "shared private"},
	{"numatune/memnode", "cellid", NULL, 0, 0, true},
	{"numatune/memnode", "mode", "strict preferred interleave restrictive"},
	{"numatune/memnode", "nodeset", NULL, 0, 0, true},
	{"numatune/memory", "mode", "strict preferred interleave restrictive"},
	{"numatune/memory", "placement", "static auto"},
	{"os/boot", "dev", "hd cdrom network fd", 0, 0, true},
	{"os/loader", "type", "rom pflash"},
	{"os/nvram", "type", "file block network dir volume nvme vhostuser"},
	{"os/smbios", "mode", "emulate host sysinfo"},
	{"perf/event", "name", PERF_EVENTS, 0, 0, true},
	{"perf/event", "enabled", NULL, 0, 0, true},
	{"qemu:capabilities/qemu:add", "capability", NULL, 0, 0, true},
	{"qemu:capabilities/qemu:del", "capability", NULL, 0, 0, true},
	{"qemu:commandline/qemu:arg", "value", NULL, 0, 0, true},
	{"qemu:commandline/qemu:env", "name", NULL, 0, 0, true},
	{"qemu:frontend/qemu:property", "name", NULL, 0, 0, true},
	{"qemu:frontend/qemu:property", "type", "string unsigned signed bool remove", 0, 0, true},
	{"qemu:override/qemu:device", "alias", NULL, 0, 0, true},
	{"stimer/direct", "state", NULL, 0, 0, true},
	{"vcpus/vcpu", "id", NULL, 0, 0, true},
	{"vcpus/vcpu", "enabled", NULL, 0, 0, true},
	{"xen/e820_host", "state", NULL, 0, 0, true},
	{"xen/passthrough", "state", NULL, 0, 0, true},
	{"xen/passthrough", "mode", "sync_pt share_pt"},
};

static int compare_element(const void *key, const void *row)
{
	return strcmp(key, ((const struct value_rule *)row)->element);
}

const struct value_rule *value_rules(const char *element, size_t *count)
{
	const struct value_rule *first =
		bsearch(element, rules, COUNT(rules), sizeof rules[0], compare_element);
	const struct value_rule *last = first;

	*count = 0;
	if (!first)
		return NULL;
	while (first > rules && strcmp(first[-1].element, element) == 0)
		first--;
	while (last < rules + COUNT(rules) && strcmp(last->element, element) == 0)
		last++;
	*count = (size_t)(last - first);
	return first;
}

static bool has_word(const char *words, const char *value)
{
	size_t length = strlen(value);

	for (const char *at = words; length && (at = strstr(at, value)); at += length)
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	return false;
}

static int wrong_word(
	const xmlNode *node, const struct value_rule *rule, const char *value, struct dd_error *err)
{
	if (rule->attribute[0])
		node_error(node, err, DD_INVALID, "attribute %s: '%.64s' is not allowed",
			rule->attribute, value);
	else
		node_error(node, err, DD_INVALID, "'%.64s' is not allowed", value);
	return error_hint(
		err, strchr(rule->words, ' ') ? "one of: %s" : "it can only be %s", rule->words);
}

/* A number that the vocabulary lets be negative is no limit there. */
static int check_number(
	const xmlNode *node, const struct value_rule *rule, const char *value, struct dd_error *err)
{
	bool text = !rule->attribute[0];
	uint64_t number = 0;
	bool known = text ? node_text_number(node, &number)
			  : node_attr_number(node, rule->attribute, &number);

	if (text && value[0] == '-')
		return 0;
	if (known && number >= rule->least && number <= rule->most)
		return 0;
	return node_error(node, err, DD_INVALID,
		"%s%s'%.64s' is not between %" PRIu64 " and %" PRIu64, text ? "" : rule->attribute,
		text ? "" : ": ", value, rule->least, rule->most);
}

static int check_rule(const xmlNode *node, const struct value_rule *rule, struct dd_error *err)
{
	const char *value = rule->attribute[0] ? node_attr(node, rule->attribute) : node_text(node);

	if (!value && rule->required)
		return node_error(
			node, err, DD_INVALID, "the attribute %s is missing", rule->attribute);
	if (!value)
		return 0;
	if (rule->words)
		return has_word(rule->words, value) ? 0 : wrong_word(node, rule, value, err);
	if (rule->most)
		return check_number(node, rule, value, err);
	if (rule->required && !value[0] && strncmp(rule->element, "qemu:", 5) != 0)
		return node_error(
			node, err, DD_INVALID, "the attribute %s is empty", rule->attribute);
	return 0;
}

static int check_below(const xmlNode *parent, const char *parent_name, struct dd_error *err)
{
	int rc = 0;

	for (const xmlNode *node = node_first(parent); node && !rc; node = node_after(node)) {
		char name[TREE_NAME_SIZE], element[2 * TREE_NAME_SIZE];
		const char *own = node_name(node, name, sizeof name);
		const struct value_rule *rule;
		size_t count;

		/* other people's, and what has a table of its own */
		if (strcmp(own, "metadata") == 0 || strcmp(own, "devices") == 0)
			continue;
		path_append(element, sizeof element,
			path_append(element, sizeof element, 0, parent_name), own);
		rule = value_rules(element, &count);
		for (; count && !rc; count--)
			rc = check_rule(node, rule++, err);
		if (!rc)
			rc = check_below(node, own, err);
	}
	return rc;
}

int values_check(const struct document *document, struct dd_error *err)
{
	return check_below(document_root(document), "domain", err);
}
