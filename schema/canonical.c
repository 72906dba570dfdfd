/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The canonical form. One walk over the tree does three things to each element, by the row that
 * the table of the format has for it: refuses what is not in the vocabulary, spells the values, and
 * puts attributes and children in their order. Children of one name keep the order that they have,
 * since it is the guest's (which disk is first); so do the children of <metadata> and whatever is
 * in a namespace of its own, where Domesday knows nothing and only sorts attributes.
 *
 * A definition that somebody brings may have more than the vocabulary, written for another program
 * or a later version of it. What is no slip (nothing here has a name like it) is then left out, as
 * libvirt does, and its author told.
 *
 * A tree in canonical form comes out unchanged.
 */

#include <assert.h>
#include <string.h>

#include "schema/document_internal.h"
#include "schema/format.h"
#include "schema/order.h"
#include "schema/prune.h"

struct walk {
	struct text *left_out;     /* NULL: refuse what is not in the vocabulary */
	unsigned strangers;        /* that are in left_out */
	char path[NODE_PATH_SIZE]; /* without indexes and without the leading '/' */
	size_t length;
};

static size_t walk_enter(struct walk *walk, const char *name)
{
	size_t before = walk->length;

	walk->length = path_append(walk->path, sizeof walk->path, before, name);
	return before;
}

static void walk_leave(struct walk *walk, size_t before)
{
	walk->length = before;
	walk->path[before] = '\0';
}

static int unknown(const xmlNode *node, const char *what, const char *name, const char *list,
	const char *open, const char *close, struct dd_error *err)
{
	char word[64];

	node_error(node, err, DD_INVALID, "unknown %s %s%.80s%s", what, open, name, close);
	if (format_suggest(list, name, word, sizeof word))
		error_hint(err, "did you mean %s%s%s?", open, word, close);
	return DD_INVALID;
}

/*
 * Notes that what is called name, at node, will be left out; false: it has to be refused. A guest
 * without one of its devices would not be what was meant.
 */
static bool leave_out(struct walk *walk, const xmlNode *node, const char *what, const char *name,
	const char *list)
{
	const char *file = node->doc->URL ? (const char *)node->doc->URL : NULL;
	char path[NODE_PATH_SIZE], word[64];

	if (!walk->left_out || walk->strangers == DOCUMENT_STRANGERS_MAX ||
		strcmp(walk->path, "domain/devices") == 0 ||
		format_suggest(list, name, word, sizeof word))
		return false;
	walk->strangers++;
	text_printf(walk->left_out, "%s%s%ld: %s: the %s '%.*s' is not known and is left out\n",
		file ? file : "line ", file ? ":" : "", xmlGetLineNo(node),
		node_path(node, path, sizeof path), what, (int)strcspn(name, "\n"), name);
	return true;
}

static int spell_attribute(xmlNode *node, const xmlAttr *attr, char kind, struct dd_error *err)
{
	CLEANUP(free) char *spelt = NULL;
	const char *name = (const char *)attr->name;
	const char *value = node_attr(node, name);
	const char *unit = NULL;
	struct dd_error fault = {0};
	int rc = format_spell(kind, value, node_attr(node, "unit"), &spelt, &unit, &fault);

	if (rc)
		return node_error(node, err, rc, "attribute %s: %s", name, fault.message);
	if (unit && !node_attr_is(node, "unit", unit))
		rc = node_set_attr(node, "unit", unit, err);
	if (!rc && spelt && strcmp(spelt, value) != 0)
		rc = node_set_attr(node, name, spelt, err);
	return rc;
}

static int canonical_attributes(
	struct walk *walk, xmlNode *node, const char *list, struct dd_error *err)
{
	bool ordered = true;
	int last = -1, rc = 0;
	xmlAttr *next;

	for (xmlAttr *attr = node->properties; attr && !rc; attr = next) {
		const char *name = (const char *)attr->name;
		char kind = 0;
		int place = attr->ns ? -1 : format_place(list, name, &kind);

		next = attr->next;
		if (!attr->ns && place < 0) {
			if (!leave_out(walk, node, "attribute", name, list))
				return unknown(node, "attribute", name, list, "'", "'", err);
			xmlRemoveProp(attr);
			continue;
		}
		ordered = ordered && place > last;
		last = place;
		if (attr->ns)
			continue;
		rc = attribute_check(node, attr, err);
		if (!rc && kind)
			rc = spell_attribute(node, attr, kind, err);
	}
	/* spelling may have added a unit */
	return rc || ordered ? rc : sort_attributes(node, list, err);
}

static int spell_text(xmlNode *node, char kind, struct dd_error *err)
{
	CLEANUP(free) char *spelt = NULL;
	const char *value = node_text(node);
	const char *unit = NULL;
	struct dd_error fault = {0};

	/* <genid/> and <uuid/> ask for one to be made */
	if (kind == 'u' && !value[0])
		return 0;

	int rc = format_spell(kind, value, node_attr(node, "unit"), &spelt, &unit, &fault);

	if (rc)
		return node_error(node, err, rc, "%s", fault.message);
	if (unit && !node_attr_is(node, "unit", unit))
		rc = node_set_attr(node, "unit", unit, err);
	if (!rc && spelt && strcmp(spelt, value) != 0)
		rc = node_set_text(node, spelt, err);
	return rc;
}

/* Below an element that is not libvirt's: only the order of attributes is ours to choose. */
static int canonical_foreign(xmlNode *node, struct dd_error *err)
{
	int rc = sort_attributes(node, "", err);

	if (!rc)
		rc = sort_namespaces(node, err);
	for (xmlNode *child = node_first(node); child && !rc; child = node_after(child))
		rc = canonical_foreign(child, err);
	return rc;
}

/* What an element is known by where its name does not say it. */
static const char *element_form(const xmlNode *node)
{
	const char *type = node_attr(node, "type");

	if (type || !node_is(node, "address"))
		return type;
	if (node_attr(node, "uuid"))
		return "mdev";
	if (node_attr(node, "device") || node_attr(node, "port"))
		return "usb";
	return node_attr(node, "target") || node_attr(node, "unit") ? "scsi" : "pci";
}

/* The row of the element that the walk is at. */
static const struct format *row_of(const struct walk *walk, const xmlNode *node)
{
	static const struct format leaf = {"", "", "", 0};
	const struct format *format = format_find(walk->path, element_form(node));

	return format ? format : &leaf;
}

static int canonical(
	struct walk *walk, xmlNode *node, const struct format *format, struct dd_error *err);

/* What is known of the children of one element while the walk goes over them. */
struct children {
	const char *list;
	uint64_t seen; /* a bit for each place of the list that is taken */
	int last_place;
	bool unordered;
	const xmlNode *last;
	const struct format *last_row;
};

/* Looking the row up is what costs most, and thousands of like siblings need it once. */
static const struct format *row_again(
	struct children *children, const struct walk *walk, const xmlNode *node)
{
	const xmlNode *last = children->last;

	if (!last || last->ns != node->ns || !xmlStrEqual(last->name, node->name) ||
		!xmlStrEqual(
			(const xmlChar *)element_form(last), (const xmlChar *)element_form(node)))
		children->last_row = row_of(walk, node);
	children->last = node;
	return children->last_row;
}

/* Is the child, whose name is in the vocabulary, not there twice? */
static int check_child(struct children *children, const xmlNode *child, const char *name, int place,
	bool many, struct dd_error *err)
{
	assert(place < 64);
	children->unordered |= place < children->last_place || is_ordered(child->parent, name);
	children->last_place = place;
	if (!many && (children->seen >> place & 1))
		return node_error(child, err, DD_INVALID, "<%s> is there twice", name);
	children->seen |= (uint64_t)1 << place;
	return 0;
}

/* *gone: nobody knows the child, and it has been left out. */
static int canonical_child(struct walk *walk, struct children *children, xmlNode *child, bool *gone,
	struct dd_error *err)
{
	char buffer[TREE_NAME_SIZE], many = 0;
	const char *name = node_name(child, buffer, sizeof buffer);
	bool ours = node_is_ours(child);
	int place = ours ? format_place(children->list, name, &many) : -1;

	/* a stranger has a prefix to be told by */
	if (!ours && child->ns->prefix) {
		children->unordered = true;
		return canonical_foreign(child, err);
	}
	*gone = ours && place < 0 && leave_out(walk, child, "element", name, children->list);
	if (*gone)
		return 0;
	if (place < 0)
		return unknown(child, "element", name, children->list, "<", ">", err);

	int rc = check_child(children, child, name, place, many, err);

	if (rc)
		return rc;

	size_t before = walk_enter(walk, name);

	rc = canonical(walk, child, row_again(children, walk, child), err);
	walk_leave(walk, before);
	return rc;
}

static int canonical_children(
	struct walk *walk, xmlNode *node, const char *list, struct dd_error *err)
{
	struct children children = {.list = list};
	xmlNode *next;
	int rc = 0;

	for (xmlNode *child = node_first(node); child && !rc; child = next) {
		bool gone = false;

		next = node_after(child);
		rc = canonical_child(walk, &children, child, &gone, err);
		if (gone)
			node_remove(child);
	}
	return rc || !children.unordered ? rc : sort_children(node, list, err);
}

static int refuse_text(struct walk *walk, const xmlNode *node, struct dd_error *err)
{
	xmlNode *next;

	for (xmlNode *child = node->children; child; child = next) {
		next = child->next;
		if (child->type != XML_TEXT_NODE)
			continue;
		if (!leave_out(walk, node, "text", (const char *)child->content, ""))
			return node_error(node, err, DD_INVALID, "text '%.40s' between elements",
				(const char *)child->content);
		node_remove(child);
	}
	return 0;
}

static int canonical(
	struct walk *walk, xmlNode *node, const struct format *format, struct dd_error *err)
{
	int rc = sort_namespaces(node, err);

	/* it may add a unit */
	if (!rc && format->text)
		rc = spell_text(node, format->text, err);
	if (!rc)
		rc = canonical_attributes(walk, node, format->attributes, err);
	if (rc || !node_first(node))
		return rc;
	if (node_is(node, "metadata"))
		return canonical_foreign(node, err);
	rc = refuse_text(walk, node, err);
	return rc ? rc : canonical_children(walk, node, format->children, err);
}

static int check_name(const xmlNode *root, struct dd_error *err)
{
	const xmlNode *name = node_child(root, "name");
	struct dd_error fault = {0};

	if (!name || !name_check(node_text(name), &fault))
		return 0;
	node_error(name, err, fault.code, "%s", fault.message);
	return error_hint(err, "%s", fault.hint);
}

int document_canonicalise(struct document *document, struct dd_error *err)
{
	return document_canonicalise_given(document, NULL, err);
}

int document_canonicalise_given(
	struct document *document, struct text *left_out, struct dd_error *err)
{
	xmlNode *root = document_root(document);
	struct walk walk = {.left_out = left_out};
	char buffer[TREE_NAME_SIZE];
	int rc = xml_tidy(root, err);

	if (!rc)
		rc = qemu_namespace(document->xml, err);
	if (rc)
		return rc;
	if (node_is(root, "domain"))
		prune(root);
	else
		walk_enter(&walk, "domain/devices");
	walk_enter(&walk, node_name(root, buffer, sizeof buffer));
	rc = canonical(&walk, root, row_of(&walk, root), err);
	return rc ? rc : check_name(root, err);
}
