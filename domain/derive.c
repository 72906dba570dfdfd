/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/derive.h"

#include <stdlib.h>
#include <string.h>

#include "domain/operation.h"
#include "store/parcels.h"

void derived_release(struct derived *derived)
{
	free(derived->name);
	free(derived->title);
	use_rows_release(&derived->uses);
	*derived = (struct derived){.name = NULL};
}

/* Before there were owners no version named an epoch. */
static int derive_version(const struct version_info *info, const struct document *document,
	const char *uuid, struct derived *out, struct dd_error *err)
{
	const char *name = document_name(document);
	const char *title = node_text(node_child(document_root(document), "title"));
	const char *operation = version_trailer(info, "Operation");
	const char *epoch = version_trailer(info, "Epoch");
	CLEANUP(derived)
	struct derived derived = {
		.gone = operation && strcmp(operation, OPERATION_UNDEFINE) == 0,
		.epoch = epoch ? (uint32_t)strtoul(epoch, NULL, 10) : 1,
	};
	int rc = string_copy(&derived.name, name ? name : uuid, err);

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

int derive(struct book *book, const char *uuid, struct derived *out, struct dd_error *err)
{
	CLEANUP(version_info) struct version_info info = {.number = 0};
	CLEANUP(document) struct document *document = NULL;
	int rc = book_version(book, uuid, 0, &info, err);

	if (!rc)
		rc = record_read(book, uuid, 0, &document, err);
	return rc ? rc : derive_version(&info, document, uuid, out, err);
}

int derive_parcel(
	struct parcel *parcel, const char *uuid, struct derived *out, struct dd_error *err)
{
	CLEANUP(version_info) struct version_info info = {.number = 0};
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(text) struct text xml = TEXT_INIT;
	int rc = book_parcel_version(parcel, &info, err);

	if (!rc)
		rc = book_parcel_read(parcel, FILE_CONFIG, &xml, err);
	if (!rc)
		rc = document_parse(text_string(&xml), xml.size, NULL, &document, err);
	return rc ? rc : derive_version(&info, document, uuid, out, err);
}
