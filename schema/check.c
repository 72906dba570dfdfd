/* SPDX-License-Identifier: Apache-2.0 */

/* Does a definition contradict itself? Every message names both sides. */

#include <libxml/hash.h>
#include <stdlib.h>
#include <string.h>

#include "schema/address/pci.h"
#include "schema/address/places.h"
#include "schema/check_references.h"
#include "schema/check_settings.h"
#include "schema/controllers.h"
#include "schema/fill.h"
#include "schema/freeze.h"
#include "schema/machine.h"
#include "schema/name.h"

/* Fails at node: what it has is also had by other. */
static int conflict(const xmlNode *node, const xmlNode *other, const char *what, const char *value,
	struct dd_error *err)
{
	char path[NODE_PATH_SIZE];
	long line = xmlGetLineNo(other);

	node_path(other, path, sizeof path);
	if (line > 0)
		return node_error(node, err, DD_INVALID, "%s %s is also that of %s (line %ld)",
			what, value, path, line);
	return node_error(node, err, DD_INVALID, "%s %s is also that of %s", what, value, path);
}

static int check_name(const xmlNode *root, struct dd_error *err)
{
	const xmlNode *name = node_child(root, "name");
	struct dd_error fault = {0};
	int rc;

	if (!name)
		return node_error(root, err, DD_INVALID, "the domain has no name");
	rc = name_check(node_text(name), &fault);
	return rc ? node_error(name, err, rc, "%s", fault.message) : 0;
}

/* A value that no two devices may share; NULL where the device has none. */
typedef const char *unique_value(const xmlNode *device);

static const char *target_of(const xmlNode *device)
{
	return node_is(device, "disk") ? node_attr(node_child(device, "target"), "dev") : NULL;
}

static const char *alias_of(const xmlNode *device)
{
	return node_attr(node_child(device, "alias"), "name");
}

static const char *boot_order_of(const xmlNode *device)
{
	return node_attr(node_child(device, "boot"), "order");
}

static const struct {
	const char *what;
	unique_value *value;
} uniques[] = {
	{"target", target_of},
	{"boot order", boot_order_of},
};

static const xmlNode *earlier_with(const xmlNode *device, unique_value *value, const char *wanted)
{
	for (const xmlNode *other = node_first(device->parent); other != device;
		other = node_after(other)) {
		const char *own = value(other);

		if (own && strcmp(own, wanted) == 0)
			return other;
	}
	return NULL;
}

/* Numbers that begin at one, and what PCI devices alone have. */
static int check_common(
	const struct document *document, const xmlNode *device, struct dd_error *err)
{
	const struct device_kind *kind = device_kind(device);
	const xmlNode *acpi = node_child(device, "acpi");
	const xmlNode *boot = node_child(device, "boot");
	bool pci = kind && kind->address && kind->address(document, device) == ADDRESS_PCI;

	if (boot && !attr_number(boot, "order", 0))
		return node_error(boot, err, DD_INVALID, "boot orders begin at 1");
	if (acpi && !attr_number(acpi, "index", 0))
		return node_error(acpi, err, DD_INVALID, "ACPI indexes begin at 1");
	if (acpi && kind && !pci)
		return node_error(acpi, err, DD_INVALID, "only PCI devices have an ACPI index");
	if (node_child(device, "rom") && kind && !pci)
		return node_error(
			node_child(device, "rom"), err, DD_INVALID, "only PCI devices have a ROM");
	return 0;
}

static void cleanup_hash(xmlHashTable **table)
{
	xmlHashFree(*table, NULL);
}

/* seen has the devices before this one, by their values and what these are. */
static int check_uniques(const xmlNode *device, xmlHashTable *seen, struct dd_error *err)
{
	for (size_t i = 0; i < COUNT(uniques); i++) {
		const xmlChar *what = BAD_CAST uniques[i].what;
		const char *value = uniques[i].value(device);
		const xmlNode *other = value ? xmlHashLookup2(seen, BAD_CAST value, what) : NULL;

		if (other)
			return conflict(device, other, uniques[i].what, value, err);
		if (value &&
			xmlHashAddEntry2(seen, BAD_CAST value, what, (void *)(uintptr_t)device))
			return error_no_memory(err);
	}
	return 0;
}

/*
 * A console repeats the alias of the serial port whose other name it is, and USB companions that of
 * their master.
 */
static int check_alias(const xmlNode *device, struct dd_error *err)
{
	bool shared = node_is(device, "console") ||
		      (node_is(device, "controller") && node_attr_is(device, "type", "usb"));
	const char *alias = shared ? NULL : alias_of(device);
	const xmlNode *other = alias ? earlier_with(device, alias_of, alias) : NULL;

	return other ? conflict(device, other, "alias", alias, err) : 0;
}

static int check_address(const struct document *document, const struct places *places,
	const xmlNode *device, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;

	place_words(device, node_child(device, "address"), &words);
	if (text_failed(&words))
		return error_no_memory(err);
	if (!words.size)
		return 0;

	const xmlNode *owner = places_owner(places, text_string(&words), device);

	if (owner)
		return conflict(device, owner, "address", text_string(&words), err);

	int rc = usb_check(document, device, err);

	return rc ? rc : drive_check(document, device, err);
}

static int check_disk(const struct document *document, const xmlNode *disk, struct dd_error *err)
{
	const struct device_kind *kind = device_kind(disk);
	const char *type = node_attr(node_child(disk, "address"), "type");
	enum address_kind bus = kind->address(document, disk);

	if (type && ((bus == ADDRESS_DRIVE && strcmp(type, "drive") != 0) ||
			    (bus == ADDRESS_USB && strcmp(type, "usb") != 0)))
		return node_error(node_child(disk, "address"), err, DD_INVALID,
			"a disk on the %s bus has no address of type %s",
			node_attr(node_child(disk, "target"), "bus"), type);
	return 0;
}

/* The companions of a USB controller have its index. */
static int check_controller(const xmlNode *controller, xmlHashTable *seen, struct dd_error *err)
{
	const xmlChar *type = BAD_CAST node_attr(controller, "type");
	const char *index = node_attr(controller, "index");
	const xmlNode *other;

	if (!type || !index || controller_is_companion(controller))
		return 0;
	other = xmlHashLookup3(seen, BAD_CAST index, BAD_CAST "index", type);
	if (other)
		return conflict(controller, other, "index", index, err);
	return xmlHashAddEntry3(
		       seen, BAD_CAST index, BAD_CAST "index", type, (void *)(uintptr_t)controller)
		       ? error_no_memory(err)
		       : 0;
}

static int check_hostdev(const xmlNode *hostdev, struct dd_error *err)
{
	const struct device_kind *kind = device_kind(hostdev);

	for (const xmlNode *other = node_next(hostdev); other; other = node_next(other)) {
		CLEANUP(text) struct text words = TEXT_INIT;

		if (!kind->same(hostdev, other))
			continue;
		kind->words(hostdev, &words);
		return conflict(other, hostdev, "host device", text_string(&words), err);
	}
	return 0;
}

static int check_device(const struct document *document, const struct places *places,
	xmlHashTable *seen, const xmlNode *device, struct dd_error *err)
{
	const struct device_kind *kind = device_kind(device);
	int rc = kind && kind->check ? kind->check(document, device, err) : 0;

	if (!rc)
		rc = check_common(document, device, err);
	if (!rc)
		rc = check_references(document, device, err);
	if (!rc)
		rc = check_uniques(device, seen, err);
	if (!rc)
		rc = check_alias(device, err);
	if (!rc)
		rc = check_address(document, places, device, err);
	if (!rc && node_is(device, "disk"))
		rc = check_disk(document, device, err);
	if (!rc && node_is(device, "controller"))
		rc = check_controller(device, seen, err);
	if (!rc && node_is(device, "hostdev"))
		rc = check_hostdev(device, err);
	return rc;
}

static int check_boot(const struct document *document, struct dd_error *err)
{
	const xmlNode *boot = node_descend(document_root(document), "os/boot");

	for (const xmlNode *device = node_first(document_devices(document)); boot && device;
		device = node_after(device))
		if (boot_order_of(device))
			return conflict(device, boot, "boot order", boot_order_of(device), err);
	return 0;
}

static int check_vcpus(
	const struct document *document, const struct capabilities *caps, struct dd_error *err)
{
	const xmlNode *vcpu = node_child(document_root(document), "vcpu");
	const struct machine_type *machine = caps ? machine_type_of(document, caps) : NULL;
	uint64_t count = 1;

	(void)node_text_number(vcpu, &count);
	if (!count)
		return node_error(vcpu, err, DD_INVALID, "a domain has at least one vCPU");
	if (attr_number(vcpu, "current", count) > count || !attr_number(vcpu, "current", count))
		return node_error(vcpu, err, DD_INVALID, "%s of %u vCPUs cannot be there at start",
			node_attr(vcpu, "current"), (unsigned)count);
	if (machine && machine->cpu_max && count > machine->cpu_max)
		return node_error(vcpu, err, DD_INVALID,
			"machine type %s has at most %u vCPUs, not %s", machine->name,
			machine->cpu_max, node_text(vcpu));
	return 0;
}

static int check_pci(
	const struct document *document, const struct capabilities *caps, struct dd_error *err)
{
	CLEANUP(free) struct pci_set *set = NULL;

	/* a set that does not grow only reads */
	return pci_set_new((struct document *)(uintptr_t)document, caps, false, &set, err);
}

int document_check(
	const struct document *document, const struct capabilities *caps, struct dd_error *err)
{
	CLEANUP(places) struct places *places = NULL;
	CLEANUP(hash) xmlHashTable *seen = xmlHashCreate(0);
	int rc = seen ? check_name(document_root(document), err) : error_no_memory(err);

	/* places of the devices alone: the document is only read */
	if (!rc)
		rc = places_new((struct document *)(uintptr_t)document, PLACE_FREE, &places, err);
	if (!rc)
		rc = check_settings(document, err);
	for (const xmlNode *device = node_first(document_devices(document)); device && !rc;
		device = node_after(device))
		rc = check_device(document, places, seen, device, err);
	if (!rc)
		rc = check_boot(document, err);
	if (!rc)
		rc = check_vcpus(document, caps, err);
	if (!rc && controller_first(document, "pci"))
		rc = check_pci(document, caps, err);
	return rc;
}
