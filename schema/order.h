/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_ORDER_H
#define SCHEMA_ORDER_H

#include "schema/document.h"

/*
 * Each puts what node has into order, by a list of struct format where there is one. DD_NO_MEMORY;
 * too many attributes, or too long ones, are DD_INVALID. The children must all be elements.
 */
int sort_attributes(xmlNode *node, const char *list, struct dd_error *err);
int sort_children(xmlNode *node, const char *list, struct dd_error *err);
int sort_namespaces(xmlNode *node, struct dd_error *err);

/* Is an attribute's value within its limit? Also asked by sort_attributes(). */
int attribute_check(const xmlNode *node, const xmlAttr *attr, struct dd_error *err);

/* Do parent's children of this name go by what each of them is, and not as they came? */
bool is_ordered(const xmlNode *parent, const char *name);

#endif
