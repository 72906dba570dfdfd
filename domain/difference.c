/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/difference.h"

#include "domain/secret.h"
#include "schema/merge.h"

static const char *const kind_names[] = {
	[CHANGE_ATTACHED] = "attached",
	[CHANGE_DETACHED] = "detached",
	[CHANGE_UPDATED] = "updated",
	[CHANGE_SETTING] = "setting",
};

static const char *const when_names[] = {
	[WHEN_RUNNING] = "running",
	[WHEN_SHUT_OFF] = "shut off",
	[WHEN_NEVER] = "never",
};

void difference_of(const struct change *change, struct dd_difference *out)
{
	*out = (struct dd_difference){
		.kind = kind_names[change->kind],
		.device = change->device,
		.path = change->path,
		.before = change->before,
		.after = change->after,
		.sentence = change->sentence,
		.when = when_names[change->when],
		.visible = change->visible,
	};
}

int differences_tell(const struct document *before, const struct document *after,
	dd_difference_fn difference, void *context, size_t *count, struct dd_error *err)
{
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	int rc = document_diff(before, after, &changes, err);

	for (size_t i = 0; !rc && difference && i < changes.count; i++) {
		struct dd_difference told;

		difference_of(&changes.items[i], &told);
		rc = difference(&told, context);
	}
	if (!rc && count)
		*count = changes.count;
	return rc;
}

int definition_for_record(struct dd_host *host, const char *xml, size_t size, const char *file,
	const struct document *record, struct document **out, struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	struct freeze_options options = {.keep_host_model = true};
	int rc = document_parse_given(xml, size, file, NULL, &document, err);

	if (!rc)
		rc = secret_compare(host, document, record, err);
	if (!rc)
		rc = document_adopt(document, record, err);
	if (!rc)
		rc = host_capabilities(host, document, &options.capabilities, err);
	if (!rc)
		rc = document_freeze(document, &options, err);
	if (!rc)
		*out = TAKE(document);
	return rc;
}
