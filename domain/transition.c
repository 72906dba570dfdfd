/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/transition.h"

#include <string.h>

#include "domain/crash.h"
#include "domain/journal_detail.h"
#include "domain/record.h"
#include "domain/secret.h"
#include "schema/alias.h"
#include "schema/diff.h"

#define DETACH_WAIT_MS 20000 /* for a guest to let go of a device */

static const char *const step_names[] = {
	[STEP_ATTACH] = "attach",
	[STEP_DETACH] = "detach",
	[STEP_UPDATE] = "update",
	[STEP_MEMORY] = "memory",
	[STEP_VCPUS] = "vcpus",
};

#define STEP_KINDS (sizeof step_names / sizeof step_names[0])

void transition_release(struct transition *transition)
{
	for (size_t i = 0; i < transition->step_count; i++)
		free(transition->steps[i].alias);
	for (size_t i = 0; i < transition->device_count; i++)
		free(transition->devices[i]);
	free(transition->steps);
	free(transition->devices);
	free(transition->subject);
	document_free(transition->config);
	document_free(transition->live);
	memset(transition, 0, sizeof *transition);
}

int transition_init(struct transition *transition, const struct operation *op, struct dd_error *err)
{
	int rc;

	*transition = (struct transition){.steps = NULL};
	rc = document_copy(op->config, &transition->config, err);
	if (!rc && op->live)
		rc = document_copy(op->live, &transition->live, err);
	if (rc)
		transition_release(transition);
	return rc;
}

int transition_step(struct transition *transition, enum step_kind kind, const char *alias,
	uint64_t before, uint64_t after, struct dd_error *err)
{
	struct step *steps =
		reallocarray(transition->steps, transition->step_count + 1, sizeof *steps);
	char *copy = NULL;
	int rc;

	if (!steps)
		return error_no_memory(err);
	transition->steps = steps;
	rc = alias ? string_copy(&copy, alias, err) : 0;
	if (!rc)
		steps[transition->step_count++] = (struct step){kind, copy, before, after};
	return rc;
}

int transition_update(struct transition *transition, const xmlNode *device, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	const char *alias = device_alias(device);

	if (!alias)
		device_words(device, &words);
	return transition_step(
		transition, STEP_UPDATE, alias ? alias : text_string(&words), 0, 0, err);
}

int transition_device(struct transition *transition, const char *words, struct dd_error *err)
{
	char **devices =
		reallocarray(transition->devices, transition->device_count + 2, sizeof *devices);
	int rc;

	if (!devices)
		return error_no_memory(err);
	transition->devices = devices;
	rc = string_copy(&devices[transition->device_count], words, err);
	if (!rc)
		devices[++transition->device_count] = NULL;
	return rc;
}

/* ---- the steps, forwards and backwards ---- */

/* A screen has no alias in libvirt's format; there is one of its sort, and words have spaces. */
static bool is_called(const xmlNode *device, const char *name)
{
	const char *alias = device_alias(device);
	CLEANUP(text) struct text words = TEXT_INIT;

	if (alias)
		return strcmp(alias, name) == 0;
	device_words(device, &words);
	return strcmp(text_string(&words), name) == 0;
}

static const xmlNode *by_alias(const struct document *document, const char *alias)
{
	const xmlNode *device = node_first(document_devices(document));

	while (device && !is_called(device, alias))
		device = node_after(device);
	return device;
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

static int update(struct operation *op, const struct document *before, const struct document *after,
	const char *alias, struct dd_error *err)
{
	CLEANUP(document) struct document *revealed = NULL;
	int rc = secret_reveal(op->host, op->row.uuid, after, &revealed, err);

	return rc ? rc
		  : guest_update(op->guest, revealed, by_alias(before, alias),
			    by_alias(revealed, alias), err);
}

static int step_forward(const struct transition *transition, const struct step *step,
	struct operation *op, struct dd_error *err)
{
	switch (step->kind) {
	case STEP_ATTACH:
		return attach(op, transition->live, step->alias, err);
	case STEP_DETACH:
		return detach(op, op->live, step->alias, err);
	case STEP_UPDATE:
		return update(op, op->live, transition->live, step->alias, err);
	case STEP_MEMORY:
		return guest_set_memory(op->guest, step->after, err);
	case STEP_VCPUS:
		return guest_set_vcpus(op->guest, transition->live, (unsigned)step->after, err);
	}
	return error_set(err, DD_CORRUPT, "a step of no known kind");
}

/* What could never be plugged in need not be unplugged. */
static int undo_attach(
	struct operation *op, const struct document *live, const char *alias, struct dd_error *err)
{
	struct dd_error failure = {.code = 0};
	bool there = true;
	int rc = detach(op, live, alias, &failure);

	if (rc == DD_REFUSED && guest_has_device(op->guest, alias, &there, NULL) == 0 && !there)
		return 0;
	if (rc && err)
		*err = failure;
	return rc;
}

static int step_backward(const struct transition *transition, const struct step *step,
	struct operation *op, struct dd_error *err)
{
	switch (step->kind) {
	case STEP_ATTACH:
		return undo_attach(op, transition->live, step->alias, err);
	case STEP_DETACH:
		return attach(op, op->live, step->alias, err);
	case STEP_UPDATE:
		return update(op, transition->live, op->live, step->alias, err);
	case STEP_MEMORY:
		return guest_set_memory(op->guest, step->before, err);
	case STEP_VCPUS:
		return guest_set_vcpus(op->guest, op->live, (unsigned)step->before, err);
	}
	return error_set(err, DD_CORRUPT, "a step of no known kind");
}

/* Says which of a transition's steps it was that failed. */
static void step_blame(const struct transition *transition, const struct step *step,
	const struct operation *op, struct dd_error *err)
{
	const struct document *document = step->kind == STEP_DETACH ? op->live : transition->live;
	const xmlNode *device = step->alias ? by_alias(document, step->alias) : NULL;
	CLEANUP(text) struct text words = TEXT_INIT;

	if (device)
		device_words(device, &words);
	error_wrap(err, "domain '%s', %s%s%s", op->row.name, step_names[step->kind],
		device ? " " : "", text_string(&words));
}

static int transition_forward(const struct transition *transition, struct operation *op,
	size_t *reached, struct dd_error *err)
{
	for (*reached = 0; *reached < transition->step_count; ++*reached) {
		const struct step *step = &transition->steps[*reached];
		int rc = step_forward(transition, step, op, err);

		if (rc) {
			step_blame(transition, step, op, err);
			return rc;
		}
		CRASH_POINT("transition:step");
	}
	return 0;
}

/* A setting that the guest refuses to have changed back was never changed. */
static bool step_never_was(const struct step *step, int rc)
{
	return rc == DD_REFUSED && (step->kind == STEP_UPDATE || step->kind == STEP_MEMORY);
}

/*
 * Undoes the first reached steps. What cannot be undone because QEMU is gone needs not be. *kept:
 * the guest does not let go of something that had been attached.
 */
static int transition_backward(const struct transition *transition, struct operation *op,
	size_t reached, bool *kept, struct dd_error *err)
{
	int first = 0;

	for (size_t i = reached; i-- > 0;) {
		const struct step *step = &transition->steps[i];
		int rc = step_backward(transition, step, op, first ? NULL : err);

		if (rc == DD_REFUSED && step->kind == STEP_ATTACH)
			*kept = true;
		else if (rc && !first && !step_never_was(step, rc))
			first = rc;
	}
	return first && guest_alive(op->folder, NULL) ? first : 0;
}

/* ---- the journal ---- */

static int transition_write_steps(
	const struct transition *transition, struct json *detail, struct dd_error *err)
{
	struct json *steps = json_array();
	struct json *devices = json_array();

	for (size_t i = 0; i < transition->step_count; i++) {
		struct json *step = json_object();

		json_put_string(step, "do", step_names[transition->steps[i].kind]);
		if (transition->steps[i].alias)
			json_put_string(step, "alias", transition->steps[i].alias);
		json_put(step, "before", json_unsigned(transition->steps[i].before));
		json_put(step, "after", json_unsigned(transition->steps[i].after));
		json_push(steps, step);
	}
	for (size_t i = 0; i < transition->device_count; i++)
		json_push(devices, json_string(transition->devices[i]));
	return json_put(detail, "steps", steps) && json_put(detail, "devices", devices)
		       ? 0
		       : error_no_memory(err);
}

static int transition_write(const struct transition *transition, const struct operation *op,
	struct json **out, struct dd_error *err)
{
	CLEANUP(text) struct text vacated = TEXT_INIT;
	CLEANUP(json) struct json *detail = detail_new(op, DETAIL_TRANSITION);
	int rc = detail ? transition_write_steps(transition, detail, err) : error_no_memory(err);

	if (!rc)
		rc = detail_put_document(detail, "config", transition->config, err);
	if (!rc)
		rc = detail_put_document(detail, "live", transition->live, err);
	if (!rc)
		rc = document_write_vacated(transition->config, &vacated, err);
	if (rc)
		return rc;
	if (!json_put_string(detail, "vacated", text_string(&vacated)) ||
		!json_put_string(detail, "subject", transition->subject))
		return error_no_memory(err);
	*out = TAKE(detail);
	return 0;
}

static int transition_read_step(
	struct transition *transition, const struct json *step, struct dd_error *err)
{
	const char *name = json_get_string(step, "do");

	for (size_t kind = 0; name && kind < STEP_KINDS; kind++)
		if (strcmp(name, step_names[kind]) == 0)
			return transition_step(transition, (enum step_kind)kind,
				json_get_string(step, "alias"),
				json_get_unsigned(step, "before", 0),
				json_get_unsigned(step, "after", 0), err);
	return error_set(err, DD_CORRUPT, "the journal has a step of no known kind");
}

static int transition_fill(
	struct transition *transition, const struct json *detail, struct dd_error *err)
{
	const struct json *steps = json_get(detail, "steps");
	const struct json *devices = json_get(detail, "devices");
	const char *vacated = json_get_string(detail, "vacated");
	const char *subject = json_get_string(detail, "subject");
	int rc = detail_get_document(detail, "config", &transition->config, err);

	if (!rc)
		rc = detail_get_document(detail, "live", &transition->live, err);
	if (!rc && vacated)
		rc = document_read_vacated(transition->config, vacated, strlen(vacated), err);
	if (!rc)
		rc = string_copy(&transition->subject, subject ? subject : "", err);
	for (size_t i = 0; !rc && i < json_count(steps); i++)
		rc = transition_read_step(transition, json_at(steps, i), err);
	for (size_t i = 0; !rc && i < json_count(devices); i++)
		rc = transition_device(transition, json_as_string(json_at(devices, i)), err);
	return rc;
}

int transition_read(const char *detail, struct transition *transition, struct dd_error *err)
{
	CLEANUP(json) struct json *json = NULL;
	int rc = json_parse(detail, strlen(detail), &json, err);

	*transition = (struct transition){.steps = NULL};
	if (!rc)
		rc = transition_fill(transition, json, err);
	if (rc)
		transition_release(transition);
	return rc;
}

/* ---- from beginning to end ---- */

static int transition_commit(struct transition *transition, struct operation *op,
	struct dd_result *result, struct dd_error *err)
{
	struct outcome outcome = {
		.subject = transition->subject,
		.config = transition->config,
		.live = transition->live,
		.devices = (const char *const *)transition->devices,
	};

	return operation_commit(op, &outcome, result, err);
}

/* Puts what a step has attached, where the guest still has it, into live. */
static int add_kept(const struct transition *transition, const struct step *step,
	struct operation *op, struct document *live, struct dd_error *err)
{
	const xmlNode *device =
		step->kind == STEP_ATTACH ? by_alias(transition->live, step->alias) : NULL;
	xmlNode *copy;
	bool there = false;
	int rc = device ? guest_has_device(op->guest, step->alias, &there, err) : 0;

	if (rc || !there || by_alias(live, step->alias))
		return rc;
	copy = node_copy(device, document_root(live)->doc, err);
	if (!copy)
		return DD_NO_MEMORY;
	xmlAddChild(document_devices(live), copy);
	return 0;
}

/*
 * A guest that has not booted, or is paused, lets go of nothing. To wait for it would be in the way
 * of what would end that; so what it keeps is recorded, as being in this run of the guest only.
 */
static int transition_keep(
	const struct transition *transition, struct operation *op, struct dd_error *err)
{
	CLEANUP(document) struct document *live = NULL;
	CLEANUP(free) char *subject = NULL;
	int rc = document_copy(op->live, &live, err);

	for (size_t i = 0; !rc && i < transition->step_count; i++)
		rc = add_kept(transition, &transition->steps[i], op, live, err);
	if (!rc)
		rc = document_canonicalise(live, err);
	if (!rc)
		rc = string_format(&subject, err, "undo in part: %s", transition->subject);
	if (rc)
		return rc;

	struct outcome outcome = {
		.subject = subject,
		.live = live,
		.devices = (const char *const *)transition->devices,
	};

	return operation_commit(op, &outcome, NULL, err);
}

/* Back to before: the guest first, then the journal. */
static int transition_undo(const struct transition *transition, struct operation *op,
	size_t reached, bool *kept, struct dd_error *err)
{
	int rc = transition_backward(transition, op, reached, kept, err);

	if (!rc && *kept && guest_alive(op->folder, NULL))
		return transition_keep(transition, op, err);
	if (!rc)
		rc = journal_undo(op->host->book, op->journal, err);
	if (!rc)
		op->journal = 0;
	return rc;
}

/*
 * The step that failed is undone, too: a guest may have let go of a device, and QEMU not of what is
 * behind it. The error stays the one of the first cause.
 */
static void transition_fail(const struct transition *transition, struct operation *op,
	size_t reached, struct dd_error *err)
{
	bool kept = false;

	if (reached < transition->step_count)
		reached++;
	if (transition_undo(transition, op, reached, &kept, NULL) == 0 && kept)
		error_hint(err, "the running guest keeps what came before it: detach that when it "
				"can let go");
}

/*
 * A guest that QEMU 7.2 emulates (TCG) was seen to die soon after a vCPU had left it, in QEMU's own
 * memory management; one under KVM was not tried.
 */
bool transition_may_lose_vcpus(const struct document *live)
{
	return !node_attr_is(document_root(live), "type", "qemu");
}

static int check_vcpus(const struct transition *transition, struct dd_error *err)
{
	for (size_t i = 0; i < transition->step_count; i++) {
		const struct step *step = &transition->steps[i];

		if (step->kind != STEP_VCPUS || step->after >= step->before ||
			transition_may_lose_vcpus(transition->live))
			continue;
		error_set(err, DD_REFUSED,
			"a running guest of type 'qemu' would not survive losing a vCPU");
		return error_hint(err, "with --config it holds from the next start");
	}
	return 0;
}

/* A PCI device leaves when the guest lets it go, which one that is paused cannot. */
static int check_release(
	const struct transition *transition, const struct operation *op, struct dd_error *err)
{
	for (size_t i = 0; op->paused && i < transition->step_count; i++) {
		const struct step *step = &transition->steps[i];
		const xmlNode *device =
			step->kind == STEP_DETACH ? by_alias(op->live, step->alias) : NULL;
		CLEANUP(text) struct text words = TEXT_INIT;

		if (!device || !node_attr_is(node_child(device, "address"), "type", "pci"))
			continue;
		device_words(device, &words);
		error_set(err, DD_REFUSED, "domain '%s' is paused and cannot let go of %s",
			op->row.name, text_string(&words));
		return error_hint(err, "resume it first, or with --config it holds from the next "
				       "start");
	}
	return 0;
}

int transition_check(
	const struct transition *transition, const struct operation *op, struct dd_error *err)
{
	const struct capabilities *caps = NULL;
	int rc;

	if (!transition->step_count)
		return 0;
	rc = check_vcpus(transition, err);
	if (!rc)
		rc = check_release(transition, op, err);
	if (!rc)
		rc = host_capabilities(op->host, transition->live, &caps, err);
	return rc ? rc : guest_check(transition->live, caps, err);
}

int transition_run(struct transition *transition, struct operation *op, struct dd_result *result,
	struct dd_error *err)
{
	CLEANUP(json) struct json *detail = NULL;
	size_t reached = 0;
	int rc;

	if (!transition->step_count)
		return transition_commit(transition, op, result, err);
	rc = transition_check(transition, op, err);
	if (!rc)
		rc = operation_guest(op, err);
	if (!rc)
		rc = transition_write(transition, op, &detail, err);
	if (!rc)
		rc = detail_open(op, detail, op->live, transition->live, err);
	if (rc)
		return rc;
	rc = transition_forward(transition, op, &reached, err);
	if (!rc) {
		CRASH_POINT("transition:done");
		rc = transition_commit(transition, op, result, err);
	}
	if (rc)
		transition_fail(transition, op, reached, err);
	return rc;
}

/*
 * A transition that has not begun to show in the guest is undone; any other is finished, since an
 * unplug that was asked for may still happen at any moment.
 */
static int transition_has_begun(const struct transition *transition, struct operation *op,
	bool *begun, struct dd_error *err)
{
	*begun = true;
	if (transition->steps[0].kind != STEP_ATTACH)
		return 0;
	return guest_has_device(op->guest, transition->steps[0].alias, begun, err);
}

int transition_settle(struct transition *transition, struct operation *op, struct dd_error *err)
{
	size_t reached = transition->step_count;
	bool begun = false, kept = false;
	int rc;

	if (!guest_alive(op->folder, NULL))
		return journal_undo(op->host->book, op->journal, err);
	rc = operation_guest(op, err);
	if (!rc)
		rc = transition_has_begun(transition, op, &begun, err);
	if (!rc && begun && transition_forward(transition, op, &reached, err) == 0)
		return transition_commit(transition, op, NULL, err);
	return rc ? rc : transition_undo(transition, op, transition->step_count, &kept, err);
}
