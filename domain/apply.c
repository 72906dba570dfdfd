/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole definition for a domain that exists. It is turned into the edits that it takes
 * (schema/plan.h), and they are made as one version; a running guest follows as it does in a
 * rollback.
 */
#include <string.h>

#include "domain/difference.h"
#include "domain/existing.h"
#include "domain/follow.h"
#include "domain/scope.h"
#include "domain/secret.h"
#include "domain/sharing.h"
#include "schema/plan.h"

static const char *const actions[] = {
	[EDIT_DETACH] = "detach",
	[EDIT_SET] = "set",
	[EDIT_UPDATE] = "update",
	[EDIT_ATTACH] = "attach",
};

struct apply {
	struct operation op;
	struct transition transition;
	struct scope scope;
	struct freeze_options options;
	struct edit_plan plan;
};

static inline void cleanup_apply(struct apply *apply)
{
	edit_plan_release(&apply->plan);
	transition_release(&apply->transition);
	operation_end(&apply->op);
}

static int tell_edit(
	const struct planned_edit *edit, dd_step_fn step, void *context, struct dd_error *err)
{
	const struct changes *changes = &edit->changes;
	CLEANUP(free)
	struct dd_difference *differences =
		calloc(changes->count ? changes->count : 1, sizeof *differences);
	struct dd_step told = {
		.action = actions[edit->action],
		.subject = edit->subject,
		.details = edit->details ? edit->details : "",
		.brings = edit->brings ? edit->brings : "",
		.xml = edit->xml,
		.differences = differences,
		.difference_count = changes->count,
	};

	if (!differences)
		return error_no_memory(err);
	for (size_t i = 0; i < changes->count; i++)
		difference_of(&changes->items[i], &differences[i]);
	return step(&told, context);
}

static int tell(const struct edit_plan *plan, dd_step_fn step, void *context, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && step && i < plan->count; i++)
		rc = tell_edit(&plan->edits[i], step, context, err);
	return rc;
}

/* "apply: detach disk vdb, attach disk vdc and 3 more" */
static int make_subject(const struct edit_plan *plan, char **subject, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	size_t i;

	text_puts(&words, "apply:");
	for (i = 0; i < plan->count && words.size < SUBJECT_MAX; i++)
		text_printf(&words, "%s %s %s", i ? "," : "", actions[plan->edits[i].action],
			plan->edits[i].subject);
	if (i < plan->count)
		text_printf(&words, " and %zu more", plan->count - i);
	*subject = text_take(&words);
	return *subject ? 0 : error_no_memory(err);
}

/* A guest that runs names the devices that it has to follow with. */
static int name_devices(struct apply *apply, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < apply->plan.count; i++)
		if (apply->plan.edits[i].action != EDIT_SET)
			rc = transition_device(
				&apply->transition, apply->plan.edits[i].subject, err);
	return rc;
}

static int prepare(struct apply *apply, struct dd_host *host, struct document *given,
	const struct domain_row *row, bool dry_run, const struct dd_change *change,
	struct dd_error *err)
{
	const char *name = dry_run ? OPERATION_DRY_RUN : "apply";
	int rc = operation_begin(&apply->op, host, row->uuid, name, change, err);

	if (!rc)
		rc = scope_of(&apply->op, change, &apply->scope, err);
	if (!rc && !apply->scope.config)
		rc = error_set(
			err, DD_INVALID, "a definition is for the record, not for a guest alone");
	if (!rc)
		rc = existing_check(given, &apply->op.row, err);
	if (!rc)
		rc = transition_init(&apply->transition, &apply->op, err);
	if (!rc)
		rc = host_capabilities(host, apply->op.config, &apply->options.capabilities, err);
	apply->options.keep_host_model = true;
	return rc;
}

static int carry_out(struct apply *apply, struct dd_result *result, struct dd_error *err)
{
	struct dd_host *host = apply->op.host;
	int rc = make_subject(&apply->plan, &apply->transition.subject, err);

	if (!rc)
		rc = apply->scope.live ? follow_plan(&apply->transition, apply->op.config,
						 apply->plan.after, &apply->options, "change", err)
				       : name_devices(apply, err);
	if (!rc && !apply->scope.live)
		rc = sharing_warn(host, apply->op.config, apply->plan.after, err);
	if (rc)
		return rc;
	document_free(apply->transition.config);
	apply->transition.config = TAKE(apply->plan.after);
	return transition_run(&apply->transition, &apply->op, result, err);
}

/* given is used up. */
static int apply_to(struct dd_host *host, struct document *given, const struct domain_row *row,
	bool dry_run, const struct dd_change *change, dd_step_fn step, void *context,
	struct dd_result *result, struct dd_error *err)
{
	CLEANUP(apply) struct apply apply = {.op = OPERATION_INIT};
	CLEANUP(document) struct document *own = given;
	int rc;

	if (result)
		memcpy(result->uuid, row->uuid, UUID_SIZE);
	rc = prepare(&apply, host, own, row, dry_run, change, err);

	if (!rc)
		rc = secret_seal(&apply.op, own, err);
	if (!rc)
		rc = secret_keep(own, apply.op.config, err);
	if (!rc)
		rc = edit_plan_make(&apply.plan, TAKE(own), apply.op.config, apply.scope.live,
			&apply.options, err);
	if (!rc)
		rc = tell(&apply.plan, step, context, err);
	if (rc)
		return rc;
	operation_unchanged(&apply.op, result);
	if (dry_run && result)
		result->changed = apply.plan.count > 0;
	return dry_run || !apply.plan.count ? 0 : carry_out(&apply, result, err);
}

int dd_apply(struct dd_host *host, const struct dd_text *definition, bool dry_run,
	const struct dd_change *change, dd_step_fn step, void *context, struct dd_result *result,
	struct dd_error *err)
{
	CLEANUP(document) struct document *given = NULL;
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	int rc = host_read_definition(
		host, definition->data, definition->size, definition->file, &given, err);

	if (!rc && !document_name(given))
		rc = node_error(document_root(given), err, DD_INVALID, "there is no <name>");
	if (!rc)
		rc = secrets_check(given, err);
	if (!rc)
		rc = existing_find(host, given, &row, err);
	if (rc == DD_NOT_FOUND) {
		error_set(err, DD_NOT_FOUND, "there is no domain '%s'", document_name(given));
		return error_hint(err, "create it with: domesday define FILE");
	}
	return rc ? rc
		  : apply_to(host, TAKE(given), &row, dry_run, change, step, context, result, err);
}
