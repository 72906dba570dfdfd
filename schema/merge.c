/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which device of a definition is which of the record? First by what identifies its kind (target,
 * MAC, index…); what is left, in order, among those of the same element and type that nobody has
 * claimed. A matched device takes over what was decided for it and what it leaves open.
 */
#include "schema/merge.h"

#include <string.h>

#include "schema/device/kind.h"

/* What is decided at creation, as children of a device element. */
static const char *const decided[] = {"mac", "model", "target", "alias", "address"};

#define MATCHED "domesday-matched" /* on a device of the working copy of the record */

static bool taken(const xmlNode *device)
{
	return node_attr(device, MATCHED) != NULL;
}

static bool equal_or_open(const xmlNode *given, const xmlNode *recorded, const char *attribute)
{
	const char *value = node_attr(given, attribute);

	return !value || node_attr_is(recorded, attribute, value);
}

static bool same_by_identity(const xmlNode *given, const xmlNode *recorded)
{
	const struct device_kind *kind = device_kind(given);

	return kind && kind->same && kind->same(given, recorded);
}

/* Is the device of the record where the given one wants to be, as far as that is said? */
static bool same_place(const xmlNode *given, const xmlNode *recorded)
{
	const xmlNode *wanted = node_child(given, "address");
	const xmlNode *place = node_child(recorded, "address");

	for (const xmlAttr *attr = wanted ? wanted->properties : NULL; attr; attr = attr->next) {
		const char *name = (const char *)attr->name;
		uint64_t a, b;

		if (strcmp(name, "multifunction") == 0 ||
			node_attr_is(place, name, node_attr(wanted, name)))
			continue;
		if (!node_attr_number(wanted, name, &a) || !node_attr_number(place, name, &b) ||
			a != b)
			return false;
	}
	return true;
}

static bool same_by_order(const xmlNode *given, const xmlNode *recorded)
{
	return same_place(given, recorded) && equal_or_open(given, recorded, "type") &&
	       equal_or_open(given, recorded, "bus") && equal_or_open(given, recorded, "model") &&
	       equal_or_open(node_child(given, "model"), node_child(recorded, "model"), "type") &&
	       !(node_child(given, "mac") || node_descend(given, "target"));
}

static xmlNode *find(const xmlNode *given, const struct document *record,
	bool (*same)(const xmlNode *, const xmlNode *))
{
	for (xmlNode *device = node_first(document_devices(record)); device;
		device = node_after(device))
		if (node_is(device, (const char *)given->name) && !taken(device) &&
			same(given, device))
			return device;
	return NULL;
}

static int copy_child(xmlNode *to, const xmlNode *child, struct dd_error *err)
{
	xmlNode *copy = xmlDocCopyNode((xmlNode *)(uintptr_t)child, to->doc, 1);

	if (!copy)
		return error_no_memory(err);
	xmlAddChild(to, copy);
	return 0;
}

static int complete(xmlNode *given, xmlNode *recorded, struct dd_error *err)
{
	int rc = node_set_attr(recorded, MATCHED, "yes", err);

	if (!rc && node_is(given, "controller") && !node_attr(given, "index"))
		rc = node_set_attr(given, "index", node_attr(recorded, "index"), err);
	for (size_t i = 0; !rc && i < sizeof decided / sizeof decided[0]; i++) {
		const xmlNode *child = node_child(recorded, decided[i]);

		if (child && !node_child(given, decided[i]))
			rc = copy_child(given, child, err);
	}
	return rc;
}

static int adopt_devices(struct document *given, struct document *record,
	bool (*same)(const xmlNode *, const xmlNode *), const char *done, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(given)); !rc && device;
		device = node_after(device)) {
		xmlNode *recorded = taken(device) ? NULL : find(device, record, same);

		if (!recorded)
			continue;
		rc = complete(device, recorded, err);
		if (!rc)
			rc = node_set_attr(device, done, "yes", err);
	}
	return rc;
}

/* Controllers come with the devices that need them: those that are not spelt out stay. */
static int adopt_controllers(
	struct document *given, const struct document *record, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(record)); !rc && device;
		device = node_after(device))
		if (node_is(device, "controller") && !taken(device))
			rc = copy_child(document_devices(given), device, err);
	return rc;
}

/*
 * Controllers are known by their indexes, and their order means nothing: it becomes that of the
 * record, in which freezing may have put some of its own between those of the definition.
 */
static void order_controllers(struct document *given, const struct document *record)
{
	xmlNode *devices = document_devices(given);

	for (const xmlNode *recorded = node_child(document_devices(record), "controller"); recorded;
		recorded = node_next(recorded)) {
		xmlNode *own = node_child(devices, "controller");

		while (own && !same_by_identity(own, recorded))
			own = node_next(own);
		if (!own)
			continue;
		xmlUnlinkNode(own);
		xmlAddChild(devices, own);
	}
}

static void forget_matches(struct document *document)
{
	for (xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device))
		node_set_attr(device, MATCHED, NULL, NULL);
}

/* An alias ("q35"), or nothing, stands for the machine type that it was resolved to then. */
static int adopt_machine(
	struct document *given, const struct document *record, struct dd_error *err)
{
	xmlNode *type = node_descend(document_root(given), "os/type");
	const xmlNode *recorded = node_descend(document_root(record), "os/type");
	const char *machine = node_attr(type, "machine");
	const char *frozen = node_attr(recorded, "machine");
	bool stands_for =
		!machine ||
		(strcmp(machine, "q35") == 0 && frozen && strncmp(frozen, "pc-q35-", 7) == 0) ||
		(strcmp(machine, "pc") == 0 && frozen && strncmp(frozen, "pc-i440fx-", 10) == 0);

	return type && frozen && stands_for ? node_set_attr(type, "machine", frozen, err) : 0;
}

static int adopt_uuid(struct document *given, const struct document *record, struct dd_error *err)
{
	xmlNode *uuid = document_uuid(given) ? NULL : node_add(document_root(given), "uuid", err);

	if (document_uuid(given) && !uuid)
		return 0;
	return uuid ? node_set_text(uuid, document_uuid(record), err) : DD_NO_MEMORY;
}

/* An empty <genid/> asks for one, which was made then. */
static int adopt_genid(struct document *given, const struct document *record, struct dd_error *err)
{
	xmlNode *genid = node_child(document_root(given), "genid");
	const char *recorded = node_text(node_child(document_root(record), "genid"));

	return genid && recorded && !node_text(genid)[0] ? node_set_text(genid, recorded, err) : 0;
}

int document_adopt(struct document *given, const struct document *record, struct dd_error *err)
{
	CLEANUP(document) struct document *work = NULL;
	int rc = document_copy(record, &work, err);

	if (!rc)
		rc = adopt_uuid(given, record, err);
	if (!rc)
		rc = adopt_machine(given, record, err);
	if (!rc)
		rc = adopt_genid(given, record, err);
	if (!rc)
		rc = adopt_devices(given, work, same_by_identity, MATCHED, err);
	if (!rc)
		rc = adopt_devices(given, work, same_by_order, MATCHED, err);
	if (!rc && document_devices(given))
		rc = adopt_controllers(given, work, err);
	if (!rc)
		order_controllers(given, work);
	forget_matches(given);
	return rc ? rc : document_canonicalise(given, err);
}
