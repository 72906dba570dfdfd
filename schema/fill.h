/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_FILL_H
#define SCHEMA_FILL_H

/* Small moves that freezing is made of: write what is absent, never what is there. */

#include "schema/document.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Sets an attribute that is absent. */
int fill_attr(xmlNode *node, const char *name, const char *value, struct dd_error *err);

/* Sets an attribute that is absent to the text of a number. */
int fill_number(xmlNode *node, const char *name, uint64_t value, struct dd_error *err);

/* The first child called name, added where absent; NULL only when out of memory. */
xmlNode *fill_child(xmlNode *parent, const char *name, struct dd_error *err);

/* The child called name, added with the text where absent. */
int fill_text(xmlNode *parent, const char *name, const char *text, struct dd_error *err);

/* fill_child of <target>, <model>… and one attribute of it. */
int fill_child_attr(xmlNode *parent, const char *child, const char *name, const char *value,
	struct dd_error *err);

/* A device element at the end of <devices>, which is made where absent. */
xmlNode *device_add(struct document *document, const char *element, struct dd_error *err);

/* The first device of that kind, and how many there are. Continue with node_next(). */
xmlNode *device_first(const struct document *document, const char *element);
unsigned device_count(const struct document *document, const char *element);

/* The attribute's number, or otherwise where it is absent or none. */
uint64_t attr_number(const xmlNode *node, const char *name, uint64_t otherwise);

/* Is value one of the strings of a NULL-terminated list? NULL is in none. */
bool string_in(const char *value, const char *const *list);

#endif
