/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/plan.h"

#include <string.h>

#include "domain/crash.h"
#include "domain/journal_detail.h"
#include "domain/record.h"
#include "schema/alias.h"

#define DETACH_WAIT_MS 20000 /* for a guest to let go of a device */

static const char *const step_names[] = {
	[STEP_ATTACH] = "attach",
	[STEP_DETACH] = "detach",
	[STEP_UPDATE] = "update",
	[STEP_MEMORY] = "memory",
	[STEP_VCPUS] = "vcpus",
};

#define STEP_KINDS (sizeof step_names / sizeof step_names[0])

void plan_release(struct plan *plan)
{
	for (size_t i = 0; i < plan->step_count; i++)
		free(plan->steps[i].alias);
	for (size_t i = 0; i < plan->device_count; i++)
		free(plan->devices[i]);
	free(plan->steps);
	free(plan->devices);
	free(plan->subject);
	document_free(plan->config);
	document_free(plan->live);
	memset(plan, 0, sizeof *plan);
}

int plan_init(struct plan *plan, const struct operation *op, struct dd_error *err)
{
	int rc;

	*plan = (struct plan){.steps = NULL};
	rc = document_copy(op->config, &plan->config, err);
	if (!rc && op->live)
		rc = document_copy(op->live, &plan->live, err);
	if (rc)
		plan_release(plan);
	return rc;
}

int plan_step(struct plan *plan, enum step_kind kind, const char *alias, uint64_t before,
	uint64_t after, struct dd_error *err)
{
	struct step *steps = reallocarray(plan->steps, plan->step_count + 1, sizeof *steps);
	char *copy = NULL;
	int rc;

	if (!steps)
		return error_no_memory(err);
	plan->steps = steps;
	rc = alias ? string_copy(&copy, alias, err) : 0;
	if (!rc)
		steps[plan->step_count++] = (struct step){kind, copy, before, after};
	return rc;
}

int plan_device(struct plan *plan, const char *words, struct dd_error *err)
{
	char **devices = reallocarray(plan->devices, plan->device_count + 2, sizeof *devices);
	int rc;

	if (!devices)
		return error_no_memory(err);
	plan->devices = devices;
	rc = string_copy(&devices[plan->device_count], words, err);
	if (!rc)
		devices[++plan->device_count] = NULL;
	return rc;
}

/* ---- the steps, forwards and backwards ---- */

static const xmlNode *by_alias(const struct document *document, const char *alias)
{
	for (const xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device)) {
		const char *own = device_alias(device);

		if (own && strcmp(own, alias) == 0)
			return device;
	}
	return NULL;
}

static int attach(
	struct operation *op, const struct document *live, const char *alias, struct dd_error *err)
{
	return guest_attach(op->guest, live, by_alias(live, alias), err);
}

static int detach(
	struct operation *op, const struct document *live, const char *alias, struct dd_error *err)
{
	return guest_detach(op->guest, live, by_alias(live, alias), DETACH_WAIT_MS, err);
}

static int step_forward(const struct plan *plan, const struct step *step, struct operation *op,
	struct dd_error *err)
{
	switch (step->kind) {
	case STEP_ATTACH:
		return attach(op, plan->live, step->alias, err);
	case STEP_DETACH:
		return detach(op, op->live, step->alias, err);
	case STEP_UPDATE:
		return guest_update(op->guest, plan->live, by_alias(op->live, step->alias),
			by_alias(plan->live, step->alias), err);
	case STEP_MEMORY:
		return guest_set_memory(op->guest, step->after, err);
	case STEP_VCPUS:
		return guest_set_vcpus(op->guest, plan->live, (unsigned)step->after, err);
	}
	return error_set(err, DD_CORRUPT, "a step of no known kind");
}

static int step_backward(const struct plan *plan, const struct step *step, struct operation *op,
	struct dd_error *err)
{
	switch (step->kind) {
	case STEP_ATTACH:
		return detach(op, plan->live, step->alias, err);
	case STEP_DETACH:
		return attach(op, op->live, step->alias, err);
	case STEP_UPDATE:
		return guest_update(op->guest, op->live, by_alias(plan->live, step->alias),
			by_alias(op->live, step->alias), err);
	case STEP_MEMORY:
		return guest_set_memory(op->guest, step->before, err);
	case STEP_VCPUS:
		return guest_set_vcpus(op->guest, op->live, (unsigned)step->before, err);
	}
	return error_set(err, DD_CORRUPT, "a step of no known kind");
}

static int plan_forward(
	const struct plan *plan, struct operation *op, size_t *reached, struct dd_error *err)
{
	for (*reached = 0; *reached < plan->step_count; ++*reached) {
		int rc = step_forward(plan, &plan->steps[*reached], op, err);

		if (rc)
			return rc;
		CRASH_POINT("plan:step");
	}
	return 0;
}

/*
 * Undoes the first reached steps, and the one that failed, which cleans up after itself but may
 * have been half done by a holder who died. What cannot be undone because QEMU is gone needs not
 * be.
 */
static int plan_backward(
	const struct plan *plan, struct operation *op, size_t reached, struct dd_error *err)
{
	int first = 0;

	for (size_t i = reached; i-- > 0;) {
		int rc = step_backward(plan, &plan->steps[i], op, first ? NULL : err);

		if (rc && !first)
			first = rc;
	}
	return first && guest_alive(op->folder, NULL) ? first : 0;
}

/* ---- the journal ---- */

static int plan_write_steps(const struct plan *plan, struct json *detail, struct dd_error *err)
{
	struct json *steps = json_array();
	struct json *devices = json_array();

	for (size_t i = 0; i < plan->step_count; i++) {
		struct json *step = json_object();

		json_put_string(step, "do", step_names[plan->steps[i].kind]);
		if (plan->steps[i].alias)
			json_put_string(step, "alias", plan->steps[i].alias);
		json_put(step, "before", json_unsigned(plan->steps[i].before));
		json_put(step, "after", json_unsigned(plan->steps[i].after));
		json_push(steps, step);
	}
	for (size_t i = 0; i < plan->device_count; i++)
		json_push(devices, json_string(plan->devices[i]));
	return json_put(detail, "steps", steps) && json_put(detail, "devices", devices)
		       ? 0
		       : error_no_memory(err);
}

static int plan_write(const struct plan *plan, const struct operation *op, struct json **out,
	struct dd_error *err)
{
	CLEANUP(text) struct text vacated = TEXT_INIT;
	CLEANUP(json) struct json *detail = detail_new(op, DETAIL_PLAN);
	int rc = detail ? plan_write_steps(plan, detail, err) : error_no_memory(err);

	if (!rc)
		rc = detail_put_document(detail, "config", plan->config, err);
	if (!rc)
		rc = detail_put_document(detail, "live", plan->live, err);
	if (!rc)
		rc = document_write_vacated(plan->config, &vacated, err);
	if (rc)
		return rc;
	if (!json_put_string(detail, "vacated", text_string(&vacated)) ||
		!json_put_string(detail, "subject", plan->subject))
		return error_no_memory(err);
	*out = TAKE(detail);
	return 0;
}

static int plan_read_step(struct plan *plan, const struct json *step, struct dd_error *err)
{
	const char *name = json_get_string(step, "do");

	for (size_t kind = 0; name && kind < STEP_KINDS; kind++)
		if (strcmp(name, step_names[kind]) == 0)
			return plan_step(plan, (enum step_kind)kind, json_get_string(step, "alias"),
				json_get_unsigned(step, "before", 0),
				json_get_unsigned(step, "after", 0), err);
	return error_set(err, DD_CORRUPT, "the journal has a step of no known kind");
}

static int plan_fill(struct plan *plan, const struct json *detail, struct dd_error *err)
{
	const struct json *steps = json_get(detail, "steps");
	const struct json *devices = json_get(detail, "devices");
	const char *vacated = json_get_string(detail, "vacated");
	const char *subject = json_get_string(detail, "subject");
	int rc = detail_get_document(detail, "config", &plan->config, err);

	if (!rc)
		rc = detail_get_document(detail, "live", &plan->live, err);
	if (!rc && vacated)
		rc = document_read_vacated(plan->config, vacated, strlen(vacated), err);
	if (!rc)
		rc = string_copy(&plan->subject, subject ? subject : "", err);
	for (size_t i = 0; !rc && i < json_count(steps); i++)
		rc = plan_read_step(plan, json_at(steps, i), err);
	for (size_t i = 0; !rc && i < json_count(devices); i++)
		rc = plan_device(plan, json_as_string(json_at(devices, i)), err);
	return rc;
}

int plan_read(const char *detail, struct plan *plan, struct dd_error *err)
{
	CLEANUP(json) struct json *json = NULL;
	int rc = json_parse(detail, strlen(detail), &json, err);

	*plan = (struct plan){.steps = NULL};
	if (!rc)
		rc = plan_fill(plan, json, err);
	if (rc)
		plan_release(plan);
	return rc;
}

/* ---- from beginning to end ---- */

static int plan_commit(
	struct plan *plan, struct operation *op, struct dd_result *result, struct dd_error *err)
{
	struct outcome outcome = {
		.subject = plan->subject,
		.config = plan->config,
		.live = plan->live,
		.devices = (const char *const *)plan->devices,
	};

	return operation_commit(op, &outcome, result, err);
}

/* Back to before: the guest first, then the journal. The error stays the one of the first cause. */
static void plan_undo(struct plan *plan, struct operation *op, size_t reached)
{
	if (plan_backward(plan, op, reached, NULL) == 0 &&
		journal_undo(op->host->book, op->journal, NULL) == 0)
		op->journal = 0;
}

int plan_run(
	struct plan *plan, struct operation *op, struct dd_result *result, struct dd_error *err)
{
	CLEANUP(json) struct json *detail = NULL;
	const struct capabilities *caps = NULL;
	size_t reached = 0;
	int rc;

	if (!plan->step_count)
		return plan_commit(plan, op, result, err);
	rc = host_capabilities(op->host, plan->live, &caps, err);
	if (!rc)
		rc = guest_check(plan->live, caps, err);
	if (!rc)
		rc = operation_guest(op, err);
	if (!rc)
		rc = plan_write(plan, op, &detail, err);
	if (!rc)
		rc = detail_open(op, detail, op->live, plan->live, err);
	if (rc)
		return rc;
	rc = plan_forward(plan, op, &reached, err);
	if (!rc) {
		CRASH_POINT("plan:done");
		rc = plan_commit(plan, op, result, err);
	}
	if (rc)
		plan_undo(plan, op, reached);
	return rc;
}

/*
 * A plan that has not begun to show in the guest is undone; any other is finished, since an unplug
 * that was asked for may still happen at any moment.
 */
static int plan_has_begun(
	const struct plan *plan, struct operation *op, bool *begun, struct dd_error *err)
{
	*begun = true;
	if (plan->steps[0].kind != STEP_ATTACH)
		return 0;
	return guest_has_device(op->guest, plan->steps[0].alias, begun, err);
}

int plan_settle(struct plan *plan, struct operation *op, struct dd_error *err)
{
	size_t reached = plan->step_count;
	bool begun = false;
	int rc;

	if (!guest_alive(op->folder, NULL))
		return journal_undo(op->host->book, op->journal, err);
	rc = operation_guest(op, err);
	if (!rc)
		rc = plan_has_begun(plan, op, &begun, err);
	if (!rc && begun && plan_forward(plan, op, &reached, err) == 0)
		return plan_commit(plan, op, NULL, err);
	if (!rc)
		rc = plan_backward(plan, op, plan->step_count, err);
	return rc ? rc : journal_undo(op->host->book, op->journal, err);
}
