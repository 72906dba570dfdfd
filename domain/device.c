/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices come, go and change: in the record, in the running guest, or in both.
 *
 * A running guest decides first: its free places are the scarce ones. Where guest and record were
 * alike, the record simply follows; where they differ, the device is put into the record at the
 * very place that it got in the guest, and each side's places are kept from being given out twice.
 */
#include <string.h>

#include "domain/scope.h"
#include "domain/secret.h"
#include "domain/sharing.h"
#include "schema/alias.h"
#include "schema/diff.h"
#include "schema/edit.h"
#include "schema/words.h"

/* One call's devices on their way into a transition. */
struct change_set {
	struct operation op;
	struct transition transition;
	struct scope scope;
	struct freeze_options options;
	const char *verb; /* "attach" */
};

static inline void cleanup_change_set(struct change_set *set)
{
	transition_release(&set->transition);
	operation_end(&set->op);
}

static int set_begin(struct change_set *set, struct dd_host *host, const char *domain,
	const char *name, const char *verb, const struct dd_change *change, struct dd_error *err)
{
	int rc = operation_begin(&set->op, host, domain, name, change, err);

	set->verb = verb;
	if (!rc)
		rc = scope_of(&set->op, change, &set->scope, err);
	if (!rc)
		rc = transition_init(&set->transition, &set->op, err);
	if (!rc)
		rc = host_capabilities(host, set->op.config, &set->options.capabilities, err);
	set->options.keep_host_model = true;
	return rc;
}

/* Remembers the device in words, for the subject and the trailers. */
static int set_name(struct change_set *set, const xmlNode *device, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;

	device_words(device, &words);
	return text_failed(&words) ? error_no_memory(err)
				   : transition_device(&set->transition, text_string(&words), err);
}

static int set_finish(struct change_set *set, struct dd_result *result, struct dd_error *err)
{
	CLEANUP(text) struct text subject = TEXT_INIT;
	size_t count = set->transition.device_count, i;
	int rc = 0;

	text_puts(&subject, set->verb);
	for (i = 0; i < count && subject.size < SUBJECT_MAX; i++)
		text_printf(&subject, "%s %s", i ? "," : "", set->transition.devices[i]);
	if (i < count)
		text_printf(&subject, " and %zu more", count - i);
	set->transition.subject = text_take(&subject);
	if (!set->transition.subject)
		return error_no_memory(err);
	if (set->scope.live && set->scope.config && set->scope.alike)
		rc = scope_follow(&set->transition, err);
	return rc ? rc : transition_run(&set->transition, &set->op, result, err);
}

/* Does a record that was different from the guest need the same edit, made separately? */
static bool set_edits_config(const struct change_set *set)
{
	return set->scope.config && !(set->scope.live && set->scope.alike);
}

/* A device that somebody hands in. */
static int device_given(struct operation *op, const struct dd_text *text, struct document **out,
	struct dd_error *err)
{
	CLEANUP(document) struct document *device = NULL;
	int rc = document_parse_device(text->data, text->size, text->file, &device, err);

	if (!rc)
		rc = secrets_check(device, err);
	if (!rc)
		rc = secret_seal(op, device, err);
	if (!rc)
		*out = TAKE(device);
	return rc;
}

/* ---- attach ---- */

#define RESERVED "reserved" /* marks what is only there while an address is chosen */

/* As vacated_note() writes it; that of the device itself comes first, so that it is found. */
static int reserve_one(
	xmlNode *list, const xmlNode *device, const xmlNode *coming, struct dd_error *err)
{
	xmlNode *entry = node_add(list, "device", err);
	xmlNode *copy = entry ? node_copy(node_child(device, "address"), entry->doc, err) : NULL;
	const char *bus = node_attr(node_child(device, "target"), "bus");
	CLEANUP(text) struct text identity = TEXT_INIT;
	int rc = copy ? node_set_attr(entry, RESERVED, "yes", err) : DD_NO_MEMORY;

	if (rc)
		return rc;
	xmlAddChild(entry, copy);
	if (bus)
		rc = node_set_attr(entry, "bus", bus, err);
	if (rc || !device_same(device, coming))
		return rc;
	device_identity(device, &identity);
	rc = text_failed(&identity) ? error_no_memory(err)
				    : node_set_attr(entry, "identity", text_string(&identity), err);
	if (!rc)
		rc = node_set_attr(entry, "kind", (const char *)device->name, err);
	if (!rc && node_first(list) != entry)
		xmlAddPrevSibling(node_first(list), entry);
	return rc;
}

/*
 * Keeps the addresses of the other definition's devices from being given out in this one, save that
 * the device to come, where the other has it already, is to be in the same place here.
 */
static int reserve(struct document *document, const struct document *other, const xmlNode *coming,
	struct dd_error *err)
{
	xmlNode *list = document_vacated(document, err);
	int rc = list ? 0 : DD_NO_MEMORY;

	for (const xmlNode *device = node_first(document_devices(other)); device && !rc;
		device = node_after(device))
		if (node_child(device, "address"))
			rc = reserve_one(list, device, coming, err);
	return rc;
}

static void unreserve(struct document *document)
{
	xmlNode *list = document_vacated(document, NULL);
	xmlNode *after;

	for (xmlNode *entry = node_first(list); entry; entry = after) {
		after = node_after(entry);
		if (node_attr(entry, RESERVED))
			node_remove(entry);
	}
}

/* Attaches to one definition, clear of the places that the other has given out. */
static int attach_beside(struct document *document, const struct document *other,
	const struct document *device, bool live, const struct freeze_options *options,
	xmlNode **attached, struct dd_error *err)
{
	int rc = other ? reserve(document, other, document_root(device), err) : 0;

	if (!rc)
		rc = edit_attach(document, device, live, options, attached, err);
	unreserve(document);
	return rc;
}

/* What came with the device (a controller that it needs) is plugged before it. */
static int plug_new(struct change_set *set, const xmlNode *attached, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *device = node_first(document_devices(set->transition.live)); !rc && device;
		device = node_after(device)) {
		if (node_is(device, "emulator") || device == attached || device_alias(device))
			continue;
		rc = device_assign_alias(set->transition.live, device, err);
		if (!rc && device_alias(device))
			rc = transition_step(
				&set->transition, STEP_ATTACH, device_alias(device), 0, 0, err);
	}
	return rc;
}

static int attach_live(struct change_set *set, const struct document *device, xmlNode **attached,
	struct dd_error *err)
{
	struct transition *transition = &set->transition;
	int rc = attach_beside(transition->live, set->scope.alike ? NULL : transition->config,
		device, true, &set->options, attached, err);

	if (!rc)
		rc = plug_new(set, *attached, err);
	if (!rc)
		rc = device_assign_alias(transition->live, *attached, err);
	return rc ? rc
		  : transition_step(transition, STEP_ATTACH, device_alias(*attached), 0, 0, err);
}

static int attach_one(struct change_set *set, const struct dd_text *text, struct dd_error *err)
{
	CLEANUP(document) struct document *device = NULL;
	CLEANUP(document) struct document *placed = NULL;
	xmlNode *attached = NULL;
	int rc = device_given(&set->op, text, &device, err);

	if (!rc && set->scope.live)
		rc = attach_live(set, device, &attached, err);
	if (!rc && set->scope.live)
		rc = scope_device(attached, &placed, err);
	if (!rc && set_edits_config(set))
		rc = attach_beside(set->transition.config,
			set->scope.alike ? NULL : set->transition.live, placed ? placed : device,
			false, &set->options, &attached, err);
	return rc ? rc : set_name(set, attached, err);
}

int dd_attach(struct dd_host *host, const char *domain, const struct dd_text *devices, size_t count,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err)
{
	CLEANUP(change_set) struct change_set set = {.op = OPERATION_INIT};
	int rc = set_begin(&set, host, domain, "attach-device", "attach", change, err);

	for (size_t i = 0; !rc && i < count; i++)
		rc = attach_one(&set, &devices[i], err);
	if (!rc && set.scope.config && !set.scope.live)
		rc = sharing_warn(host, set.op.config, set.transition.config, err);
	return rc ? rc : set_finish(&set, result, err);
}

/* ---- detach ---- */

/* By reference; the persistent definition is looked at as if it had its aliases. */
static int find_reference(const struct document *document, const struct dd_text *text,
	xmlNode **found, struct dd_error *err)
{
	CLEANUP(free) char *reference = NULL;
	int rc = string_format(&reference, err, "%.*s", (int)text->size, text->data);

	return rc ? rc : document_find_named(document, reference, found, err);
}

static int find_device(const struct document *document, const struct dd_text *text, xmlNode **found,
	struct dd_error *err)
{
	CLEANUP(document) struct document *device = NULL;
	size_t blank = 0;
	int rc;

	while (blank < text->size && strchr(" \t\r\n", text->data[blank]))
		blank++;
	if (blank == text->size || text->data[blank] != '<')
		return find_reference(document, text, found, err);
	rc = document_parse_device(text->data, text->size, text->file, &device, err);
	return rc ? rc : document_match_device(document, device, found, err);
}

static int detach_live(struct change_set *set, const struct dd_text *text,
	struct document **removed, struct dd_error *err)
{
	xmlNode *device = NULL;
	int rc = find_device(set->transition.live, text, &device, err);

	if (!rc)
		rc = set_name(set, device, err);
	if (!rc)
		rc = transition_step(
			&set->transition, STEP_DETACH, device_alias(device), 0, 0, err);
	if (!rc)
		rc = scope_device(device, removed, err);
	/* by its name it is found in the record too, wherever it is plugged in there */
	if (!rc && device_own_name(device))
		node_remove(node_child(document_root(*removed), "address"));
	return rc ? rc : edit_detach(set->transition.live, device, err);
}

static int detach_config(struct change_set *set, const struct dd_text *text,
	const struct document *removed, struct dd_error *err)
{
	xmlNode *device = NULL;
	int rc = removed ? document_match_device(set->transition.config, removed, &device, err)
			 : find_device(set->transition.config, text, &device, err);

	if (rc == DD_NOT_FOUND && removed)
		return 0; /* it was live only */
	if (!rc && !removed)
		rc = set_name(set, device, err);
	return rc ? rc : edit_detach(set->transition.config, device, err);
}

static int detach_one(struct change_set *set, const struct dd_text *text, struct dd_error *err)
{
	CLEANUP(document) struct document *removed = NULL;
	int rc = set->scope.live ? detach_live(set, text, &removed, err) : 0;

	/* by default also what waits for the next start can be taken away */
	if (rc == DD_NOT_FOUND && set->scope.config && !set->scope.alike)
		rc = 0;
	return rc || !set_edits_config(set) ? rc : detach_config(set, text, removed, err);
}

int dd_detach(struct dd_host *host, const char *domain, const struct dd_text *devices, size_t count,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err)
{
	CLEANUP(change_set) struct change_set set = {.op = OPERATION_INIT};
	int rc = set_begin(&set, host, domain, "detach-device", "detach", change, err);

	for (size_t i = 0; !rc && i < count; i++)
		rc = detach_one(&set, &devices[i], err);
	if (!rc && set_edits_config(&set))
		rc = edit_detached(set.transition.config, &set.options, err);
	return rc ? rc : set_finish(&set, result, err);
}

/* ---- update ---- */

static int update_one(struct change_set *set, const struct dd_text *text, struct dd_error *err)
{
	CLEANUP(document) struct document *device = NULL;
	xmlNode *updated = NULL;
	int rc = device_given(&set->op, text, &device, err);

	if (!rc && set->scope.live) {
		rc = edit_update(set->transition.live, device, true, &set->options, &updated, err);
		if (!rc)
			rc = transition_update(&set->transition, updated, err);
	}
	if (!rc && set_edits_config(set))
		rc = edit_update(
			set->transition.config, device, false, &set->options, &updated, err);
	return rc ? rc : set_name(set, updated, err);
}

int dd_update(struct dd_host *host, const char *domain, const struct dd_text *devices, size_t count,
	const struct dd_change *change, struct dd_result *result, struct dd_error *err)
{
	CLEANUP(change_set) struct change_set set = {.op = OPERATION_INIT};
	int rc = set_begin(&set, host, domain, "update-device", "update", change, err);

	for (size_t i = 0; !rc && i < count; i++)
		rc = update_one(&set, &devices[i], err);
	return rc ? rc : set_finish(&set, result, err);
}
