/* SPDX-License-Identifier: Apache-2.0 */

/* The order of attributes, children and namespace declarations: stable, and by the lists of the
 * format. What a list does not have comes last; attributes then by name. */

#include "schema/order.h"

#include <stdlib.h>
#include <string.h>

#include "schema/fill.h"
#include "schema/format.h"
#include "schema/values.h"

struct item {
	void *node;
	const char *name;
	const xmlChar *prefix;
	int place;
	uint64_t key; /* of children that have a number of their own */
	size_t number;
};

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static int compare_attributes(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int rc = 0;

	if (x->place == y->place)
		rc = strcmp(x->name, y->name);
	if (x->place == y->place && !rc)
		rc = xmlStrcmp(x->prefix, y->prefix);
	return rc ? rc : compare_items(a, b);
}

static bool in_order(
	const struct item *items, size_t count, int (*compare)(const void *, const void *))
{
	for (size_t i = 1; i < count; i++)
		if (compare(&items[i - 1], &items[i]) > 0)
			return false;
	return true;
}

static int too_long(const xmlNode *node, struct dd_error *err)
{
	return node_error(node, err, DD_INVALID, "an attribute value is longer than %u bytes",
		DOCUMENT_ATTRIBUTE_MAX);
}

int attribute_check(const xmlNode *node, const xmlAttr *attr, struct dd_error *err)
{
	return attr->children && xmlStrlen(attr->children->content) > DOCUMENT_ATTRIBUTE_MAX
		       ? too_long(node, err)
		       : 0;
}

int sort_attributes(xmlNode *node, const char *list, struct dd_error *err)
{
	struct item items[DOCUMENT_ATTRIBUTES_MAX];
	size_t count = 0;

	for (xmlAttr *attr = node->properties; attr; attr = attr->next) {
		if (count == DOCUMENT_ATTRIBUTES_MAX)
			return node_error(node, err, DD_INVALID, "more than %u attributes",
				DOCUMENT_ATTRIBUTES_MAX);

		int rc = attribute_check(node, attr, err);

		if (rc)
			return rc;

		int place = attr->ns ? -1 : format_place(list, (const char *)attr->name, NULL);

		items[count] = (struct item){.node = attr, .number = count};
		items[count].name = (const char *)attr->name;
		items[count].prefix = attr->ns ? attr->ns->prefix : NULL;
		items[count++].place = place < 0 ? INT32_MAX : place;
	}
	if (in_order(items, count, compare_attributes))
		return 0;
	qsort(items, count, sizeof items[0], compare_attributes);
	node->properties = items[0].node;
	for (size_t i = 0; i < count; i++) {
		xmlAttr *attr = items[i].node;

		attr->prev = i ? items[i - 1].node : NULL;
		attr->next = i + 1 < count ? items[i + 1].node : NULL;
	}
	return 0;
}

static size_t count_children(const xmlNode *node)
{
	size_t count = 0;

	for (const xmlNode *child = node_first(node); child; child = node_after(child))
		count++;
	return count;
}

static void relink_children(xmlNode *node, const struct item *items, size_t count)
{
	node->children = items[0].node;
	node->last = items[count - 1].node;
	for (size_t i = 0; i < count; i++) {
		xmlNode *child = items[i].node;

		child->prev = i ? items[i - 1].node : NULL;
		child->next = i + 1 < count ? items[i + 1].node : NULL;
	}
}

/*
 * Like siblings that are a set: theirs is the order of a number that each has, or that of the words
 * for what each is. Several rows are several keys, the first before the others.
 */
static const struct {
	const char *parent; /* NULL: any */
	const char *name;
	const char *attribute;
	const char *words; /* NULL: it is a number */
} ordered[] = {
	{NULL, "vcpupin", "vcpu"},
	{NULL, "iothreadpin", "iothread"},
	{NULL, "memnode", "cellid"},
	{NULL, "cell", "id"},
	{"cachetune", "cache", "level"},
	{"cachetune", "cache", "type", "both code data"},
	{"cachetune", "cache", "id"},
	{"memorytune", "node", "id"},
	{"perf", "event", "name", PERF_EVENTS},
	{"bios", "entry", "name", "vendor version date release"},
	{"system", "entry", "name", "manufacturer product version serial uuid sku family"},
	{"baseBoard", "entry", "name", "manufacturer product version serial asset location"},
	{"chassis", "entry", "name", "manufacturer version serial asset sku"},
};

/* Of numbers only so many bits count: rows are packed into one key. */
#define KEY_BITS 20
#define KEY_MAX ((UINT64_C(1) << KEY_BITS) - 1)

static bool row_holds(size_t row, const xmlNode *parent)
{
	return !ordered[row].parent || node_is(parent, ordered[row].parent);
}

bool is_ordered(const xmlNode *parent, const char *name)
{
	for (size_t row = 0; row < COUNT(ordered); row++)
		if (names_equal(BAD_CAST ordered[row].name, name) && row_holds(row, parent))
			return true;
	return false;
}

static bool read_key(const xmlNode *node, size_t row, uint64_t *out)
{
	const char *word = node_attr(node, ordered[row].attribute);

	if (!ordered[row].words)
		return node_attr_number(node, ordered[row].attribute, out);

	int place = word ? format_place(ordered[row].words, word, NULL) : -1;

	*out = (uint64_t)place;
	return place >= 0;
}

/* Gives the items of each set their keys, if every one of them has its own. */
static void add_keys(const xmlNode *parent, struct item *items, size_t count)
{
	for (size_t row = 0; row < COUNT(ordered); row++) {
		const char *name = ordered[row].name;
		bool complete = true;
		uint64_t key = 0;

		if (!row_holds(row, parent) || !node_child(parent, name))
			continue;
		for (size_t i = 0; i < count && complete; i++)
			complete =
				!node_is(items[i].node, name) || read_key(items[i].node, row, &key);
		for (size_t i = 0; i < count && complete; i++)
			if (node_is(items[i].node, name) && read_key(items[i].node, row, &key))
				items[i].key =
					items[i].key << KEY_BITS | (key < KEY_MAX ? key : KEY_MAX);
	}
}

int sort_children(xmlNode *node, const char *list, struct dd_error *err)
{
	size_t count = count_children(node), i = 0;
	char name[TREE_NAME_SIZE];

	if (count < 2)
		return 0;

	CLEANUP(free) struct item *items = calloc(count, sizeof items[0]);

	if (!items)
		return error_no_memory(err);
	for (xmlNode *child = node_first(node); child; child = node_after(child), i++) {
		int place = format_place(list, node_name(child, name, sizeof name), NULL);

		items[i] = (struct item){.node = child, .number = i};
		items[i].place = place < 0 ? INT32_MAX : place;
	}
	add_keys(node, items, count);
	if (in_order(items, count, compare_items))
		return 0;
	qsort(items, count, sizeof items[0], compare_items);
	relink_children(node, items, count);
	return 0;
}

static int compare_prefixes(const xmlNs *a, const xmlNs *b)
{
	return strcmp(
		a->prefix ? (const char *)a->prefix : "", b->prefix ? (const char *)b->prefix : "");
}

int sort_namespaces(xmlNode *node, struct dd_error *err)
{
	xmlNs *sorted = NULL;
	xmlNs *next;
	int fault = 0;

	for (xmlNs *ns = node->nsDef; ns; ns = next) {
		xmlNs **at = &sorted;

		next = ns->next;
		if (xmlStrlen(ns->href) > DOCUMENT_ATTRIBUTE_MAX)
			fault = too_long(node, err);
		while (*at && compare_prefixes(*at, ns) <= 0)
			at = &(*at)->next;
		ns->next = *at;
		*at = ns;
	}
	node->nsDef = sorted;
	return fault;
}
