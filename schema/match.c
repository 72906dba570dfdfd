/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which device is meant. What a stand-alone device says of alias, address and its own name (target,
 * MAC…) must all fit, since a device that says two things that belong to two devices is a mistake.
 * Only where it says none of these does the rest of it decide: everything that it does say must
 * then be true of the device.
 */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "schema/alias.h"
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

bool node_contains(const xmlNode *whole, const xmlNode *part)
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

		while (like && !node_contains(like, child))
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

const xmlNode *full_address(const xmlNode *device)
{
	const xmlNode *address = node_child(device, "address");

	return address && address->properties && address->properties->next ? address : NULL;
}

/* Does wanted say by alias or address which device it is? */
static bool is_placed(const xmlNode *wanted)
{
	return alias_of(wanted) || full_address(wanted);
}

/*
 * Does nothing that wanted says of alias, address and name speak against found? Aliases are given
 * anew at each start: a persistent definition has none to compare with.
 */
static bool may_be(const xmlNode *wanted, const xmlNode *found)
{
	const char *alias = alias_of(wanted), *own = alias_of(found);
	const xmlNode *address = full_address(wanted), *at = node_child(found, "address");

	if (alias && own && strcmp(alias, own) != 0)
		return false;
	if (address && !(at && node_contains(at, address)))
		return false;
	return !device_own_name(wanted) || !device_own_name(found) || device_same(wanted, found);
}

static bool says_otherwise(const xmlNode *wanted, const xmlNode *found, const char *name)
{
	const char *value = node_attr(wanted, name);

	return value && !node_attr_is(found, name, value);
}

/* Is it of the sort that wanted says? */
static bool is_of_sort(const xmlNode *wanted, const xmlNode *found)
{
	return !says_otherwise(wanted, found, "type") && !says_otherwise(wanted, found, "bus") &&
	       !says_otherwise(wanted, found, "model");
}

/* The only one of its sort is meant, whatever else is to change about it. */
static bool is_the_only(const xmlNode *wanted, const xmlNode *found)
{
	char name[TREE_NAME_SIZE];
	const xmlNode *other = node_child(found->parent, node_name(found, name, sizeof name));

	for (; other; other = node_next(other))
		if (other != found && is_of_sort(wanted, other))
			return false;
	return is_of_sort(wanted, found);
}

/* How strongly found is meant: by its name or place, by everything that is said, by its sort. */
static int how_meant(const xmlNode *wanted, const xmlNode *found)
{
	if (!may_be(wanted, found))
		return 0;
	if (device_same(wanted, found) || is_placed(wanted))
		return 3;
	if (node_contains(found, wanted))
		return 2;
	return !device_own_name(wanted) && !device_own_name(found) && is_the_only(wanted, found);
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

static int ambiguous(const xmlNode *wanted, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;

	device_words(wanted, &words);
	error_set(err, DD_CONFLICT, "%s fits more than one device", text_string(&words));
	return error_hint(err, "say which by its <address> or <alias>");
}

int document_match_device(const struct document *document, const struct document *device,
	xmlNode **found, struct dd_error *err)
{
	const xmlNode *wanted = document_root(device);
	char name[TREE_NAME_SIZE];
	xmlNode *match = NULL;
	int best = 0;
	bool several = false;

	xmlNode *at = node_child(document_devices(document), node_name(wanted, name, sizeof name));

	for (; at; at = node_next(at)) {
		int meant = how_meant(wanted, at);

		if (meant && meant == best)
			several = true;
		if (meant <= best)
			continue;
		best = meant;
		match = at;
		several = false;
	}
	if (several)
		return ambiguous(wanted, err);
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
		/* what a serial port is called its console is called, too */
		if (match && console_port(document, at) == match)
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
