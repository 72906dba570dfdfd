/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/scope.h"

#include <string.h>

#include "schema/alias.h"

int scope_of(const struct operation *op, const struct dd_change *change, struct scope *out,
	struct dd_error *err)
{
	enum dd_scope wanted = change ? change->scope : DD_SCOPE_ALL;
	int rc = wanted == DD_SCOPE_LIVE ? operation_require_running(op, err) : 0;

	if (rc)
		return rc;
	if (wanted == DD_SCOPE_CURRENT)
		wanted = operation_running(op) ? DD_SCOPE_LIVE : DD_SCOPE_CONFIG;
	*out = (struct scope){
		.config = wanted != DD_SCOPE_LIVE,
		.live = wanted != DD_SCOPE_CONFIG && operation_running(op),
		.alike = op->live_text.size == 0,
	};
	return 0;
}

int scope_follow(struct transition *transition, struct dd_error *err)
{
	CLEANUP(document) struct document *config = NULL;
	int rc = document_copy(transition->live, &config, err);

	if (!rc)
		rc = document_strip_runtime(config, err);
	if (rc)
		return rc;
	document_free(transition->config);
	transition->config = TAKE(config);
	return 0;
}

int scope_edit(struct transition *transition, const struct scope *scope,
	int (*edit)(struct document *document, const void *context, struct dd_error *err),
	const void *context, struct dd_error *err)
{
	int rc = scope->config ? edit(transition->config, context, err) : 0;

	return rc || !scope->live ? rc : edit(transition->live, context, err);
}

int scope_device(const xmlNode *device, struct document **out, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(document) struct document *document = NULL;
	int rc = node_write(device, &text, err);

	if (!rc)
		rc = document_parse_device(text_string(&text), text.size, NULL, &document, err);
	if (rc)
		return rc;

	xmlNode *alias = node_child(document_root(document), "alias");

	if (alias && strncmp(node_attr(alias, "name"), "ua-", 3) != 0)
		node_remove(alias);
	*out = TAKE(document);
	return 0;
}
