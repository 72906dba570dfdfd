/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a domain comes to be, and goes. Creation is the one moment at which a definition is taken as
 * a whole; a definition for a domain that exists is only ever compared with the record.
 */
#include <string.h>

#include "domain/create.h"
#include "domain/difference.h"
#include "domain/existing.h"
#include "domain/operation.h"
#include "domain/record.h"
#include "domain/secret.h"
#include "schema/freeze.h"

static int freeze(
	struct dd_host *host, struct document *document, bool keep_host_model, struct dd_error *err)
{
	struct freeze_options options = {.keep_host_model = keep_host_model};
	const struct capabilities *caps = NULL;
	int rc = host_capabilities(host, document, &caps, err);

	options.capabilities = caps;
	if (!rc)
		rc = document_freeze(document, &options, err);
	if (!host)
		capabilities_free((struct capabilities *)(uintptr_t)caps);
	return rc;
}

static int freeze_with(struct document *document, const struct dd_text *saved, bool keep_host_model,
	struct dd_error *err)
{
	CLEANUP(capabilities) struct capabilities *caps = NULL;
	struct freeze_options options = {.keep_host_model = keep_host_model};
	int rc = capabilities_from_json(saved->data, saved->size, &caps, err);

	if (rc && saved->file)
		error_wrap(err, "%s", saved->file);
	options.capabilities = caps;
	return rc ? rc : document_freeze(document, &options, err);
}

int dd_freeze(struct dd_host *host, const char *xml, size_t size, const char *file,
	const struct dd_freeze_options *options, char **out, struct dd_error *err)
{
	static const struct dd_freeze_options none;
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc;

	options = options ? options : &none;

	struct dd_host nobody = {.warn = options->warn, .warn_context = options->warn_context};

	rc = host_read_definition(host ? host : &nobody, xml, size, file, &document, err);
	if (!rc)
		rc = secrets_check(document, err);
	if (!rc)
		rc = options->capabilities ? freeze_with(document, options->capabilities,
						     options->keep_host_model, err)
					   : freeze(host, document, options->keep_host_model, err);
	if (!rc)
		rc = document_write(document, &text, err);
	if (rc)
		return rc;
	*out = text_take(&text);
	return *out ? 0 : error_no_memory(err);
}

/* What it means is compared with the record, and nothing is written. */
static int define_existing(struct dd_host *host, const struct dd_text *given,
	const struct domain_row *row, dd_difference_fn difference, void *context,
	struct dd_result *result, struct dd_error *err)
{
	CLEANUP(document) struct document *record = NULL;
	CLEANUP(document) struct document *meant = NULL;
	size_t count = 0;
	int rc = record_read(host->book, row->uuid, 0, &record, err);

	if (!rc)
		rc = definition_for_record(
			host, given->data, given->size, given->file, record, &meant, err);
	if (!rc)
		rc = differences_tell(record, meant, difference, context, &count, err);
	if (rc)
		return rc;
	memcpy(result->uuid, row->uuid, UUID_SIZE);
	if (count) {
		error_set(err, DD_EXISTS,
			"domain '%s' exists and the definition differs from its record in %zu %s",
			row->name, count, count == 1 ? "place" : "places");
		return error_hint(
			err, "a record changes by device-level edits only, never by redefinition");
	}
	result->version = row->version;
	result->changed = false;
	return 0;
}

static int define_new(struct dd_host *host, struct document *document,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err)
{
	CLEANUP(free) char *subject = NULL;
	bool autostart = false; /* whatever that of a namesake which is gone was */
	struct outcome outcome = {.config = document, .autostart = &autostart};
	int rc = freeze(host, document, change && change->keep_host_model, err);

	if (!rc)
		rc = string_format(&subject, err, "define %s", document_name(document));
	outcome.subject = subject;
	return rc ? rc : domain_create(host, "define", &outcome, change, result, err);
}

int dd_define(struct dd_host *host, const char *xml, size_t size, const char *file,
	const struct dd_change *change, dd_difference_fn difference, void *context,
	struct dd_result *result, struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct dd_text given = {xml, size, file};
	struct dd_result own;
	int rc = host_read_definition(host, xml, size, file, &document, err);

	if (!rc && !document_name(document))
		rc = node_error(document_root(document), err, DD_INVALID, "there is no <name>");
	if (!rc)
		rc = secrets_check(document, err);
	if (!rc)
		rc = existing_find(host, document, &row, err);
	if (rc == DD_NOT_FOUND && change && change->if_version)
		return error_set(err, DD_CONFLICT,
			"there is no domain '%s' that could be at version %u",
			document_name(document), change->if_version);
	if (rc == DD_NOT_FOUND) {
		rc = define_new(host, document, change, result ? result : &own, err);
		/* somebody may have been quicker, with the same in mind */
		if (rc != DD_EXISTS || existing_find(host, document, &row, NULL))
			return rc;
		rc = 0;
	}
	if (!rc)
		rc = existing_check(document, &row, err);
	return rc ? rc
		  : define_existing(
			    host, &given, &row, difference, context, result ? result : &own, err);
}

int dd_undefine(struct dd_host *host, const char *domain, const struct dd_change *change,
	struct dd_result *result, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	struct outcome outcome = {.subject = "undefine", .gone = true};
	int rc = operation_begin(&op, host, domain, OPERATION_UNDEFINE, change, err);

	if (!rc)
		rc = operation_require_shut_off(&op, err);
	return rc ? rc : operation_commit(&op, &outcome, result, err);
}
