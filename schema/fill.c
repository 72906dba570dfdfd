/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/fill.h"

#include <inttypes.h>
#include <string.h>

int fill_attr(xmlNode *node, const char *name, const char *value, struct dd_error *err)
{
	return node_attr(node, name) ? 0 : node_set_attr(node, name, value, err);
}

int fill_number(xmlNode *node, const char *name, uint64_t value, struct dd_error *err)
{
	if (node_attr(node, name))
		return 0;
	return node_set_attr_number(node, name, value, err);
}

xmlNode *fill_child(xmlNode *parent, const char *name, struct dd_error *err)
{
	xmlNode *child = node_child(parent, name);

	return child ? child : node_add(parent, name, err);
}

int fill_text(xmlNode *parent, const char *name, const char *text, struct dd_error *err)
{
	if (node_child(parent, name))
		return 0;

	xmlNode *child = node_add(parent, name, err);

	return child ? node_set_text(child, text, err) : DD_NO_MEMORY;
}

int fill_child_attr(xmlNode *parent, const char *child, const char *name, const char *value,
	struct dd_error *err)
{
	xmlNode *node = fill_child(parent, child, err);

	return node ? fill_attr(node, name, value, err) : DD_NO_MEMORY;
}

xmlNode *device_add(struct document *document, const char *element, struct dd_error *err)
{
	xmlNode *devices = fill_child(document_root(document), "devices", err);

	return devices ? node_add(devices, element, err) : NULL;
}

xmlNode *device_first(const struct document *document, const char *element)
{
	return node_child(document_devices(document), element);
}

unsigned device_count(const struct document *document, const char *element)
{
	unsigned count = 0;

	for (xmlNode *device = device_first(document, element); device; device = node_next(device))
		count++;
	return count;
}

uint64_t attr_number(const xmlNode *node, const char *name, uint64_t otherwise)
{
	uint64_t value = otherwise;

	(void)node_attr_number(node, name, &value);
	return value;
}

bool string_in(const char *value, const char *const *list)
{
	for (; value && *list; list++)
		if (strcmp(value, *list) == 0)
			return true;
	return false;
}
