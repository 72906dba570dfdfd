/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_MUTATION_H
#define TESTS_SUPPORT_MUTATION_H

/*
 * One small change to a definition, at a place of one's choice: another value, an attribute or an
 * element less, one twice, or two like ones the other way round. What is more in a definition is
 * what is less seen from the other side.
 */

#include <ctype.h>
#include <search.h>

#include "tests/support/corpus.h"

enum mutation_kind {
	MUTATION_VALUE,  /* of an attribute */
	MUTATION_UNSAID, /* an attribute less */
	MUTATION_TEXT,
	MUTATION_GONE, /* an element less */
	MUTATION_TWICE,
	MUTATION_SWAPPED, /* with the next of its name */
	MUTATION_KINDS,
};

static const char *const mutation_names[] = {
	[MUTATION_VALUE] = "value",
	[MUTATION_UNSAID] = "unsaid",
	[MUTATION_TEXT] = "text",
	[MUTATION_GONE] = "gone",
	[MUTATION_TWICE] = "twice",
	[MUTATION_SWAPPED] = "swapped",
};

struct mutation {
	enum mutation_kind kind;
	unsigned element;   /* in the order of the document, 0 for <domain> */
	unsigned attribute; /* in the order of the element */
};

static inline unsigned mutation_random(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % below;
}

/* The element that comes next in the order of the document. */
static inline xmlNode *mutation_next(xmlNode *node)
{
	if (node_first(node))
		return node_first(node);
	while (node && node->type == XML_ELEMENT_NODE && !node_after(node))
		node = node->parent;
	return node && node->type == XML_ELEMENT_NODE ? node_after(node) : NULL;
}

static inline xmlNode *mutation_element(const struct document *document, unsigned number)
{
	xmlNode *node = document_root(document);

	while (node && number--)
		node = mutation_next(node);
	return node;
}

static inline xmlAttr *mutation_attribute(xmlNode *element, unsigned number)
{
	xmlAttr *attr = element->properties;

	while (attr && number--)
		attr = attr->next;
	return attr;
}

/* Another value of the same sort; out has room for it. */
static inline void mutation_value(const char *value, char *out, size_t size)
{
	static const char *const flips[][2] = {{"yes", "no"}, {"on", "off"}};
	size_t length = strlen(value);

	for (size_t i = 0; i < sizeof flips / sizeof flips[0]; i++)
		for (int side = 0; side < 2; side++)
			if (strcmp(value, flips[i][side]) == 0) {
				snprintf(out, size, "%s", flips[i][1 - side]);
				return;
			}
	snprintf(out, size, "%s", value);
	if (length && length < size && isxdigit((unsigned char)value[length - 1]) &&
		strpbrk(value, "0123456789"))
		out[length - 1] = value[length - 1] == '1' ? '2' : '1';
	else if (length + 1 < size)
		memcpy(out + length, "x", 2);
}

static inline const char *mutation_text(const xmlNode *element)
{
	return node_first(element) ? "" : node_text(element);
}

/* Can it be done there? */
static inline bool mutation_fits(const struct mutation *mutation, const xmlNode *element)
{
	bool inner = element->parent->type == XML_ELEMENT_NODE;

	switch (mutation->kind) {
	case MUTATION_VALUE:
	case MUTATION_UNSAID:
		return mutation_attribute((xmlNode *)(uintptr_t)element, mutation->attribute);
	case MUTATION_TEXT:
		return mutation_text(element)[0];
	case MUTATION_GONE:
	case MUTATION_TWICE:
		return inner;
	case MUTATION_SWAPPED:
		return inner && node_next(element);
	case MUTATION_KINDS:
		break;
	}
	return false;
}

static inline void mutate_attribute(xmlNode *element, const struct mutation *mutation)
{
	xmlAttr *attr = mutation_attribute(element, mutation->attribute);
	char value[1024];

	if (mutation->kind == MUTATION_UNSAID) {
		xmlRemoveProp(attr);
		return;
	}
	mutation_value(
		attr->children ? (const char *)attr->children->content : "", value, sizeof value);
	xmlNodeSetContent((xmlNode *)attr, BAD_CAST value);
}

static inline void mutate_element(xmlNode *element, enum mutation_kind kind)
{
	char text[4096];

	if (kind == MUTATION_TEXT) {
		mutation_value(node_text(element), text, sizeof text);
		assert_int_equal(node_set_text(element, text, NULL), 0);
	} else if (kind == MUTATION_GONE) {
		node_remove(element);
	} else if (kind == MUTATION_TWICE) {
		xmlAddNextSibling(element, xmlDocCopyNode(element, element->doc, 1));
	} else {
		xmlNode *other = node_next(element);

		xmlUnlinkNode(element);
		xmlAddNextSibling(other, element);
	}
}

/* The mutated copy in canonical form; NULL where that is no definition any more. */
static inline struct document *mutated(
	const struct document *document, const struct mutation *mutation)
{
	struct document *copy = NULL;
	struct dd_error err = {0};
	xmlNode *element;

	must(document_copy(document, &copy, &err), &err);
	element = mutation_element(copy, mutation->element);
	if (mutation->kind == MUTATION_VALUE || mutation->kind == MUTATION_UNSAID)
		mutate_attribute(element, mutation);
	else
		mutate_element(element, mutation->kind);
	if (document_canonicalise(copy, &err) == 0)
		return copy;
	document_free(copy);
	return NULL;
}

/* "domain/devices/disk/source/@file value", without indexes: where it is, and what. */
static inline void mutation_place(
	const xmlNode *element, const struct mutation *mutation, char *out, size_t size)
{
	char path[NODE_PATH_SIZE];
	size_t length = 0;
	bool index = false;

	node_path(element, path, sizeof path);
	for (const char *at = path + 1; *at && length + 1 < size; at++) {
		index = *at == '[' || (index && *at != ']');
		if (!index && *at != ']')
			out[length++] = *at;
	}
	out[length] = '\0';
	if (mutation->kind == MUTATION_VALUE || mutation->kind == MUTATION_UNSAID)
		length += (size_t)snprintf(out + length, size - length, "/@%s",
			(const char *)mutation_attribute(
				(xmlNode *)(uintptr_t)element, mutation->attribute)
				->name);
	snprintf(out + length, size - length, " %s", mutation_names[mutation->kind]);
}

/* A set of strings, to do each once. */
struct mutation_seen {
	void *tree;
	unsigned count;
};

static inline int mutation_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static inline bool mutation_is_new(struct mutation_seen *seen, const char *place)
{
	char *copy;

	if (tfind(place, &seen->tree, mutation_order))
		return false;
	copy = strdup(place);
	assert_non_null(copy);
	assert_non_null(tsearch(copy, &seen->tree, mutation_order));
	seen->count++;
	return true;
}

static inline void mutation_seen_release(struct mutation_seen *seen)
{
	while (seen->tree) {
		char *first = *(char **)seen->tree;

		tdelete(first, &seen->tree, mutation_order);
		free(first);
	}
}

typedef void (*mutation_fn)(const struct document *before, const struct mutation *mutation,
	const char *place, void *context);

/* What a walk over the definitions of the corpus keeps from one to the next. */
struct mutation_walk {
	struct mutation_seen seen;
	unsigned seed, every;
	mutation_fn visit;
	void *context;
};

static inline void mutate_all(const char *name, const struct text *xml, void *context)
{
	struct mutation_walk *walk = context;
	CLEANUP(document) struct document *document = document_of(text_string(xml));
	struct mutation at = {.element = 0};

	(void)name;
	for (xmlNode *element = document_root(document); element;
		element = mutation_next(element), at.element++)
		for (unsigned kind = 0; kind < MUTATION_KINDS; kind++)
			for (at.kind = (enum mutation_kind)kind, at.attribute = 0;
				mutation_fits(&at, element); at.attribute++) {
				char place[NODE_PATH_SIZE * 2];

				mutation_place(element, &at, place, sizeof place);
				if (mutation_is_new(&walk->seen, place) ||
					!mutation_random(&walk->seed, walk->every))
					walk->visit(document, &at, place, walk->context);
				if (kind > MUTATION_UNSAID)
					break;
			}
}

/*
 * Calls visit for every place of the corpus' frozen definitions that none before had, and for one
 * in `every` of the others. Returns how many definitions, and *places how many places there are.
 */
static inline size_t corpus_mutations_visit(
	const char *ending, unsigned every, mutation_fn visit, void *context, unsigned *places)
{
	struct mutation_walk walk = {.seed = 1, .every = every, .visit = visit, .context = context};
	size_t definitions = corpus_visit("frozen", ending, mutate_all, &walk);

	*places = walk.seen.count;
	mutation_seen_release(&walk.seen);
	return definitions;
}

#endif
