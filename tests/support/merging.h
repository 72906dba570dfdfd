/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_MERGING_H
#define TESTS_SUPPORT_MERGING_H

/*
 * What the laws of bringing a record to a definition are tested with: records of the corpus, plans
 * in words, and the edits of a plan made by hand, one by one.
 */

#include "tests/support/corpus.h"

#include "schema/diff.h"
#include "schema/document_internal.h"
#include "schema/edit.h"
#include "schema/merge.h"
#include "schema/plan.h"
#include "schema/words.h"

static struct capabilities *caps_64, *caps_32;

static inline int setup(void **state)
{
	(void)state;
	caps_64 = test_capabilities();
	caps_32 = test_capabilities_i386();
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	capabilities_free(caps_64);
	capabilities_free(caps_32);
	return 0;
}

static inline struct freeze_options options_for(const struct document *document)
{
	const char *emulator = document_emulator(document);
	const xmlNode *type = node_descend(document_root(document), "os/type");
	bool i386 =
		emulator ? strstr(emulator, "i386") != NULL : node_attr_is(type, "arch", "i686");

	return (struct freeze_options){
		.capabilities = i386 ? caps_32 : caps_64, .keep_host_model = true};
}

static inline struct document *copy_of(const struct document *document)
{
	struct document *copy = NULL;
	struct dd_error err = {0};

	must(document_copy(document, &copy, &err), &err);
	return copy;
}

static inline struct document *frozen_of(const struct document *given)
{
	struct document *frozen = copy_of(given);
	struct freeze_options options = options_for(given);
	struct dd_error err = {0};

	must(document_freeze(frozen, &options, &err), &err);
	return frozen;
}

/* given is used up. */
static inline int plan_for(struct edit_plan *plan, struct document *given,
	const struct document *record, bool running, struct dd_error *err)
{
	struct freeze_options options = options_for(record);

	return edit_plan_make(plan, given, record, running, &options, err);
}

static const char *const actions[] = {
	[EDIT_DETACH] = "detach",
	[EDIT_SET] = "set",
	[EDIT_UPDATE] = "update",
	[EDIT_ATTACH] = "attach",
};

/* "detach disk vdb, set memory": the caller frees it. */
static inline char *plan_words(const struct edit_plan *plan)
{
	struct text out = TEXT_INIT;

	text_puts(&out, "");
	for (size_t i = 0; i < plan->count; i++)
		text_printf(&out, "%s%s %s", i ? ", " : "", actions[plan->edits[i].action],
			plan->edits[i].subject);
	return text_take(&out);
}

/* Says what a plan was that should have been another. */
static inline bool plan_is(const struct edit_plan *plan, const char *words, const char *name)
{
	CLEANUP(free) char *got = plan_words(plan);

	if (strcmp(got, words) == 0)
		return true;
	print_error("%s: planned «%s», not «%s»\n", name, got, words);
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->edits[i].changes.count; j++)
			print_error("    %s\n", plan->edits[i].changes.items[j].sentence);
	return false;
}

/* ---- random ---- */

static inline unsigned next(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % below;
}

static inline xmlNode *device_at(const struct document *document, size_t index)
{
	xmlNode *device = node_first(document_devices(document));

	while (device && index--)
		device = node_after(device);
	return device;
}

static inline unsigned device_count(const struct document *document)
{
	unsigned count = 0;

	while (device_at(document, count))
		count++;
	return count;
}

struct count {
	unsigned definitions, edits, failures;
};

static inline bool plans_nothing(
	const struct document *given, const struct document *record, const char *name)
{
	CLEANUP(edit_plan) struct edit_plan plan = {.edits = NULL};
	struct dd_error err = {0};
	char line[1024];

	if (plan_for(&plan, copy_of(given), record, false, &err)) {
		dd_error_format(&err, line, sizeof line);
		print_error("%s: %s\n", name, line);
		return false;
	}
	return plan_is(&plan, "", name);
}

/* ---- a plan is its edits ---- */

/* An element outside devices: with the edit that there is for it, or as a person's editor would. */
static inline int replace_setting(
	struct document *document, const struct planned_edit *edit, struct dd_error *err)
{
	CLEANUP(text) struct text whole = TEXT_INIT;
	xmlNode *root = document_root(document);

	text_printf(&whole, "<domain><name>x</name>%s</domain>", edit->xml ? edit->xml : "");

	CLEANUP(document) struct document *said = document_of(text_string(&whole));

	while (node_child(root, edit->subject))
		node_remove(node_child(root, edit->subject));
	for (const xmlNode *new = node_child(document_root(said), edit->subject); new;
		new = node_next(new))
		xmlAddChild(root, xmlDocCopyNode((xmlNode *)(uintptr_t) new, root->doc, 1));
	return document_canonicalise(document, err);
}

static inline int do_setting(
	struct document *document, const struct planned_edit *edit, struct dd_error *err)
{
	CLEANUP(document) struct document *said = NULL;
	CLEANUP(text) struct text whole = TEXT_INIT;
	const xmlNode *new;
	uint64_t number = 0;

	text_printf(&whole, "<domain><name>x</name>%s</domain>", edit->xml ? edit->xml : "");
	said = document_of(text_string(&whole));
	new = node_child(document_root(said), edit->subject);
	if (strcmp(edit->subject, "title") == 0 || strcmp(edit->subject, "description") == 0)
		return edit_text(document, edit->subject, new ? node_text(new) : NULL, err);
	if (!new || !node_text_number(new, &number))
		return replace_setting(document, edit, err);
	if (strcmp(edit->subject, "memory") == 0)
		return edit_memory(document, number, true, err);
	if (strcmp(edit->subject, "currentMemory") == 0)
		return edit_memory(document, number, false, err);
	return replace_setting(document, edit, err);
}
static inline int do_edit(
	struct document *document, const struct planned_edit *edit, struct dd_error *err)
{
	struct freeze_options options = options_for(document);
	xmlNode *node = NULL;
	int rc;

	if (edit->action == EDIT_SET)
		return do_setting(document, edit, err);

	CLEANUP(document) struct document *device = device_of(edit->xml);

	if (edit->action == EDIT_ATTACH)
		return edit_attach(document, device, false, &options, &node, err);
	if (edit->action == EDIT_UPDATE)
		return edit_update(document, device, false, &options, &node, err);
	rc = document_match_device(document, device, &node, err);
	return rc ? rc : edit_detach(document, node, err);
}

static inline bool is_its_edits(
	const struct edit_plan *plan, const struct document *record, const char *name)
{
	CLEANUP(document) struct document *document = copy_of(record);
	struct text planned = TEXT_INIT, done = TEXT_INIT;
	struct dd_error err = {0};
	char line[1024];
	bool same;

	for (size_t i = 0; i < plan->count; i++)
		if (do_edit(document, &plan->edits[i], &err)) {
			dd_error_format(&err, line, sizeof line);
			print_error("%s: by hand: %s\n", name, line);
			return false;
		}
	must(document_write(plan->after, &planned, &err), &err);
	must(document_write_vacated(plan->after, &planned, &err), &err);
	must(document_write(document, &done, &err), &err);
	must(document_write_vacated(document, &done, &err), &err);
	same = strcmp(text_string(&planned), text_string(&done)) == 0;
	if (!same)
		print_error("%s: the plan and its edits give different bytes\n%s\n%s\n", name,
			text_string(&planned), text_string(&done));
	text_release(&planned);
	text_release(&done);
	return same;
}

static inline bool check_plan(struct count *count, struct document *given,
	const struct document *record, const char *words, const char *name)
{
	CLEANUP(edit_plan) struct edit_plan plan = {.edits = NULL};
	struct dd_error err = {0};
	char line[1024];
	bool good;

	count->edits++;
	if (plan_for(&plan, given, record, false, &err)) {
		dd_error_format(&err, line, sizeof line);
		print_error("%s: planned no «%s»: %s\n", name, words, line);
		good = false;
	} else {
		good = plan_is(&plan, words, name) && is_its_edits(&plan, record, name);
	}
	count->failures += !good;
	return good;
}

/* A device can need another, as a display needs a screen. */
static inline bool freezes(const struct document *given)
{
	CLEANUP(document) struct document *copy = copy_of(given);
	struct freeze_options options = options_for(given);
	struct dd_error err = {0};

	return document_freeze(copy, &options, &err) == 0;
}

static inline void add_device(struct document *document, const char *xml)
{
	CLEANUP(document) struct document *device = device_of(xml);
	xmlNode *copy = node_copy(document_root(device), document->xml, NULL);

	xmlAddChild(document_devices(document), copy);
}

#endif
