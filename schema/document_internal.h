/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_DOCUMENT_INTERNAL_H
#define SCHEMA_DOCUMENT_INTERNAL_H

/* What the files that make up a document share. Not for anybody outside schema/. */

#include "schema/document.h"
#include "schema/name.h"

/* The file that messages name is kept as the URL of the tree, where every node can reach it. */
struct document {
	xmlDoc *xml;
	xmlDoc *vacated; /* NULL until somebody asks for it */
};

static inline void cleanup_xml_doc(xmlDoc **doc)
{
	if (*doc)
		xmlFreeDoc(*doc);
}

/* A device as a document of its own; a fault in it is in the file that it came from. */
int document_of_device(const xmlNode *device, struct document **out, struct dd_error *err);

/*
 * Looks through text without a parser: size, encoding, depth, number and size of attributes, and
 * that there is no document type declaration. So the parser meets nothing that could make it work
 * for longer than the text is long.
 */
int xml_scan(const char *text, size_t size, const char *file, struct dd_error *err);

/* How many bytes the UTF-8 character at the front of left bytes has; 0: not one that XML allows. */
size_t xml_character(const unsigned char *at, size_t left);

/* DD_INVALID unless string is UTF-8 of characters that XML allows; what is its name in messages. */
int xml_text_check(const char *string, const char *what, struct dd_error *err);

/*
 * Reads any XML text within the limits into a tree without comments and instructions, which is not
 * yet tidy, nor checked against the vocabulary. *out is owned by the caller.
 */
int xml_read(const char *text, size_t size, const char *file, xmlDoc **out, struct dd_error *err);

/* A tree of its own with the element name as its root; NULL when out of memory. */
xmlDoc *xml_new(const char *name, struct dd_error *err);

/* Drops white space between elements and joins neighbouring texts, below node. */
int xml_tidy(xmlNode *node, struct dd_error *err);

/*
 * document_canonicalise() of what somebody brings: strangers are left out, and a line of each is
 * appended to left_out, which may be NULL (then they are refused).
 */
int document_canonicalise_given(
	struct document *document, struct text *left_out, struct dd_error *err);

#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

/*
 * Gives what is in libvirt's QEMU namespace the prefix "qemu", declared at the root, however its
 * author declared it; and takes a declaration away that nothing uses.
 */
int qemu_namespace(xmlDoc *doc, struct dd_error *err);

/* Is the element of the domain format, the QEMU namespace included, and not a stranger's? */
bool node_is_ours(const xmlNode *node);

#endif
