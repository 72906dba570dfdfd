/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/document_internal.h"

int document_canonicalise(struct document *document, struct dd_error *err)
{
	return xml_tidy(document_root(document), err);
}

static int parse(const char *text, size_t size, const char *file, struct document **out,
	struct dd_error *err)
{
	CLEANUP(document) struct document *document = calloc(1, sizeof *document);

	if (!document)
		return error_no_memory(err);

	int rc = xml_read(text, size, file, &document->xml, err);

	if (!rc)
		rc = document_canonicalise(document, err);
	if (!rc)
		*out = TAKE(document);
	return rc;
}

int document_parse(const char *text, size_t size, const char *file, struct document **out,
	struct dd_error *err)
{
	return parse(text, size, file, out, err);
}

int document_parse_device(const char *text, size_t size, const char *file, struct document **out,
	struct dd_error *err)
{
	return parse(text, size, file, out, err);
}
