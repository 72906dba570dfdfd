/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/create.h"

#include "domain/cpu_seen.h"
#include "domain/sharing.h"

int domain_create(struct dd_host *host, const struct document *frozen,
	const struct creation *creation, const struct dd_change *change, struct dd_result *result,
	struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	const struct capabilities *caps = NULL;
	struct outcome outcome = {
		.subject = creation->subject,
		.config = frozen,
		.autostart = &creation->autostart,
		.trailers = creation->trailers,
		.trailer_count = creation->trailer_count,
	};
	int rc = operation_begin_new(
		&op, host, document_uuid(frozen), creation->operation, change, err);

	if (!rc && op.row.version && op.row.state != STATE_GONE)
		rc = error_set(err, DD_EXISTS, "domain '%s' was defined by somebody else just now",
			op.row.name);
	if (!rc)
		rc = sharing_warn(host, NULL, frozen, err);
	if (!rc)
		rc = host_capabilities(host, frozen, &caps, err);
	if (!rc)
		rc = cpu_seen_decide(&op, frozen, caps, err);
	return rc ? rc : operation_commit(&op, &outcome, result, err);
}
