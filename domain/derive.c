/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/derive.h"

#include <stdlib.h>
#include <string.h>

#include "domain/operation.h"

void derived_release(struct derived *derived)
{
	free(derived->name);
	free(derived->title);
	use_rows_release(&derived->uses);
	*derived = (struct derived){.name = NULL};
}

/* What its trailers say; before there were owners no version named an epoch. */
static int derive_state(
	struct book *book, const char *uuid, struct derived *derived, struct dd_error *err)
{
	CLEANUP(version_info) struct version_info info = {.number = 0};
	int rc = book_version(book, uuid, 0, &info, err);
	const char *operation = rc ? NULL : version_trailer(&info, "Operation");
	const char *epoch = rc ? NULL : version_trailer(&info, "Epoch");

	derived->gone = operation && strcmp(operation, OPERATION_UNDEFINE) == 0;
	derived->epoch = epoch ? (uint32_t)strtoul(epoch, NULL, 10) : 1;
	return rc;
}

int derive(struct book *book, const char *uuid, struct derived *out, struct dd_error *err)
{
	CLEANUP(derived) struct derived derived = {.name = NULL};
	CLEANUP(document) struct document *document = NULL;
	int rc = derive_state(book, uuid, &derived, err);
	const char *name, *title;

	if (!rc)
		rc = record_read(book, uuid, 0, &document, err);
	if (rc)
		return rc;
	name = document_name(document);
	title = node_text(node_child(document_root(document), "title"));
	rc = string_copy(&derived.name, name ? name : uuid, err);
	if (!rc)
		rc = string_copy(&derived.title, title ? title : "", err);
	if (!rc && !derived.gone)
		rc = record_uses(document, NULL, &derived.uses, err);
	if (rc)
		return rc;
	*out = derived;
	derived = (struct derived){.name = NULL};
	return 0;
}
