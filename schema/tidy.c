/* SPDX-License-Identifier: Apache-2.0 */

/*
 * White space. Between elements it is only layout and goes. The text of an element that has no
 * child elements is its value and stays as it is, unless there is nothing but white space in it.
 * Inside <metadata>, which belongs to applications, text beside elements means something too: there
 * an element with both keeps every character below it, and so does a value of white space.
 */

#include <string.h>

#include "schema/document_internal.h"

static bool is_blank(const xmlNode *text)
{
	const char *content = (const char *)text->content;

	return !content || content[strspn(content, " \t\r\n")] == '\0';
}

/* Leaves at most one text in a row, and nothing that is neither text nor element. */
static int join_texts(xmlNode *node, struct dd_error *err)
{
	xmlNode *next;

	for (xmlNode *child = node->children; child; child = next) {
		next = child->next;
		if (child->type == XML_ELEMENT_NODE)
			continue;
		if (child->type != XML_TEXT_NODE) {
			node_remove(child);
			continue;
		}
		if (!child->prev || child->prev->type != XML_TEXT_NODE)
			continue;
		if (xmlTextConcat(child->prev, child->content, xmlStrlen(child->content)))
			return error_no_memory(err);
		node_remove(child);
	}
	return 0;
}

static bool is_mixed(const xmlNode *node)
{
	if (!node_first(node))
		return false;
	for (const xmlNode *child = node->children; child; child = child->next)
		if (child->type == XML_TEXT_NODE && !is_blank(child))
			return true;
	return false;
}

static void drop_blanks(xmlNode *node, bool foreign)
{
	xmlNode *next;

	if (foreign && !node_first(node))
		return;
	for (xmlNode *child = node->children; child; child = next) {
		next = child->next;
		if (child->type == XML_TEXT_NODE && is_blank(child))
			node_remove(child);
	}
}

/* foreign: inside <metadata>; verbatim: below an element with text beside elements. */
static int tidy(xmlNode *node, bool foreign, bool verbatim, struct dd_error *err)
{
	int rc = join_texts(node, err);

	if (rc)
		return rc;
	verbatim = verbatim || (foreign && is_mixed(node));
	if (!verbatim)
		drop_blanks(node, foreign);
	foreign = foreign || node_is(node, "metadata");
	for (xmlNode *child = node_first(node); child; child = node_after(child)) {
		rc = tidy(child, foreign, verbatim, err);
		if (rc)
			return rc;
	}
	return 0;
}

int xml_tidy(xmlNode *node, struct dd_error *err)
{
	return tidy(node, false, false, err);
}
