/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the guest have what the record says? QEMU is asked for everything it has, and the record for
 * what was written last; neither is believed from memory.
 */
#include "domain/difference.h"
#include "domain/operation.h"
#include "domain/record.h"
#include "qmp/json.h"

static int tell_drift(const struct json *drift, dd_difference_fn tell, void *context)
{
	int rc = 0;

	for (size_t i = 0; !rc && tell && i < json_count(drift); i++) {
		const struct json *item = json_at(drift, i);

		rc = tell(
			&(struct dd_difference){
				.kind = "drift",
				.device = json_get_string(item, "device"),
				.path = json_get_string(item, "path"),
				.sentence = json_get_string(item, "message"),
			},
			context);
	}
	return rc;
}

/* live.xml (or domain.xml, where there is none) must be what the index says that the guest runs. */
static int check_record(
	const struct operation *op, dd_difference_fn tell, void *context, struct dd_error *err)
{
	CLEANUP(text) struct text live = TEXT_INIT;
	CLEANUP(document) struct document *recorded = NULL;
	CLEANUP(document) struct document *running = NULL;
	const struct text *text = op->live_text.size ? &op->live_text : &op->config_text;
	int rc = record_live_text(op->live, &live, NULL, err);

	if (!rc)
		rc = document_parse(text_string(text), text->size, NULL, &recorded, err);
	if (!rc)
		rc = document_parse(text_string(&live), live.size, NULL, &running, err);
	return rc ? rc : differences_tell(recorded, running, tell, context, NULL, err);
}

int dd_check(struct dd_host *host, const char *domain, dd_difference_fn drift, void *context,
	struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(json) struct json *found = NULL;
	int rc = operation_begin(&op, host, domain, "check", NULL, err);

	if (rc || !operation_running(&op))
		return rc;
	rc = operation_guest(&op, err);
	if (!rc)
		rc = guest_drift(op.guest, op.live, &found, err);
	if (!rc)
		rc = tell_drift(found, drift, context);
	return rc ? rc : check_record(&op, drift, context, err);
}
