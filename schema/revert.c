/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/revert.h"

#include "schema/alias.h"
#include "schema/compare.h"
#include "schema/diff.h"
#include "schema/document_internal.h"
#include "schema/edit_internal.h"
#include "schema/words.h"

struct revert {
	const struct document *record;
	const xmlNode *now, *then; /* NULL: it is not there */
	const struct freeze_options *options;
};

/* ---- which device ---- */

static int look_for(const struct document *document, const char *reference, const xmlNode **out,
	struct dd_error *err)
{
	xmlNode *device = NULL;
	int rc = document_find_named(document, reference, &device, err);

	if (!rc)
		*out = device;
	return rc;
}

/* The one that device is in another definition; one that has no name and is the only one, by that.
 */
static xmlNode *counterpart(const struct document *document, const xmlNode *device)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	char name[TREE_NAME_SIZE];
	xmlNode *found = NULL;
	xmlNode *like =
		node_child(document_devices(document), node_name(device, name, sizeof name));

	device_words(device, &words);
	if (document_find_device(document, text_string(&words), &found, NULL) == 0)
		return found;
	return like && !device_own_name(device) && !element_is_many(device) &&
			       !element_is_many(like)
		       ? like
		       : NULL;
}

static int find_both(struct revert *revert, const struct document *then, const char *reference,
	struct dd_error *err)
{
	int rc = look_for(revert->record, reference, &revert->now, err);

	if (rc == DD_NOT_FOUND && look_for(then, reference, &revert->then, NULL) == 0) {
		revert->now = counterpart(revert->record, revert->then);
		return 0;
	}
	if (!rc)
		revert->then = counterpart(then, revert->now);
	return rc;
}

/* ---- ways to get there ---- */

static xmlNode *same_place(const struct document *copy, const xmlNode *device)
{
	xmlNode *other = node_first(document_devices(copy));

	for (const xmlNode *at = node_first(device->parent); at != device; at = node_after(at))
		other = node_after(other);
	return other;
}

static int take_away(const struct revert *revert, struct document *document, struct dd_error *err)
{
	int rc = edit_detach(document, same_place(document, revert->now), err);

	return rc || revert->then ? rc : edit_detached(document, revert->options, err);
}

/* In all that it says, its place among its like included. */
static int put_in_place(
	const struct revert *revert, struct document *document, struct dd_error *err)
{
	xmlNode *now = same_place(document, revert->now);
	xmlNode *device = node_copy(revert->then, now->doc, err);
	int rc;

	if (!device)
		return DD_NO_MEMORY;
	xmlAddPrevSibling(now, device);
	node_remove(now);
	rc = document_canonicalise(document, err);
	if (!rc)
		rc = device_freeze(document, device, false, revert->options, err);
	return rc ? rc : edit_finish(document, revert->options, err);
}

/* Among its like it stands where it stood, as far as these are still there. */
static void take_place(const struct revert *revert, struct document *document, xmlNode *device)
{
	char name[TREE_NAME_SIZE];
	const xmlNode *at = node_child(revert->then->parent, node_name(device, name, sizeof name));
	xmlNode *before = NULL, *behind = NULL;
	bool passed = false;

	for (; at && !behind; at = node_next(at)) {
		xmlNode *like = at == revert->then ? device : counterpart(document, at);

		if (like == device)
			passed = passed || at == revert->then;
		else if (like)
			*(passed ? &behind : &before) = like;
	}
	if (before)
		xmlAddNextSibling(before, device);
	else if (behind)
		xmlAddPrevSibling(behind, device);
}

static int attach_again(const struct revert *revert, struct document *document, bool to_its_place,
	struct dd_error *err)
{
	CLEANUP(document) struct document *single = NULL;
	xmlNode *attached = NULL;
	int rc = document_of_device(revert->then, &single, err);

	if (!rc && !to_its_place)
		node_remove(node_child(document_root(single), "address"));
	if (!rc)
		rc = edit_attach(document, single, false, revert->options, &attached, err);
	if (!rc)
		take_place(revert, document, attached);
	return rc;
}

/* The controller that it was plugged into, where that is gone: another one may be of another model.
 */
static int bring_controllers(
	const struct revert *revert, struct document *document, struct dd_error *err)
{
	const xmlNode *at = node_child(revert->then->parent, "controller");
	int rc = 0;

	for (; !rc && at; at = node_next(at)) {
		struct revert controller = {revert->record, NULL, at, revert->options};

		if (at == revert->then || !edit_plugged_into(revert->then, at) ||
			counterpart(document, at))
			continue;
		rc = attach_again(&controller, document, true, err);
	}
	return rc;
}

static int bring_back(const struct revert *revert, struct document *document, bool to_its_place,
	struct dd_error *err)
{
	int rc = to_its_place ? bring_controllers(revert, document, err) : 0;

	return rc ? rc : attach_again(revert, document, to_its_place, err);
}

static int as_it_was(const struct revert *revert, struct document *document, struct dd_error *err)
{
	if (!revert->then)
		return take_away(revert, document, err);
	return revert->now ? put_in_place(revert, document, err)
			   : bring_back(revert, document, true, err);
}

static int elsewhere(const struct revert *revert, struct document *document, struct dd_error *err)
{
	int rc = revert->now ? take_away(revert, document, err) : 0;

	return rc ? rc : bring_back(revert, document, false, err);
}

typedef int (*way_fn)(const struct revert *revert, struct document *document, struct dd_error *err);

static int try_way(
	const struct revert *revert, way_fn way, struct document **out, struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	int rc = document_copy(revert->record, &document, err);

	if (!rc)
		rc = way(revert, document, err);
	if (!rc)
		*out = TAKE(document);
	return rc;
}

int revert_device(const struct document *record, const struct document *then, const char *reference,
	const struct freeze_options *options, struct document **out, struct text *words,
	struct dd_error *err)
{
	struct revert revert = {.record = record, .options = options};
	int rc = find_both(&revert, then, reference, err);

	if (rc)
		return rc;
	device_words(revert.now ? revert.now : revert.then, words);
	if (revert.now && revert.then && node_equal(revert.now, revert.then))
		return document_copy(record, out, err);
	rc = try_way(&revert, as_it_was, out, err);
	if (rc && rc != DD_NO_MEMORY && revert.then)
		rc = try_way(&revert, elsewhere, out, err);
	return rc;
}
