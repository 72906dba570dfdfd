/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_TREE_H
#define SCHEMA_TREE_H

/*
 * Reading and changing libxml2 element trees without ceremony. After document_parse() a tree holds
 * only elements, attributes with a single text, and text; names here are local names ("disk"),
 * with the prefix where there is one ("qemu:commandline").
 *
 * Strings returned point into the tree: they are valid until that node is next changed.
 */

#include <libxml/tree.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

#define NODE_PATH_SIZE 512
#define TREE_NAME_SIZE 176 /* takes any name that node_name makes */

/* Names are short and most differ in their first letter: a call of strcmp() would cost more. */
static inline bool names_equal(const xmlChar *one, const char *other)
{
	for (; *one && *one == (xmlChar)*other; one++, other++)
		;
	return *one == (xmlChar)*other;
}

bool node_is_prefixed(const xmlNode *node, const char *name); /* of node_is() */

static inline bool node_is(const xmlNode *node, const char *name)
{
	if (!node || node->type != XML_ELEMENT_NODE)
		return false;
	return node->ns ? node_is_prefixed(node, name) : names_equal(node->name, name);
}

/*
 * Appends "/step" (a first step without the slash) to the path of that length in a buffer of size
 * bytes, cut off where it does not fit. Returns the new length.
 */
size_t path_append(char *path, size_t size, size_t length, const char *step);

/* The name that node_is would know it by. Returns buffer or a string in the tree. */
const char *node_name(const xmlNode *node, char *buffer, size_t size);

static inline xmlNode *node_element(xmlNode *node) /* node itself, or the one behind it */
{
	while (node && node->type != XML_ELEMENT_NODE)
		node = node->next;
	return node;
}

/* The first child element, and the next sibling element; any name. NULL at the end. */
static inline xmlNode *node_first(const xmlNode *parent)
{
	return parent ? node_element(parent->children) : NULL;
}

static inline xmlNode *node_after(const xmlNode *node)
{
	return node ? node_element(node->next) : NULL;
}

/* The first child called name, and the next sibling called like node. NULL where there is none. */
xmlNode *node_child(const xmlNode *parent, const char *name);
xmlNode *node_next(const xmlNode *node);

/*
 * Follows "source/address" downwards by first children. NULL where it ends early. A last step that
 * is an attribute ("source/@file", "@type") leads to its element, whether that has it or not.
 */
xmlNode *node_descend(const xmlNode *parent, const char *path);

/* An attribute's value or NULL; of a NULL node NULL. So chains need no checks in between. */
const char *node_attr(const xmlNode *node, const char *name);
bool node_attr_is(const xmlNode *node, const char *name, const char *value);

/* The element at a path that may end in an attribute; NULL where there is none such. */
const xmlNode *node_property(const xmlNode *node, const char *path);

const char *node_text(const xmlNode *node); /* "" for none, NULL for a NULL node */

/* Reads a whole number, decimal or 0x…; false (and *value untouched) when absent or not one. */
bool node_attr_number(const xmlNode *node, const char *name, uint64_t *value);
bool node_text_number(const xmlNode *node, uint64_t *value);

/* Changes. value NULL removes the attribute. 0 or DD_NO_MEMORY. */
int node_set_attr(xmlNode *node, const char *name, const char *value, struct dd_error *err);
int node_set_attr_number(xmlNode *node, const char *name, uint64_t number, struct dd_error *err);
/* "0x" and at least width digits */
int node_set_attr_hex(
	xmlNode *node, const char *name, uint64_t number, unsigned digits, struct dd_error *err);
int node_set_attr_format(xmlNode *node, const char *name, struct dd_error *err, const char *format,
	...) PRINTF_LIKE(4, 5);
int node_set_text(xmlNode *node, const char *value, struct dd_error *err);

/* Adds an empty element as the last child; NULL only when out of memory (err is then set). */
xmlNode *node_add(xmlNode *parent, const char *name, struct dd_error *err);

/*
 * A copy of node and all below it for doc, attached to nothing; whole, or NULL when out of memory
 * (err is then set). xmlDocCopyNode() alone makes copies with parts missing.
 */
xmlNode *node_copy(const xmlNode *node, xmlDoc *doc, struct dd_error *err);

/* Are two canonical elements, or texts, the same in everything? */
bool node_equal(const xmlNode *a, const xmlNode *b);

void node_remove(xmlNode *node); /* unlinks and frees; NULL does nothing */

/*
 * "/domain/devices/disk[2]/target": the index is given where like siblings exist. Also of a node
 * that is no longer attached to a document. Returns buffer.
 */
const char *node_path(const xmlNode *node, char *buffer, size_t size);

/*
 * Fails with the node's place: line and element path, and the file when the document knows it.
 * Returns code.
 */
int node_error(const xmlNode *node, struct dd_error *err, int code, const char *format, ...)
	PRINTF_LIKE(4, 5);

#endif
