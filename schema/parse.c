/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Text in. The scan has turned away whatever is dangerous; libxml2 then builds the tree, without
 * network, with every callback gone that could bring a declaration in, and the first thing that it
 * complains about is the error. What remains is reduced to elements, attributes and single texts.
 */

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdio.h>
#include <string.h>

#include "schema/document_internal.h"
#include "schema/format.h"

#define PARSE_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES)

/* The first complaint, kept in the parser's private pointer. */
struct complaint {
	const char *file;
	struct dd_error error;
};

static void complaint_path(const xmlParserCtxt *parser, char *path, size_t size)
{
	size_t length = 0;

	snprintf(path, size, "/");
	for (int i = 0; i < parser->nameNr && length + 66 < size; i++)
		length += (size_t)snprintf(
			path + length, size - length, "/%.64s", (const char *)parser->nameTab[i]);
}

static void on_complaint(void *context, xmlErrorPtr fault)
{
	xmlParserCtxt *parser = context;
	struct complaint *complaint = parser->_private;
	char path[NODE_PATH_SIZE];
	const char *message = fault->message ? fault->message : "unknown fault";

	if (complaint->error.code || fault->level < XML_ERR_ERROR)
		return;
	if (fault->code == XML_ERR_NO_MEMORY) {
		error_no_memory(&complaint->error);
		return;
	}
	complaint_path(parser, path, sizeof path);
	error_set(&complaint->error, DD_INVALID, "malformed XML: %.*s", (int)strcspn(message, "\n"),
		message);
	error_place(&complaint->error, complaint->file, fault->line, fault->int2, path);
	/* there may be millions more */
	xmlStopParser(parser);
}

/* The scan finds declarations; this is for the one that it might ever miss. */
static void on_declaration(
	void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	xmlParserCtxt *parser = context;
	struct complaint *complaint = parser->_private;

	(void)name;
	(void)external;
	(void)system;
	error_set(
		&complaint->error, DD_INVALID, "a document type declaration (DTD) is not allowed");
	error_place(&complaint->error, complaint->file, xmlSAX2GetLineNumber(parser), 0, "/");
	xmlStopParser(parser);
}

static xmlDoc *run_parser(const char *text, size_t size, struct complaint *complaint)
{
	xmlParserCtxt *parser = xmlNewParserCtxt();

	if (!parser) {
		error_no_memory(&complaint->error);
		return NULL;
	}
	parser->_private = complaint;
	parser->sax->serror = on_complaint;
	parser->sax->internalSubset = on_declaration;
	parser->sax->externalSubset = NULL;
	parser->sax->comment = NULL;
	parser->sax->processingInstruction = NULL;

	/* the encoding is stated, so that no declaration in the text can choose another */
	xmlDoc *doc =
		xmlCtxtReadMemory(parser, text, (int)size, complaint->file, "UTF-8", PARSE_OPTIONS);

	if (!parser->wellFormed && !complaint->error.code)
		error_set(&complaint->error, DD_INVALID, "malformed XML");
	xmlFreeParserCtxt(parser);
	/* the name as it was given: libxml2 has spelt it as a URL */
	if (doc && complaint->file) {
		xmlFree((xmlChar *)(uintptr_t)doc->URL);
		doc->URL = xmlStrdup((const xmlChar *)complaint->file);
		if (!doc->URL)
			error_no_memory(&complaint->error);
	}
	return doc;
}

int xml_read(const char *text, size_t size, const char *file, xmlDoc **out, struct dd_error *err)
{
	struct complaint complaint = {.file = file};
	int rc = xml_scan(text, size, file, err);

	if (rc)
		return rc;
	if (!size)
		return error_place((error_set(err, DD_INVALID, "there is no XML in the text"), err),
			file, 1, 1, "/");

	CLEANUP(xml_doc) xmlDoc *doc = run_parser(text, size, &complaint);

	if (!doc && !complaint.error.code)
		error_no_memory(&complaint.error);
	if (complaint.error.code) {
		if (err)
			*err = complaint.error;
		return complaint.error.code;
	}
	*out = TAKE(doc);
	return 0;
}

static int parse(const char *text, size_t size, const char *file, struct document **out,
	struct dd_error *err)
{
	struct document *document = calloc(1, sizeof *document);

	if (!document)
		return error_no_memory(err);

	int rc = xml_read(text, size, file, &document->xml, err);

	if (rc)
		document_free(document);
	else
		*out = document;
	return rc;
}

static int wrong_root(const xmlNode *root, const char *list, const char *what, struct dd_error *err)
{
	char buffer[TREE_NAME_SIZE], word[64];
	const char *name = node_name(root, buffer, sizeof buffer);

	node_error(root, err, DD_INVALID, "<%.80s> is not %s", name, what);
	if (root->ns && !root->ns->prefix)
		return error_hint(
			err, "take it out of the namespace %.80s", (const char *)root->ns->href);
	if (format_suggest(list, name, word, sizeof word))
		error_hint(err, "did you mean <%s>?", word);
	return DD_INVALID;
}

static int parse_domain(const char *text, size_t size, const char *file, struct text *left_out,
	struct document **out, struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	int rc = parse(text, size, file, &document, err);

	if (!rc && !node_is(document_root(document), "domain"))
		rc = wrong_root(document_root(document), "domain", "a <domain>", err);
	if (!rc)
		rc = document_canonicalise_given(document, left_out, err);
	if (!rc)
		*out = TAKE(document);
	return rc;
}

int document_parse(const char *text, size_t size, const char *file, struct document **out,
	struct dd_error *err)
{
	return parse_domain(text, size, file, NULL, out, err);
}

int document_parse_given(const char *text, size_t size, const char *file, struct text *left_out,
	struct document **out, struct dd_error *err)
{
	CLEANUP(text) struct text unread = TEXT_INIT;
	CLEANUP(document) struct document *document = NULL;
	int rc = parse_domain(text, size, file, left_out ? left_out : &unread, &document, err);

	if (rc)
		return rc;
	if (text_failed(left_out ? left_out : &unread))
		return error_no_memory(err);
	*out = TAKE(document);
	return 0;
}

int document_parse_device(const char *text, size_t size, const char *file, struct document **out,
	struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	const char *kinds = format_find("domain/devices", NULL)->children;
	char buffer[TREE_NAME_SIZE];
	int rc = parse(text, size, file, &document, err);

	if (rc)
		return rc;

	xmlNode *root = document_root(document);
	int place = format_place(kinds, node_name(root, buffer, sizeof buffer), NULL);

	/* a default namespace would give the element a plain name that it does not have */
	if (place < 0 || root->ns || node_is(root, "emulator"))
		return wrong_root(root, kinds, "a device", err);
	rc = document_canonicalise(document, err);
	if (!rc)
		*out = TAKE(document);
	return rc;
}
