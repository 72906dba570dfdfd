/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running guest is brought to a definition with unplugs, plugs and updates; where that would not
 * reach the whole way, nothing is done and what stands in the way is said.
 */
#include "domain/follow_internal.h"

#include <string.h>

#include "domain/difference.h"
#include "domain/scope.h"
#include "schema/alias.h"
#include "schema/edit.h"

/* The device of document that device (of another document) is; NULL where it has none. */
int follow_counterpart(
	const struct document *document, const xmlNode *device, xmlNode **out, struct dd_error *err)
{
	CLEANUP(document) struct document *single = NULL;
	int rc = scope_device(device, &single, err);

	*out = NULL;
	if (!rc)
		rc = document_match_device(document, single, out, err);
	return rc == DD_NOT_FOUND ? 0 : rc;
}

static int name_device(struct follow *follow, const xmlNode *device, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;

	device_words(device, &words);
	return text_failed(&words)
		       ? error_no_memory(err)
		       : transition_device(follow->transition, text_string(&words), err);
}

/* <emulator> stands among the devices and is none. */
bool follow_is_device(const xmlNode *element)
{
	return !node_is(element, "emulator");
}

/* What hangs on a controller goes before it, and comes after it. */
bool follow_is_controller(const xmlNode *device)
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

int follow_unplug(struct follow *follow, xmlNode *device, struct dd_error *err)
{
	int rc = name_device(follow, device, err);

	if (!rc)
		rc = transition_step(
			follow->transition, STEP_DETACH, device_alias(device), 0, 0, err);
	return rc ? rc : edit_detach(follow->transition->live, device, err);
}

/* Last first, so that places are given back in the order in which they were taken. */
static int unplug_extra(struct follow *follow, bool controllers, struct dd_error *err)
{
	xmlNode *before;
	int rc = 0;

	for (xmlNode *device = last_device(follow->transition->live); !rc && device;
		device = before) {
		xmlNode *kept = NULL;

		before = device_before(device);
		if (!follow_is_device(device) || follow_is_controller(device) != controllers)
			continue;
		rc = follow_counterpart(follow->target, device, &kept, err);
		if (!rc && !kept)
			rc = follow_unplug(follow, device, err);
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

int follow_update_or_plug(struct follow *follow, const xmlNode *wanted, struct dd_error *err)
{
	struct document *live = follow->transition->live;
	CLEANUP(document) struct document *single = NULL;
	CLEANUP(text) struct text before = TEXT_INIT;
	CLEANUP(text) struct text after = TEXT_INIT;
	xmlNode *device = NULL;
	int rc = scope_device(wanted, &single, err);

	if (!rc)
		rc = follow_counterpart(live, wanted, &device, err);
	if (rc)
		return rc;
	if (!device) {
		rc = edit_attach(live, single, true, follow->options, &device, err);
		if (!rc)
			rc = document_assign_aliases(live, err);
		if (!rc)
			rc = name_device(follow, device, err);
		return rc ? rc
			  : transition_step(follow->transition, STEP_ATTACH, device_alias(device),
				    0, 0, err);
	}
	rc = node_write(device, &before, err);
	if (!rc)
		rc = say_absent(document_root(single), device, err);
	if (!rc)
		rc = edit_update(live, single, true, follow->options, &device, err);
	if (!rc)
		rc = node_write(device, &after, err);
	if (rc || strcmp(text_string(&before), text_string(&after)) == 0)
		return rc;
	rc = name_device(follow, device, err);
	return rc ? rc : transition_update(follow->transition, device, err);
}

static int plug_missing(struct follow *follow, bool controllers, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(follow->target)); !rc && device;
		device = node_after(device))
		if (follow_is_device(device) && follow_is_controller(device) == controllers)
			rc = follow_update_or_plug(follow, device, err);
	return rc;
}

bool follow_is_blocked(const struct follow *follow, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text_string(&follow->blocked); *at; at += strcspn(at, "\n") + 1)
		if (strncmp(at, name, length) == 0 && at[length] == '\n')
			return true;
	return false;
}

uint64_t follow_size(const struct document *document, const char *element)
{
	const xmlNode *node = node_child(document_root(document), element);
	uint64_t size = 0;

	if (!node_attr_number(node, "current", &size))
		node_text_number(node, &size);
	return size;
}

/* Sizes are settings with a step in the guest; what else is outside devices, the guest never sees.
 */
int follow_settle_settings(struct follow *follow, struct dd_error *err)
{
	static const struct {
		const char *element;
		enum step_kind step;
	} sizes[] = {{"currentMemory", STEP_MEMORY}, {"vcpu", STEP_VCPUS}};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof sizes / sizeof sizes[0]; i++) {
		uint64_t before = follow_size(follow->transition->live, sizes[i].element);
		uint64_t after = follow_size(follow->target, sizes[i].element);

		if (before != after && !follow_is_blocked(follow, sizes[i].element))
			rc = transition_step(
				follow->transition, sizes[i].step, NULL, before, after, err);
	}
	return rc;
}

/* A CPU that is left open has been decided for this run, and that is what the guest goes on with.
 */
static bool floats(const struct document *document)
{
	return node_attr_is(node_child(document_root(document), "cpu"), "mode", "host-model");
}

static bool stays_live(const struct follow *follow, const xmlNode *child)
{
	char name[TREE_NAME_SIZE];

	return node_is(child, "devices") || (node_is(child, "cpu") && floats(follow->target)) ||
	       follow_is_blocked(follow, node_name(child, name, sizeof name));
}

/*
 * Everything else of the live document becomes the target's: allowed because
 * abi_check() has found no difference that the guest could see.
 */
int follow_take_settings(struct follow *follow, struct dd_error *err)
{
	xmlNode *live = document_root(follow->transition->live);
	xmlNode *after;

	for (xmlNode *child = node_first(live); child; child = after) {
		after = node_after(child);
		if (!stays_live(follow, child))
			node_remove(child);
	}
	for (const xmlNode *child = node_first(document_root(follow->target)); child;
		child = node_after(child)) {
		xmlNode *copy;

		if (stays_live(follow, child))
			continue;
		copy = node_copy(child, live->doc, err);
		if (!copy)
			return DD_NO_MEMORY;
		xmlAddChild(live, copy);
	}
	return document_canonicalise(follow->transition->live, err);
}

/* Which of the like ones is the first is not the guest's affair, and as the target has it. */
int follow_take_order(struct follow *follow, struct dd_error *err)
{
	xmlNode *devices = document_devices(follow->transition->live);
	int rc = 0;

	for (const xmlNode *device = node_first(document_devices(follow->target)); !rc && device;
		device = node_after(device)) {
		xmlNode *own = NULL;

		if (follow_is_device(device))
			rc = follow_counterpart(follow->transition->live, device, &own, err);
		if (rc || !own)
			continue;
		xmlUnlinkNode(own);
		xmlAddChild(devices, own);
	}
	return rc;
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
static int refuse_follow(const char *name, const char *what, struct dd_error *err)
{
	error_wrap(err, "the running guest of '%s' cannot follow", name);
	error_hint(err, "with --config the %s holds from the next start", what);
	if (err)
		err->line = 0; /* of a document that nobody handed in */
	return DD_REFUSED;
}

/* Leaves the CPU as open as the record does. */
static int reopen_cpu(const struct follow *follow, struct document *arrived, struct dd_error *err)
{
	const xmlNode *open = node_child(document_root(follow->record), "cpu");
	xmlNode *decided = node_child(document_root(arrived), "cpu");
	xmlNode *copy = node_copy(open, document_root(arrived)->doc, err);

	if (!copy)
		return DD_NO_MEMORY;
	node_remove(decided);
	xmlAddChild(document_root(arrived), copy);
	return document_canonicalise(arrived, err);
}

/* The live document as a persistent one: what the guest would be started from. */
int follow_arrived_at(const struct follow *follow, struct document **out, struct dd_error *err)
{
	CLEANUP(document) struct document *arrived = NULL;
	int rc = document_copy(follow->transition->live, &arrived, err);

	if (!rc)
		rc = document_strip_runtime(arrived, err);
	if (!rc && floats(follow->record))
		rc = reopen_cpu(follow, arrived, err);
	if (!rc)
		*out = TAKE(arrived);
	return rc;
}

static int check_abi(const struct follow *follow, struct dd_error *err)
{
	CLEANUP(document) struct document *arrived = NULL;
	int rc = follow_arrived_at(follow, &arrived, err);

	return rc ? rc : abi_check(arrived, follow->target, err);
}

/* It must have arrived exactly where the record goes. */
static int check_arrival(const struct follow *follow, struct dd_error *err)
{
	CLEANUP(document) struct document *arrived = NULL;
	struct first_difference first = {.sentence = ""};
	size_t count = 0;
	int rc = follow_arrived_at(follow, &arrived, err);

	if (!rc)
		rc = differences_tell(arrived, follow->target, keep_first, &first, &count, err);
	return rc || !count ? rc : error_set(err, DD_REFUSED, "%s", first.sentence);
}

static int plan(struct follow *follow, struct dd_error *err)
{
	int rc = unplug_extra(follow, false, err);

	if (!rc)
		rc = unplug_extra(follow, true, err);
	if (!rc)
		rc = plug_missing(follow, true, err);
	if (!rc)
		rc = plug_missing(follow, false, err);
	if (!rc)
		rc = follow_settle_settings(follow, err);
	if (!rc)
		rc = check_abi(follow, err);
	if (!rc)
		rc = follow_take_order(follow, err);
	if (!rc)
		rc = follow_take_settings(follow, err);
	if (!rc)
		rc = check_arrival(follow, err);
	return rc;
}

int follow_plan(struct transition *transition, const struct document *record,
	const struct document *target, const struct freeze_options *options, const char *what,
	struct dd_error *err)
{
	struct follow follow = {
		.transition = transition,
		.record = record,
		.target = target,
		.options = options,
	};
	int rc = plan(&follow, err);

	return rc == DD_REFUSED ? refuse_follow(document_name(record), what, err) : rc;
}

static int vacate_extra(const struct document *target, struct document *work, bool controllers,
	struct dd_error *err)
{
	xmlNode *before;
	int rc = 0;

	for (xmlNode *device = last_device(work); !rc && device; device = before) {
		xmlNode *kept = NULL;

		before = device_before(device);
		if (!follow_is_device(device) || follow_is_controller(device) != controllers)
			continue;
		rc = follow_counterpart(target, device, &kept, err);
		if (!rc && !kept && edit_detach(work, device, err) == DD_NO_MEMORY)
			rc = DD_NO_MEMORY;
	}
	return rc;
}

int follow_vacate(const struct document *before, struct document *target, struct dd_error *err)
{
	CLEANUP(document) struct document *work = NULL;
	CLEANUP(text) struct text vacated = TEXT_INIT;
	int rc = document_copy(before, &work, err);

	if (!rc)
		rc = vacate_extra(target, work, false, err);
	if (!rc)
		rc = vacate_extra(target, work, true, err);
	if (!rc)
		rc = document_write_vacated(work, &vacated, err);
	if (!rc)
		rc = document_read_vacated(target, text_string(&vacated), vacated.size, err);
	return rc;
}
