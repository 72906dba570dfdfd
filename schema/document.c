/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/document.h"

#include <string.h>

#include "schema/document_internal.h"

xmlDoc *xml_new(const char *name, struct dd_error *err)
{
	xmlDoc *doc = xmlNewDoc(BAD_CAST "1.0");
	xmlNode *root = doc ? xmlNewDocNode(doc, NULL, BAD_CAST name, NULL) : NULL;

	if (!root || !root->name) {
		xmlFreeNode(root);
		cleanup_xml_doc(&doc);
		error_no_memory(err);
		return NULL;
	}
	xmlDocSetRootElement(doc, root);
	return doc;
}

static xmlDoc *copy_tree(const xmlDoc *from, struct dd_error *err)
{
	CLEANUP(xml_doc) xmlDoc *copy = xmlNewDoc(BAD_CAST "1.0");
	xmlNode *root;

	if (!copy || (from->URL && !(copy->URL = xmlStrdup(from->URL)))) {
		error_no_memory(err);
		return NULL;
	}
	root = node_copy(xmlDocGetRootElement(from), copy, err);
	if (!root)
		return NULL;
	xmlDocSetRootElement(copy, root);
	return TAKE(copy);
}

int document_copy(const struct document *document, struct document **out, struct dd_error *err)
{
	CLEANUP(document) struct document *copy = calloc(1, sizeof *copy);

	if (!copy)
		return error_no_memory(err);
	copy->xml = copy_tree(document->xml, err);
	if (!copy->xml)
		return DD_NO_MEMORY;
	if (document->vacated) {
		copy->vacated = copy_tree(document->vacated, err);
		if (!copy->vacated)
			return DD_NO_MEMORY;
	}
	*out = TAKE(copy);
	return 0;
}

void document_free(struct document *document)
{
	if (!document)
		return;
	cleanup_xml_doc(&document->xml);
	cleanup_xml_doc(&document->vacated);
	free(document);
}

xmlNode *document_root(const struct document *document)
{
	return xmlDocGetRootElement(document->xml);
}

xmlNode *document_devices(const struct document *document)
{
	return node_child(document_root(document), "devices");
}

const char *document_name(const struct document *document)
{
	return node_text(node_child(document_root(document), "name"));
}

const char *document_uuid(const struct document *document)
{
	return node_text(node_child(document_root(document), "uuid"));
}

const char *document_emulator(const struct document *document)
{
	return node_text(node_child(document_devices(document), "emulator"));
}

int document_of_device(const xmlNode *device, struct document **out, struct dd_error *err)
{
	CLEANUP(document) struct document *document = calloc(1, sizeof *document);
	xmlNode *copy;

	if (!document)
		return error_no_memory(err);
	document->xml = xmlNewDoc(BAD_CAST "1.0");
	if (!document->xml)
		return error_no_memory(err);
	copy = node_copy(device, document->xml, err);
	if (!copy)
		return DD_NO_MEMORY;
	xmlDocSetRootElement(document->xml, copy);
	if (device->doc->URL && !(document->xml->URL = xmlStrdup(device->doc->URL)))
		return error_no_memory(err);
	*out = TAKE(document);
	return 0;
}
