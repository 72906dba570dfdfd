/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/sharing.h"

#include <string.h>

#include "domain/record.h"

struct warning {
	struct dd_host *host;
	const char *uuid;
};

static int warn_shared(const struct domain_row *row, const struct use_row *use, void *context)
{
	const struct warning *warning = context;

	if (strcmp(row->uuid, warning->uuid) == 0)
		return 0;
	host_warn(warning->host, "%s is used by domain '%s' too%s", use->value, row->name,
		use->scope & USE_LIVE ? ", which is running" : "");
	return 0;
}

static bool had(const struct use_rows *before, const struct use_row *use)
{
	for (size_t i = 0; i < before->count; i++)
		if (strcmp(before->items[i].value, use->value) == 0 &&
			strcmp(before->items[i].kind, use->kind) == 0)
			return true;
	return false;
}

int sharing_warn(struct dd_host *host, const struct document *before,
	const struct document *document, struct dd_error *err)
{
	CLEANUP(use_rows) struct use_rows old = {.items = NULL};
	CLEANUP(use_rows) struct use_rows uses = {.items = NULL};
	struct warning warning = {host, document_uuid(document)};
	int rc = record_uses(before, NULL, &old, err);

	if (!rc)
		rc = record_uses(document, NULL, &uses, err);
	for (size_t i = 0; !rc && i < uses.count; i++)
		if (uses.items[i].mode == 'w' && !had(&old, &uses.items[i]))
			rc = book_who_uses(host->book, uses.items[i].kind, uses.items[i].value,
				warn_shared, &warning, err);
	return rc;
}
