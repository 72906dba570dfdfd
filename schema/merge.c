/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which device of a definition is which of the record? That is found in passes, each weaker than
 * the one before: by what it is called (target, MAC, index…), by its address, by everything that is
 * said of it, and what is left by its sort and order. A device that was found takes over what was
 * decided for it and what it leaves open.
 *
 * While that goes on, each device that has found its other half has it in _private, a field that
 * libxml2 leaves to us.
 */

#include "schema/merge.h"

#include <string.h>

#include "schema/compare.h"
#include "schema/device/common.h"
#include "schema/document_internal.h"
#include "schema/host_model.h"
#include "schema/words.h"

/* What is decided at creation, as children of a device element. */
static const char *const decided[] = {"mac", "model", "target", "alias", "address"};

/* ---- pairs ---- */

static bool equal_or_open(const xmlNode *given, const xmlNode *recorded, const char *attribute)
{
	const char *value = node_attr(given, attribute);

	return !value || node_attr_is(recorded, attribute, value);
}

/* Is all that address says true of at? Whether more functions follow is not where it is. */
static bool address_fits(const xmlNode *address, const xmlNode *at)
{
	for (const xmlAttr *attr = address->properties; attr; attr = attr->next) {
		const char *name = (const char *)attr->name;

		if (strcmp(name, "multifunction") != 0 && !equal_or_open(address, at, name))
			return false;
	}
	return at != NULL;
}

/* Two names, or two addresses, that differ are of two devices. */
static bool may_be(const xmlNode *given, const xmlNode *recorded)
{
	const xmlNode *address = full_address(given);

	if (address && !address_fits(address, node_child(recorded, "address")))
		return false;
	return !device_own_name(given) || !device_own_name(recorded) ||
	       device_same(given, recorded);
}

static bool same_by_address(const xmlNode *given, const xmlNode *recorded)
{
	return full_address(given) && may_be(given, recorded) &&
	       equal_or_open(given, recorded, "type");
}

static bool same_by_all(const xmlNode *given, const xmlNode *recorded)
{
	return may_be(given, recorded) && node_contains(recorded, given);
}

/* Also where a name is there twice. */
static bool same_by_name_and_all(const xmlNode *given, const xmlNode *recorded)
{
	return device_same(given, recorded) && same_by_all(given, recorded);
}

/* What is behind a device makes it the one that it is, unless it can be given something else. */
static bool source_fits(const xmlNode *given, const xmlNode *recorded)
{
	const xmlNode *source = node_child(given, "source"), *is = node_child(recorded, "source");
	const struct device_kind *kind = device_kind(given);

	return !source || !is || node_contains(is, source) ||
	       (kind && (place_listed("source", kind->live_paths) ||
				place_listed("source", kind->free_paths)));
}

static bool same_by_order(const xmlNode *given, const xmlNode *recorded)
{
	return may_be(given, recorded) && equal_or_open(given, recorded, "type") &&
	       equal_or_open(given, recorded, "bus") && equal_or_open(given, recorded, "model") &&
	       equal_or_open(node_child(given, "model"), node_child(recorded, "model"), "type") &&
	       source_fits(given, recorded);
}

/* A controller has its number, whatever its model is to be. */
static bool same_by_number(const xmlNode *given, const xmlNode *recorded)
{
	const char *index = node_attr(given, "index");

	return index && node_attr_is(recorded, "index", index) &&
	       equal_or_open(given, recorded, "type");
}

static bool is_only(const xmlNode *device)
{
	char name[TREE_NAME_SIZE];

	return device == node_child(device->parent, node_name(device, name, sizeof name)) &&
	       !node_next(device);
}

/* The only one of its kind stays what it is when its model is to change. */
static bool same_by_being_alone(const xmlNode *given, const xmlNode *recorded)
{
	return !device_own_name(given) && !device_own_name(recorded) && is_only(given) &&
	       is_only(recorded) && source_fits(given, recorded);
}

typedef bool (*same_fn)(const xmlNode *given, const xmlNode *recorded);

static xmlNode *find(const xmlNode *given, const struct document *record, same_fn same)
{
	char name[TREE_NAME_SIZE];
	xmlNode *device = node_child(document_devices(record), node_name(given, name, sizeof name));

	while (device && (device->_private || !same(given, device)))
		device = node_next(device);
	return device;
}

static int take_child(xmlNode *to, const xmlNode *child, struct dd_error *err)
{
	xmlNode *copy = node_copy(child, to->doc, err);

	if (!copy)
		return DD_NO_MEMORY;
	xmlAddChild(to, copy);
	return 0;
}

/* On another bus it would have another kind of address, which is not what is to be complained of.
 */
static bool on_other_bus(const xmlNode *given, const xmlNode *recorded)
{
	return !equal_or_open(node_child(given, "target"), node_child(recorded, "target"), "bus");
}

static int complete(xmlNode *given, const xmlNode *recorded, struct dd_error *err)
{
	bool moved = on_other_bus(given, recorded);
	const xmlNode *address = node_child(recorded, "address");
	int rc = 0;

	if (address && !full_address(given))
		node_remove(node_child(given, "address"));
	if (node_is(given, "controller") && !node_attr(given, "index"))
		rc = node_set_attr(given, "index", node_attr(recorded, "index"), err);
	for (size_t i = 0; !rc && i < sizeof decided / sizeof decided[0]; i++) {
		const xmlNode *child = node_child(recorded, decided[i]);

		if (child && !node_child(given, decided[i]) &&
			!(moved && node_is(child, "address")))
			rc = take_child(given, child, err);
	}
	return rc;
}

static int pair_devices(
	struct document *given, struct document *record, same_fn same, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(given)); !rc && device;
		device = node_after(device)) {
		xmlNode *recorded = device->_private || node_is(device, "emulator")
					    ? NULL
					    : find(device, record, same);

		if (!recorded)
			continue;
		device->_private = recorded;
		recorded->_private = device;
		rc = complete(device, recorded, err);
	}
	return rc;
}

/* Controllers come with the devices that need them: those that are not spelt out stay. */
static int adopt_controllers(struct document *given, struct document *record, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(record)); !rc && device;
		device = node_after(device))
		if (node_is(device, "controller") && !device->_private) {
			device->_private = device;
			rc = take_child(document_devices(given), device, err);
		}
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

		while (own && !device_same(own, recorded))
			own = node_next(own);
		if (!own)
			continue;
		xmlUnlinkNode(own);
		xmlAddChild(devices, own);
	}
}

/* ---- what is not a device ---- */

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
	xmlNode *uuid = node_child(document_root(given), "uuid");

	if (document_uuid(given))
		return 0;
	if (!uuid)
		uuid = node_add(document_root(given), "uuid", err);
	return uuid ? node_set_text(uuid, document_uuid(record), err) : DD_NO_MEMORY;
}

/* An empty <genid/> asks for one, which was made then. */
static int adopt_genid(struct document *given, const struct document *record, struct dd_error *err)
{
	xmlNode *genid = node_child(document_root(given), "genid");
	const char *recorded = node_text(node_child(document_root(record), "genid"));

	return genid && recorded && !node_text(genid)[0] ? node_set_text(genid, recorded, err) : 0;
}

/* How many there are decides what the cells and places of a machine can be. */
static int adopt_vcpus(struct document *given, const struct document *record, struct dd_error *err)
{
	const xmlNode *vcpu = node_child(document_root(record), "vcpu");

	return vcpu && !node_child(document_root(given), "vcpu")
		       ? take_child(document_root(given), vcpu, err)
		       : 0;
}

/* A name on an iSCSI server goes without its number where that is 0. */
static int complete_sources(struct document *given, struct dd_error *err)
{
	int rc = 0;

	for (const xmlNode *device = node_first(document_devices(given)); !rc && device;
		device = node_after(device))
		if (node_child(device, "source"))
			rc = iscsi_complete(node_child(device, "source"), err);
	return rc;
}

/* record is a copy, to note in which of its devices were found. */
static int adopt(struct document *given, struct document *record, struct dd_error *err)
{
	static const same_fn passes[] = {same_by_name_and_all, device_same, same_by_address,
		same_by_all, same_by_number, same_by_order, same_by_being_alone};
	int rc = adopt_uuid(given, record, err);

	if (!rc)
		rc = adopt_machine(given, record, err);
	if (!rc)
		rc = host_model_adopt(given, record, err);
	if (!rc)
		rc = adopt_genid(given, record, err);
	if (!rc)
		rc = adopt_vcpus(given, record, err);
	if (!rc)
		rc = complete_sources(given, err);
	for (size_t i = 0; !rc && i < sizeof passes / sizeof passes[0]; i++)
		rc = pair_devices(given, record, passes[i], err);
	return rc;
}

static void forget_pairs(struct document *document)
{
	for (xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device))
		device->_private = NULL;
}

int document_adopt(struct document *given, const struct document *record, struct dd_error *err)
{
	CLEANUP(document) struct document *work = NULL;
	int rc = document_copy(record, &work, err);

	if (!rc)
		rc = adopt(given, work, err);
	if (!rc && document_devices(given))
		rc = adopt_controllers(given, work, err);
	if (!rc && document_devices(given))
		order_controllers(given, work);
	forget_pairs(given);
	return rc ? rc : document_canonicalise(given, err);
}

/* ---- silence ---- */

/*
 * Freezing fills in where a definition is silent. It did so once before, for the record, and that
 * holds: whatever said does not have and meant has is as recorded has it.
 */
static int keep_frozen(
	const xmlNode *said, xmlNode *meant, const xmlNode *recorded, struct dd_error *err);

static int keep_attributes(
	const xmlNode *said, xmlNode *meant, const xmlNode *recorded, struct dd_error *err)
{
	const xmlAttr *after;
	int rc = 0;

	for (const xmlAttr *attr = meant->properties; !rc && attr; attr = after) {
		const char *name = (const char *)attr->name;

		after = attr->next;
		if (!attr->ns && !node_attr(said, name))
			rc = node_set_attr(meant, name, node_attr(recorded, name), err);
	}
	return rc;
}

static bool is_one(const xmlNode *parent, const char *name)
{
	const xmlNode *child = node_child(parent, name);

	return child && !node_next(child);
}

/* The children of one name, of which the definition has none: those of the record instead. */
static int replace_children(
	xmlNode *meant, const xmlNode *recorded, const char *name, struct dd_error *err)
{
	xmlNode *old = node_child(meant, name), *after;

	for (const xmlNode *child = node_child(recorded, name); child; child = node_next(child)) {
		xmlNode *copy = node_copy(child, meant->doc, err);

		if (!copy)
			return DD_NO_MEMORY;
		/* where the others were, so that who goes over all children meets none twice */
		if (old)
			xmlAddPrevSibling(old, copy);
		else
			xmlAddChild(meant, copy);
	}
	for (; old; old = after) {
		after = node_next(old);
		node_remove(old);
	}
	return 0;
}

/* Has an earlier child of meant this name? */
static bool seen_before(const xmlNode *child)
{
	for (const xmlNode *other = child->prev; other; other = other->prev)
		if (other->type == XML_ELEMENT_NODE && xmlStrEqual(other->name, child->name))
			return true;
	return false;
}

static int keep_children(
	const xmlNode *said, xmlNode *meant, const xmlNode *recorded, struct dd_error *err)
{
	xmlNode *child = node_first(meant), *after;
	int rc = 0;

	for (; !rc && child; child = after) {
		char buffer[TREE_NAME_SIZE], name[TREE_NAME_SIZE];

		after = node_after(child);
		if (node_is(child, "devices") || child->ns || seen_before(child))
			continue;
		snprintf(name, sizeof name, "%s", node_name(child, buffer, sizeof buffer));
		while (after && xmlStrEqual(after->name, child->name))
			after = node_after(after);
		if (!node_child(said, name))
			rc = replace_children(meant, recorded, name, err);
		else if (is_one(said, name) && is_one(meant, name) && is_one(recorded, name))
			rc = keep_frozen(
				node_child(said, name), child, node_child(recorded, name), err);
	}
	return rc;
}

static int keep_frozen(
	const xmlNode *said, xmlNode *meant, const xmlNode *recorded, struct dd_error *err)
{
	bool silent =
		!said->children && meant->children && !node_first(meant) && !node_first(recorded);
	int rc = keep_attributes(said, meant, recorded, err);

	if (!rc && silent)
		rc = node_set_text(meant, node_text(recorded), err);
	return rc ? rc : keep_children(said, meant, recorded, err);
}

/* ---- the whole ---- */

/*
 * A size that is said as it was is not to follow from what memory devices add up to; but none is in
 * use beyond what there is.
 */
static int keep_size(const struct merge *merge, const char *name, struct dd_error *err)
{
	uint64_t most = UINT64_MAX, size = 0;
	const xmlNode *said = node_child(document_root(merge->said), name);
	const xmlNode *old = node_child(document_root(merge->record), name);
	xmlNode *meant = node_child(document_root(merge->meant), name);

	node_text_number(node_child(document_root(merge->meant), "memory"), &most);
	node_text_number(old, &size);
	if (!said || !old || !meant || strcmp(node_text(said), node_text(old)) != 0 ||
		(node_is(old, "currentMemory") && size > most))
		return 0;
	return node_set_text(meant, node_text(old), err);
}

/* Memory that was all in use stays so when there is to be more of it. */
static int follow_memory(const struct merge *merge, struct dd_error *err)
{
	const xmlNode *old = document_root(merge->record);
	xmlNode *meant = document_root(merge->meant);
	uint64_t was = 0, used = 0, is = 0, use = 0;
	int rc = keep_size(merge, "memory", err);

	if (!rc)
		rc = keep_size(merge, "currentMemory", err);
	node_text_number(node_child(old, "memory"), &was);
	node_text_number(node_child(old, "currentMemory"), &used);
	node_text_number(node_child(meant, "memory"), &is);
	if (rc || node_child(document_root(merge->said), "currentMemory") ||
		!node_text_number(node_child(meant, "currentMemory"), &use) ||
		(was != used && use <= is))
		return rc;
	return node_set_text(
		node_child(meant, "currentMemory"), node_text(node_child(meant, "memory")), err);
}

static int keep_emulator(const struct merge *merge, struct dd_error *err)
{
	xmlNode *meant = document_devices(merge->meant);
	const xmlNode *recorded = document_devices(merge->record);

	if (!meant || node_child(document_devices(merge->said), "emulator"))
		return 0;
	return replace_children(meant, recorded, "emulator", err);
}

/* A console that says the number that it has keeps it, wherever in the order it stands. */
static int keep_number(
	const xmlNode *said, xmlNode *meant, const xmlNode *recorded, struct dd_error *err)
{
	const char *number = node_attr(node_child(recorded, "target"), "port");

	if (!node_is(meant, "console") || !number ||
		!node_attr_is(node_child(said, "target"), "port", number))
		return 0;
	return node_set_attr(node_child(meant, "target"), "port", number, err);
}

static int keep_all(const struct merge *merge, struct dd_error *err)
{
	int rc = keep_frozen(document_root(merge->said), document_root(merge->meant),
		document_root(merge->record), err);

	for (xmlNode *device = node_first(document_devices(merge->meant)); !rc && device;
		device = node_after(device)) {
		const xmlNode *said = device->_private;

		if (said && said->_private)
			rc = keep_frozen(said, device, said->_private, err);
		if (!rc && said && said->_private)
			rc = keep_number(said, device, said->_private, err);
	}
	if (!rc)
		rc = follow_memory(merge, err);
	if (!rc)
		rc = keep_emulator(merge, err);
	return rc ? rc : document_canonicalise(merge->meant, err);
}

/* Both have the same devices in the same order. */
static void link_said(struct document *meant, struct document *said)
{
	xmlNode *device = node_first(document_devices(said));

	for (xmlNode *node = node_first(document_devices(meant)); node && device;
		node = node_after(node), device = node_after(device)) {
		device->_private = node->_private;
		node->_private = device;
	}
}

int merge_begin(struct merge *merge, struct document *given, const struct document *record,
	const struct freeze_options *options, struct dd_error *err)
{
	int rc = document_copy(record, &merge->record, err);

	merge->meant = given;
	if (!rc && !document_devices(given) && !node_add(document_root(given), "devices", err))
		rc = DD_NO_MEMORY;
	if (!rc)
		rc = adopt(given, merge->record, err);
	if (!rc)
		rc = document_copy(given, &merge->said, err);
	if (rc)
		return rc;
	link_said(given, merge->said);
	rc = adopt_controllers(given, merge->record, err);
	if (!rc)
		rc = document_freeze(given, options, err);
	return rc ? rc : keep_all(merge, err);
}

void merge_release(struct merge *merge)
{
	document_free(merge->record);
	document_free(merge->said);
	document_free(merge->meant);
	memset(merge, 0, sizeof *merge);
}
