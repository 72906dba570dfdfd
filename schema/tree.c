/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/tree.h"

#include <libxml/xmlmemory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TREE_VALUE_SIZE 512 /* of an attribute value made with a format */

static const char *chars(const xmlChar *string)
{
	return (const char *)string;
}

bool node_is_prefixed(const xmlNode *node, const char *name)
{
	if (!node->ns->prefix)
		return false;

	const char *prefix = chars(node->ns->prefix);
	size_t length = strlen(prefix);

	return strncmp(name, prefix, length) == 0 && name[length] == ':' &&
	       strcmp(name + length + 1, chars(node->name)) == 0;
}

size_t path_append(char *path, size_t size, size_t length, const char *step)
{
	size_t more = strlen(step);

	if (length && length + 1 < size)
		path[length++] = '/';
	if (more > size - 1 - length)
		more = size - 1 - length;
	memcpy(path + length, step, more);
	path[length + more] = '\0';
	return length + more;
}

const char *node_name(const xmlNode *node, char *buffer, size_t size)
{
	if (!node->ns || !node->ns->prefix)
		return chars(node->name);
	snprintf(buffer, size, "%.80s:%.80s", chars(node->ns->prefix), chars(node->name));
	return buffer;
}

xmlNode *node_child(const xmlNode *parent, const char *name)
{
	xmlNode *child = node_first(parent);

	while (child && !node_is(child, name))
		child = node_after(child);
	return child;
}

/* Same local name in the same namespace. */
static bool alike(const xmlNode *a, const xmlNode *b)
{
	if (!names_equal(a->name, chars(b->name)) || !a->ns != !b->ns)
		return false;
	return !a->ns || xmlStrEqual(a->ns->href, b->ns->href);
}

xmlNode *node_next(const xmlNode *node)
{
	xmlNode *next = node_after(node);

	while (next && !alike(next, node))
		next = node_after(next);
	return next;
}

/* Is this the element that the first length bytes of path name? */
static bool is_step(const xmlNode *node, const char *path, size_t length)
{
	char name[64];

	if (!node->ns)
		return node->name[0] == (xmlChar)path[0] &&
		       strncmp(chars(node->name), path, length) == 0 && !node->name[length];
	if (length >= sizeof name)
		return false;
	memcpy(name, path, length);
	name[length] = '\0';
	return node_is(node, name);
}

xmlNode *node_descend(const xmlNode *parent, const char *path)
{
	/* it may be the result itself */
	xmlNode *node = (xmlNode *)(uintptr_t)parent;

	while (node && *path && *path != '@') {
		const char *end = strchrnul(path, '/');
		size_t length = (size_t)(end - path);

		for (node = node_first(node); node && !is_step(node, path, length);)
			node = node_after(node);
		path = end + (*end == '/');
	}
	return node;
}

static const char *attr_value(const xmlAttr *attr)
{
	const xmlChar *content = attr->children ? attr->children->content : NULL;

	return content ? chars(content) : "";
}

const char *node_attr(const xmlNode *node, const char *name)
{
	if (!node || node->type != XML_ELEMENT_NODE)
		return NULL;
	for (const xmlAttr *attr = node->properties; attr; attr = attr->next)
		if (!attr->ns && names_equal(attr->name, name))
			return attr_value(attr);
	return NULL;
}

bool node_attr_is(const xmlNode *node, const char *name, const char *value)
{
	const char *found = node_attr(node, name);

	return found && names_equal((const xmlChar *)found, value);
}

const xmlNode *node_property(const xmlNode *node, const char *path)
{
	const char *attribute = strchr(path, '@');

	node = node_descend(node, path);
	return !attribute || node_attr(node, attribute + 1) ? node : NULL;
}

const char *node_text(const xmlNode *node)
{
	if (!node)
		return NULL;
	for (const xmlNode *child = node->children; child; child = child->next)
		if (child->type == XML_TEXT_NODE && child->content)
			return chars(child->content);
	return "";
}

/* A number that is no digit for any other character. */
static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : UINT32_MAX;
}

static bool read_number(const char *string, uint64_t *value)
{
	bool hex = string && string[0] == '0' && (string[1] == 'x' || string[1] == 'X');
	unsigned base = hex ? 16 : 10;
	uint64_t number = 0;

	if (!string)
		return false;
	string += hex ? 2 : 0;
	if (!*string)
		return false;
	for (; *string; string++) {
		unsigned digit = digit_value(*string);

		if (digit >= base || number > (UINT64_MAX - digit) / base)
			return false;
		number = number * base + digit;
	}
	*value = number;
	return true;
}

bool node_attr_number(const xmlNode *node, const char *name, uint64_t *value)
{
	return read_number(node_attr(node, name), value);
}

bool node_text_number(const xmlNode *node, uint64_t *value)
{
	return read_number(node_text(node), value);
}

int node_set_attr(xmlNode *node, const char *name, const char *value, struct dd_error *err)
{
	if (value) {
		/* libxml2 may call it set and yet have lost the value */
		if (!xmlSetNsProp(node, NULL, BAD_CAST name, BAD_CAST value) ||
			!node_attr_is(node, name, value))
			return error_no_memory(err);
		return 0;
	}
	xmlUnsetNsProp(node, NULL, BAD_CAST name);
	return 0;
}

int node_set_attr_number(xmlNode *node, const char *name, uint64_t number, struct dd_error *err)
{
	char digits[NUMBER_SIZE];

	return node_set_attr(node, name, number_digits(digits, number, 10, 1), err);
}

int node_set_attr_hex(
	xmlNode *node, const char *name, uint64_t number, unsigned width, struct dd_error *err)
{
	char digits[NUMBER_SIZE];
	const char *start = number_digits(digits, number, 16, width);
	char value[NUMBER_SIZE + 2] = "0x";

	memcpy(value + 2, start, strlen(start) + 1);
	return node_set_attr(node, name, value, err);
}

int node_set_attr_format(
	xmlNode *node, const char *name, struct dd_error *err, const char *format, ...)
{
	char value[TREE_VALUE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof value, format, args);
	va_end(args);
	return node_set_attr(node, name, value, err);
}

int node_set_text(xmlNode *node, const char *value, struct dd_error *err)
{
	xmlNode *text = NULL;

	if (value && value[0]) {
		text = xmlNewDocText(node->doc, BAD_CAST value);
		if (!text || !text->content) {
			xmlFreeNode(text);
			return error_no_memory(err);
		}
	}
	xmlNodeSetContent(node, NULL);
	if (text)
		xmlAddChild(node, text);
	return 0;
}

xmlNode *node_add(xmlNode *parent, const char *name, struct dd_error *err)
{
	/* not xmlNewChild: that one would hand the parent's namespace down */
	xmlNode *node = xmlNewDocNode(parent->doc, NULL, BAD_CAST name, NULL);

	if (!node || !node->name) {
		xmlFreeNode(node);
		error_no_memory(err);
		return NULL;
	}
	return xmlAddChild(parent, node);
}

static bool same_attributes(const xmlNode *a, const xmlNode *b)
{
	const xmlAttr *x = a->properties, *y = b->properties;

	for (; x && y; x = x->next, y = y->next) {
		if (!xmlStrEqual(x->name, y->name) || strcmp(attr_value(x), attr_value(y)) != 0)
			return false;
	}
	return !x && !y;
}

static bool same_prefix(const xmlNode *a, const xmlNode *b)
{
	return !a->ns || xmlStrEqual(a->ns->prefix, b->ns->prefix);
}

bool node_equal(const xmlNode *a, const xmlNode *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == XML_TEXT_NODE)
		return xmlStrEqual(a->content, b->content);
	if (!alike(a, b) || !same_prefix(a, b) || !same_attributes(a, b))
		return false;

	const xmlNode *x = a->children, *y = b->children;

	for (; x && y; x = x->next, y = y->next)
		if (!node_equal(x, y))
			return false;
	return !x && !y;
}

xmlNode *node_copy(const xmlNode *node, xmlDoc *doc, struct dd_error *err)
{
	/* libxml2 declares what it only reads as changeable */
	xmlNode *copy = xmlDocCopyNode((xmlNode *)(uintptr_t)node, doc, 1);

	/* and leaves out of a copy what it had no memory for */
	if (copy && !node_equal(node, copy)) {
		xmlFreeNode(copy);
		copy = NULL;
	}
	if (!copy)
		error_no_memory(err);
	return copy;
}

void node_remove(xmlNode *node)
{
	if (!node)
		return;
	xmlUnlinkNode(node);
	xmlFreeNode(node);
}

/* Puts "/name[n]" in front of what stands at the end of buffer, from *start on. */
static bool path_prepend(const xmlNode *node, char *buffer, size_t *start)
{
	char name[TREE_NAME_SIZE];
	char step[TREE_NAME_SIZE + 16];
	unsigned before = 0;
	bool more = false;

	for (const xmlNode *other = node->prev; other; other = other->prev)
		before += other->type == XML_ELEMENT_NODE && alike(other, node);
	more = before || node_next(node);

	int length = snprintf(step, sizeof step, "/%.170s", node_name(node, name, sizeof name));

	if (more)
		length += snprintf(step + length, sizeof step - (size_t)length, "[%u]", before + 1);
	if ((size_t)length > *start)
		return false;
	*start -= (size_t)length;
	memcpy(buffer + *start, step, (size_t)length);
	return true;
}

const char *node_path(const xmlNode *node, char *buffer, size_t size)
{
	size_t start = size - 1;

	buffer[start] = '\0';
	while (node && node->type == XML_ELEMENT_NODE && path_prepend(node, buffer, &start))
		node = node->parent;
	memmove(buffer, buffer + start, size - start);
	return buffer;
}

int node_error(const xmlNode *node, struct dd_error *err, int code, const char *format, ...)
{
	char message[1024];
	char path[NODE_PATH_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	error_set(err, code, "%s", message);
	if (!node)
		return code;

	const char *file = node->doc ? chars(node->doc->URL) : NULL;
	long line = xmlGetLineNo(node);

	/* what was added by us is at the line of what it is in */
	for (const xmlNode *above = node->parent; line <= 0 && above; above = above->parent)
		line = xmlGetLineNo(above);
	error_place(err, file, line > 0 ? (int)line : 0, 0, node_path(node, path, sizeof path));
	return code;
}
