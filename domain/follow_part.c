/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running guest is brought towards a definition as far as it goes. Each device is tried by itself
 * on a copy of the live document; what is refused then is left for the next start. Where that has
 * cost the guest a device which it was to have otherwise, all begins again with that one kept.
 */
#include "domain/follow_internal.h"

#include <string.h>

#include "domain/scope.h"
#include "qmp/guest.h"
#include "schema/abi.h"
#include "schema/alias.h"
#include "schema/edit.h"
#include "schema/words.h"

struct part {
	struct follow follow;
	const char *device;          /* NULL: every one */
	const struct document *live; /* before all */
	struct text kept;            /* aliases, a line each, of what stays plugged */
};

static inline void cleanup_part(struct part *part)
{
	text_release(&part->follow.blocked);
	text_release(&part->kept);
}

static size_t count_devices(const struct document *document)
{
	size_t count = 0;

	for (const xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device))
		count++;
	return count;
}

static xmlNode *device_at(const struct document *document, size_t position)
{
	xmlNode *device = node_first(document_devices(document));

	while (device && position--)
		device = node_after(device);
	return device;
}

static bool is_kept(const struct part *part, const xmlNode *device)
{
	const char *alias = device_alias(device);
	size_t length = alias ? strlen(alias) : 0;

	for (const char *at = text_string(&part->kept); *at; at += strcspn(at, "\n") + 1)
		if (length && strncmp(at, alias, length) == 0 && at[length] == '\n')
			return true;
	return false;
}

static bool matters(const struct part *part, const xmlNode *device, bool controllers)
{
	CLEANUP(text) struct text words = TEXT_INIT;

	if (!follow_is_device(device) || follow_is_controller(device) != controllers)
		return false;
	if (!part->device)
		return true;
	device_words(device, &words);
	return strcmp(text_string(&words), part->device) == 0;
}

static bool has_same(const struct document *document, const xmlNode *device)
{
	char name[TREE_NAME_SIZE];
	const xmlNode *other =
		node_child(document_devices(document), node_name(device, name, sizeof name));

	while (other && !device_same(device, other))
		other = node_next(other);
	return other != NULL;
}

/* A controller that comes back with the one device that matters. */
static bool comes_along(const struct part *part, const xmlNode *device)
{
	return part->device && follow_is_controller(device) &&
	       !has_same(part->follow.record, device);
}

/* ---- one device ---- */

typedef int (*edit_fn)(struct follow *follow, xmlNode *device, struct dd_error *err);

/* Is it the definition that stands in the way, and nothing that went wrong? */
static bool stands_in_the_way(int rc)
{
	return rc == DD_REFUSED || rc == DD_INVALID || rc == DD_EXISTS || rc == DD_CONFLICT ||
	       rc == DD_UNSUPPORTED || rc == DD_NOT_FOUND;
}

static void rewind_to(struct transition *transition, size_t steps, size_t devices)
{
	while (transition->step_count > steps)
		free(transition->steps[--transition->step_count].alias);
	while (transition->device_count > devices) {
		free(transition->devices[--transition->device_count]);
		transition->devices[transition->device_count] = NULL;
	}
}

/* Could QEMU be started with what a step has made of it? */
static int check_live(const struct follow *follow, size_t steps, struct dd_error *err)
{
	const struct transition *transition = follow->transition;

	return transition->step_count == steps
		       ? 0
		       : guest_check(transition->live, follow->options->capabilities, err);
}

/* All of it, or nothing. */
static int attempt(struct part *part, edit_fn edit, xmlNode *device, struct dd_error *err)
{
	struct transition *transition = part->follow.transition;
	size_t steps = transition->step_count, devices = transition->device_count;
	CLEANUP(document) struct document *untouched = NULL;
	struct dd_error why = {.code = 0};
	int rc = document_copy(transition->live, &untouched, err);

	if (rc)
		return rc;
	rc = edit(&part->follow, device, &why);
	if (!rc)
		rc = check_live(&part->follow, steps, &why);
	if (rc && !stands_in_the_way(rc)) {
		if (err)
			*err = why;
		return rc;
	}
	if (!rc)
		return 0;
	rewind_to(transition, steps, devices);
	document_free(transition->live);
	transition->live = TAKE(untouched);
	return 0;
}

/* What could not be plugged into its place cannot be unplugged there. */
static int check_unplug(
	struct follow *follow, const xmlNode *device, size_t position, struct dd_error *err)
{
	CLEANUP(document) struct document *copy = NULL;
	CLEANUP(document) struct document *single = NULL;
	xmlNode *attached = NULL;
	int rc = scope_device(device, &single, err);

	if (!rc)
		rc = document_copy(follow->transition->live, &copy, err);
	if (!rc)
		rc = edit_detach(copy, device_at(copy, position), err);
	return rc ? rc : edit_attach(copy, single, true, follow->options, &attached, err);
}

static int unplug(struct follow *follow, xmlNode *device, struct dd_error *err)
{
	size_t position = 0;
	int rc;

	while (device_at(follow->transition->live, position) != device)
		position++;
	rc = check_unplug(follow, device, position, err);
	return rc ? rc : follow_unplug(follow, device, err);
}

/* Whatever it needs besides would have come by itself, if it could. */
static int plug(struct follow *follow, xmlNode *wanted, struct dd_error *err)
{
	size_t before = count_devices(follow->transition->live);
	int rc = follow_update_or_plug(follow, wanted, err);

	if (!rc && count_devices(follow->transition->live) > before + 1)
		return error_set(err, DD_REFUSED, "it needs a controller that is not there");
	return rc;
}

static int unplug_extra(struct part *part, bool controllers, struct dd_error *err)
{
	struct transition *transition = part->follow.transition;
	size_t position = count_devices(transition->live);
	int rc = 0;

	while (!rc && position--) {
		xmlNode *device = device_at(transition->live, position), *kept = NULL;

		if (!device || !matters(part, device, controllers) || is_kept(part, device))
			continue;
		rc = follow_counterpart(part->follow.target, device, &kept, err);
		if (!rc && !kept)
			rc = attempt(part, unplug, device, err);
		/* one of several that cannot be told apart */
		if (rc == DD_CONFLICT)
			rc = 0;
	}
	return rc;
}

static int plug_missing(struct part *part, bool controllers, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(part->follow.target)); !rc && device;
		device = node_after(device))
		if (matters(part, device, controllers) ||
			(controllers && comes_along(part, device)))
			rc = attempt(part, plug, device, err);
	return rc;
}

/* ---- settings ---- */

static void block(struct part *part, const char *place)
{
	text_printf(&part->follow.blocked, "%.*s\n", (int)strcspn(place, "/"), place);
}

static int on_setting(const struct difference *difference, void *context)
{
	bool visible;

	if (abi_when(difference, &visible) != WHEN_RUNNING)
		block(context, difference->place);
	return 0;
}

/* A guest has no more memory than it was started with, and gives some back through its balloon. */
static void check_memory(struct part *part)
{
	const xmlNode *live = document_root(part->follow.transition->live);
	const xmlNode *balloon = node_child(node_child(live, "devices"), "memballoon");
	uint64_t most = 0, wanted = 0;

	node_text_number(node_child(live, "memory"), &most);
	node_text_number(node_child(document_root(part->follow.target), "currentMemory"), &wanted);
	if (wanted > most || !balloon || node_attr_is(balloon, "model", "none"))
		block(part, "currentMemory");
}

static void check_vcpus(struct part *part)
{
	const struct document *live = part->follow.transition->live;

	if (follow_size(part->follow.target, "vcpu") < follow_size(live, "vcpu") &&
		!transition_may_lose_vcpus(live))
		block(part, "vcpu");
}

static int settle(struct part *part, struct dd_error *err)
{
	CLEANUP(document) struct document *arrived = NULL;
	int rc = follow_arrived_at(&part->follow, &arrived, err);

	if (!rc)
		rc = compare_settings(arrived, part->follow.target, on_setting, part, err);
	if (rc)
		return rc;
	check_memory(part);
	check_vcpus(part);
	if (text_failed(&part->follow.blocked))
		return error_no_memory(err);
	rc = follow_settle_settings(&part->follow, err);
	if (!rc)
		rc = follow_take_order(&part->follow, err);
	return rc ? rc : follow_take_settings(&part->follow, err);
}

/* ---- the whole ---- */

/* What the guest had and is to have, if otherwise, and would not have now; is there any? */
static bool keep_lost(struct part *part)
{
	bool any = false;

	for (const xmlNode *device = node_first(document_devices(part->live)); device;
		device = node_after(device)) {
		if (!device_alias(device) || is_kept(part, device) ||
			!has_same(part->follow.target, device) ||
			has_same(part->follow.transition->live, device))
			continue;
		text_printf(&part->kept, "%s\n", device_alias(device));
		any = true;
	}
	return any;
}

static int go(struct part *part, struct dd_error *err)
{
	struct transition *transition = part->follow.transition;
	int rc;

	do {
		document_free(transition->live);
		transition->live = NULL;
		rewind_to(transition, 0, 0);
		rc = document_copy(part->live, &transition->live, err);
		for (int controllers = 0; !rc && controllers < 2; controllers++)
			rc = unplug_extra(part, controllers, err);
		for (int controllers = 2; !rc && controllers--;)
			rc = plug_missing(part, controllers, err);
	} while (!rc && keep_lost(part) && !text_failed(&part->kept));
	if (!rc && text_failed(&part->kept))
		return error_no_memory(err);
	if (rc)
		return rc;
	return part->device ? follow_take_order(&part->follow, err) : settle(part, err);
}

int follow_part(struct transition *transition, const struct document *record,
	const struct document *target, const struct freeze_options *options, struct follow_way *way,
	struct dd_error *err)
{
	CLEANUP(document) struct document *live = NULL;
	CLEANUP(part)
	struct part part = {
		.follow = {transition, record, target, options, TEXT_INIT},
		.device = way->device,
	};
	int rc = follow_arrived_at(&part.follow, &way->before, err);

	if (!rc)
		rc = document_copy(transition->live, &live, err);
	part.live = live;
	if (!rc)
		rc = go(&part, err);
	return rc ? rc : follow_arrived_at(&part.follow, &way->arrived, err);
}
