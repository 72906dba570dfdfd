/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What says nothing is not in the canonical form: an element that only holds others and is empty, a
 * text that is not there, a limit of zero that limits nothing, and what an <os> of containers has.
 */

#include "schema/prune.h"

#include <stdlib.h>
#include <string.h>

#include "schema/fill.h"

/*
 * How an element is known to say nothing: e empty, without attributes too; t without text, z
 * without text or zero; a always.
 */
static const struct row {
	const char *element; /* its parent's name and its own */
	char when;
} rows[] = {
	{"backend/active_pcr_banks", 'e'},
	{"backend/device", 'e'},
	{"backend/encryption", 'e'},
	{"backend/source", 'e'},
	{"baseBoard/entry", 't'},
	{"bios/entry", 't'},
	{"blkiotune/weight", 'z'},
	{"channel/log", 'e'},
	{"channel/protocol", 'e'},
	{"chassis/entry", 't'},
	{"console/log", 'e'},
	{"console/protocol", 'e'},
	{"controller/model", 'e'},
	{"controller/rom", 'e'},
	{"controller/target", 'e'},
	{"cpu/vendor", 't'},
	{"cputune/emulator_period", 'z'},
	{"cputune/emulator_quota", 'z'},
	{"cputune/global_period", 'z'},
	{"cputune/global_quota", 'z'},
	{"cputune/iothread_period", 'z'},
	{"cputune/iothread_quota", 'z'},
	{"cputune/period", 'z'},
	{"cputune/quota", 'z'},
	{"cputune/shares", 't'},
	{"device/read_bytes_sec", 'z'},
	{"device/read_iops_sec", 'z'},
	{"device/weight", 'z'},
	{"device/write_bytes_sec", 'z'},
	{"device/write_iops_sec", 'z'},
	{"disk/geometry", 'e'},
	{"domain/blkiotune", 'e'},
	{"domain/bootloader", 't'},
	{"domain/bootloader_args", 't'},
	{"domain/cputune", 'e'},
	{"domain/currentMemory", 't'},
	{"domain/defaultiothread", 'e'},
	{"domain/description", 't'},
	{"domain/features", 'e'},
	{"domain/idmap", 'e'},
	{"domain/iothreadids", 'e'},
	{"domain/iothreads", 'z'},
	{"domain/keywrap", 'e'},
	{"domain/memoryBacking", 'e'},
	{"domain/memtune", 'e'},
	{"domain/numatune", 'e'},
	{"domain/on_crash", 't'},
	{"domain/on_lockfailure", 't'},
	{"domain/on_poweroff", 't'},
	{"domain/on_reboot", 't'},
	{"domain/perf", 'e'},
	{"domain/pm", 'e'},
	{"domain/qemu:capabilities", 'e'},
	{"domain/qemu:commandline", 'e'},
	{"domain/qemu:deprecation", 'e'},
	{"domain/qemu:override", 'e'},
	{"domain/title", 't'},
	{"domain/vcpus", 'e'},
	{"driver/guest", 'e'},
	{"driver/host", 'e'},
	{"driver/metadata_cache", 'e'},
	{"features/cfpc", 'e'},
	{"features/hpt", 'e'},
	{"features/ibs", 'e'},
	{"features/ioapic", 'e'},
	{"features/sbbc", 'e'},
	{"features/tcg", 'e'},
	{"filesystem/binary", 'e'},
	{"hostdev/rom", 'e'},
	{"hostdev/teaming", 'e'},
	{"input/source", 'e'},
	{"interface/downscript", 'e'},
	{"interface/driver", 'e'},
	{"interface/filterref", 'e'},
	{"interface/guest", 'e'},
	{"interface/link", 'e'},
	{"interface/mtu", 'e'},
	{"interface/port", 'e'},
	{"interface/rom", 'e'},
	{"interface/script", 'e'},
	{"interface/target", 'e'},
	{"interface/teaming", 'e'},
	{"interface/tune", 'e'},
	{"memory/source", 'e'},
	{"memoryBacking/access", 'e'},
	{"memoryBacking/allocation", 'e'},
	{"memoryBacking/source", 'e'},
	{"memtune/hard_limit", 't'},
	{"memtune/min_guarantee", 'z'},
	{"memtune/soft_limit", 't'},
	{"memtune/swap_hard_limit", 't'},
	{"numatune/memory", 'e'},
	{"os/acpi", 'e'},
	{"os/bios", 'e'},
	{"os/bootmenu", 'e'},
	{"os/cmdline", 't'},
	{"os/dtb", 't'},
	{"os/firmware", 'e'},
	{"os/init", 'a'},
	{"os/initarg", 'a'},
	{"os/initdir", 'a'},
	{"os/initenv", 'a'},
	{"os/initgroup", 'a'},
	{"os/initrd", 't'},
	{"os/inituser", 'a'},
	{"os/kernel", 't'},
	{"os/root", 't'},
	{"os/smbios", 'e'},
	{"parallel/log", 'e'},
	{"parallel/protocol", 'e'},
	{"pm/suspend-to-disk", 'e'},
	{"pm/suspend-to-mem", 'e'},
	{"qemu:device/qemu:frontend", 'e'},
	{"redirdev/protocol", 'e'},
	{"resource/partition", 't'},
	{"rng/rate", 'e'},
	{"seclabel/baselabel", 't'},
	{"seclabel/imagelabel", 't'},
	{"serial/log", 'e'},
	{"serial/protocol", 'e'},
	{"smm/tseg", 't'},
	{"source/slices", 'e'},
	{"sysinfo/baseBoard", 'e'},
	{"sysinfo/bios", 'e'},
	{"sysinfo/chassis", 'e'},
	{"sysinfo/oemStrings", 'e'},
	{"sysinfo/system", 'e'},
	{"system/entry", 't'},
	{"target/label", 'e'},
	{"tcg/tb-cache", 'z'},
	{"timer/catchup", 'e'},
};

static int compare_element(const void *key, const void *row)
{
	return strcmp(key, ((const struct row *)row)->element);
}

static bool says_nothing(const xmlNode *node, char when)
{
	const char *text = node_text(node);
	uint64_t number = 1;

	if (when == 'a')
		return true;
	if (when == 'z' &&
		((node_text_number(node, &number) && !number) || strcmp(text, "-0") == 0))
		return true;
	return !text[0] && !node_first(node) && (when != 'e' || !node->properties);
}

static void prune_one(xmlNode *node, const char *parent_name, const char *own)
{
	char element[2 * TREE_NAME_SIZE];
	size_t length = path_append(element, sizeof element, 0, parent_name);
	const struct row *row;

	path_append(element, sizeof element, length, own);
	row = bsearch(element, rows, COUNT(rows), sizeof rows[0], compare_element);
	if (row && says_nothing(node, row->when))
		node_remove(node);
}

/* Devices are many: only what is empty in one is worth a look. */
static void prune_device(xmlNode *parent)
{
	xmlNode *next;

	for (xmlNode *node = node_first(parent); node; node = next) {
		char name[TREE_NAME_SIZE], own[TREE_NAME_SIZE];

		next = node_after(node);
		prune_device(node);
		if (!node->children && !node->properties)
			prune_one(node, node_name(parent, name, sizeof name),
				node_name(node, own, sizeof own));
	}
}

static void prune_below(xmlNode *parent, const char *parent_name)
{
	xmlNode *next;

	for (xmlNode *node = node_first(parent); node; node = next) {
		char name[TREE_NAME_SIZE];
		const char *own = node_name(node, name, sizeof name);

		next = node_after(node);
		if (strcmp(parent_name, "devices") == 0) {
			prune_device(node);
		} else if (strcmp(own, "metadata") != 0) { /* which is not ours */
			prune_below(node, own);
			prune_one(node, parent_name, own);
		}
	}
}

void prune(xmlNode *root)
{
	prune_below(root, "domain");
}
