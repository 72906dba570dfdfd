/* SPDX-License-Identifier: Apache-2.0 */

/* What stands outside <devices> and cannot be: each check is a row of the table at the end. */

#include "schema/check_settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/fill.h"
#include "schema/ids.h"
#include "schema/machine.h"
#include "schema/uuid.h"

#define BOOT_TIMEOUT_MAX 65535
#define TSEG_UNIT 1024 /* KiB */

static const xmlNode *at(const struct document *document, const char *path)
{
	return node_descend(document_root(document), path);
}

static int check_type(const struct document *document, struct dd_error *err)
{
	static const char *const types[] = {"kvm", "qemu", NULL};
	const char *type = node_attr(document_root(document), "type");

	if (string_in(type, types))
		return 0;
	return node_error(document_root(document), err, DD_UNSUPPORTED,
		"domains of type '%s' are not supported, only kvm and qemu", type ? type : "");
}

static int check_boot_menu(const struct document *document, struct dd_error *err)
{
	const xmlNode *menu = at(document, "os/bootmenu");

	if (attr_number(menu, "timeout", 0) <= BOOT_TIMEOUT_MAX)
		return 0;
	return node_error(menu, err, DD_INVALID, "a timeout of %s is more than %d milliseconds",
		node_attr(menu, "timeout"), BOOT_TIMEOUT_MAX);
}

static bool passes_host_cpu(const xmlNode *cpu)
{
	static const char *const modes[] = {"host-passthrough", "maximum", NULL};

	return string_in(node_attr(cpu, "mode"), modes);
}

static int check_cpu_cache(const struct document *document, struct dd_error *err)
{
	const xmlNode *cpu = at(document, "cpu");
	const xmlNode *cache = node_child(cpu, "cache");
	const char *level = node_attr(cache, "level");

	if (node_attr_is(cache, "mode", "emulate") && level && strcmp(level, "3") != 0)
		return node_error(
			cache, err, DD_INVALID, "only a cache of level 3 can be emulated");
	if (!node_attr_is(cache, "mode", "passthrough"))
		return 0;
	if (level)
		return node_error(
			cache, err, DD_INVALID, "a cache that is passed through has no level");
	if (!passes_host_cpu(cpu))
		return node_error(cache, err, DD_INVALID,
			"the cache can only be passed through together with the host's CPU");
	return 0;
}

static int check_cpu_address(const struct document *document, struct dd_error *err)
{
	const xmlNode *size = at(document, "cpu/maxphysaddr");

	if (node_attr_is(size, "mode", "emulate") && !node_attr(size, "bits"))
		return node_error(size, err, DD_INVALID, "an emulated size needs bits=''");
	return 0;
}

static int check_cells(const struct document *document, struct dd_error *err)
{
	static const char *const access[] = {"shared", "private", NULL};

	for (const xmlNode *cell = at(document, "cpu/numa/cell"); cell; cell = node_next(cell)) {
		const char *given = node_attr(cell, "memAccess");

		if (given && !string_in(given, access))
			return node_error(cell, err, DD_INVALID,
				"memAccess is shared or private, not '%s'", given);
	}
	return 0;
}

static int check_hot_plug_memory(const struct document *document, struct dd_error *err)
{
	const xmlNode *maximum = at(document, "maxMemory");

	if (!maximum || at(document, "cpu/numa/cell"))
		return 0;
	node_error(maximum, err, DD_INVALID, "memory can only be plugged into a NUMA cell");
	return error_hint(err, "define one under <cpu><numa>");
}

static bool has_cell(const struct document *document, unsigned id)
{
	for (const xmlNode *cell = at(document, "cpu/numa/cell"); cell; cell = node_next(cell))
		if (attr_number(cell, "id", ID_MAX) == id)
			return true;
	return false;
}

/* Without NUMA there is one cell, 0. */
static int check_page(const struct document *document, const xmlNode *page, struct dd_error *err)
{
	CLEANUP(id_set) struct id_set *nodes = NULL;
	bool numa = at(document, "cpu/numa/cell") != NULL;
	int rc = id_set_new(&nodes, err);

	if (!rc)
		rc = id_set_read(nodes, page, "nodeset", err);
	for (unsigned id = 0; id < ID_MAX && !rc; id++)
		if (nodes->has[id] && !(numa ? has_cell(document, id) : id == 0))
			return node_error(
				page, err, DD_INVALID, "the guest has no NUMA cell %u", id);
	return rc;
}

static int check_pages(const struct document *document, struct dd_error *err)
{
	const xmlNode *page = at(document, "memoryBacking/hugepages/page");
	int rc = 0;

	for (; page && !rc; page = node_next(page))
		rc = check_page(document, page, err);
	return rc;
}

static int check_numa_memory(const xmlNode *memory, struct dd_error *err)
{
	CLEANUP(id_set) struct id_set *nodes = NULL;
	CLEANUP(text) struct text words = TEXT_INIT;
	bool has_nodes = node_attr(memory, "nodeset") != NULL;
	int rc;

	if (node_attr_is(memory, "placement", "static") && !has_nodes)
		return node_error(memory, err, DD_INVALID,
			"memory that is placed statically needs a nodeset");
	if (!has_nodes)
		return 0;
	if (!node_attr(memory, "nodeset")[0])
		return node_error(memory, err, DD_INVALID, "the nodeset is empty");
	rc = id_set_new(&nodes, err);
	if (!rc)
		rc = id_set_read(nodes, memory, "nodeset", err);
	if (rc)
		return rc;
	id_set_write(nodes, &words);
	return words.size ? 0
			  : node_error(memory, err, DD_INVALID, "the nodeset '%s' is empty",
				    node_attr(memory, "nodeset"));
}

static int check_numatune(const struct document *document, struct dd_error *err)
{
	const xmlNode *memory = at(document, "numatune/memory");
	const xmlNode *cell = at(document, "numatune/memnode");
	bool restrictive = node_attr_is(memory, "mode", "restrictive");
	int rc = memory ? check_numa_memory(memory, err) : 0;

	if (!rc && cell && node_attr_is(memory, "placement", "auto"))
		return node_error(cell, err, DD_INVALID,
			"cells cannot be bound one by one where placement is automatic");
	for (; cell && !rc; cell = node_next(cell))
		if (restrictive && !node_attr_is(cell, "mode", "restrictive"))
			return node_error(cell, err, DD_INVALID,
				"mode must be restrictive, as that of the whole memory is");
	return rc;
}

static int check_auto_firmware(const xmlNode *os, struct dd_error *err)
{
	static const char *const chosen[] = {"type", "secure", "readonly", NULL};
	const xmlNode *loader = node_child(os, "loader");

	for (size_t i = 0; chosen[i]; i++)
		if (node_attr(loader, chosen[i]) && !(strcmp(chosen[i], "secure") == 0 &&
							    node_attr_is(loader, "secure", "yes")))
			return node_error(loader, err, DD_INVALID,
				"%s cannot be said of a loader that is chosen automatically",
				chosen[i]);
	if (loader && node_text(loader)[0])
		return node_error(loader, err, DD_INVALID,
			"a loader that is chosen automatically has no path");
	if (!node_attr_is(os, "firmware", "efi") && node_attr_is(loader, "stateless", "no"))
		return node_error(loader, err, DD_INVALID, "only EFI firmware has a state");
	return 0;
}

static int check_given_firmware(
	const struct document *document, const xmlNode *os, struct dd_error *err)
{
	const xmlNode *loader = node_child(os, "loader");
	bool pflash = node_attr_is(loader, "type", "pflash");
	bool stateless = node_attr_is(loader, "stateless", "yes");

	if (node_child(os, "firmware"))
		return node_error(node_child(os, "firmware"), err, DD_INVALID,
			"features choose a firmware: say <os firmware='efi'>, and no loader");
	if (loader && !pflash && node_attr_is(loader, "stateless", "no"))
		return node_error(
			loader, err, DD_INVALID, "only a loader of type pflash has a state");
	if (stateless && node_child(os, "nvram"))
		return node_error(node_child(os, "nvram"), err, DD_INVALID,
			"a stateless loader has no NVRAM");
	if (pflash && !at(document, "features/acpi"))
		return node_error(loader, err, DD_INVALID, "UEFI needs <acpi/> in <features>");
	return 0;
}

static int check_firmware(const struct document *document, struct dd_error *err)
{
	const xmlNode *os = at(document, "os");

	if (node_attr(os, "firmware"))
		return check_auto_firmware(os, err);
	return check_given_firmware(document, os, err);
}

static const xmlNode *sysinfo_entry(
	const struct document *document, const char *path, const char *name)
{
	for (const xmlNode *entry = at(document, path); entry; entry = node_next(entry))
		if (node_attr_is(entry, "name", name))
			return entry;
	return NULL;
}

/* mm/dd/yyyy, or with two digits for the year */
static bool is_date(const char *text)
{
	unsigned month, day, year;
	int end = 0;

	if (sscanf(text, "%2u/%2u/%4u%n", &month, &day, &year, &end) != 3 || text[end])
		return false;
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
	       (year < 100 || (year >= 1900 && year <= 9999));
}

static int check_smbios(const struct document *document, struct dd_error *err)
{
	const xmlNode *date = sysinfo_entry(document, "sysinfo/bios/entry", "date");
	const xmlNode *uuid = sysinfo_entry(document, "sysinfo/system/entry", "uuid");
	char given[UUID_SIZE];

	if (date && !is_date(node_text(date)))
		return node_error(
			date, err, DD_INVALID, "'%s' is no date as mm/dd/yyyy", node_text(date));
	if (!uuid || !document_uuid(document))
		return 0;
	if (!uuid_normalise(node_text(uuid), given))
		return node_error(uuid, err, DD_INVALID, "'%s' is no UUID", node_text(uuid));
	if (strcmp(given, document_uuid(document)) != 0)
		return node_error(uuid, err, DD_INVALID, "it differs from the domain's own, %s",
			document_uuid(document));
	return 0;
}

static int check_tseg(const struct document *document, struct dd_error *err)
{
	const xmlNode *tseg = at(document, "features/smm/tseg");
	uint64_t size = 0;

	if (!tseg)
		return 0;
	if (!machine_is_q35(document))
		return node_error(tseg, err, DD_INVALID, "only a q35 machine has a TSEG");
	(void)node_text_number(tseg, &size);
	if (node_attr_is(tseg, "unit", "KiB") && size % TSEG_UNIT)
		return node_error(tseg, err, DD_INVALID, "its size is not a multiple of one MiB");
	return 0;
}

int check_settings(const struct document *document, struct dd_error *err)
{
	static int (*const checks[])(const struct document *document, struct dd_error *err) = {
		check_type,
		check_boot_menu,
		check_firmware,
		check_cpu_cache,
		check_cpu_address,
		check_cells,
		check_hot_plug_memory,
		check_pages,
		check_numatune,
		check_smbios,
		check_tseg,
	};
	int rc = 0;

	for (size_t i = 0; i < COUNT(checks) && !rc; i++)
		rc = checks[i](document, err);
	return rc;
}
