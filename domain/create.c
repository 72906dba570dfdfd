/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/create.h"

#include "domain/cpu_seen.h"
#include "domain/existing.h"
#include "domain/sharing.h"

static int check_new(
	const struct operation *op, const struct dd_change *change, struct dd_error *err)
{
	if (change && change->if_version) {
		if (op->row.version == change->if_version)
			return operation_require_shut_off(op, err);
		return error_set(err, DD_CONFLICT, "domain '%s' was changed just now",
			op->row.name ? op->row.name : op->row.uuid);
	}
	if (op->row.version && op->row.state != STATE_GONE)
		return error_set(err, DD_EXISTS,
			"domain '%s' was defined by somebody else just now", op->row.name);
	return 0;
}

int domain_create(struct dd_host *host, const char *operation, const struct outcome *outcome,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	const struct document *frozen = outcome->config;
	const struct capabilities *caps = NULL;
	int rc = operation_begin_new(&op, host, document_uuid(frozen), operation, change, err);

	if (!rc)
		rc = check_new(&op, change, err);
	if (!rc)
		rc = existing_name_check(host, document_uuid(frozen), document_name(frozen), err);
	if (!rc && outcome->gone)
		return operation_commit(&op, outcome, result, err);
	if (!rc)
		rc = sharing_warn(host, op.row.state == STATE_GONE ? NULL : op.config, frozen, err);
	if (!rc)
		rc = host_capabilities(host, frozen, &caps, err);
	if (!rc)
		rc = cpu_seen_decide(&op, frozen, caps, err);
	return rc ? rc : operation_commit(&op, outcome, result, err);
}
