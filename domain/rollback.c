/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back to an earlier version, always as a new one. A shut-off domain just takes the definition. A
 * running guest is brought there with unplugs, plugs and updates; where that would not reach the
 * whole way, nothing is done and what stands in the way is said.
 */
#include <string.h>

#include "domain/difference.h"
#include "domain/record.h"
#include "domain/scope.h"
#include "schema/alias.h"
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

/* The device of document that device (of another document) is; NULL where it has none. */
static int counterpart(
	const struct document *document, const xmlNode *device, xmlNode **out, struct dd_error *err)
{
	CLEANUP(document) struct document *single = NULL;
	int rc = scope_device(device, &single, err);

	*out = NULL;
	if (!rc)
		rc = document_match_device(document, single, out, err);
	return rc == DD_NOT_FOUND ? 0 : rc;
}

static int name_device(struct rollback *rollback, const xmlNode *device, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;

	device_words(device, &words);
	return text_failed(&words)
		       ? error_no_memory(err)
		       : transition_device(&rollback->transition, text_string(&words), err);
}

/* <emulator> stands among the devices and is none. */
static bool is_device(const xmlNode *element)
{
	return !node_is(element, "emulator");
}

/* What hangs on a controller goes before it, and comes after it. */
static bool is_controller(const xmlNode *device)
{
	return node_is(device, "controller");
}

static xmlNode *last_device(const struct document *document)
{
	xmlNode *last = NULL;

	for (xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device))
		last = device;
	return last;
}

static xmlNode *device_before(const xmlNode *device)
{
	xmlNode *before = device->prev;

	while (before && before->type != XML_ELEMENT_NODE)
		before = before->prev;
	return before;
}

static int unplug(struct rollback *rollback, xmlNode *device, struct dd_error *err)
{
	int rc = name_device(rollback, device, err);

	if (!rc)
		rc = transition_step(
			&rollback->transition, STEP_DETACH, device_alias(device), 0, 0, err);
	return rc ? rc : edit_detach(rollback->transition.live, device, err);
}

/* Last first, so that places are given back in the order in which they were taken. */
static int unplug_extra(struct rollback *rollback, bool controllers, struct dd_error *err)
{
	xmlNode *before;
	int rc = 0;

	for (xmlNode *device = last_device(rollback->transition.live); !rc && device;
		device = before) {
		xmlNode *kept = NULL;

		before = device_before(device);
		if (!is_device(device) || is_controller(device) != controllers)
			continue;
		rc = counterpart(rollback->target, device, &kept, err);
		if (!rc && !kept)
			rc = unplug(rollback, device, err);
	}
	return rc;
}

/* An update keeps what it is silent about: an empty element says that there is to be none. */
static int say_absent(xmlNode *wanted, const xmlNode *device, struct dd_error *err)
{
	for (const xmlNode *child = node_first(device); child; child = node_after(child)) {
		const char *name = (const char *)child->name;

		if (!child->ns && !node_is(child, "alias") && !node_child(wanted, name) &&
			!node_add(wanted, name, err))
			return DD_NO_MEMORY;
	}
	return 0;
}

static int update_or_plug(struct rollback *rollback, const xmlNode *wanted, struct dd_error *err)
{
	struct document *live = rollback->transition.live;
	CLEANUP(document) struct document *single = NULL;
	CLEANUP(text) struct text before = TEXT_INIT;
	CLEANUP(text) struct text after = TEXT_INIT;
	xmlNode *device = NULL;
	int rc = scope_device(wanted, &single, err);

	if (!rc)
		rc = counterpart(live, wanted, &device, err);
	if (rc)
		return rc;
	if (!device) {
		rc = edit_attach(live, single, true, &rollback->options, &device, err);
		if (!rc)
			rc = document_assign_aliases(live, err);
		if (!rc)
			rc = name_device(rollback, device, err);
		return rc ? rc
			  : transition_step(&rollback->transition, STEP_ATTACH,
				    device_alias(device), 0, 0, err);
	}
	rc = node_write(device, &before, err);
	if (!rc)
		rc = say_absent(document_root(single), device, err);
	if (!rc)
		rc = edit_update(live, single, true, &rollback->options, &device, err);
	if (!rc)
		rc = node_write(device, &after, err);
	if (rc || strcmp(text_string(&before), text_string(&after)) == 0)
		return rc;
	rc = name_device(rollback, device, err);
	return rc ? rc
		  : transition_step(
			    &rollback->transition, STEP_UPDATE, device_alias(device), 0, 0, err);
}

static int plug_missing(struct rollback *rollback, bool controllers, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(rollback->target)); !rc && device;
		device = node_after(device))
		if (is_device(device) && is_controller(device) == controllers)
			rc = update_or_plug(rollback, device, err);
	return rc;
}

/* Sizes are settings with a step in the guest; what else is outside devices, the guest never sees.
 */
static int settle_settings(struct rollback *rollback, struct dd_error *err)
{
	static const struct {
		const char *element;
		enum step_kind step;
	} sizes[] = {{"currentMemory", STEP_MEMORY}, {"vcpu", STEP_VCPUS}};
	const xmlNode *live = document_root(rollback->transition.live);
	const xmlNode *target = document_root(rollback->target);
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof sizes / sizeof sizes[0]; i++) {
		const xmlNode *now = node_child(live, sizes[i].element);
		const xmlNode *then = node_child(target, sizes[i].element);
		uint64_t before = 0, after = 0;

		if (!node_attr_number(now, "current", &before))
			node_text_number(now, &before);
		if (!node_attr_number(then, "current", &after))
			node_text_number(then, &after);
		if (before != after)
			rc = transition_step(
				&rollback->transition, sizes[i].step, NULL, before, after, err);
	}
	return rc;
}

/* A CPU that is left open has been decided for this run, and that is what the guest goes on with.
 */
static bool floats(const struct document *document)
{
	return node_attr_is(node_child(document_root(document), "cpu"), "mode", "host-model");
}

static bool stays_live(const struct rollback *rollback, const xmlNode *child)
{
	return node_is(child, "devices") || (node_is(child, "cpu") && floats(rollback->target));
}

/*
 * Everything else of the live document becomes the target's: allowed because
 * abi_check() has found no difference that the guest could see.
 */
static int take_settings(struct rollback *rollback, struct dd_error *err)
{
	xmlNode *live = document_root(rollback->transition.live);
	xmlNode *after;

	for (xmlNode *child = node_first(live); child; child = after) {
		after = node_after(child);
		if (!stays_live(rollback, child))
			node_remove(child);
	}
	for (const xmlNode *child = node_first(document_root(rollback->target)); child;
		child = node_after(child)) {
		xmlNode *copy;

		if (stays_live(rollback, child))
			continue;
		copy = xmlDocCopyNode((xmlNode *)(uintptr_t)child, live->doc, 1);
		if (!copy)
			return error_no_memory(err);
		xmlAddChild(live, copy);
	}
	return document_canonicalise(rollback->transition.live, err);
}

struct first_difference {
	char sentence[256];
};

static int keep_first(const struct dd_difference *difference, void *context)
{
	struct first_difference *first = context;

	if (!first->sentence[0])
		for (size_t i = 0; i + 1 < sizeof first->sentence && difference->sentence[i]; i++)
			first->sentence[i] = difference->sentence[i];
	return 0;
}

/* Whatever stood in the way, it is the guest that cannot go there: the record could. */
static int refuse_follow(const struct rollback *rollback, struct dd_error *err)
{
	error_wrap(err, "the running guest of '%s' cannot follow", rollback->op.row.name);
	error_hint(err, "with --config the rollback holds from the next start");
	if (err)
		err->line = 0; /* of a document that nobody handed in */
	return DD_REFUSED;
}

/* Leaves the CPU as open as the record does. */
static int reopen_cpu(
	const struct rollback *rollback, struct document *arrived, struct dd_error *err)
{
	const xmlNode *open = node_child(document_root(rollback->op.config), "cpu");
	xmlNode *decided = node_child(document_root(arrived), "cpu");
	xmlNode *copy = xmlDocCopyNode((xmlNode *)(uintptr_t)open, document_root(arrived)->doc, 1);

	if (!copy)
		return error_no_memory(err);
	if (decided)
		node_remove(decided);
	xmlAddChild(document_root(arrived), copy);
	return document_canonicalise(arrived, err);
}

/* The live document as a persistent one: what the guest would be started from. */
static int arrived_at(const struct rollback *rollback, struct document **out, struct dd_error *err)
{
	CLEANUP(document) struct document *arrived = NULL;
	int rc = document_copy(rollback->transition.live, &arrived, err);

	if (!rc)
		rc = document_strip_runtime(arrived, err);
	if (!rc && floats(rollback->op.config))
		rc = reopen_cpu(rollback, arrived, err);
	if (!rc)
		*out = TAKE(arrived);
	return rc;
}

static int check_abi(const struct rollback *rollback, struct dd_error *err)
{
	CLEANUP(document) struct document *arrived = NULL;
	int rc = arrived_at(rollback, &arrived, err);

	return rc ? rc : abi_check(arrived, rollback->target, err);
}

/* It must have arrived exactly where the record goes. */
static int check_arrival(const struct rollback *rollback, struct dd_error *err)
{
	CLEANUP(document) struct document *arrived = NULL;
	struct first_difference first = {.sentence = ""};
	size_t count = 0;
	int rc = arrived_at(rollback, &arrived, err);

	if (!rc)
		rc = differences_tell(arrived, rollback->target, keep_first, &first, &count, err);
	return rc || !count ? rc : error_set(err, DD_REFUSED, "%s", first.sentence);
}

static int plan_live(struct rollback *rollback, struct dd_error *err)
{
	int rc = unplug_extra(rollback, false, err);

	if (!rc)
		rc = unplug_extra(rollback, true, err);
	if (!rc)
		rc = plug_missing(rollback, true, err);
	if (!rc)
		rc = plug_missing(rollback, false, err);
	if (!rc)
		rc = settle_settings(rollback, err);
	if (!rc)
		rc = check_abi(rollback, err);
	if (!rc)
		rc = take_settings(rollback, err);
	if (!rc)
		rc = check_arrival(rollback, err);
	return rc == DD_REFUSED ? refuse_follow(rollback, err) : rc;
}

static int vacate_extra(
	struct rollback *rollback, struct document *work, bool controllers, struct dd_error *err)
{
	xmlNode *before;
	int rc = 0;

	for (xmlNode *device = last_device(work); !rc && device; device = before) {
		xmlNode *kept = NULL;

		before = device_before(device);
		if (!is_device(device) || is_controller(device) != controllers)
			continue;
		rc = counterpart(rollback->target, device, &kept, err);
		if (!rc && !kept && edit_detach(work, device, err) == DD_NO_MEMORY)
			rc = DD_NO_MEMORY;
	}
	return rc;
}

/* What goes away leaves its address vacated, as if it had been detached one by one. */
static int vacate(struct rollback *rollback, struct dd_error *err)
{
	CLEANUP(document) struct document *work = NULL;
	CLEANUP(text) struct text vacated = TEXT_INIT;
	int rc = document_copy(rollback->op.config, &work, err);

	if (!rc)
		rc = vacate_extra(rollback, work, false, err);
	if (!rc)
		rc = vacate_extra(rollback, work, true, err);
	if (!rc)
		rc = document_write_vacated(work, &vacated, err);
	if (!rc)
		rc = document_read_vacated(
			rollback->target, text_string(&vacated), vacated.size, err);
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
	/* a domain is called what it is called now */
	if (!rc)
		rc = edit_rename(rollback->target, rollback->op.row.name, err);
	if (!rc)
		rc = vacate(rollback, err);
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
		rc = plan_live(&rollback, err);
	if (!rc)
		rc = string_format(
			&rollback.transition.subject, err, "rollback to version %u", version);
	if (rc)
		return rc;
	document_free(rollback.transition.config);
	rollback.transition.config = TAKE(rollback.target);
	return transition_run(&rollback.transition, &rollback.op, result, err);
}
