/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/defaults.h"

#include <inttypes.h>
#include <string.h>

#include "schema/clock.h"
#include "schema/fill.h"
#include "schema/labels.h"
#include "schema/tuning.h"
#include "schema/uuid.h"
#include "schema/vcpus.h"

#define IOTHREADS_MAX 1024u
#define NVRAM_FOLDER "/var/lib/libvirt/qemu/nvram" /* where libvirt has it */
#define BOOT_KINDS 4                               /* hd, cdrom, network, fd */

static int freeze_uuid(xmlNode *root, struct dd_error *err)
{
	char uuid[UUID_SIZE];
	xmlNode *node = node_child(root, "uuid");

	if (!node || !node_text(node)[0]) {
		int rc = uuid_make(uuid, err);

		if (!rc && !node)
			return fill_text(root, "uuid", uuid, err);
		return rc ? rc : node_set_text(node, uuid, err);
	}
	if (!uuid_normalise(node_text(node), uuid))
		return node_error(node, err, DD_INVALID, "'%s' is no UUID", node_text(node));
	return node_set_text(node, uuid, err);
}

/* A size in KiB. The canonical form has no other unit for memory. */
static uint64_t kib(const xmlNode *node)
{
	uint64_t value = 0;

	(void)node_text_number(node, &value);
	return value;
}

static bool set_memory(xmlNode *node, uint64_t value, struct dd_error *err)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, value);
	return node && !node_set_text(node, text, err) && !node_set_attr(node, "unit", "KiB", err);
}

static uint64_t cell_memory(const xmlNode *root)
{
	uint64_t sum = 0;

	for (const xmlNode *cell = node_descend(root, "cpu/numa/cell"); cell;
		cell = node_next(cell))
		sum += attr_number(cell, "memory", 0);
	return sum;
}

static uint64_t module_memory(const xmlNode *root)
{
	uint64_t sum = 0;

	for (const xmlNode *memory = node_descend(root, "devices/memory"); memory;
		memory = node_next(memory))
		sum += kib(node_descend(memory, "target/size"));
	return sum;
}

/* What NUMA cells and modules add up to is the memory, whatever is written beside them. */
static int freeze_memory(xmlNode *root, struct dd_error *err)
{
	xmlNode *memory = node_child(root, "memory");
	xmlNode *current = node_child(root, "currentMemory");
	uint64_t cells = cell_memory(root);
	uint64_t total = cells ? cells + module_memory(root) : kib(memory);

	if (!total)
		return node_error(memory ? memory : root, err, DD_INVALID,
			"the domain has no memory: <memory> or NUMA cells must say how much");
	if (!cells && module_memory(root) > total)
		return node_error(memory, err, DD_INVALID,
			"its memory devices are larger than its whole memory");
	if (!set_memory(fill_child(root, "memory", err), total, err))
		return DD_NO_MEMORY;
	if (!current || !kib(current) || kib(current) > total)
		if (!set_memory(fill_child(root, "currentMemory", err), total, err))
			return DD_NO_MEMORY;
	return 0;
}

static bool has_pins(const xmlNode *cputune)
{
	return node_child(cputune, "vcpupin") || node_child(cputune, "emulatorpin") ||
	       node_child(cputune, "iothreadpin");
}

/* Where memory is placed by an outside planner, so are vCPUs that are not pinned. */
static int freeze_vcpu(xmlNode *root, struct dd_error *err)
{
	xmlNode *vcpu = node_child(root, "vcpu");
	xmlNode *numa = node_descend(root, "numatune/memory");
	bool automatic = node_attr_is(numa, "placement", "auto") && !node_attr(vcpu, "cpuset") &&
			 !has_pins(node_child(root, "cputune"));
	int rc = vcpu ? 0 : fill_text(root, "vcpu", "1", err);

	vcpu = node_child(root, "vcpu");
	if (!rc && automatic)
		rc = node_set_attr(vcpu, "placement", "auto", err);
	if (!rc && node_attr_is(vcpu, "placement", "auto"))
		rc = node_set_attr(vcpu, "cpuset", NULL, err);
	return rc ? rc : fill_attr(vcpu, "placement", "static", err);
}

/* Nodes that are named and those that a planner names exclude each other. */
static int freeze_numa_memory(xmlNode *memory, bool automatic, struct dd_error *err)
{
	int rc = fill_attr(memory, "mode", "strict", err);

	if (!rc && automatic && !node_attr(memory, "nodeset"))
		rc = fill_attr(memory, "placement", "auto", err);
	if (!rc && node_attr_is(memory, "placement", "auto"))
		return node_set_attr(memory, "nodeset", NULL, err);
	if (!rc && node_attr_is(memory, "placement", "static") && node_attr(memory, "nodeset"))
		rc = node_set_attr(memory, "placement", NULL, err);
	return rc;
}

static int freeze_numatune(xmlNode *root, struct dd_error *err)
{
	xmlNode *numatune = node_child(root, "numatune");
	xmlNode *memory = node_child(numatune, "memory");
	bool automatic = node_attr_is(node_child(root, "vcpu"), "placement", "auto");
	int rc;

	if (memory)
		return freeze_numa_memory(memory, automatic, err);
	if (!automatic || node_child(numatune, "memnode"))
		return 0;
	numatune = fill_child(root, "numatune", err);
	rc = numatune ? fill_child_attr(numatune, "memory", "mode", "strict", err) : DD_NO_MEMORY;
	return rc ? rc : fill_child_attr(numatune, "memory", "placement", "auto", err);
}

static bool has_boot_order(const xmlNode *root)
{
	for (const xmlNode *device = node_first(node_child(root, "devices")); device;
		device = node_after(device))
		if (node_child(device, "boot"))
			return true;
	return false;
}

static int freeze_boot(xmlNode *root, struct dd_error *err)
{
	xmlNode *os = node_child(root, "os");
	xmlNode *loader = node_child(os, "loader");
	xmlNode *nvram = node_child(os, "nvram");
	unsigned kinds = 0;

	/* they name nothing, and need not where the firmware is chosen automatically */
	if (loader && !node_text(loader)[0] && !loader->properties && node_attr(os, "firmware"))
		node_remove(loader);
	if (nvram && !node_text(nvram)[0] && !nvram->properties && !node_first(nvram) &&
		(loader || node_attr(os, "firmware")))
		node_remove(nvram);
	loader = node_child(os, "loader");
	if (loader && node_text(loader)[0]) {
		int rc = fill_attr(loader, "type", "rom", err);

		if (rc)
			return rc;
	}
	for (xmlNode *boot = node_child(os, "boot"), *next; boot; boot = next, kinds++) {
		next = node_next(boot);
		if (kinds >= BOOT_KINDS)
			node_remove(boot);
	}
	if (node_child(os, "boot") || has_boot_order(root))
		return 0;
	return fill_child_attr(os, "boot", "dev", "hd", err);
}

static int freeze_reactions(xmlNode *root, struct dd_error *err)
{
	int rc = fill_text(root, "on_poweroff", "destroy", err);

	if (!rc)
		rc = fill_text(root, "on_reboot", "restart", err);
	return rc ? rc : fill_text(root, "on_crash", "destroy", err);
}

/* A menu that is not shown has no time to wait. */
static int freeze_bootmenu(xmlNode *root, struct dd_error *err)
{
	xmlNode *menu = node_descend(root, "os/bootmenu");

	if (!menu || node_attr_is(menu, "enable", "yes"))
		return 0;
	return node_set_attr(menu, "timeout", NULL, err);
}

static bool firmware_feature(const xmlNode *firmware, const char *name, const char *enabled)
{
	for (const xmlNode *node = node_child(firmware, "feature"); node; node = node_next(node))
		if (node_attr_is(node, "name", name) &&
			(!enabled || node_attr_is(node, "enabled", enabled)))
			return true;
	return false;
}

/* A loader in flash that is only read keeps its variables in a file of the domain's own. */
static int freeze_nvram(xmlNode *root, struct dd_error *err)
{
	xmlNode *os = node_child(root, "os");
	const xmlNode *loader = node_child(os, "loader");
	xmlNode *nvram = node_child(os, "nvram");
	CLEANUP(free) char *path = NULL;
	int rc;

	if (!loader || !node_text(loader)[0] || !node_attr_is(loader, "type", "pflash") ||
		!node_attr_is(loader, "readonly", "yes") ||
		node_attr_is(loader, "stateless", "yes") || !node_child(root, "name"))
		return 0;
	if (nvram && (node_text(nvram)[0] || node_first(nvram) || node_attr(nvram, "type")))
		return 0;
	rc = string_format(
		&path, err, NVRAM_FOLDER "/%s_VARS.fd", node_text(node_child(root, "name")));
	nvram = rc ? NULL : fill_child(os, "nvram", err);
	return nvram ? node_set_text(nvram, path, err) : DD_NO_MEMORY;
}

/* What is said of a feature last holds. */
static bool said_again(const xmlNode *feature)
{
	const char *name = node_attr(feature, "name");

	for (const xmlNode *node = node_next(feature); name && node; node = node_next(node))
		if (node_attr_is(node, "name", name))
			return true;
	return false;
}

/* Keys are enrolled for secure boot. */
static int freeze_firmware(xmlNode *root, struct dd_error *err)
{
	xmlNode *firmware = node_descend(root, "os/firmware");
	xmlNode *next;

	for (xmlNode *one = node_child(firmware, "feature"); one; one = next) {
		next = node_next(one);
		if (said_again(one))
			node_remove(one);
	}
	if (!firmware_feature(firmware, "enrolled-keys", "yes") ||
		firmware_feature(firmware, "secure-boot", NULL))
		return 0;

	xmlNode *feature = node_add(firmware, "feature", err);
	int rc = feature ? node_set_attr(feature, "enabled", "yes", err) : DD_NO_MEMORY;

	return rc ? rc : node_set_attr(feature, "name", "secure-boot", err);
}

/* A feature that is there is on unless it says otherwise, and what is off has no details. */
static int freeze_features(xmlNode *root, struct dd_error *err)
{
	static const char *const switched[] = {
		"hap", "pvspinlock", "pmu", "vmport", "smm", "vmcoreinfo"};
	static const struct {
		const char *path;
		const char *attribute; /* or the child, where there is none */
		const char *child;
	} details[] = {{"smm", NULL, "tseg"}, {"hyperv/spinlocks", "retries", NULL},
		{"hyperv/vendor_id", "value", NULL}, {"hyperv/stimer", NULL, "direct"},
		{"kvm/dirty-ring", "size", NULL}, {"xen/passthrough", "mode", NULL}};
	xmlNode *features = node_child(root, "features");
	xmlNode *hyperv = node_child(features, "hyperv");
	xmlNode *powers = node_child(features, "capabilities");
	xmlNode *direct;
	int rc = hyperv ? fill_attr(hyperv, "mode", "custom", err) : 0;

	for (size_t i = 0; i < COUNT(switched) && !rc; i++)
		if (node_child(features, switched[i]))
			rc = fill_attr(node_child(features, switched[i]), "state", "on", err);
	for (size_t i = 0; i < COUNT(details) && !rc; i++) {
		xmlNode *node = node_descend(features, details[i].path);

		if (!node_attr_is(node, "state", "off"))
			continue;
		if (details[i].attribute)
			rc = node_set_attr(node, details[i].attribute, NULL, err);
		else
			node_remove(node_child(node, details[i].child));
	}
	direct = node_descend(hyperv, "stimer/direct");
	if (node_attr_is(direct, "state", "off"))
		node_remove(direct);
	/* those of containers */
	if (powers && !node_first(powers) &&
		(!node_attr(powers, "policy") || node_attr_is(powers, "policy", "default")))
		node_remove(powers);
	return rc;
}

/* A generation id that is wanted but not given. */
static int freeze_generation(xmlNode *root, struct dd_error *err)
{
	char uuid[UUID_SIZE];
	xmlNode *genid = node_child(root, "genid");
	int rc;

	if (!genid || node_text(genid)[0])
		return 0;
	rc = uuid_make(uuid, err);
	return rc ? rc : node_set_text(genid, uuid, err);
}

static bool thread_named(const xmlNode *ids, uint64_t id)
{
	for (const xmlNode *node = node_child(ids, "iothread"); node; node = node_next(node))
		if (attr_number(node, "id", 0) == id)
			return true;
	return false;
}

/* Where some I/O threads have ids, the others are given the lowest free ones. */
static int freeze_iothreads(xmlNode *root, struct dd_error *err)
{
	xmlNode *ids = node_child(root, "iothreadids");
	xmlNode *count = node_child(root, "iothreads");
	uint64_t wanted = 0;
	uint64_t named = 0;
	char text[24];
	int rc = 0;

	for (const xmlNode *node = node_child(ids, "iothread"); node; node = node_next(node))
		named++;
	if (count)
		(void)node_text_number(count, &wanted);
	if (!ids)
		return 0;
	if (wanted > IOTHREADS_MAX)
		return node_error(
			count, err, DD_INVALID, "the limit is %u I/O threads", IOTHREADS_MAX);
	for (uint64_t id = 1; named < wanted && !rc; id++) {
		if (thread_named(ids, id))
			continue;

		xmlNode *node = node_add(ids, "iothread", err);

		rc = node ? fill_number(node, "id", id, err) : DD_NO_MEMORY;
		named++;
	}
	if (rc || named <= wanted)
		return rc;
	count = fill_child(root, "iothreads", err);
	snprintf(text, sizeof text, "%" PRIu64, named);
	return count ? node_set_text(count, text, err) : DD_NO_MEMORY;
}

/* The guest is told one UUID only. */
static int freeze_sysinfo(xmlNode *root, struct dd_error *err)
{
	char uuid[UUID_SIZE];
	int rc = 0;

	for (xmlNode *info = node_child(root, "sysinfo"); info && !rc; info = node_next(info)) {
		xmlNode *entry = node_descend(info, "system/entry");

		while (entry && !node_attr_is(entry, "name", "uuid"))
			entry = node_next(entry);
		if (entry && uuid_normalise(node_text(entry), uuid)) {
			rc = node_set_text(entry, uuid, err);
			if (!rc)
				rc = fill_text(root, "uuid", uuid, err);
		}
		for (entry = node_child(info, "entry"); entry && !rc; entry = node_next(entry))
			if (node_attr(entry, "file"))
				rc = node_set_text(entry, "", err);
	}
	return rc;
}

int defaults_freeze(struct document *document, struct dd_error *err)
{
	static int (*const steps[])(xmlNode * root, struct dd_error * err) = {
		freeze_sysinfo,
		freeze_uuid,
		freeze_generation,
		freeze_memory,
		freeze_vcpu,
		freeze_vcpus,
		freeze_numatune,
		freeze_iothreads,
		freeze_boot,
		freeze_bootmenu,
		freeze_firmware,
		freeze_nvram,
		freeze_features,
		freeze_clock,
		freeze_reactions,
		freeze_labels,
		freeze_tuning,
		freeze_metadata,
	};
	int rc = 0;

	for (size_t i = 0; i < COUNT(steps) && !rc; i++)
		rc = steps[i](document_root(document), err);
	return rc;
}
