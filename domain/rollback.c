/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back to an earlier version, always as a new one: of the whole definition, or of one device. A
 * shut-off domain just takes it. A running guest goes as far as it can with unplugs, plugs and
 * updates; what is left holds from its next start, as if it had been done with --config. Which is
 * which is told before anything is done.
 */
#include <string.h>

#include "domain/difference.h"
#include "domain/follow.h"
#include "domain/record.h"
#include "domain/scope.h"
#include "domain/secret.h"
#include "schema/edit.h"
#include "schema/revert.h"

struct rollback {
	const struct dd_rollback_options *asked;
	uint32_t version; /* that is meant */
	struct operation op;
	struct transition transition;
	struct scope scope;
	struct freeze_options options;
	struct document *target;
	struct text device; /* in words; empty for all */
	struct follow_way way;
};

static inline void cleanup_rollback(struct rollback *rollback)
{
	transition_release(&rollback->transition);
	document_free(rollback->target);
	document_free(rollback->way.before);
	document_free(rollback->way.arrived);
	text_release(&rollback->device);
	operation_end(&rollback->op);
}

/* ---- where to ---- */

static int target_whole(struct rollback *rollback, struct document *then, struct dd_error *err)
{
	struct operation *op = &rollback->op;
	int rc = record_read_text(
		op->host->book, op->row.uuid, rollback->version, FILE_CPU, &op->cpu_next, err);

	op->cpu_decided = !rc;
	/* a domain is called what it is called now */
	if (!rc)
		rc = edit_rename(then, op->row.name, err);
	return rc ? rc : follow_vacate(op->config, then, err);
}

static int target_device(struct rollback *rollback, const struct document *then,
	struct document **out, struct dd_error *err)
{
	int rc = revert_device(rollback->op.config, then, rollback->asked->device,
		&rollback->options, out, &rollback->device, err);

	if (!rc && text_failed(&rollback->device))
		return error_no_memory(err);
	return rc;
}

static int make_target(struct rollback *rollback, struct dd_error *err)
{
	CLEANUP(document) struct document *then = NULL;
	const struct operation *op = &rollback->op;
	int rc = record_read(op->host->book, op->row.uuid, rollback->version, &then, err);

	if (!rc && rollback->asked->device)
		return target_device(rollback, then, &rollback->target, err);
	if (!rc)
		rc = target_whole(rollback, then, err);
	if (!rc)
		rollback->target = TAKE(then);
	return rc;
}

/* A machine that would not start for want of a password is none to go back to. */
static int check_secrets(const struct rollback *rollback, struct dd_error *err)
{
	CLEANUP(document) struct document *revealed = NULL;
	const struct operation *op = &rollback->op;
	int rc = secret_reveal(op->host, op->row.uuid, rollback->target, &revealed, err);

	if (rc) {
		error_wrap(err, "version %u cannot be brought back", rollback->version);
		error_hint(err, "without it: domesday dumpxml %s@%u | domesday apply -",
			op->row.name, rollback->version);
	}
	return rc;
}

static int prepare(struct rollback *rollback, struct dd_host *host, const struct dd_change *change,
	struct dd_error *err)
{
	struct operation *op = &rollback->op;
	const char *name = rollback->asked->dry_run ? OPERATION_DRY_RUN : "rollback";
	int rc = operation_begin(op, host, rollback->asked->domain, name, change, err);

	if (!rc)
		rc = scope_of(op, change, &rollback->scope, err);
	if (!rc && !rollback->scope.config)
		rc = error_set(err, DD_INVALID, "a rollback cannot be of the running guest alone");
	if (!rc)
		rc = host_capabilities(host, op->config, &rollback->options.capabilities, err);
	rollback->options.keep_host_model = true;
	rollback->version = rollback->asked->version ? rollback->asked->version : op->row.version;
	if (!rc)
		rc = make_target(rollback, err);
	if (!rc)
		rc = check_secrets(rollback, err);
	if (!rc)
		rc = transition_init(&rollback->transition, op, err);
	if (!rc && rollback->asked->device)
		rollback->way.device = text_string(&rollback->device);
	if (!rc && rollback->scope.live)
		rc = follow_part(&rollback->transition, op->config, rollback->target,
			&rollback->options, &rollback->way, err);
	return rc ? rc : transition_check(&rollback->transition, op, err);
}

/* ---- telling ---- */

struct teller {
	const struct text *devices; /* of a difference each, with its NUL; "": everything */
	dd_difference_fn tell;
	void *context;
	size_t count;
};

static bool is_told(const struct text *devices, const char *device)
{
	for (size_t at = 0; device && at < devices->size; at += strlen(devices->data + at) + 1)
		if (strcmp(devices->data + at, device) == 0)
			return true;
	return !devices->size;
}

static int tell_one(const struct dd_difference *difference, void *context)
{
	struct teller *teller = context;

	if (!is_told(teller->devices, difference->device))
		return 0;
	teller->count++;
	return teller->tell ? teller->tell(difference, teller->context) : 0;
}

static int add_device(const struct dd_difference *difference, void *context)
{
	if (difference->device)
		text_add(context, difference->device, strlen(difference->device) + 1);
	return 0;
}

/* Of one device: it, and what comes or goes with it. */
static int devices_find(const struct rollback *rollback, struct text *out, struct dd_error *err)
{
	const char *device = rollback->way.device;
	int rc = 0;

	if (device)
		text_add(out, device, strlen(device) + 1);
	if (device)
		rc = differences_tell(
			rollback->op.config, rollback->target, add_device, out, NULL, err);
	return !rc && text_failed(out) ? error_no_memory(err) : rc;
}

/* What the guest comes to at once, and what it takes its next start for. */
static int tell(const struct rollback *rollback, dd_difference_fn now, dd_difference_fn pending,
	void *context, size_t *count, struct dd_error *err)
{
	CLEANUP(text) struct text devices = TEXT_INIT;
	struct teller teller = {&devices, now, context, 0};
	const struct document *from = rollback->op.config;
	int rc = devices_find(rollback, &devices, err);

	if (!rc && rollback->scope.live) {
		from = rollback->way.arrived;
		rc = differences_tell(rollback->way.before, from, tell_one, &teller, NULL, err);
	}
	teller.tell = pending;
	if (!rc)
		rc = differences_tell(from, rollback->target, tell_one, &teller, NULL, err);
	*count = teller.count;
	return rc;
}

/* The record changes, too, where only what waited for the next start does so no more. */
static int only_told(const struct rollback *rollback, size_t told, struct dd_result *result,
	struct dd_error *err)
{
	const struct operation *op = &rollback->op;
	size_t count = 0;
	int rc = differences_tell(op->config, rollback->target, NULL, NULL, &count, err);

	if (rc)
		return rc;
	operation_unchanged(op, result);
	if (result)
		result->changed = told || count;
	return 0;
}

/* ---- doing ---- */

static int make_subject(struct rollback *rollback, struct dd_error *err)
{
	bool whole = !rollback->asked->device;

	return string_format(&rollback->transition.subject, err, "rollback %s%sto version %u",
		text_string(&rollback->device), whole ? "" : " ", rollback->version);
}

static int carry_out(struct rollback *rollback, struct dd_result *result, struct dd_error *err)
{
	struct transition *transition = &rollback->transition;
	int rc = make_subject(rollback, err);

	if (!rc && rollback->asked->device && !transition->device_count)
		rc = transition_device(transition, text_string(&rollback->device), err);
	if (rc)
		return rc;
	document_free(transition->config);
	transition->config = TAKE(rollback->target);
	return transition_run(transition, &rollback->op, result, err);
}

int dd_rollback_with(struct dd_host *host, const struct dd_rollback_options *options,
	const struct dd_change *change, dd_difference_fn now, dd_difference_fn pending,
	void *context, struct dd_result *result, struct dd_error *err)
{
	CLEANUP(rollback) struct rollback rollback = {.asked = options, .op = OPERATION_INIT};
	size_t count = 0;
	int rc = prepare(&rollback, host, change, err);

	if (!rc)
		rc = tell(&rollback, now, pending, context, &count, err);
	if (rc)
		return rc;
	return options->dry_run ? only_told(&rollback, count, result, err)
				: carry_out(&rollback, result, err);
}

int dd_rollback(struct dd_host *host, const char *domain, uint32_t version,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err)
{
	const struct dd_rollback_options options = {.domain = domain, .version = version};

	return dd_rollback_with(host, &options, change, NULL, NULL, NULL, result, err);
}
