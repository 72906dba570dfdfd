/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which device is meant. What a stand-alone device says of alias, address and identity (target,
 * MAC…) must all fit, since a device that says two things that belong to two devices is a mistake.
 * Only where it says none of these does the rest of it decide: everything that it does say must
 * then be true of the device.
 */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "schema/device/kind.h"
#include "schema/diff.h"
#include "schema/document_internal.h"
#include "schema/words.h"

bool address_same(const xmlNode *a, const xmlNode *b)
{
	if (!a || !b)
		return false;
	for (int turn = 0; turn < 2; turn++) {
		const xmlNode *one = turn ? b : a, *other = turn ? a : b;

		for (const xmlAttr *attr = one->properties; attr; attr = attr->next) {
			const char *name = (const char *)attr->name;
			const char *value = node_attr(one, name);

			if (strcmp(name, "multifunction") != 0 && value &&
				!node_attr_is(other, name, value))
				return false;
		}
	}
	return true;
}

/* Is everything that part says true of whole? */
static bool contains(const xmlNode *whole, const xmlNode *part)
{
	const char *text = node_text(part);

	for (const xmlAttr *attr = part->properties; attr; attr = attr->next) {
		const char *value = attr->ns ? NULL : node_attr(part, (const char *)attr->name);

		if (value && !node_attr_is(whole, (const char *)attr->name, value))
			return false;
	}
	if (text[0] && strcmp(text, node_text(whole)) != 0)
		return false;
	for (const xmlNode *child = node_first(part); child; child = node_after(child)) {
		char name[TREE_NAME_SIZE];
		const xmlNode *like = node_child(whole, node_name(child, name, sizeof name));

		while (like && !contains(like, child))
			like = node_next(like);
		if (!like)
			return false;
	}
	return true;
}

static const char *alias_of(const xmlNode *device)
{
	return node_attr(node_child(device, "alias"), "name");
}

/* An address that says where, and not only on what kind of bus. */
static const xmlNode *full_address(const xmlNode *device)
{
	const xmlNode *address = node_child(device, "address");

	return address && address->properties && address->properties->next ? address : NULL;
}

/* The ways in which a device may say who it is: does wanted, and does found agree? */

static bool says_alias(const xmlNode *wanted)
{
	return alias_of(wanted) != NULL;
}

/* aliases are given anew at each start: a definition has none to compare with */
static bool agrees_alias(const xmlNode *wanted, const xmlNode *found)
{
	const char *alias = alias_of(found);

	return !alias || strcmp(alias, alias_of(wanted)) == 0;
}

static bool says_address(const xmlNode *wanted)
{
	return full_address(wanted) != NULL;
}

static bool agrees_address(const xmlNode *wanted, const xmlNode *found)
{
	const xmlNode *address = node_child(found, "address");

	return address && contains(address, full_address(wanted));
}

/* a kind's devices have an identity if each is the same as itself */
static bool says_identity(const xmlNode *wanted)
{
	const struct device_kind *kind = device_kind(wanted);

	return kind && kind->same && kind->same(wanted, wanted);
}

static bool agrees_identity(const xmlNode *wanted, const xmlNode *found)
{
	return device_kind(wanted)->same(wanted, found);
}

static const struct {
	bool (*says)(const xmlNode *wanted);
	bool (*agrees)(const xmlNode *wanted, const xmlNode *found);
} signs[] = {
	{says_alias, agrees_alias},
	{says_address, agrees_address},
	{says_identity, agrees_identity},
};

#define SIGNS (sizeof signs / sizeof signs[0])

static bool fits(const xmlNode *wanted, const xmlNode *found, bool named)
{
	for (size_t i = 0; i < SIGNS; i++)
		if (signs[i].says(wanted) && !signs[i].agrees(wanted, found))
			return false;
	return named || contains(found, wanted);
}

/* "vda, vdb": what there is of a kind. */
static void list_devices(const xmlNode *first, struct text *out)
{
	for (const xmlNode *device = first; device; device = node_next(device)) {
		if (out->size)
			text_puts(out, ", ");
		device_words(device, out);
	}
}

static int not_found(const struct document *document, const xmlNode *wanted, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	CLEANUP(text) struct text there = TEXT_INIT;
	char name[TREE_NAME_SIZE];
	const char *element = node_name(wanted, name, sizeof name);

	device_words(wanted, &words);
	list_devices(node_child(document_devices(document), element), &there);
	error_set(err, DD_NOT_FOUND, "no device fits %s", text_string(&words));
	if (there.size)
		return error_hint(err, "there is %s", text_string(&there));
	return error_hint(err, "there is no %s", element);
}

int document_match_device(const struct document *document, const struct document *device,
	xmlNode **found, struct dd_error *err)
{
	const xmlNode *wanted = document_root(device);
	char name[TREE_NAME_SIZE];
	xmlNode *match = NULL;
	bool named = false;

	for (size_t i = 0; i < SIGNS; i++)
		named = named || signs[i].says(wanted);

	xmlNode *at = node_child(document_devices(document), node_name(wanted, name, sizeof name));

	for (; at; at = node_next(at)) {
		CLEANUP(text) struct text words = TEXT_INIT;

		if (!fits(wanted, at, named))
			continue;
		if (match) {
			device_words(wanted, &words);
			error_set(err, DD_CONFLICT, "%s fits more than one device",
				text_string(&words));
			return error_hint(err, "say which by its <address> or <alias>");
		}
		match = at;
	}
	if (!match)
		return not_found(document, wanted, err);
	*found = match;
	return 0;
}

/* ---- by reference ---- */

/* "disk[2]", with or without "/domain/devices/" before it; an only one needs no index. */
static bool fits_path(const xmlNode *device, const char *reference)
{
	static const char devices[] = "/domain/devices/";
	char name[TREE_NAME_SIZE], step[TREE_NAME_SIZE + 16], path[NODE_PATH_SIZE];
	unsigned number = 1;

	for (const xmlNode *other = device->prev; other; other = other->prev)
		if (xmlStrEqual(other->name, device->name))
			number++;
	snprintf(step, sizeof step, "%s[%u]", node_name(device, name, sizeof name), number);
	if (strcmp(node_path(device, path, sizeof path), reference) == 0)
		return true;
	if (strncmp(reference, devices, sizeof devices - 1) == 0)
		reference += sizeof devices - 1;
	return strcmp(step, reference) == 0;
}

static bool fits_reference(const xmlNode *device, const char *reference)
{
	CLEANUP(text) struct text identity = TEXT_INIT;
	CLEANUP(text) struct text words = TEXT_INIT;
	const char *alias = alias_of(device);
	const char *target = node_attr(node_child(device, "target"), "dev");
	const char *mac = node_attr(node_child(device, "mac"), "address");

	if ((alias && strcmp(alias, reference) == 0) || (target && strcmp(target, reference) == 0))
		return true;
	if (mac && strcasecmp(mac, reference) == 0)
		return true;
	device_identity(device, &identity);
	device_words(device, &words);
	return (identity.size && strcmp(text_string(&identity), reference) == 0) ||
	       strcmp(text_string(&words), reference) == 0 || fits_path(device, reference);
}

static int no_reference(
	const struct document *document, const char *reference, struct dd_error *err)
{
	CLEANUP(text) struct text there = TEXT_INIT;

	for (xmlNode *at = node_first(document_devices(document)); at; at = node_after(at)) {
		if (node_is(at, "emulator") || node_is(at, "controller"))
			continue;
		if (there.size)
			text_puts(&there, ", ");
		device_words(at, &there);
	}
	error_set(err, DD_NOT_FOUND, "no device is called '%.80s'", reference);
	if (there.size)
		error_hint(err, "there is %s", text_string(&there));
	return DD_NOT_FOUND;
}

int document_find_device(const struct document *document, const char *reference, xmlNode **device,
	struct dd_error *err)
{
	xmlNode *match = NULL;

	for (xmlNode *at = node_first(document_devices(document)); at; at = node_after(at)) {
		char one[NODE_PATH_SIZE], other[NODE_PATH_SIZE];

		if (node_is(at, "emulator") || !fits_reference(at, reference))
			continue;
		if (match) {
			error_set(err, DD_CONFLICT, "'%.80s' is more than one device: %s and %s",
				reference, node_path(match, one, sizeof one),
				node_path(at, other, sizeof other));
			return error_hint(err, "name it by its alias, its MAC, or like disk[2]");
		}
		match = at;
	}
	if (!match)
		return no_reference(document, reference, err);
	*device = match;
	return 0;
}
