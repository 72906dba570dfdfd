/* SPDX-License-Identifier: Apache-2.0 */
/* What a person says about a domain: its name, title, description, metadata, and autostart. */

#include <string.h>

#include "domain/existing.h"
#include "domain/record.h"
#include "domain/scope.h"
#include "schema/edit.h"

struct setting {
	const char *element, *value; /* title, description */
	const char *uri, *key, *xml; /* metadata */
};

static int edit_name(struct document *document, const void *context, struct dd_error *err)
{
	const struct setting *setting = context;

	return edit_rename(document, setting->value, err);
}

static int edit_words(struct document *document, const void *context, struct dd_error *err)
{
	const struct setting *setting = context;

	return edit_text(document, setting->element, setting->value, err);
}

static int edit_meta(struct document *document, const void *context, struct dd_error *err)
{
	const struct setting *setting = context;

	return edit_metadata(document, setting->uri, setting->key, setting->xml, err);
}

/* subject: taken over. */
static int setting_change(struct dd_host *host, const char *domain, const char *operation,
	char *subject,
	int (*edit)(struct document *document, const void *context, struct dd_error *err),
	const struct setting *setting, const struct dd_change *change, struct dd_result *result,
	struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(transition) struct transition transition = {.steps = NULL};
	CLEANUP(free) char *own = subject;
	struct scope scope = {.config = false};
	int rc = operation_begin(&op, host, domain, operation, change, err);

	if (!rc)
		rc = scope_of(&op, change, &scope, err);
	if (!rc)
		rc = transition_init(&transition, &op, err);
	if (!rc)
		rc = scope_edit(&transition, &scope, edit, setting, err);
	if (rc)
		return rc;
	transition.subject = TAKE(own);
	return transition_run(&transition, &op, result, err);
}

int dd_rename(struct dd_host *host, const char *domain, const char *name,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err)
{
	struct setting setting = {.value = name};
	struct dd_change both = change ? *change : (struct dd_change){.reason = NULL};
	char *subject = NULL;
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	int rc = name_check(name, err);

	if (!rc)
		rc = existing_named(host, domain, &row, err);
	if (!rc)
		rc = existing_name_check(host, row.uuid, name, err);
	both.scope = DD_SCOPE_ALL; /* a domain has one name */
	if (!rc)
		rc = string_format(&subject, err, "rename to %s", name);
	return rc ? rc
		  : setting_change(host, domain, "rename", subject, edit_name, &setting, &both,
			    result, err);
}

static int text_change(struct dd_host *host, const char *domain, const char *element,
	const char *value, const struct dd_change *change, struct dd_result *result,
	struct dd_error *err)
{
	struct setting setting = {.element = element, .value = value};
	char *subject = NULL;
	int rc = string_format(
		&subject, err, "%s %s", value && value[0] ? "set" : "remove", element);

	return rc ? rc
		  : setting_change(host, domain, "desc", subject, edit_words, &setting, change,
			    result, err);
}

int dd_set_title(struct dd_host *host, const char *domain, const char *title,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err)
{
	return text_change(host, domain, "title", title, change, result, err);
}

int dd_set_description(struct dd_host *host, const char *domain, const char *description,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err)
{
	return text_change(host, domain, "description", description, change, result, err);
}

int dd_get_description(struct dd_host *host, const char *domain, char **out, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	CLEANUP(document) struct document *document = NULL;
	const char *description;
	int rc = existing_named(host, domain, &row, err);

	if (!rc)
		rc = record_read(host->book, row.uuid, 0, &document, err);
	if (rc)
		return rc;
	description = node_text(node_child(document_root(document), "description"));
	return string_copy(out, description ? description : "", err);
}

int dd_set_metadata(struct dd_host *host, const char *domain, const char *uri, const char *key,
	const char *xml, const struct dd_change *change, struct dd_result *result,
	struct dd_error *err)
{
	struct setting setting = {.uri = uri, .key = key, .xml = xml};
	char *subject = NULL;
	int rc = string_format(&subject, err, "%s metadata %s", xml ? "set" : "remove", uri);

	return rc ? rc
		  : setting_change(host, domain, "metadata", subject, edit_meta, &setting, change,
			    result, err);
}

int dd_get_metadata(
	struct dd_host *host, const char *domain, const char *uri, char **out, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	const xmlNode *element = NULL;
	int rc = existing_named(host, domain, &row, err);

	if (!rc)
		rc = record_read(host->book, row.uuid, 0, &document, err);
	if (rc)
		return rc;
	element = node_first(node_child(document_root(document), "metadata"));
	while (element && !(element->ns && strcmp((const char *)element->ns->href, uri) == 0))
		element = node_after(element);
	if (!element)
		return error_set(
			err, DD_NOT_FOUND, "domain '%s' has no metadata of '%s'", row.name, uri);
	rc = node_write(element, &text, err);
	if (rc)
		return rc;
	*out = text_take(&text);
	return *out ? 0 : error_no_memory(err);
}

int dd_set_autostart(struct dd_host *host, const char *domain, bool autostart, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	int rc = operation_begin(&op, host, domain, "autostart", NULL, err);
	struct outcome outcome = {.subject = "autostart", .autostart = &autostart};

	if (rc)
		return rc;
	outcome.live = op.live;
	return operation_commit(&op, &outcome, NULL, err);
}
