/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back to an earlier version, always as a new one. A shut-off domain just takes the definition. A
 * running guest is brought there with unplugs, plugs and updates; where that would not reach the
 * whole way, nothing is done and what stands in the way is said.
 */
#include "domain/follow.h"
#include "domain/record.h"
#include "domain/scope.h"
#include "domain/secret.h"
#include "schema/edit.h"

struct rollback {
	struct operation op;
	struct transition transition;
	struct scope scope;
	struct freeze_options options;
	struct document *target;
};

static inline void cleanup_rollback(struct rollback *rollback)
{
	transition_release(&rollback->transition);
	document_free(rollback->target);
	operation_end(&rollback->op);
}

/* A machine that would not start for want of a password is none to go back to. */
static int check_secrets(const struct rollback *rollback, uint32_t version, struct dd_error *err)
{
	CLEANUP(document) struct document *revealed = NULL;
	const struct operation *op = &rollback->op;
	int rc = secret_reveal(op->host, op->row.uuid, rollback->target, &revealed, err);

	if (rc) {
		error_wrap(err, "version %u cannot be brought back", version);
		error_hint(err, "without it: domesday dumpxml %s@%u | domesday apply -",
			op->row.name, version);
	}
	return rc;
}

static int rollback_prepare(struct rollback *rollback, struct dd_host *host, const char *domain,
	uint32_t version, const struct dd_change *change, struct dd_error *err)
{
	int rc = operation_begin(&rollback->op, host, domain, "rollback", change, err);

	if (!rc)
		rc = scope_of(&rollback->op, change, &rollback->scope, err);
	if (!rc && !rollback->scope.config)
		rc = error_set(err, DD_INVALID, "a rollback cannot be of the running guest alone");
	if (!rc)
		rc = record_read(
			host->book, rollback->op.row.uuid, version, &rollback->target, err);
	if (!rc)
		rc = record_read_text(host->book, rollback->op.row.uuid, version, FILE_CPU,
			&rollback->op.cpu_next, err);
	rollback->op.cpu_decided = !rc;
	if (!rc)
		rc = check_secrets(rollback, version, err);
	/* a domain is called what it is called now */
	if (!rc)
		rc = edit_rename(rollback->target, rollback->op.row.name, err);
	if (!rc)
		rc = follow_vacate(rollback->op.config, rollback->target, err);
	if (!rc)
		rc = transition_init(&rollback->transition, &rollback->op, err);
	if (!rc)
		rc = host_capabilities(
			host, rollback->op.config, &rollback->options.capabilities, err);
	rollback->options.keep_host_model = true;
	return rc;
}

int dd_rollback(struct dd_host *host, const char *domain, uint32_t version,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err)
{
	CLEANUP(rollback) struct rollback rollback = {.op = OPERATION_INIT};
	int rc = rollback_prepare(&rollback, host, domain, version, change, err);

	if (!rc && rollback.scope.live)
		rc = follow_plan(&rollback.transition, rollback.op.config, rollback.target,
			&rollback.options, "rollback", err);
	if (!rc)
		rc = string_format(
			&rollback.transition.subject, err, "rollback to version %u", version);
	if (rc)
		return rc;
	document_free(rollback.transition.config);
	rollback.transition.config = TAKE(rollback.target);
	return transition_run(&rollback.transition, &rollback.op, result, err);
}
