/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Pairing. Children of one name are paired in passes, each weaker than the one before: first those
 * that are equal in everything, then those of one identity, and what has no identity at all by its
 * order. What is left over was added or removed. An added element is compared with nothing property
 * by property, so that a source that appears is a change of the source's file; only one that has a
 * key of its own (a CPU feature, a pinned vCPU) comes and goes as a whole.
 */

#include "schema/compare.h"

#include <stdio.h>
#include <string.h>

#include "schema/document_internal.h"
#include "schema/format.h"
#include "schema/words.h"

struct walk {
	struct difference now;
	char place[PLACE_SIZE];
	size_t length;
	difference_fn visit;
	held_fn held; /* or NULL */
	void *context;
	struct dd_error *err;
};

static size_t walk_enter(struct walk *walk, const char *sign, const char *name)
{
	size_t before = walk->length;
	int added = snprintf(walk->place + before, sizeof walk->place - before, "%s%s%s",
		before ? "/" : "", sign, name);

	walk->length += (size_t)added;
	if (walk->length >= sizeof walk->place)
		walk->length = sizeof walk->place - 1;
	return before;
}

static void walk_leave(struct walk *walk, size_t before)
{
	walk->length = before;
	walk->place[before] = '\0';
}

static int report(struct walk *walk, const xmlNode *before, const xmlNode *after,
	const char *attribute, bool whole)
{
	walk->now.before = before;
	walk->now.after = after;
	walk->now.attribute = attribute;
	walk->now.whole = whole;
	walk->now.order = false;
	walk->now.place = walk->place;
	return walk->visit(&walk->now, walk->context);
}

static bool same_string(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : !a && !b;
}

static bool same_name(const xmlNode *a, const xmlNode *b)
{
	const xmlChar *one = a->ns ? a->ns->href : NULL, *other = b->ns ? b->ns->href : NULL;

	return xmlStrEqual(a->name, b->name) && xmlStrEqual(one, other);
}

/* ---- lists of like siblings ---- */

struct list {
	const xmlNode **items; /* those that found their pair become NULL */
	size_t *pairs;         /* the place of the pair in the other list, from 1; 0: none */
	size_t count;
};

static void list_release(struct list *list)
{
	free(list->items);
	free(list->pairs);
}

static inline void cleanup_list(struct list *list)
{
	list_release(list);
}

/* The children of parent (may be NULL) that are called like one of them. */
static int list_fill(struct list *list, const xmlNode *parent, const xmlNode *like)
{
	for (const xmlNode *child = node_first(parent); child; child = node_after(child))
		list->count += same_name(child, like);
	list->items = calloc(list->count ? list->count : 1, sizeof list->items[0]);
	list->pairs = calloc(list->count ? list->count : 1, sizeof list->pairs[0]);
	if (!list->items || !list->pairs)
		return DD_NO_MEMORY;
	list->count = 0;
	for (const xmlNode *child = node_first(parent); child; child = node_after(child))
		if (same_name(child, like))
			list->items[list->count++] = child;
	return 0;
}

typedef bool (*pair_fn)(const xmlNode *before, const xmlNode *after);
typedef int (*paired_fn)(struct walk *walk, const xmlNode *before, const xmlNode *after);

/* Takes the pairs that fit out of both lists and hands them on. */
static int list_pair(
	struct walk *walk, struct list *before, struct list *after, pair_fn fit, paired_fn paired)
{
	for (size_t i = 0; i < before->count; i++)
		for (size_t j = 0; j < after->count && before->items[i]; j++) {
			if (!after->items[j] || !fit(before->items[i], after->items[j]))
				continue;
			int rc = paired(walk, before->items[i], after->items[j]);

			if (rc)
				return rc;
			before->items[i] = after->items[j] = NULL;
			before->pairs[i] = j + 1;
		}
	return 0;
}

static bool list_keeps_order(const struct list *before)
{
	size_t last = 0;

	for (size_t i = 0; i < before->count; i++) {
		if (before->pairs[i] && before->pairs[i] < last)
			return false;
		if (before->pairs[i])
			last = before->pairs[i];
	}
	return true;
}

static const xmlNode *first_like(const xmlNode *parent, const xmlNode *like)
{
	const xmlNode *child = node_first(parent);

	while (child && !same_name(child, like))
		child = node_after(child);
	return child;
}

/* The like children of both, once they are paired. */
static int report_order(struct walk *walk, const struct list *paired, const xmlNode *before,
	const xmlNode *after, const xmlNode *like)
{
	if (list_keeps_order(paired))
		return 0;
	walk->now.before = first_like(before, like);
	walk->now.after = first_like(after, like);
	walk->now.attribute = NULL;
	walk->now.whole = walk->now.order = true;
	walk->now.place = walk->place;
	return walk->visit(&walk->now, walk->context);
}

static int pair_is_equal(struct walk *walk, const xmlNode *before, const xmlNode *after)
{
	(void)walk;
	(void)before;
	(void)after;
	return 0;
}

/* ---- elements ---- */

static bool foreign(const xmlNode *node)
{
	return !node_is_ours(node);
}

const char *element_key(const xmlNode *node, const char **attribute)
{
	static const char *const keys[] = {
		"name", "vcpu", "iothread", "cellid", "id", "index", "fdgroup", "dev"};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const char *value = node_attr(node, keys[i]);

		if (!value)
			continue;
		if (attribute)
			*attribute = keys[i];
		return value;
	}
	return NULL;
}

bool element_is_many(const xmlNode *node)
{
	return node_is(node, "feature") || node_next(node) ||
	       (node->prev && node->prev->type == XML_ELEMENT_NODE && same_name(node->prev, node));
}

static bool keys_fit(const xmlNode *before, const xmlNode *after)
{
	const char *a = element_key(before, NULL), *b = element_key(after, NULL);

	if (foreign(before))
		return !element_is_many(before) && !element_is_many(after);
	return a && b && strcmp(a, b) == 0;
}

/* An element that may be there once is the same one whatever it says. */
static bool order_fits(const xmlNode *before, const xmlNode *after)
{
	bool keyed = element_key(before, NULL) && element_key(after, NULL);

	return !foreign(before) &&
	       (!keyed || (!element_is_many(before) && !element_is_many(after)));
}

static int compare_element(struct walk *walk, const xmlNode *before, const xmlNode *after);

/* Elements that come and go as a whole: those with a key among others, and strangers. */
static bool is_unit(const xmlNode *node)
{
	return foreign(node) || (element_key(node, NULL) && element_is_many(node)) ||
	       (!node->properties && !node->children);
}

static int compare_alone(struct walk *walk, const xmlNode *before, const xmlNode *after)
{
	if (is_unit(before ? before : after))
		return report(walk, before, after, NULL, true);
	return compare_element(walk, before, after);
}

static int compare_pair(struct walk *walk, const xmlNode *before, const xmlNode *after)
{
	if (foreign(before))
		return report(walk, before, after, NULL, true);
	return compare_element(walk, before, after);
}

static int compare_rest(struct walk *walk, const struct list *before, const struct list *after)
{
	int rc = 0;

	for (size_t i = 0; i < before->count && !rc; i++)
		if (before->items[i])
			rc = compare_alone(walk, before->items[i], NULL);
	for (size_t i = 0; i < after->count && !rc; i++)
		if (after->items[i])
			rc = compare_alone(walk, NULL, after->items[i]);
	return rc;
}

/* Compares the children called like one of them. */
static int compare_likes(
	struct walk *walk, const xmlNode *before, const xmlNode *after, const xmlNode *like)
{
	CLEANUP(list) struct list old = {.items = NULL};
	CLEANUP(list) struct list new = {.items = NULL};
	char name[TREE_NAME_SIZE];

	if (list_fill(&old, before, like) || list_fill(&new, after, like))
		return error_no_memory(walk->err);

	size_t entered = walk_enter(walk, "", node_name(like, name, sizeof name));
	int rc = list_pair(walk, &old, &new, node_equal, pair_is_equal);

	if (!rc)
		rc = list_pair(walk, &old, &new, keys_fit, compare_pair);
	if (!rc)
		rc = list_pair(walk, &old, &new, order_fits, compare_pair);
	if (!rc)
		rc = compare_rest(walk, &old, &new);
	if (!rc)
		rc = report_order(walk, &old, before, after, like);
	walk_leave(walk, entered);
	return rc;
}

static bool has_like(const xmlNode *parent, const xmlNode *like)
{
	return first_like(parent, like) != NULL;
}

/* The first of its name among its siblings. */
static bool is_first(const xmlNode *node)
{
	for (const xmlNode *other = node->prev; other; other = other->prev)
		if (other->type == XML_ELEMENT_NODE && same_name(other, node))
			return false;
	return true;
}

/* Some children are not compared here: skip says which. */
typedef bool (*skip_fn)(const xmlNode *child);

static int compare_children(
	struct walk *walk, const xmlNode *before, const xmlNode *after, skip_fn skip)
{
	int rc = 0;
	const xmlNode *child;

	for (child = node_first(before); child && !rc; child = node_after(child))
		if (is_first(child) && !(skip && skip(child)))
			rc = compare_likes(walk, before, after, child);
	for (child = node_first(after); child && !rc; child = node_after(child))
		if (is_first(child) && !has_like(before, child) && !(skip && skip(child)))
			rc = compare_likes(walk, before, after, child);
	return rc;
}

/* The attribute unit belongs to the text and differs with it. */
static bool unit_of_text(const xmlNode *node, const char *name)
{
	return node && strcmp(name, "unit") == 0 && node_text(node)[0];
}

static int compare_attribute(
	struct walk *walk, const xmlNode *before, const xmlNode *after, const char *name)
{
	if (same_string(node_attr(before, name), node_attr(after, name)) ||
		unit_of_text(before, name) || unit_of_text(after, name))
		return 0;

	size_t entered = walk_enter(walk, "@", name);
	int rc = report(walk, before, after, name, false);

	walk_leave(walk, entered);
	return rc;
}

static int compare_attributes(struct walk *walk, const xmlNode *before, const xmlNode *after)
{
	const xmlAttr *attr;
	int rc = 0;

	for (attr = before ? before->properties : NULL; attr && !rc; attr = attr->next)
		rc = compare_attribute(walk, before, after, (const char *)attr->name);
	for (attr = after ? after->properties : NULL; attr && !rc; attr = attr->next)
		if (!node_attr(before, (const char *)attr->name))
			rc = compare_attribute(walk, before, after, (const char *)attr->name);
	return rc;
}

static const char *own_text(const xmlNode *node)
{
	const char *text = node && !node_first(node) ? node_text(node) : "";

	return text[0] ? text : NULL;
}

static bool same_text(const xmlNode *before, const xmlNode *after)
{
	if (!same_string(own_text(before), own_text(after)))
		return false;
	return !own_text(before) ||
	       same_string(node_attr(before, "unit"), node_attr(after, "unit"));
}

/* Either may be NULL: then everything of the other is a difference. */
static int compare_element(struct walk *walk, const xmlNode *before, const xmlNode *after)
{
	if (walk->held && after)
		walk->held(before, after, walk->context);

	int rc = compare_attributes(walk, before, after);

	if (!rc && !same_text(before, after))
		rc = report(walk, before, after, NULL, false);
	return rc ? rc : compare_children(walk, before, after, NULL);
}

/* ---- devices ---- */

static bool skip_address(const xmlNode *child)
{
	return node_is(child, "address");
}

static bool same_in_words(const xmlNode *before, const xmlNode *after)
{
	CLEANUP(text) struct text old = TEXT_INIT;
	CLEANUP(text) struct text new = TEXT_INIT;

	if (!before || !after)
		return false;
	address_words(before, &old);
	address_words(after, &new);
	return strcmp(text_string(&old), text_string(&new)) == 0;
}

static int compare_addresses(struct walk *walk, const xmlNode *before, const xmlNode *after)
{
	const xmlNode *old = node_child(before, "address"), *new = node_child(after, "address");

	if ((!old && !new) || (old && new &&node_equal(old, new)))
		return 0;

	size_t entered = walk_enter(walk, "", "address");
	/* one and the same place, of which something else is said */
	int rc = same_in_words(old, new) ? compare_element(walk, old, new)
					 : report(walk, old, new, NULL, true);

	walk_leave(walk, entered);
	return rc;
}

static int device_updated(struct walk *walk, const xmlNode *before, const xmlNode *after)
{
	walk->now.kind = CHANGE_UPDATED;
	walk->now.device_before = before;
	walk->now.device_after = after;

	int rc = compare_attributes(walk, before, after);

	if (!rc)
		rc = compare_children(walk, before, after, skip_address);
	return rc ? rc : compare_addresses(walk, before, after);
}

static bool attribute_fits(const xmlNode *before, const xmlNode *after, const char *name)
{
	return same_string(node_attr(before, name), node_attr(after, name));
}

static bool nameless(const xmlNode *before, const xmlNode *after)
{
	return !device_own_name(before) && !device_own_name(after);
}

static bool address_fits(const xmlNode *before, const xmlNode *after)
{
	return nameless(before, after) && attribute_fits(before, after, "type") &&
	       address_same(node_child(before, "address"), node_child(after, "address"));
}

/* Two of the same sort, such as two mice, in the order that they have. */
static bool sort_fits(const xmlNode *before, const xmlNode *after)
{
	return nameless(before, after) && attribute_fits(before, after, "type") &&
	       attribute_fits(before, after, "bus") && attribute_fits(before, after, "model");
}

/* The only one of its kind stays what it is when its model changes. */
static bool only_fits(const xmlNode *before, const xmlNode *after)
{
	return nameless(before, after) && !element_is_many(before) && !element_is_many(after);
}

static int device_alone(struct walk *walk, const xmlNode *before, const xmlNode *after)
{
	char name[TREE_NAME_SIZE];

	walk->now.kind = before ? CHANGE_DETACHED : CHANGE_ATTACHED;
	walk->now.device_before = before;
	walk->now.device_after = after;

	size_t entered =
		walk_enter(walk, "", node_name(before ? before : after, name, sizeof name));
	int rc = report(walk, before, after, NULL, true);

	walk_leave(walk, entered);
	return rc;
}

/* Which of like devices is the first belongs to none of them. */
static int compare_device_order(struct walk *walk, const struct list *paired, const xmlNode *before,
	const xmlNode *after, const xmlNode *like)
{
	char name[TREE_NAME_SIZE];
	size_t devices = walk_enter(walk, "", "devices");
	size_t entered = walk_enter(walk, "", node_name(like, name, sizeof name));
	int rc;

	walk->now.kind = CHANGE_SETTING;
	walk->now.device_before = walk->now.device_after = NULL;
	rc = report_order(walk, paired, before, after, like);
	walk_leave(walk, entered);
	walk_leave(walk, devices);
	return rc;
}

static int compare_kind(
	struct walk *walk, const xmlNode *before, const xmlNode *after, const xmlNode *like)
{
	static const pair_fn passes[] = {device_same, address_fits, sort_fits, only_fits};
	CLEANUP(list) struct list old = {.items = NULL};
	CLEANUP(list) struct list new = {.items = NULL};

	if (list_fill(&old, before, like) || list_fill(&new, after, like))
		return error_no_memory(walk->err);

	int rc = list_pair(walk, &old, &new, node_equal, pair_is_equal);

	for (size_t i = 0; i < sizeof passes / sizeof passes[0] && !rc; i++)
		rc = list_pair(walk, &old, &new, passes[i], device_updated);
	for (size_t i = 0; i < old.count && !rc; i++)
		if (old.items[i])
			rc = device_alone(walk, old.items[i], NULL);
	for (size_t i = 0; i < new.count && !rc; i++)
		if (new.items[i])
			rc = device_alone(walk, NULL, new.items[i]);
	return rc ? rc : compare_device_order(walk, &old, before, after, like);
}

static int compare_all_devices(struct walk *walk, const xmlNode *before, const xmlNode *after)
{
	const xmlNode *child;
	int rc = 0;

	for (child = node_first(before); child && !rc; child = node_after(child))
		if (is_first(child) && !node_is(child, "emulator"))
			rc = compare_kind(walk, before, after, child);
	for (child = node_first(after); child && !rc; child = node_after(child))
		if (is_first(child) && !node_is(child, "emulator") && !has_like(before, child))
			rc = compare_kind(walk, before, after, child);
	return rc;
}

/* ---- whole documents ---- */

static bool skip_devices(const xmlNode *child)
{
	return node_is(child, "devices");
}

static bool skip_all_but_emulator(const xmlNode *child)
{
	return !node_is(child, "emulator");
}

static int walk_settings(
	struct walk *walk, const struct document *before, const struct document *after)
{
	int rc;

	walk->now.kind = CHANGE_SETTING;
	rc = compare_attributes(walk, document_root(before), document_root(after));
	if (!rc)
		rc = compare_children(
			walk, document_root(before), document_root(after), skip_devices);
	if (!rc) {
		size_t entered = walk_enter(walk, "", "devices");

		rc = compare_children(walk, document_devices(before), document_devices(after),
			skip_all_but_emulator);
		walk_leave(walk, entered);
	}
	return rc;
}

int compare_settings(const struct document *before, const struct document *after,
	difference_fn visit, void *context, struct dd_error *err)
{
	struct walk walk = {.visit = visit, .context = context, .err = err};

	return walk_settings(&walk, before, after);
}

int compare_documents(const struct document *before, const struct document *after,
	difference_fn visit, void *context, struct dd_error *err)
{
	return compare_documents_held(before, after, visit, NULL, context, err);
}

int compare_documents_held(const struct document *before, const struct document *after,
	difference_fn visit, held_fn held, void *context, struct dd_error *err)
{
	struct walk walk = {.visit = visit, .held = held, .context = context, .err = err};
	int rc = walk_settings(&walk, before, after);

	return rc ? rc
		  : compare_all_devices(&walk, document_devices(before), document_devices(after));
}

int compare_likes_held(const struct document *before, const struct document *after,
	const xmlNode *like, difference_fn visit, held_fn held, void *context, struct dd_error *err)
{
	struct walk walk = {.visit = visit, .held = held, .context = context, .err = err};
	const xmlNode *old = document_root(before), *new = document_root(after);

	walk.now.kind = CHANGE_SETTING;
	if (like->parent == new)
		return compare_likes(&walk, old, new, like);
	old = document_devices(before);
	new = document_devices(after);
	return node_is(like, "emulator") ? compare_likes(&walk, old, new, like)
					 : compare_kind(&walk, old, new, like);
}

int compare_devices(const xmlNode *before, const xmlNode *after, difference_fn visit, void *context,
	struct dd_error *err)
{
	struct walk walk = {.visit = visit, .context = context, .err = err};

	return node_equal(before, after) ? 0 : device_updated(&walk, before, after);
}

bool order_of_devices(const struct difference *difference)
{
	static const char *const devices[] = {"devices", NULL};

	return difference->order && difference->kind == CHANGE_SETTING &&
	       place_listed(difference->place, devices);
}

bool order_is_free(const struct difference *difference)
{
	return difference->order &&
	       (order_of_devices(difference) || element_key(difference->before, NULL));
}

const char *place_listed(const char *place, const char *const *list)
{
	for (; list && *list; list++) {
		size_t length = strlen(*list);

		if (strncmp(place, *list, length) == 0 &&
			(place[length] == '\0' || place[length] == '/'))
			return *list;
	}
	return NULL;
}
