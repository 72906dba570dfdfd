/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/existing.h"

#include <string.h>

#include "domain/journal_detail.h"

int existing_named(
	struct dd_host *host, const char *domain, struct domain_row *row, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row gone = {.name = NULL};
	int rc = book_find(host->book, domain, row, err);

	if (rc != DD_NOT_FOUND || book_find_gone(host->book, domain, &gone, NULL))
		return rc;
	if (gone.owner) {
		error_set(err, rc, "there is no domain '%s' here: the host '%s' has it", domain,
			gone.owner);
		return error_hint(err, "what was recorded here: domesday log %s", gone.uuid);
	}
	error_set(
		err, rc, "there is no domain '%s' (undefined in version %u)", domain, gone.version);
	return error_hint(err, "its history is still there: domesday log %s", gone.uuid);
}

/* One that is gone is none, though its UUID still leads to it. */
static int find_there(
	struct dd_host *host, const char *words, struct domain_row *row, struct dd_error *err)
{
	int rc = book_find(host->book, words, row, err);

	if (!rc && row->state == STATE_GONE) {
		domain_row_release(row);
		rc = DD_NOT_FOUND;
	}
	return rc;
}

int existing_find(struct dd_host *host, const struct document *document, struct domain_row *row,
	struct dd_error *err)
{
	const char *uuid = document_uuid(document);
	int rc = uuid ? find_there(host, uuid, row, err) : DD_NOT_FOUND;

	return rc == DD_NOT_FOUND ? find_there(host, document_name(document), row, err) : rc;
}

/* A name that a domain is to have here. */
struct coming {
	const char *uuid, *name;
	struct dd_error *err;
};

static int coming_compare(const struct journal_row *row, void *context)
{
	const struct coming *coming = context;
	CLEANUP(free) char *name = strcmp(row->uuid, coming->uuid) ? detail_name(row) : NULL;

	if (!name || strcmp(name, coming->name) != 0)
		return 0;
	error_set(coming->err, DD_EXISTS, "the domain %s comes here just now, and is called '%s'",
		row->uuid, name);
	return error_hint(coming->err, "from where: domesday jobs; or choose another name");
}

int existing_coming_check(
	struct dd_host *host, const char *uuid, const char *name, struct dd_error *err)
{
	struct coming coming = {uuid, name, err};

	return journal_list(host->book, coming_compare, &coming, err);
}

int existing_name_check(
	struct dd_host *host, const char *uuid, const char *name, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};

	if (strcmp(uuid, name) == 0 || book_find(host->book, name, &row, NULL) ||
		strcmp(row.uuid, name) != 0)
		return existing_coming_check(host, uuid, name, err);
	error_set(err, DD_EXISTS, "'%s' is the UUID of domain '%s'", name, row.name);
	return error_hint(err, "choose another name: by this one that domain is meant");
}

int existing_check(const struct document *given, const struct domain_row *row, struct dd_error *err)
{
	const char *uuid = document_uuid(given);

	if (uuid && strcmp(uuid, row->uuid) != 0) {
		error_set(err, DD_EXISTS, "domain '%s' exists with another UUID, %s", row->name,
			row->uuid);
		return error_hint(err, "give the new domain another name");
	}
	if (strcmp(document_name(given), row->name) != 0) {
		error_set(
			err, DD_EXISTS, "the UUID %s belongs to domain '%s'", row->uuid, row->name);
		return error_hint(err, "for a new name: domesday rename %s %s", row->name,
			document_name(given));
	}
	return 0;
}
