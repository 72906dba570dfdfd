/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/controllers.h"

#include <stdlib.h>
#include <string.h>

#include "schema/device/kind.h"
#include "schema/fill.h"

static xmlNode *typed(xmlNode *node, const char *type)
{
	while (node && !node_attr_is(node, "type", type))
		node = node_next(node);
	return node;
}

xmlNode *controller_first(const struct document *document, const char *type)
{
	return typed(device_first(document, "controller"), type);
}

xmlNode *controller_next(const xmlNode *controller)
{
	return typed(node_next(controller), node_attr(controller, "type"));
}

unsigned controller_index(const xmlNode *controller)
{
	uint64_t index = attr_number(controller, "index", CONTROLLER_INDEX_NONE);

	return index > CONTROLLER_INDEX_MAX ? CONTROLLER_INDEX_NONE : (unsigned)index;
}

xmlNode *controller_find(const struct document *document, const char *type, unsigned index)
{
	xmlNode *node = controller_first(document, type);

	while (node && controller_index(node) != index)
		node = controller_next(node);
	return node;
}

xmlNode *controller_after(
	const struct document *document, const char *type, const xmlNode *controller)
{
	xmlNode *next = NULL;

	for (xmlNode *node = controller_first(document, type); node; node = controller_next(node)) {
		unsigned index = controller_index(node);

		if (index == CONTROLLER_INDEX_NONE ||
			(controller && index <= controller_index(controller)))
			continue;
		if (!next || index < controller_index(next))
			next = node;
	}
	return next;
}

/* The USB 1 companions of an EHCI controller start at its ports 0, 2 and 4. */
static const struct companion {
	const char *model, *port;
} companions[] = {{"ich9-uhci1", "0"}, {"ich9-uhci2", "2"}, {"ich9-uhci3", "4"}};

static const struct companion *companion_of(const xmlNode *controller)
{
	for (size_t i = 0; i < COUNT(companions); i++)
		if (node_attr_is(controller, "model", companions[i].model))
			return &companions[i];
	return NULL;
}

bool controller_is_companion(const xmlNode *controller)
{
	return node_attr_is(controller, "type", "usb") && companion_of(controller);
}

/* What the order of controllers goes by. */
struct entry {
	xmlNode *node;
	const char *type;
	size_t types; /* how many other types there were before its own */
	unsigned index;
	bool companion;
};

/* Where both are numbered, the master of a group comes before its companions. */
static bool goes_before(const struct entry *controller, const struct entry *other)
{
	if (other->index == CONTROLLER_INDEX_NONE)
		return false;
	if (controller->index != other->index)
		return controller->index < other->index;
	return !controller->companion && other->companion;
}

static struct entry describe(xmlNode *controller, const struct entry *before, size_t count)
{
	const char *type = node_attr(controller, "type");
	struct entry entry = {
		.node = controller,
		.type = type ? type : "",
		.index = controller_index(controller),
		.companion = companion_of(controller) != NULL,
	};

	for (size_t i = 0; i < count; i++) {
		if (strcmp(before[i].type, entry.type) == 0) {
			entry.types = before[i].types;
			break;
		}
		entry.types = entry.types > before[i].types ? entry.types : before[i].types + 1;
	}
	return entry;
}

/*
 * The place of a controller among those before it: behind the last of its type, but before the
 * first of these that has a greater index.
 */
static size_t place_of(const struct entry *entry, const struct entry *before, size_t count)
{
	size_t place = count;

	for (size_t i = 0; i < count; i++) {
		if (before[i].types != entry->types)
			continue;
		if (goes_before(entry, &before[i]))
			return i;
		place = i + 1;
	}
	return place;
}

static int sort(struct document *document, struct dd_error *err)
{
	xmlNode *first = device_first(document, "controller");
	size_t count = 0;

	for (xmlNode *node = first; node; node = node_next(node))
		count++;

	CLEANUP(free) struct entry *sorted = calloc(count ? count : 1, sizeof *sorted);

	if (!sorted)
		return error_no_memory(err);
	count = 0;
	for (xmlNode *node = first; node; node = node_next(node), count++) {
		struct entry entry = describe(node, sorted, count);
		size_t place = place_of(&entry, sorted, count);

		memmove(&sorted[place + 1], &sorted[place], (count - place) * sizeof entry);
		sorted[place] = entry;
	}
	if (count && sorted[0].node != first)
		xmlAddPrevSibling(first, sorted[0].node);
	for (size_t i = 1; i < count; i++)
		if (sorted[i - 1].node->next != sorted[i].node)
			xmlAddNextSibling(sorted[i - 1].node, sorted[i].node);
	return 0;
}

int controller_add(struct document *document, const char *type, unsigned index, const char *model,
	xmlNode **out, struct dd_error *err)
{
	xmlNode *node = device_add(document, "controller", err);
	int rc = node ? node_set_attr(node, "type", type, err) : DD_NO_MEMORY;

	if (!rc)
		rc = fill_number(node, "index", index, err);
	if (!rc && model)
		rc = node_set_attr(node, "model", model, err);
	if (rc)
		return rc;
	*out = node;
	return 0;
}

int controller_ensure(struct document *document, const char *type, unsigned index,
	const char *model, struct dd_error *err)
{
	xmlNode *node;

	if (controller_find(document, type, index))
		return 0;
	return controller_add(document, type, index, model, &node, err);
}

static bool is_usb2(const xmlNode *controller)
{
	static const char *const models[] = {
		"ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3", NULL};

	return controller && node_attr_is(controller, "type", "usb") &&
	       string_in(node_attr(controller, "model"), models);
}

/*
 * An ICH9 USB controller that follows another belongs to its group, unless the group has one of
 * that model already.
 */
static bool group_index(const struct document *document, const xmlNode *controller, unsigned *index)
{
	const xmlNode *before = NULL;

	for (const xmlNode *node = controller_first(document, "usb"); node && node != controller;
		node = controller_next(node))
		before = node;
	if (!is_usb2(before))
		return false;
	*index = controller_index(before);
	for (const xmlNode *node = controller_first(document, "usb"); node;
		node = controller_next(node))
		if (controller_index(node) == *index &&
			node_attr_is(node, "model", node_attr(controller, "model")))
			return false;
	return true;
}

int controller_fill_master(xmlNode *controller, struct dd_error *err)
{
	const struct companion *companion = companion_of(controller);

	return companion ? fill_child_attr(controller, "master", "startport", companion->port, err)
			 : 0;
}

static int check_one(const xmlNode *node, struct dd_error *err)
{
	if (!node_attr(node, "type"))
		return node_error(node, err, DD_INVALID, "a controller needs a type");
	if (node_attr(node, "index") && controller_index(node) == CONTROLLER_INDEX_NONE)
		return node_error(node, err, DD_INVALID,
			"controller index '%s' is not a number from 0 to %u",
			node_attr(node, "index"), CONTROLLER_INDEX_MAX);
	return 0;
}

/* Gives this one and those of its type that follow their indexes, each the lowest free one. */
static int number_type(struct document *document, xmlNode *first, struct dd_error *err)
{
	size_t count = 0;
	unsigned lowest = 0, index;
	int rc = 0;
	xmlNode *start = controller_first(document, node_attr(first, "type"));

	for (const xmlNode *node = start; node; node = controller_next(node))
		count++;

	/* one of the first count indexes and one more is free */
	CLEANUP(free) bool *used = calloc(count + 1, sizeof *used);

	if (!used)
		return error_no_memory(err);
	for (const xmlNode *node = start; node; node = controller_next(node))
		if (controller_index(node) < count)
			used[controller_index(node)] = true;
	for (xmlNode *node = first; node && !rc; node = controller_next(node)) {
		if (node_attr(node, "index"))
			continue;
		while (used[lowest])
			lowest++;
		if (!is_usb2(node) || !group_index(document, node, &index))
			index = lowest;
		if (index < count)
			used[index] = true;
		rc = fill_number(node, "index", index, err);
	}
	return rc;
}

/* A list in which every controller has its index and place is what it is, in any order. */
static bool all_settled(const struct document *document)
{
	for (const xmlNode *node = device_first(document, "controller"); node;
		node = node_next(node)) {
		const struct device_kind *kind = device_kind(node);

		if (!node_attr(node, "index"))
			return false;
		if (kind->address(document, node) == ADDRESS_PCI && !node_child(node, "address"))
			return false;
	}
	return true;
}

int controllers_number(struct document *document, struct dd_error *err)
{
	int rc = all_settled(document) ? 0 : sort(document, err);

	for (xmlNode *node = device_first(document, "controller"); node && !rc;
		node = node_next(node)) {
		rc = check_one(node, err);
		if (!rc && !node_attr(node, "index"))
			rc = number_type(document, node, err);
	}
	return rc;
}
