/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Device edits. Each changes the tree, has the device frozen, brings the document back to canonical
 * form and has it checked as a whole; so what a definition may be is said in one place, and an edit
 * only knows what it changes. A device that is attached goes behind its like, a disk among the
 * disks of its bus by its target, as libvirt lists them. A device that leaves notes its address
 * (vacated.h), and one that returns finds it again in device_freeze().
 */

#include "schema/edit.h"

#include <string.h>

#include "schema/alias.h"
#include "schema/compare.h"
#include "schema/device/chardev.h"
#include "schema/device/kind.h"
#include "schema/document_internal.h"
#include "schema/edit_internal.h"
#include "schema/format.h"
#include "schema/vacated.h"
#include "schema/words.h"

/* A first serial port always has its console, with the same other end. */
static int pair_console(
	struct document *document, const struct freeze_options *options, struct dd_error *err)
{
	int rc = chardev_pair_console(document, err);
	xmlNode *console = node_child(document_devices(document), "console");
	const struct device_kind *kind = console ? device_kind(console) : NULL;

	return rc || !kind ? rc : kind->complete(document, console, options, err);
}

int edit_finish(
	struct document *document, const struct freeze_options *options, struct dd_error *err)
{
	int rc = pair_console(document, options, err);

	if (!rc)
		rc = document_canonicalise(document, err);
	if (!rc)
		rc = document_check(document, options ? options->capabilities : NULL, err);
	if (!rc)
		vacated_settle(document);
	return rc;
}

/* A fault in a device that came in a text of its own is in that text. */
static int place_in(const struct document *device, const xmlNode *node, struct dd_error *err)
{
	const char *file = (const char *)device->xml->URL;
	char path[NODE_PATH_SIZE];

	if (!err)
		return DD_INVALID;
	node_path(node, path, sizeof path);
	if (strncmp(err->path, path, strlen(path)) != 0)
		return err->code;
	err->file[0] = '\0';
	return error_place(err, file, 0, 0, NULL);
}

/* ---- attach ---- */

static int check_new(const struct document *document, const xmlNode *device, struct dd_error *err)
{
	char name[TREE_NAME_SIZE];
	xmlNode *other =
		node_child(document_devices(document), node_name(device, name, sizeof name));

	for (; other; other = node_next(other)) {
		CLEANUP(text) struct text words = TEXT_INIT;
		CLEANUP(text) struct text details = TEXT_INIT;

		if (!device_same(device, other))
			continue;
		device_words(other, &words);
		device_details(other, &details);
		node_error(device, err, DD_EXISTS, "%s is there already%s%s", text_string(&words),
			details.size ? ": " : "", text_string(&details));
		return error_hint(err, "detach it first, or update it");
	}
	return 0;
}

/* "sdaa" comes after "sdz". */
static bool name_before(const char *a, const char *b)
{
	size_t x = strlen(a), y = strlen(b);

	return x != y ? x < y : strcmp(a, b) < 0;
}

/* Does device come before other, by targets that are on one bus, or by ports? */
static bool comes_before(const xmlNode *device, const xmlNode *other)
{
	const xmlNode *target = node_child(device, "target"), *at = node_child(other, "target");
	const char *bus = node_attr(target, "bus");
	const char *name = node_attr(target, bus ? "dev" : "port");
	const char *taken = node_attr(at, bus ? "dev" : "port");

	return name && taken && !(bus && !node_attr_is(at, "bus", bus)) && name_before(name, taken);
}

/* The like sibling that has to come behind device; NULL: none has to. */
static xmlNode *place_before(const xmlNode *devices, const xmlNode *device)
{
	char name[TREE_NAME_SIZE];
	xmlNode *other = node_child(devices, node_name(device, name, sizeof name));

	while (other && (other == device || !comes_before(device, other)))
		other = node_next(other);
	return other;
}

int edit_attach(struct document *document, const struct document *device, bool live,
	const struct freeze_options *options, xmlNode **attached, struct dd_error *err)
{
	xmlNode *devices = document_devices(document);
	int rc = check_new(document, document_root(device), err);

	if (rc)
		return rc;
	if (!devices)
		devices = node_add(document_root(document), "devices", err);

	xmlNode *node = devices ? node_copy(document_root(device), document->xml, err) : NULL;

	if (!node)
		return DD_NO_MEMORY;
	xmlAddChild(devices, node);
	/* what it was called in some other run */
	device_strip_runtime(node);
	rc = device_freeze(document, node, live, options, err);
	if (!rc) {
		/* only now it surely has a target */
		xmlNode *next = place_before(devices, node);

		if (next)
			xmlAddPrevSibling(next, node);
		rc = edit_finish(document, options, err);
	}
	if (rc)
		return place_in(device, node, err);
	*attached = node;
	return 0;
}

/* ---- detach ---- */

/* The console that stands for a serial port goes with it. */
static void detach_console(struct document *document, const xmlNode *serial)
{
	xmlNode *devices = document_devices(document);
	xmlNode *console = node_child(devices, "console");

	if (serial == node_child(devices, "serial") &&
		node_attr_is(node_child(console, "target"), "type", "serial"))
		node_remove(console);
}

int edit_detach(struct document *document, xmlNode *device, struct dd_error *err)
{
	int rc = detach_check(document, device, err);

	if (!rc)
		rc = vacated_note(document, device, err);
	if (rc)
		return rc;
	if (node_is(device, "serial"))
		detach_console(document, device);
	node_remove(device);
	rc = pair_console(document, NULL, err);
	return rc ? rc : document_canonicalise(document, err);
}

int edit_detached(
	const struct document *document, const struct freeze_options *options, struct dd_error *err)
{
	int rc = document_check(document, options ? options->capabilities : NULL, err);

	if (rc != DD_INVALID)
		return rc;
	if (err) {
		err->code = DD_REFUSED;
		error_wrap(err, "it would be left behind");
		error_hint(err, "detach or update it first");
	}
	return DD_REFUSED;
}

/* ---- update ---- */

struct update {
	const struct device_kind *kind;
	const xmlNode *device; /* as it was */
	bool live;
	char place[PLACE_SIZE];
	struct dd_error *err;
};

static bool changes_live(const struct update *update, const char *place)
{
	const char *listed = place_listed(place, update->kind->live_paths);

	return listed &&
	       (!update->kind->changes_live || update->kind->changes_live(update->device, listed));
}

static bool changes_off(const struct update *update, const char *place)
{
	return changes_live(update, place) || place_listed(place, update->kind->free_paths);
}

/* Is the element at place one that may change in all its parts? */
static bool is_replaceable(const struct update *update, const char *place)
{
	return place_listed(place, update->kind->live_paths) ||
	       place_listed(place, update->kind->free_paths);
}

/* A drive whose medium can change is empty when no medium is said. */
static bool is_medium(const struct update *update, const char *place)
{
	static const char *const medium[] = {"source", "backingStore", NULL};

	return update->kind->changes_live && place_listed(place, medium) &&
	       changes_live(update, place);
}

static bool is_empty(const xmlNode *node)
{
	return !node->properties && !node->children;
}

/* Appends a step to the place that update is at; the length before is for going back. */
static size_t update_enter(struct update *update, const char *sign, const char *name)
{
	size_t before = strlen(update->place);

	snprintf(update->place + before, sizeof update->place - before, "%s%s%s", before ? "/" : "",
		sign, name);
	return before;
}

static int keep_attributes(struct update *update, const xmlNode *old, xmlNode *new)
{
	int rc = 0;

	for (const xmlAttr *attr = old->properties; attr && !rc; attr = attr->next) {
		const char *name = (const char *)attr->name;

		if (!node_attr(new, name))
			rc = node_set_attr(new, name, node_attr(old, name), update->err);
	}
	return rc;
}

static int keep_child(const xmlNode *child, xmlNode *new, struct dd_error *err)
{
	xmlNode *copy = node_copy(child, new->doc, err);

	if (!copy)
		return DD_NO_MEMORY;
	xmlAddChild(new, copy);
	return 0;
}

static int keep_unsaid(
	struct update *update, const xmlNode *old, const xmlNode *said, xmlNode *new);

/* child is of the old device; the place is its own. */
static int keep_part(struct update *update, const xmlNode *child, const xmlNode *said, xmlNode *new)
{
	char name[TREE_NAME_SIZE];
	const char *called = node_name(child, name, sizeof name);
	const xmlNode *part = node_child(said, called);
	xmlNode *copy = node_child(new, called);

	if (!part)
		return is_medium(update, update->place) ? 0 : keep_child(child, new, update->err);

	if (is_replaceable(update, update->place)) {
		/* <iotune/> takes the limits away; <backingStore/> says that nothing is below */
		if (is_empty(part) && !is_empty(child) && !node_is(part, "backingStore"))
			node_remove(copy);
		return 0;
	}
	if (node_next(part) || node_next(child))
		return 0;
	return keep_unsaid(update, child, part, copy);
}

/*
 * Puts into new, which starts as a copy of said, what old has and said is silent about. An element
 * that may change as a whole is taken as it is said.
 */
static int keep_unsaid(struct update *update, const xmlNode *old, const xmlNode *said, xmlNode *new)
{
	const char *text = node_first(old) ? "" : node_text(old);
	int rc = keep_attributes(update, old, new);

	if (!rc && text[0] && !said->children)
		rc = node_set_text(new, text, update->err);
	for (const xmlNode *child = node_first(old); child && !rc; child = node_after(child)) {
		char name[TREE_NAME_SIZE];
		size_t before = update_enter(update, "", node_name(child, name, sizeof name));

		rc = keep_part(update, child, said, new);
		update->place[before] = '\0';
	}
	return rc;
}

static int on_update(const struct difference *difference, void *context)
{
	const struct update *update = context;
	CLEANUP(text) struct text words = TEXT_INIT;
	bool off = changes_off(update, difference->place);

	if (order_is_free(difference))
		return 0;
	if (update->live ? changes_live(update, difference->place) : off)
		return 0;
	device_words(update->device, &words);
	node_error(difference->device_after, update->err, DD_REFUSED, "%s of %s cannot change%s",
		difference->place, text_string(&words), off ? " while the guest runs" : "");
	if (update->err) {
		char path[NODE_PATH_SIZE];

		snprintf(path, sizeof path, "%.300s/%.200s", update->err->path, difference->place);
		error_place(update->err, NULL, 0, 0, path);
	}
	return error_hint(update->err, "%s",
		off ? "change the persistent definition only, for the next start"
		    : "detach the device and attach another");
}

/* The port that was found for a screen in this run of the guest is its port until the end of it. */
static int keep_port(const xmlNode *old, xmlNode *new, struct dd_error *err)
{
	if (!node_is(new, "graphics") || !node_attr_is(new, "autoport", "yes") ||
		!node_attr_is(old, "autoport", "yes"))
		return 0;
	return node_set_attr(new, "port", node_attr(old, "port"), err);
}

/*
 * Freezes and checks the new element, which stands where the old one was. What is asked for is
 * compared first, so that it is what a refusal names; then again, as freezing may add to it.
 */
static int finish_update(struct document *document, struct update *update, xmlNode *new,
	const struct freeze_options *options)
{
	const xmlNode *old = update->device;
	struct dd_error *err = update->err;
	int rc = update->live ? keep_port(old, new, err) : 0;

	if (!rc)
		rc = document_canonicalise(document, err);
	if (!rc)
		rc = compare_devices(old, new, on_update, update, err);
	/* whether it can be plugged in does not matter: it keeps its place */
	if (!rc)
		rc = device_freeze(document, new, false, options, err);
	if (!rc)
		rc = edit_finish(document, options, err);
	if (!rc && update->live)
		rc = keep_port(old, new, err);
	return rc ? rc : compare_devices(old, new, on_update, update, err);
}

int edit_update(struct document *document, const struct document *device, bool live,
	const struct freeze_options *options, xmlNode **updated, struct dd_error *err)
{
	static const struct device_kind unknown = {.element = ""};
	struct update update = {.live = live, .err = err};
	xmlNode *old;
	int rc = document_match_device(document, device, &old, err);

	if (rc)
		return rc;
	update.device = old;
	update.kind = device_kind(old) ? device_kind(old) : &unknown;

	xmlNode *new = node_copy(document_root(device), document->xml, err);

	if (!new)
		return DD_NO_MEMORY;
	rc = keep_unsaid(&update, old, document_root(device), new);
	if (rc) {
		xmlFreeNode(new);
		return rc;
	}
	xmlReplaceNode(old, new);
	rc = finish_update(document, &update, new, options);
	xmlFreeNode(old);
	if (rc)
		return place_in(device, new, err);
	*updated = new;
	return 0;
}
