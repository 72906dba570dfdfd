/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/defaults.h"

#include <inttypes.h>
#include <string.h>

#include "schema/fill.h"
#include "schema/tuning.h"
#include "schema/uuid.h"

#define IOTHREADS_MAX 1024u

static int freeze_uuid(xmlNode *root, struct dd_error *err)
{
	char uuid[UUID_SIZE];
	xmlNode *node = node_child(root, "uuid");

	if (!node) {
		int rc = uuid_make(uuid, err);

		return rc ? rc : fill_text(root, "uuid", uuid, err);
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
	return rc ? rc : fill_attr(vcpu, "placement", "static", err);
}

static int freeze_numatune(xmlNode *root, struct dd_error *err)
{
	xmlNode *numatune = node_child(root, "numatune");
	xmlNode *memory = node_child(numatune, "memory");
	bool automatic = node_attr_is(node_child(root, "vcpu"), "placement", "auto");
	int rc;

	if (memory && !node_attr(memory, "nodeset"))
		return automatic ? fill_attr(memory, "placement", "auto", err) : 0;
	if (memory || !automatic || node_child(numatune, "memnode"))
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

	if (loader && node_text(loader)[0]) {
		int rc = fill_attr(loader, "type", "rom", err);

		if (rc)
			return rc;
	}
	if (node_child(os, "boot") || has_boot_order(root))
		return 0;
	return fill_child_attr(os, "boot", "dev", "hd", err);
}

static int freeze_reactions(xmlNode *root, struct dd_error *err)
{
	int rc = fill_child_attr(root, "clock", "offset", "utc", err);

	if (!rc)
		rc = fill_text(root, "on_poweroff", "destroy", err);
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

/* Keys are enrolled for secure boot. */
static int freeze_firmware(xmlNode *root, struct dd_error *err)
{
	xmlNode *firmware = node_descend(root, "os/firmware");

	if (!firmware_feature(firmware, "enrolled-keys", "yes") ||
		firmware_feature(firmware, "secure-boot", NULL))
		return 0;

	xmlNode *feature = node_add(firmware, "feature", err);
	int rc = feature ? node_set_attr(feature, "enabled", "yes", err) : DD_NO_MEMORY;

	return rc ? rc : node_set_attr(feature, "name", "secure-boot", err);
}

/* No label is given where no security driver is named. */
static int freeze_seclabels(xmlNode *root, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *label = node_child(root, "seclabel"); label && !rc;
		label = node_next(label)) {
		if (node_attr(label, "model") || node_first(label))
			continue;
		rc = node_set_attr(label, "type", "none", err);
		if (!rc)
			rc = node_set_attr(label, "model", "none", err);
		if (!rc)
			rc = node_set_attr(label, "relabel", NULL, err);
	}
	return rc;
}

static int freeze_features(xmlNode *root, struct dd_error *err)
{
	xmlNode *hyperv = node_descend(root, "features/hyperv");
	xmlNode *vmcoreinfo = node_descend(root, "features/vmcoreinfo");
	int rc = hyperv ? fill_attr(hyperv, "mode", "custom", err) : 0;

	if (!rc && vmcoreinfo)
		rc = fill_attr(vmcoreinfo, "state", "on", err);
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
	int rc = 0;

	for (const xmlNode *node = node_child(ids, "iothread"); node; node = node_next(node))
		named++;
	if (!ids)
		return 0;
	(void)node_text_number(count, &wanted);
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
	return rc;
}

int defaults_freeze(struct document *document, struct dd_error *err)
{
	static int (*const steps[])(xmlNode * root, struct dd_error * err) = {
		freeze_uuid,
		freeze_generation,
		freeze_memory,
		freeze_vcpu,
		freeze_numatune,
		freeze_iothreads,
		freeze_boot,
		freeze_bootmenu,
		freeze_firmware,
		freeze_features,
		freeze_reactions,
		freeze_seclabels,
		freeze_tuning,
		freeze_metadata,
	};
	int rc = 0;

	for (size_t i = 0; i < COUNT(steps) && !rc; i++)
		rc = steps[i](document_root(document), err);
	return rc;
}
