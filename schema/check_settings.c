/* SPDX-License-Identifier: Apache-2.0 */

/* What stands outside <devices> and cannot be: each check is a row of the table at the end. */

#include "schema/check_settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/check_cpu.h"
#include "schema/check_features.h"
#include "schema/check_tuning.h"
#include "schema/clock.h"
#include "schema/fill.h"
#include "schema/ids.h"
#include "schema/machine.h"
#include "schema/uuid.h"
#include "schema/values.h"

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

static int check_bios(const struct document *document, struct dd_error *err)
{
	const xmlNode *bios = at(document, "os/bios");
	const char *timeout = node_attr(bios, "rebootTimeout");

	if (node_attr_is(bios, "useserial", "yes") && !device_count(document, "serial"))
		return node_error(bios, err, DD_INVALID, "useserial needs a <serial> device");
	if (!timeout || strcmp(timeout, "-1") == 0 ||
		attr_number(bios, "rebootTimeout", BOOT_TIMEOUT_MAX + 1) <= BOOT_TIMEOUT_MAX)
		return 0;
	return node_error(bios, err, DD_INVALID, "a rebootTimeout of %s is not between -1 and %d",
		timeout, BOOT_TIMEOUT_MAX);
}

static int check_boot_menu(const struct document *document, struct dd_error *err)
{
	const xmlNode *menu = at(document, "os/bootmenu");

	if (attr_number(menu, "timeout", 0) <= BOOT_TIMEOUT_MAX)
		return 0;
	return node_error(menu, err, DD_INVALID, "a timeout of %s is more than %d milliseconds",
		node_attr(menu, "timeout"), BOOT_TIMEOUT_MAX);
}

static int check_hot_plug_memory(const struct document *document, struct dd_error *err)
{
	const xmlNode *maximum = at(document, "maxMemory");
	uint64_t most = 0, now = 0;

	if (!maximum)
		return 0;
	(void)node_text_number(maximum, &most);
	(void)node_text_number(at(document, "memory"), &now);
	if (most < now)
		return node_error(maximum, err, DD_INVALID, "it is less than the memory, %s KiB",
			node_text(at(document, "memory")));
	if (at(document, "cpu/numa/cell"))
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

	if (!node_attr_is(memory, "placement", "auto") && !has_nodes)
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

static bool firmware_feature(const xmlNode *os, const char *name, const char *enabled)
{
	const xmlNode *node = node_descend(os, "firmware/feature");

	for (; node; node = node_next(node))
		if (node_attr_is(node, "name", name) && node_attr_is(node, "enabled", enabled))
			return true;
	return false;
}

static int check_auto_firmware(
	const struct document *document, const xmlNode *os, struct dd_error *err)
{
	static const char *const chosen[] = {"type", "secure", "readonly", NULL};
	const xmlNode *loader = node_child(os, "loader");
	const xmlNode *nvram = node_child(os, "nvram");
	bool efi = node_attr_is(os, "firmware", "efi");

	for (size_t i = 0; chosen[i]; i++)
		if (node_attr(loader, chosen[i]) && !(strcmp(chosen[i], "secure") == 0 &&
							    node_attr_is(loader, "secure", "yes")))
			return node_error(loader, err, DD_INVALID,
				"%s cannot be said of a loader that is chosen automatically",
				chosen[i]);
	if (loader && node_text(loader)[0])
		return node_error(loader, err, DD_INVALID,
			"a loader that is chosen automatically has no path");
	if (!efi && (nvram || node_attr_is(loader, "stateless", "no")))
		return node_error(
			nvram ? nvram : loader, err, DD_INVALID, "only EFI firmware has a state");
	if (nvram && node_attr_is(loader, "stateless", "yes"))
		return node_error(nvram, err, DD_INVALID, "a stateless loader has no NVRAM");
	if (node_attr(nvram, "template"))
		return node_error(nvram, err, DD_INVALID,
			"template cannot be said where the firmware is chosen automatically");
	if (firmware_feature(os, "secure-boot", "no") &&
		firmware_feature(os, "enrolled-keys", "yes"))
		return node_error(node_child(os, "firmware"), err, DD_INVALID,
			"enrolled-keys need secure-boot");
	if (efi && !at(document, "features/acpi"))
		return node_error(os, err, DD_INVALID, "UEFI needs <acpi/> in <features>");
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
	if ((loader && !node_text(loader)[0]) || (!loader && node_child(os, "nvram")))
		return node_error(loader ? loader : node_child(os, "nvram"), err, DD_INVALID,
			"no loader is named: say its path, or <os firmware='efi'>");
	if (node_attr(node_child(os, "nvram"), "type") && !node_descend(os, "nvram/source"))
		return node_error(
			node_child(os, "nvram"), err, DD_INVALID, "its <source> is missing");
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

static int check_secure_boot(
	const struct document *document, const xmlNode *loader, struct dd_error *err)
{
	const xmlNode *smm = at(document, "features/smm");
	bool enabled = smm && !node_attr_is(smm, "state", "off");

	if (!node_attr_is(loader, "secure", "yes"))
		return 0;
	if (!machine_is_q35(document))
		return node_error(
			loader, err, DD_UNSUPPORTED, "only a q35 machine has secure boot");
	if (enabled || node_attr(at(document, "os"), "firmware"))
		return 0;
	node_error(loader, err, DD_INVALID, "secure boot needs the system management mode");
	return error_hint(err, "say <smm state='on'/> in <features>");
}

static int check_firmware(const struct document *document, struct dd_error *err)
{
	const xmlNode *os = at(document, "os");
	int rc;

	rc = check_secure_boot(document, node_child(os, "loader"), err);
	if (rc)
		return rc;
	if (node_attr(os, "firmware"))
		return check_auto_firmware(document, os, err);
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

static int check_fwcfg_entry(const xmlNode *entry, struct dd_error *err)
{
	static const char *const reserved[] = {"opt/ovmf/", "opt/org.qemu/"};
	const char *name = node_attr(entry, "name");

	if (!name)
		return node_error(entry, err, DD_INVALID, "the attribute name is missing");
	if (!node_attr(entry, "file") && !node_text(entry)[0])
		return node_error(
			entry, err, DD_INVALID, "it has neither a value nor a file='' with one");
	if (strncmp(name, "opt/", 4) != 0)
		return node_error(
			entry, err, DD_INVALID, "the name '%s' does not begin with opt/", name);
	for (size_t i = 0; i < COUNT(reserved); i++)
		if (strncmp(name, reserved[i], strlen(reserved[i])) == 0)
			return node_error(entry, err, DD_INVALID,
				"names that begin with %s belong to the firmware", reserved[i]);
	return 0;
}

static int check_fwcfg(const struct document *document, struct dd_error *err)
{
	int rc = 0;

	for (const xmlNode *info = at(document, "sysinfo"); info; info = node_next(info))
		for (const xmlNode *entry = node_child(info, "entry");
			node_attr_is(info, "type", "fwcfg") && entry && !rc;
			entry = node_next(entry))
			rc = check_fwcfg_entry(entry, err);
	return rc;
}

static int check_reactions(const struct document *document, struct dd_error *err)
{
	const xmlNode *off = at(document, "on_poweroff"), *again = at(document, "on_reboot");

	if (off && again && strcmp(node_text(off), "restart") == 0 &&
		strcmp(node_text(again), "destroy") == 0)
		return node_error(off, err, DD_UNSUPPORTED,
			"a guest cannot restart when it powers off and end when it reboots");
	return 0;
}

static bool is_variable_name(const char *name)
{
	if (!isalpha((unsigned char)name[0]) && name[0] != '_')
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return !*name;
}

static int check_environment(const struct document *document, struct dd_error *err)
{
	const xmlNode *variable = at(document, "qemu:commandline/qemu:env");

	for (; variable; variable = node_next(variable))
		if (!is_variable_name(node_attr(variable, "name")))
			return node_error(variable, err, DD_INVALID,
				"'%s' is no name of a variable: letters, digits and underscores",
				node_attr(variable, "name"));
	return 0;
}

/* Whether a property can have the value: NULL if so, or what it would be. */
static const char *wanted_value(const xmlNode *property, const char *value)
{
	bool is_unsigned = node_attr_is(property, "type", "unsigned");

	if (!value)
		return node_attr_is(property, "type", "remove") ? NULL : "a value";
	if (node_attr_is(property, "type", "remove"))
		return "none";
	if (node_attr_is(property, "type", "bool"))
		return strcmp(value, "true") && strcmp(value, "false") ? "true or false" : NULL;
	if (!is_unsigned && !node_attr_is(property, "type", "signed"))
		return NULL;
	value += !is_unsigned && *value == '-';
	return value[0] && value[strspn(value, "0123456789")] == '\0' ? NULL : "a whole number";
}

static int check_override(const struct document *document, struct dd_error *err)
{
	const xmlNode *device = at(document, "qemu:override/qemu:device");

	for (; device; device = node_next(device)) {
		const xmlNode *property = node_descend(device, "qemu:frontend/qemu:property");

		for (; property; property = node_next(property)) {
			const char *value = node_attr(property, "value");
			const char *wanted = wanted_value(property, value);

			if (wanted)
				return node_error(property, err, DD_INVALID,
					"attribute value: '%s', but one of type %s has %s",
					value ? value : "", node_attr(property, "type"), wanted);
		}
	}
	return 0;
}

static int check_rest(const struct document *document, struct dd_error *err)
{
	static const char *const unknown[] = {"bootloader", "bootloader_args"};
	const xmlNode *table = at(document, "os/acpi/table");
	const xmlNode *idmap = at(document, "idmap");
	const xmlNode *security = at(document, "launchSecurity");
	const xmlNode *resource = at(document, "resource");

	for (size_t i = 0; i < COUNT(unknown); i++)
		if (at(document, unknown[i]))
			return node_error(at(document, unknown[i]), err, DD_UNSUPPORTED,
				"QEMU has no boot loader on the host's side");
	if (strchr(node_text(at(document, "title")) ? node_text(at(document, "title")) : "", '\n'))
		return node_error(at(document, "title"), err, DD_INVALID, "a title is one line");
	if (node_next(table))
		return node_error(node_next(table), err, DD_INVALID, "one table can be given");
	if (idmap && (!node_child(idmap, "uid") || !node_child(idmap, "gid")))
		return node_error(idmap, err, DD_INVALID, "it needs both <uid> and <gid>");
	if (resource && !node_child(resource, "partition") &&
		!node_attr(node_child(resource, "fibrechannel"), "appid"))
		return node_error(resource, err, DD_INVALID, "it names no resource");
	if (node_attr_is(security, "type", "s390-pv"))
		return node_error(security, err, DD_UNSUPPORTED, "a PC has none of type s390-pv");
	if (node_attr_is(security, "type", "sev") && !node_child(security, "policy"))
		return node_error(security, err, DD_INVALID, "its <policy> is missing");
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
	if ((node_attr_is(tseg, "unit", "B") && size) ||
		(node_attr_is(tseg, "unit", "KiB") && size % TSEG_UNIT))
		return node_error(tseg, err, DD_INVALID, "its size is not a multiple of one MiB");
	return 0;
}

int check_settings(const struct document *document, struct dd_error *err)
{
	static int (*const checks[])(const struct document *document, struct dd_error *err) = {
		check_type,
		check_boot_menu,
		check_firmware,
		cpu_check_given,
		values_check,
		check_clock,
		check_features,
		check_reactions,
		check_hot_plug_memory,
		check_pages,
		check_numatune,
		check_tuning,
		check_smbios,
		check_fwcfg,
		check_bios,
		check_environment,
		check_override,
		check_rest,
		check_tseg,
	};
	int rc = 0;

	for (size_t i = 0; i < COUNT(checks) && !rc; i++)
		rc = checks[i](document, err);
	return rc;
}
