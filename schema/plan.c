/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A definition becomes a plan in four steps, and each edit is made on a copy of the record as soon
 * as it is planned, so that the plan cannot promise what an edit would not do: what is left out
 * goes, what is said outside devices is set, what is said otherwise of a device updates it, and
 * what is new comes.
 *
 * Three things stay although nobody says them: controllers, since they come with devices; what a
 * machine cannot be without; and a device that would come by itself if it alone were missing, as
 * the only video card does where there is a screen. Those have to be detached by name.
 */

#include "schema/plan.h"

#include <string.h>

#include "schema/abi.h"
#include "schema/alias.h"
#include "schema/device/kind.h"
#include "schema/document_internal.h"
#include "schema/edit_internal.h"
#include "schema/merge.h"
#include "schema/secret.h"
#include "schema/words.h"

struct planner {
	struct merge merge;
	struct edit_plan *plan;
	bool running;
	const struct freeze_options *options;
	struct dd_error *err;
};

/* ---- the plan ---- */

static void planned_release(struct planned_edit *edit)
{
	free(edit->subject);
	free(edit->details);
	free(edit->brings);
	free(edit->xml);
	changes_release(&edit->changes);
}

static inline void cleanup_planned(struct planned_edit *edit)
{
	planned_release(edit);
}

void edit_plan_release(struct edit_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		planned_release(&plan->edits[i]);
	free(plan->edits);
	document_free(plan->after);
	memset(plan, 0, sizeof *plan);
}

/* Takes edit over. */
static int plan_add(struct planner *planner, struct planned_edit *edit)
{
	struct edit_plan *plan = planner->plan;
	struct planned_edit *edits =
		reallocarray(plan->edits, plan->count + 1, sizeof plan->edits[0]);

	if (!edits)
		return error_no_memory(planner->err);
	plan->edits = edits;
	edits[plan->count++] = *edit;
	memset(edit, 0, sizeof *edit);
	return 0;
}

static int take_words(
	const xmlNode *device, void (*words)(const xmlNode *, struct text *), char **out)
{
	CLEANUP(text) struct text text = TEXT_INIT;

	words(device, &text);
	if (text_failed(&text))
		return DD_NO_MEMORY;
	return string_copy(out, text_string(&text), NULL);
}

static int describe(struct planned_edit *edit, const xmlNode *device, const xmlNode *handed,
	struct dd_error *err)
{
	CLEANUP(text) struct text xml = TEXT_INIT;

	if (take_words(device, device_words, &edit->subject) ||
		take_words(device, device_details, &edit->details) ||
		node_write_open(handed, &xml, NULL))
		return error_no_memory(err);
	edit->xml = text_take(&xml);
	return edit->xml ? 0 : error_no_memory(err);
}

/* ---- what is left out goes ---- */

static bool is_only(const xmlNode *device)
{
	char name[TREE_NAME_SIZE];

	return device == node_child(device->parent, node_name(device, name, sizeof name)) &&
	       !node_next(device);
}

/* Is it a serial port that is spelt as the console that stands for it? */
static bool stands_for_console(const struct planner *planner, const xmlNode *device)
{
	const xmlNode *console = node_child(document_devices(planner->merge.record), "console");

	return node_is(device, "serial") && console && console->_private;
}

/* Would freezing put it there again, if it were not? *back is the answer. */
static int comes_back(
	const struct planner *planner, const xmlNode *device, bool *back, struct dd_error *err)
{
	CLEANUP(document) struct document *without = NULL;
	struct dd_error why = {0};
	char name[TREE_NAME_SIZE];
	const char *element = node_name(device, name, sizeof name);
	int rc;

	*back = false;
	/* another of its kind takes its part */
	if (!is_only(device) || node_child(document_devices(planner->merge.said), element))
		return 0;
	/* they come with a screen, and do not go with it */
	if (node_is(device, "video") || node_is(device, "audio")) {
		*back = true;
		return 0;
	}
	rc = document_copy(planner->merge.record, &without, err);
	if (rc)
		return rc;
	if (stands_for_console(planner, device))
		node_remove(node_child(document_devices(without), element));
	else
		rc = edit_detach(without, node_child(document_devices(without), element), &why);
	if (!rc)
		rc = document_freeze(without, planner->options, &why);
	*back = !rc && node_child(document_devices(without), element);
	return rc == DD_NO_MEMORY ? error_no_memory(err) : 0;
}

static int stays(const struct planner *planner, const xmlNode *device, bool *out)
{
	struct dd_error why = {0};
	int rc;

	*out = device->_private || node_is(device, "emulator") || node_is(device, "controller");
	if (*out)
		return 0;
	rc = detach_check(planner->merge.record, device, &why);
	*out = rc == DD_REFUSED;
	if (rc && !*out)
		return error_no_memory(planner->err);
	return *out ? 0 : comes_back(planner, device, out, planner->err);
}

static int detach(struct planner *planner, xmlNode *device)
{
	CLEANUP(planned) struct planned_edit edit = {.action = EDIT_DETACH};
	int rc = describe(&edit, device, device, planner->err);

	if (!rc)
		rc = edit_detach(planner->merge.record, device, planner->err);
	return rc ? rc : plan_add(planner, &edit);
}

/* The devices of the record from the last to the first, so that places are given back in order. */
static size_t list_devices(const struct document *document, xmlNode **list)
{
	size_t count = 0;

	for (xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device)) {
		if (list)
			list[count] = device;
		count++;
	}
	return count;
}

static int detach_missing(struct planner *planner)
{
	size_t count = list_devices(planner->merge.record, NULL), going = 0;
	CLEANUP(free) xmlNode **list = calloc(count ? count : 1, sizeof(xmlNode *));
	int rc = 0;

	if (!list)
		return error_no_memory(planner->err);
	list_devices(planner->merge.record, list);
	/* all is decided by the record as it is, before the first one goes */
	for (size_t i = 0; !rc && i < count; i++) {
		bool kept = false;

		rc = stays(planner, list[i], &kept);
		if (!rc && !kept)
			list[going++] = list[i];
	}
	while (!rc && going--)
		rc = detach(planner, list[going]);
	return rc;
}

/* ---- what is said outside devices ---- */

static int on_setting(const struct difference *difference, void *context)
{
	const struct planner *planner = context;
	bool visible;
	enum change_when when = abi_when(difference, &visible);

	if (when == WHEN_RUNNING || (when == WHEN_SHUT_OFF && !planner->running))
		return 0;
	if (when == WHEN_NEVER) {
		abi_refuse(difference, planner->err);
		return error_hint(planner->err, "only an upgrade of the domain may change it");
	}
	node_error(difference->after ? difference->after : difference->before, planner->err,
		DD_REFUSED, "%s cannot change while the guest runs", difference->place);
	return error_hint(planner->err, "with --config it holds from the next start");
}

static int add_copy(xmlNode *to, const xmlNode *node, struct dd_error *err)
{
	xmlNode *copy = node_copy(node, to->doc, err);

	if (!copy)
		return DD_NO_MEMORY;
	xmlAddChild(to, copy);
	return 0;
}

/* One element that there may be once: all of those of a name are taken together where not. */
static int set_element(struct planner *planner, xmlNode *to, const xmlNode *from, const char *name)
{
	CLEANUP(planned) struct planned_edit edit = {.action = EDIT_SET};
	CLEANUP(document) struct document *before = NULL;
	CLEANUP(text) struct text xml = TEXT_INIT;
	xmlNode *old, *next;
	int rc = document_copy(planner->merge.record, &before, planner->err);

	if (!rc)
		rc = string_copy(&edit.subject, name, planner->err);
	for (old = node_child(to, name); !rc && old; old = next) {
		next = node_next(old);
		node_remove(old);
	}
	for (const xmlNode *new = node_child(from, name); !rc &&new; new = node_next(new)) {
		rc = add_copy(to, new, planner->err);
		if (!rc)
			rc = node_write(new, &xml, planner->err);
	}
	if (!rc)
		rc = document_canonicalise(planner->merge.record, planner->err);
	if (!rc)
		rc = document_diff_settings(
			before, planner->merge.record, &edit.changes, planner->err);
	if (!rc && xml.size && !(edit.xml = text_take(&xml)))
		rc = error_no_memory(planner->err);
	return rc ? rc : plan_add(planner, &edit);
}

static bool same_children(const xmlNode *a, const xmlNode *b, const char *name)
{
	const xmlNode *one = node_child(a, name), *other = node_child(b, name);

	while (one && other && node_equal(one, other)) {
		one = node_next(one);
		other = node_next(other);
	}
	return !one && !other;
}

static int set_elements(
	struct planner *planner, xmlNode *to, const xmlNode *from, const xmlNode *names)
{
	const xmlNode *child = node_first(names), *after;
	int rc = 0;

	for (; child && !rc; child = after) {
		char buffer[TREE_NAME_SIZE], name[TREE_NAME_SIZE];

		snprintf(name, sizeof name, "%s", node_name(child, buffer, sizeof buffer));
		for (after = node_after(child); after && xmlStrEqual(after->name, child->name);)
			after = node_after(after);
		if (strcmp(name, "devices") != 0 && !same_children(to, from, name))
			rc = set_element(planner, to, from, name);
	}
	return rc;
}

static int set_settings(struct planner *planner)
{
	xmlNode *root = document_root(planner->merge.record);
	const xmlNode *meant = document_root(planner->merge.meant);
	int rc = compare_settings(
		planner->merge.record, planner->merge.meant, on_setting, planner, planner->err);

	if (!rc)
		rc = set_elements(planner, root, meant, meant);
	if (!rc)
		rc = set_elements(planner, root, meant, root);
	if (!rc && !same_children(document_devices(planner->merge.record),
			   document_devices(planner->merge.meant), "emulator"))
		rc = set_element(planner, document_devices(planner->merge.record),
			document_devices(planner->merge.meant), "emulator");
	return rc;
}

/* ---- what is said otherwise of a device ---- */

/* Says of an element that the definition leaves out, and that may go, that it goes. */
static int say_removed(xmlNode *said, const xmlNode *old, struct dd_error *err)
{
	const struct device_kind *kind = device_kind(old);

	for (const xmlNode *child = node_first(old); kind && child; child = node_after(child)) {
		char buffer[TREE_NAME_SIZE];
		const char *name = node_name(child, buffer, sizeof buffer);

		if (node_child(said, name) || !(place_listed(name, kind->live_paths) ||
						      place_listed(name, kind->free_paths)))
			continue;
		if (!node_add(said, name, err))
			return DD_NO_MEMORY;
	}
	return 0;
}

static int update(struct planner *planner, const xmlNode *meant, const xmlNode *old)
{
	CLEANUP(planned) struct planned_edit edit = {.action = EDIT_UPDATE};
	CLEANUP(document) struct document *single = NULL;
	CLEANUP(document) struct document *before = NULL;
	CLEANUP(text) struct text xml = TEXT_INIT;
	xmlNode *updated = NULL;
	int rc = document_of_device(meant, &single, planner->err);

	if (!rc)
		rc = document_of_device(old, &before, planner->err);
	if (!rc)
		rc = say_removed(document_root(single), old, planner->err);
	if (!rc)
		rc = node_write_open(document_root(single), &xml, planner->err);
	if (!rc)
		rc = edit_update(planner->merge.record, single, planner->running, planner->options,
			&updated, planner->err);
	if (!rc)
		rc = device_diff(document_root(before), updated, &edit.changes, planner->err);
	if (rc || !edit.changes.count)
		return rc;
	if (take_words(updated, device_words, &edit.subject) || !(edit.xml = text_take(&xml)))
		return error_no_memory(planner->err);
	return plan_add(planner, &edit);
}

/* A console goes with its serial port, and may have done so. */
static bool still_there(const struct document *document, const xmlNode *device)
{
	const xmlNode *other = node_first(document_devices(document));

	while (other && other != device)
		other = node_after(other);
	return other != NULL;
}

static int update_changed(struct planner *planner)
{
	int rc = 0;

	for (const xmlNode *device = node_first(document_devices(planner->merge.meant));
		!rc && device; device = node_after(device)) {
		const xmlNode *said = device->_private;
		const xmlNode *old = said ? said->_private : NULL;

		if (old && still_there(planner->merge.record, old) && !node_equal(device, old))
			rc = update(planner, device, old);
	}
	return rc;
}

/* ---- what is new comes ---- */

static bool stands_for_serial(const xmlNode *console)
{
	return node_attr_is(node_child(console, "target"), "type", "serial");
}

/* A console comes with the serial port that it stands for, whatever its number was. */
static bool is_there(const struct document *document, const xmlNode *device)
{
	const xmlNode *other = node_child(document_devices(document), "console");

	if (!node_is(device, "console"))
		return false;
	while (other && !node_contains(other, device) &&
		!(stands_for_serial(other) && stands_for_serial(device)))
		other = node_next(other);
	return other != NULL;
}

static void mark_all(struct document *document)
{
	for (xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device))
		device->_private = device;
}

static int name_brought(
	struct planned_edit *edit, struct document *document, const xmlNode *attached)
{
	CLEANUP(text) struct text words = TEXT_INIT;

	for (xmlNode *device = node_first(document_devices(document)); device;
		device = node_after(device)) {
		if (device->_private || device == attached)
			continue;
		text_puts(&words, words.size ? ", " : "");
		device_words(device, &words);
	}
	if (text_failed(&words))
		return DD_NO_MEMORY;
	return string_copy(&edit->brings, text_string(&words), NULL);
}

static int attach(struct planner *planner, const xmlNode *said)
{
	CLEANUP(planned) struct planned_edit edit = {.action = EDIT_ATTACH};
	CLEANUP(document) struct document *single = NULL;
	struct document *document = planner->merge.record;
	xmlNode *attached = NULL;
	int rc = document_of_device(said, &single, planner->err);
	const xmlNode *mac;

	mark_all(document);
	if (!rc)
		rc = edit_attach(document, single, planner->running, planner->options, &attached,
			planner->err);
	if (rc)
		return rc;
	/* of what was decided only what another time would be something else */
	mac = node_child(attached, "mac");
	if (mac && !node_child(document_root(single), "mac"))
		rc = add_copy(document_root(single), mac, planner->err);
	if (!rc)
		rc = document_canonicalise(single, planner->err);
	if (!rc)
		rc = describe(&edit, attached, document_root(single), planner->err);
	if (!rc && name_brought(&edit, document, attached))
		rc = error_no_memory(planner->err);
	return rc ? rc : plan_add(planner, &edit);
}

/* Controllers first: others may be plugged into them. */
static int attach_new(struct planner *planner, bool controllers)
{
	int rc = 0;

	for (const xmlNode *device = node_first(document_devices(planner->merge.said));
		!rc && device; device = node_after(device))
		if (!device->_private && !node_is(device, "emulator") &&
			node_is(device, "controller") == controllers &&
			!is_there(planner->merge.record, device))
			rc = attach(planner, device);
	return rc;
}

/* ---- the whole ---- */

static int make(struct planner *planner, struct document *given, const struct document *record)
{
	int rc = merge_begin(&planner->merge, given, record, planner->options, planner->err);

	if (!rc)
		rc = detach_missing(planner);
	if (!rc)
		rc = set_settings(planner);
	if (!rc)
		rc = update_changed(planner);
	if (!rc)
		rc = attach_new(planner, true);
	if (!rc)
		rc = attach_new(planner, false);
	if (!rc && planner->plan->count)
		rc = document_check(
			planner->merge.record, planner->options->capabilities, planner->err);
	return rc;
}

int edit_plan_make(struct edit_plan *plan, struct document *given, const struct document *record,
	bool running, const struct freeze_options *options, struct dd_error *err)
{
	struct planner planner = {.plan = plan, .running = running, .options = options, .err = err};
	int rc;

	*plan = (struct edit_plan){.edits = NULL};
	rc = make(&planner, given, record);
	if (rc)
		edit_plan_release(plan);
	else
		plan->after = TAKE(planner.merge.record);
	merge_release(&planner.merge);
	return rc;
}
