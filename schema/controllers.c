/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/controllers.h"

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

/* Where both are numbered, the master of a group comes before its companions. */
static bool goes_before(const xmlNode *controller, const xmlNode *other)
{
	unsigned index = controller_index(controller);
	unsigned other_index = controller_index(other);

	if (other_index == CONTROLLER_INDEX_NONE)
		return false;
	if (index != other_index)
		return index < other_index;
	if (index == CONTROLLER_INDEX_NONE)
		return false;
	return !companion_of(controller) && companion_of(other);
}

static const char *type_of(const xmlNode *controller)
{
	const char *type = node_attr(controller, "type");

	return type ? type : "";
}

/*
 * Moves a controller to where it belongs among those before limit: behind the last of its type,
 * but before the first of these that has a greater index.
 */
static void settle(struct document *document, xmlNode *controller, xmlNode *limit)
{
	xmlNode *last = NULL;

	for (xmlNode *other = device_first(document, "controller"); other && other != limit;
		other = node_next(other)) {
		if (other == controller || strcmp(type_of(other), type_of(controller)) != 0)
			continue;
		if (goes_before(controller, other)) {
			xmlAddPrevSibling(other, controller);
			return;
		}
		last = other;
	}
	if (!last)
		for (xmlNode *other = device_first(document, "controller"); other && other != limit;
			other = node_next(other))
			last = other == controller ? last : other;
	if (last && node_next(last) != controller)
		xmlAddNextSibling(last, controller);
}

static void sort(struct document *document)
{
	xmlNode *next;

	for (xmlNode *node = device_first(document, "controller"); node; node = next) {
		next = node_next(node);
		settle(document, node, next);
	}
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

static unsigned free_index(const struct document *document, const xmlNode *controller)
{
	unsigned index = 0;

	while (controller_find(document, node_attr(controller, "type"), index))
		index++;
	return index;
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

static int number_one(struct document *document, xmlNode *node, struct dd_error *err)
{
	unsigned index;

	if (!node_attr(node, "type"))
		return node_error(node, err, DD_INVALID, "a controller needs a type");
	if (node_attr(node, "index") && controller_index(node) == CONTROLLER_INDEX_NONE)
		return node_error(node, err, DD_INVALID,
			"controller index '%s' is not a number from 0 to %u",
			node_attr(node, "index"), CONTROLLER_INDEX_MAX);
	if (node_attr(node, "index"))
		return 0;
	if (!is_usb2(node) || !group_index(document, node, &index))
		index = free_index(document, node);
	return fill_number(node, "index", index, err);
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
	bool settled = all_settled(document);
	int rc = 0;

	if (!settled)
		sort(document);
	for (xmlNode *node = device_first(document, "controller"); node && !rc;
		node = node_next(node))
		rc = number_one(document, node, err);
	return rc;
}
