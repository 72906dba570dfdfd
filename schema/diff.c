/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Differences in words. compare.c finds them; here each gets its path, its values, and a sentence
 * made of what it is about ("disk sda"), a label for the property ("source") and what became of it.
 * Two halves of one change, as when a disk's file goes and a block device comes, become one.
 */

#include "schema/diff.h"

#include <stdio.h>
#include <string.h>

#include "schema/abi.h"
#include "schema/compare.h"
#include "schema/document_internal.h"
#include "schema/secret.h"
#include "schema/words.h"

#define LABEL_SIZE 256
#define SHOWN_MAX 80 /* bytes of a value in a sentence */

/* Properties whose usual name is not their path in the document. */
struct label {
	const char *place;
	const char *words;
};

static const struct label device_labels[] = {
	{"@type", "type"},
	{"@device", "device type"},
	{"source/@file", "source"},
	{"source/@dev", "source"},
	{"source/@dir", "source"},
	{"source/@bridge", "source"},
	{"source/@network", "source"},
	{"source/@path", "source"},
	{"target/@dev", "target"},
	{"target/@bus", "bus"},
	{"driver/@type", "format"},
	{"driver/@cache", "cache mode"},
	{"mac/@address", "MAC address"},
	{"model/@type", "model"},
	{"@model", "model"},
	{"@passwd", "password"},
	{NULL, NULL},
};

static const struct label setting_labels[] = {
	{"@type", "virtualisation type"},
	{"@id", "id"},
	{"uuid", "UUID"},
	{"genid", "generation id"},
	{"maxMemory", "memory limit"},
	{"currentMemory", "current memory"},
	{"vcpu", "vCPUs"},
	{"vcpu/@current", "current vCPUs"},
	{"os/type/@machine", "machine type"},
	{"os/type/@arch", "architecture"},
	{"os/boot", "boot device"},
	{"os/boot/@dev", "boot device"},
	{"cpu/@mode", "CPU mode"},
	{"cpu/model", "CPU model"},
	{"cpu/feature", "CPU feature"},
	{"devices/emulator", "emulator"},
	{NULL, NULL},
};

/* features/acpi: "feature acpi" */
#define FEATURES "features/"

struct collector {
	struct changes *changes;
	size_t room;
	size_t device_from; /* the first change of the device under way */
	const xmlNode *device;
	char (*labels)[LABEL_SIZE];
	struct dd_error *err;
};

/* ---- labels ---- */

/* The words for the place, or for what it is below: *length is how much of the place they cover. */
static const char *known_label(const struct difference *difference, size_t *length)
{
	const struct label *label =
		difference->kind == CHANGE_SETTING ? setting_labels : device_labels;
	const char *words = NULL;

	*length = 0;
	for (; label->place; label++) {
		const char *const list[] = {label->place, NULL};
		size_t covered = strlen(label->place);

		if (covered <= *length || !place_listed(difference->place, list))
			continue;
		*length = covered;
		words = label->words;
	}
	return words;
}

static void add_word(char *label, size_t size, const char *word, size_t length)
{
	size_t used = strlen(label);

	snprintf(label + used, size - used, "%s%.*s", used ? " " : "", (int)length, word);
}

/* The element that is so many steps above the one that differs; NULL on a side that has none. */
static const xmlNode *step_above(const xmlNode *element, size_t steps)
{
	while (element && steps--)
		element = element->parent;
	return element;
}

/* Which of a list an element is, unless that is what differs. */
static void add_key(const struct difference *difference, size_t above, char *label, size_t size)
{
	const xmlNode *sides[] = {
		step_above(difference->after, above), step_above(difference->before, above)};

	for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
		const char *attribute = NULL;
		const char *key = sides[i] ? element_key(sides[i], &attribute) : NULL;
		bool differs = !above && key && difference->attribute &&
			       strcmp(attribute, difference->attribute) == 0;

		if (!key || difference->order || differs ||
			!(difference->whole || element_is_many(sides[i])))
			continue;
		add_word(label, size, key, strlen(key));
		return;
	}
}

/* "CPU feature vmx policy", "source host port": words for the place, step by step. */
static void label_place(const struct difference *difference, char *label, size_t size)
{
	size_t covered, above = 0;
	const char *known = known_label(difference, &covered);
	const char *place = difference->place, *step = place;

	for (const char *at = place; *at; at++)
		above += *at == '/' && at[1] != '@';
	if (known)
		add_word(label, size, known, strlen(known));
	while (*step) {
		size_t length = strcspn(step, "/");
		bool attribute = *step == '@';

		if (step >= place + covered && step == place &&
			strncmp(place, FEATURES, strlen(FEATURES)) == 0)
			add_word(label, size, "feature", strlen("feature"));
		else if (step >= place + covered)
			add_word(label, size, step + attribute, length - attribute);
		if (!attribute && (size_t)(step - place) + length >= covered)
			add_key(difference, above, label, size);
		above -= !attribute && above;
		step += length;
		step += *step == '/';
	}
}

static void make_label(const struct difference *difference, char *label, size_t size)
{
	const xmlNode *element = difference->after ? difference->after : difference->before;

	label[0] = '\0';
	if (element && !node_is_ours(element))
		snprintf(label, size, "metadata of %.160s", (const char *)element->ns->href);
	else if (order_of_devices(difference))
		add_word(label, size, (const char *)element->name,
			strlen((const char *)element->name));
	else
		label_place(difference, label, size);
	if (difference->order)
		add_word(label, size, "order", strlen("order"));
}

/* ---- values ---- */

static bool is_sized(const xmlNode *element)
{
	return node_attr(element, "unit") && !node_first(element);
}

/* Like siblings in their order, each by what tells it from the others. */
static void put_order(const struct difference *difference, const xmlNode *element, struct text *out)
{
	bool device = order_of_devices(difference);

	for (const xmlNode *node = element; node; node = node_next(node)) {
		const char *key = element_key(node, NULL);
		const xmlAttr *first = node->properties;

		text_puts(out, node == element ? "" : ", ");
		if (device)
			device_identity(node, out);
		else if (key || !first)
			text_puts(out, key ? key : node_text(node));
		else
			text_puts(out, node_attr(node, (const char *)first->name));
	}
}

/* Appends the side's value; false where it has none. */
static bool put_value(const struct difference *difference, const xmlNode *element, struct text *out,
	struct dd_error *err)
{
	if (!element)
		return false;
	if (difference->attribute) {
		const char *value = node_attr(element, difference->attribute);
		bool secret = value && node_is_secret(element, difference->attribute);

		text_puts(out, !value ? "" : secret ? SECRET_HIDDEN : value);
		return value != NULL;
	}
	if (node_is_secret(element, NULL)) {
		text_puts(out, SECRET_HIDDEN);
		return true;
	}
	if (difference->order) {
		put_order(difference, element, out);
		return true;
	}
	if (difference->whole && node_is(element, "address")) {
		address_words(element, out);
		return true;
	}
	if (difference->whole) {
		if (node_write_open(element, out, err))
			return false;
		out->data[--out->size] = '\0'; /* without the newline at its end */
		return true;
	}
	text_puts(out, node_text(element));
	if (out->size && is_sized(element))
		text_printf(out, " %s", node_attr(element, "unit"));
	return out->size > 0;
}

static int take_value(const struct difference *difference, const xmlNode *element, char **value,
	struct dd_error *err)
{
	CLEANUP(text) struct text out = TEXT_INIT;

	if (!put_value(difference, element, &out, err))
		return text_failed(&out) ? error_no_memory(err) : 0;
	*value = text_take(&out);
	return *value ? 0 : error_no_memory(err);
}

/* A value within a sentence: cut where it is long, and quoted where it has spaces of its own. */
static void put_shown(struct text *out, const char *value, bool quoted)
{
	size_t length = strlen(value);
	const char *quote = quoted || !length ? "'" : "";
	bool cut = length > SHOWN_MAX;

	if (cut)
		for (length = SHOWN_MAX; length && (value[length] & 0xc0) == 0x80; length--)
			;
	text_puts(out, quote);
	for (size_t i = 0; i < length; i++)
		text_putc(out, value[i] == '\n' ? ' ' : value[i]);
	text_printf(out, "%s%s", cut ? "..." : "", quote);
}

static void put_became(const struct difference *difference, const char *label, const char *before,
	const char *after, struct text *out)
{
	const xmlNode *element = difference->after ? difference->after : difference->before;
	bool sized = !difference->attribute && is_sized(element);
	bool address = difference->whole && node_is(element, "address");
	bool secret = node_is_secret(element, difference->attribute);
	bool quoted = !sized && !address &&
		      ((before && strchr(before, ' ')) || (after && strchr(after, ' ')) ||
			      strcmp(difference->place, "title") == 0 ||
			      strcmp(difference->place, "description") == 0);

	text_puts(out, label);
	if (difference->order ? strcmp(before, after) == 0
			      : secret || (difference->whole && !address)) {
		text_puts(out, !before ? " added" : !after ? " removed" : " changed");
		return;
	}
	if (!after) {
		text_puts(out, " removed (was ");
		put_shown(out, before ? before : "", quoted);
		text_putc(out, ')');
		return;
	}
	if (before) {
		text_puts(out, " changed from ");
		put_shown(out, before, quoted);
	}
	text_puts(out, before ? " to " : " set to ");
	put_shown(out, after, quoted);
}

static void put_device(const struct difference *difference, struct text *out)
{
	const xmlNode *device =
		difference->device_after ? difference->device_after : difference->device_before;
	size_t before;

	device_words(device, out);
	text_puts(out, difference->kind == CHANGE_ATTACHED ? " attached" : " detached");
	if (difference->kind == CHANGE_DETACHED)
		return;
	before = out->size;
	text_puts(out, ": ");
	device_details(device, out);
	/* nothing more to be said of it */
	if (!text_failed(out) && out->size == before + 2)
		out->data[out->size = before] = '\0';
}

static int make_sentence(const struct difference *difference, const char *label,
	struct change *change, struct dd_error *err)
{
	CLEANUP(text) struct text out = TEXT_INIT;

	if (difference->kind == CHANGE_ATTACHED || difference->kind == CHANGE_DETACHED) {
		put_device(difference, &out);
	} else {
		if (change->device)
			text_printf(&out, "%s: ", change->device);
		put_became(difference, label, change->before, change->after, &out);
	}
	free(change->sentence);
	change->sentence = text_take(&out);
	return change->sentence ? 0 : error_no_memory(err);
}

/* ---- changes ---- */

static void change_release(struct change *change)
{
	free(change->device);
	free(change->path);
	free(change->before);
	free(change->after);
	free(change->sentence);
}

void changes_release(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		change_release(&changes->items[i]);
	free(changes->items);
	memset(changes, 0, sizeof *changes);
}

static int make_path(const struct difference *difference, char **path, struct dd_error *err)
{
	char buffer[NODE_PATH_SIZE];
	const xmlNode *element = difference->after ? difference->after : difference->before;
	bool gone = difference->attribute && difference->before &&
		    !node_attr(difference->after, difference->attribute);

	if (gone)
		element = difference->before;
	node_path(element, buffer, sizeof buffer);
	if (difference->attribute)
		return string_format(path, err, "%s/@%s", buffer, difference->attribute);
	return string_copy(path, buffer, err);
}

static int make_device(const struct difference *difference, char **words, struct dd_error *err)
{
	CLEANUP(text) struct text out = TEXT_INIT;
	const xmlNode *device =
		difference->device_before ? difference->device_before : difference->device_after;

	if (!device)
		return 0;
	device_words(device, &out);
	*words = text_take(&out);
	return *words ? 0 : error_no_memory(err);
}

static int fill_change(const struct difference *difference, const char *label,
	struct change *change, struct dd_error *err)
{
	int rc = make_path(difference, &change->path, err);

	change->kind = difference->kind;
	change->when = abi_when(difference, &change->visible);
	if (!rc)
		rc = make_device(difference, &change->device, err);
	if (!rc)
		rc = take_value(difference, difference->before, &change->before, err);
	if (!rc)
		rc = take_value(difference, difference->after, &change->after, err);
	return rc ? rc : make_sentence(difference, label, change, err);
}

static int make_room(struct collector *collector)
{
	struct changes *changes = collector->changes;

	if (changes->count < collector->room)
		return 0;

	size_t room = collector->room ? collector->room * 2 : 16;

	if (room <= changes->count)
		room = changes->count + 16;

	void *items = realloc(changes->items, room * sizeof changes->items[0]);

	if (!items)
		return error_no_memory(collector->err);
	changes->items = items;

	void *labels = realloc(collector->labels, room * sizeof collector->labels[0]);

	if (!labels)
		return error_no_memory(collector->err);
	collector->labels = labels;
	collector->room = room;
	return 0;
}

/* The other half of a change of one label within the same device; NULL where there is none. */
static struct change *other_half(
	const struct collector *collector, const struct change *change, const char *label)
{
	for (size_t i = collector->device_from; i < collector->changes->count; i++) {
		struct change *other = &collector->changes->items[i];

		if (strcmp(collector->labels[i], label) == 0 && !other->before != !other->after &&
			!other->before == !change->after)
			return other;
	}
	return NULL;
}

/* Makes one change of two halves; change is used up. */
static int join_halves(const struct difference *difference, struct change *whole,
	struct change *change, const char *label, struct dd_error *err)
{
	if (change->after) {
		whole->after = TAKE(change->after);
		free(whole->path);
		whole->path = TAKE(change->path);
	} else {
		whole->before = TAKE(change->before);
	}
	if (change->when > whole->when)
		whole->when = change->when;
	whole->visible |= change->visible;
	change_release(change);
	return make_sentence(difference, label, whole, err);
}

static int on_difference(const struct difference *difference, void *context)
{
	struct collector *collector = context;
	struct changes *changes = collector->changes;
	const xmlNode *device =
		difference->device_before ? difference->device_before : difference->device_after;
	struct change change = {.kind = difference->kind};
	char label[LABEL_SIZE];
	int rc = make_room(collector);

	if (rc)
		return rc;
	if (device != collector->device)
		collector->device_from = changes->count;
	collector->device = device;
	make_label(difference, label, sizeof label);
	rc = fill_change(difference, label, &change, collector->err);
	if (rc) {
		change_release(&change);
		return rc;
	}

	bool half = difference->kind == CHANGE_UPDATED && !change.before != !change.after;
	struct change *other = half ? other_half(collector, &change, label) : NULL;

	if (other)
		return join_halves(difference, other, &change, label, collector->err);
	memcpy(collector->labels[changes->count], label, sizeof label);
	changes->items[changes->count++] = change;
	return 0;
}

/* The element whose children are the same ones in another order, of different names. */
static const xmlNode *reordered(const xmlNode *before, const xmlNode *after)
{
	const xmlNode *old = node_first(before), *new = node_first(after);

	while (old && new &&node_equal(old, new)) {
		old = node_after(old);
		new = node_after(new);
	}
	if (!old || !new || !xmlStrEqual(old->name, new->name))
		return after;
	return reordered(old, new);
}

/* All that could be compared is the same, but not the text: only an order can be left. */
static int note_order(
	const struct document *before, const struct document *after, struct collector *collector)
{
	struct change *change;
	char path[NODE_PATH_SIZE];
	int rc;

	if (node_equal(document_root(before), document_root(after)))
		return 0;
	rc = make_room(collector);
	if (rc)
		return rc;
	change = &collector->changes->items[collector->changes->count++];
	memset(change, 0, sizeof *change);
	change->kind = CHANGE_SETTING;
	node_path(reordered(document_root(before), document_root(after)), path, sizeof path);
	rc = string_copy(&change->path, path, collector->err);
	return rc ? rc
		  : string_format(&change->sentence, collector->err,
			    "order of elements in %s changed", path);
}

int document_diff(const struct document *before, const struct document *after, struct changes *out,
	struct dd_error *err)
{
	size_t count = out->count;
	struct collector collector = {.changes = out, .device_from = count, .err = err};
	int rc = compare_documents(before, after, on_difference, &collector, err);

	if (!rc && out->count == count)
		rc = note_order(before, after, &collector);
	free(collector.labels);
	return rc;
}

int document_diff_settings(const struct document *before, const struct document *after,
	struct changes *out, struct dd_error *err)
{
	struct collector collector = {.changes = out, .device_from = out->count, .err = err};
	int rc = compare_settings(before, after, on_difference, &collector, err);

	free(collector.labels);
	return rc;
}

int device_diff(
	const xmlNode *before, const xmlNode *after, struct changes *out, struct dd_error *err)
{
	struct collector collector = {.changes = out, .device_from = out->count, .err = err};
	int rc = compare_devices(before, after, on_difference, &collector, err);

	free(collector.labels);
	return rc;
}
