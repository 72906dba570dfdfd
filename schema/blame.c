/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Older texts mostly differ from the one before in one place. So of each only an outline is made,
 * and what has the bytes that it had in the text before is not looked at: neither is what has its
 * version already. The rest is read, as a small definition of its own, and compared.
 */

#include "schema/blame_internal.h"

#include <string.h>

#include "schema/compare.h"

void blame_free(struct blame *blame)
{
	if (!blame)
		return;
	text_release(&blame->text);
	text_release(&blame->before);
	document_free(blame->document);
	outline_release(&blame->outline);
	outline_release(&blame->before_outline);
	free(blame->parts);
	free(blame->first);
	free(blame);
}

/* ---- the parts ---- */

static size_t count_parts(const xmlNode *element)
{
	size_t count = 1;

	for (const xmlAttr *attr = element->properties; attr; attr = attr->next)
		count++;
	for (const xmlNode *child = node_first(element); child; child = node_after(child))
		count += count_parts(child);
	return count;
}

/* Behind the value that begins here; attributes and declarations are written NAME='VALUE'. */
static const char *skip_value(const char *at, const char *end)
{
	const char *open = memchr(at, '\'', (size_t)(end - at));
	const char *close = open ? memchr(open + 1, '\'', (size_t)(end - open - 1)) : NULL;

	return close ? close + 1 : end;
}

/* Declarations stand between the attributes. */
static bool is_declaration(const char *at)
{
	return strncmp(at, "xmlns:", 6) == 0 || strncmp(at, "xmlns=", 6) == 0;
}

static void add_part(struct blame *blame, xmlNode *element, xmlAttr *attribute, const char *at)
{
	struct part *part = &blame->parts[blame->count++];

	*part = (struct part){
		.element = element,
		.attribute = attribute,
		.at = (size_t)(at - blame->text.data),
		.counts = true,
	};
	if (attribute)
		attribute->_private = part;
	else
		element->_private = part;
}

static void add_attributes(struct blame *blame, xmlNode *element, const struct tag *tag)
{
	const char *name, *at = tag->start + 1;

	at += tag_name(tag, &name);
	for (xmlAttr *attr = element->properties; attr && at < tag->end; attr = attr->next) {
		while (at + 1 < tag->end && is_declaration(at + 1))
			at = skip_value(at, tag->end);
		add_part(blame, element, attr, at + 1);
		at = skip_value(at, tag->end);
	}
}

/* The tree and the text are gone through together. */
static bool add_element(struct blame *blame, xmlNode *element, const char **at)
{
	const char *end = blame->text.data + blame->text.size;
	struct tag tag;

	do {
		if (!tag_next(at, end, &tag))
			return false;
	} while (tag.closes);
	add_part(blame, element, NULL, tag.start);
	blame->parts[blame->count - 1].end = (size_t)(tag.end - blame->text.data);
	add_attributes(blame, element, &tag);
	for (xmlNode *child = node_first(element); child; child = node_after(child))
		if (!add_element(blame, child, at))
			return false;
	return true;
}

static int find_parts(struct blame *blame, struct dd_error *err)
{
	xmlNode *root = document_root(blame->document);
	const char *at = blame->text.data;
	size_t count = count_parts(root), next = 0;

	blame->parts = calloc(count, sizeof *blame->parts);
	blame->first = calloc(blame->outline.count + 1, sizeof *blame->first);
	if (!blame->parts || !blame->first)
		return error_no_memory(err);
	if (!add_element(blame, root, &at) || blame->count != count)
		return error_set(err, DD_CORRUPT, "a definition is not in canonical form");
	blame->open = count;
	for (size_t i = 0; i < blame->outline.count; i++) {
		size_t start = (size_t)(blame->outline.runs[i].data - blame->text.data);

		while (next < count && blame->parts[next].at < start)
			next++;
		blame->first[i] = next;
	}
	blame->first[blame->outline.count] = count;
	return 0;
}

int blame_new(const char *text, size_t size, struct blame **out, struct dd_error *err)
{
	CLEANUP(blame) struct blame *blame = calloc(1, sizeof *blame);
	int rc;

	if (!blame)
		return error_no_memory(err);
	rc = document_parse(text, size, NULL, &blame->document, err);
	/* one that an older program has written may be spelt otherwise */
	if (!rc)
		rc = document_write(blame->document, &blame->text, err);
	text_add(&blame->before, text_string(&blame->text), blame->text.size);
	if (!rc && text_failed(&blame->before))
		rc = error_no_memory(err);
	if (!rc)
		rc = outline_read(&blame->outline, blame->text.data, blame->text.size, err);
	if (!rc)
		rc = outline_read(
			&blame->before_outline, blame->before.data, blame->before.size, err);
	if (!rc)
		rc = find_parts(blame, err);
	if (!rc)
		*out = TAKE(blame);
	return rc;
}

/* ---- what an older text does not have ---- */

static void settle(struct blame *blame, struct part *part)
{
	if (part->version)
		return;
	part->version = blame->newer;
	blame->open -= part->counts;
}

static void settle_whole(struct blame *blame, const xmlNode *element)
{
	settle(blame, element->_private);
	for (const xmlAttr *attr = element->properties; attr; attr = attr->next)
		settle(blame, attr->_private);
	for (const xmlNode *child = node_first(element); child; child = node_after(child))
		settle_whole(blame, child);
}

static void settle_attribute(struct blame *blame, const xmlNode *element, const char *name)
{
	for (const xmlAttr *attr = element->properties; attr; attr = attr->next)
		if (strcmp((const char *)attr->name, name) == 0)
			settle(blame, attr->_private);
}

static void settle_text(struct blame *blame, const xmlNode *before, const xmlNode *after)
{
	const char *old = node_attr(before, "unit"), *new = node_attr(after, "unit");

	settle(blame, after->_private);
	if (new && (!old || strcmp(old, new) != 0))
		settle_attribute(blame, after, "unit");
}

static int on_difference(const struct difference *difference, void *context)
{
	struct blame *blame = context;
	const xmlNode *after = difference->after;

	if (!after)
		return 0;
	if (difference->order) {
		for (; after && !order_is_free(difference); after = node_next(after))
			settle(blame, after->_private);
	} else if (difference->whole) {
		settle_whole(blame, after);
	} else if (difference->attribute) {
		settle_attribute(blame, after, difference->attribute);
	} else {
		settle_text(blame, difference->before, after);
	}
	return 0;
}

static void on_held(const xmlNode *before, const xmlNode *after, void *context)
{
	if (!before)
		settle(context, after->_private);
}

static bool is_open(const struct blame *blame, size_t run)
{
	for (size_t i = blame->first[run]; i < blame->first[run + 1]; i++)
		if (blame->parts[i].counts && !blame->parts[i].version)
			return true;
	return false;
}

static bool root_agrees(const struct blame *blame, const char *text, const struct outline *outline)
{
	return outline->root == blame->before_outline.root &&
	       memcmp(text, blame->before.data, outline->root) == 0;
}

static bool is_looked_at(const struct blame *blame, const bool *looked_at, const struct run *run)
{
	for (size_t i = 0; i < blame->outline.count; i++)
		if (looked_at[i] && run_is_like(&blame->outline.runs[i], run))
			return true;
	return false;
}

/* A definition of what the text has for the runs that are looked at. */
static int read_changed(const struct blame *blame, const char *text, const struct outline *outline,
	const bool *looked_at, struct document **out, struct dd_error *err)
{
	CLEANUP(text) struct text parts = TEXT_INIT;

	text_add(&parts, text, outline->root);
	for (int devices = 0; devices < 2; devices++) {
		text_puts(&parts, devices ? "<devices>" : "");
		for (const struct run *run = outline->runs; run < outline->runs + outline->count;
			run++)
			if (run->device == devices && is_looked_at(blame, looked_at, run))
				text_add(&parts, run->data, run->size);
	}
	text_puts(&parts, "</devices></domain>");
	if (text_failed(&parts))
		return error_no_memory(err);
	return document_parse(parts.data, parts.size, NULL, out, err);
}

static void compare_roots(struct blame *blame, const struct document *older)
{
	const xmlNode *root = document_root(blame->document);

	for (const xmlAttr *attr = root->properties; attr; attr = attr->next) {
		const char *name = (const char *)attr->name;
		const char *value = node_attr(document_root(older), name);

		if (!value || !node_attr_is(root, name, value))
			settle(blame, attr->_private);
	}
}

static int compare_changed(struct blame *blame, const char *text, const struct outline *outline,
	const bool *looked_at, struct dd_error *err)
{
	CLEANUP(document) struct document *older = NULL;
	int rc = read_changed(blame, text, outline, looked_at, &older, err);

	if (rc)
		return rc;
	compare_roots(blame, older);
	for (size_t i = 0; !rc && i < blame->outline.count; i++)
		if (looked_at[i])
			rc = compare_likes_held(older, blame->document,
				blame->parts[blame->first[i]].element, on_difference, on_held,
				blame, err);
	return rc;
}

static int look_at(
	struct blame *blame, const char *text, const struct outline *outline, struct dd_error *err)
{
	size_t count = blame->outline.count;
	CLEANUP(free) bool *looked_at = calloc(count + 1, sizeof *looked_at);
	bool any = !root_agrees(blame, text, outline);

	if (!looked_at)
		return error_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		looked_at[i] = is_open(blame, i) && !outlines_agree(&blame->before_outline, outline,
							    &blame->outline.runs[i]);
		any |= looked_at[i];
	}
	if (!outline->devices && document_devices(blame->document))
		settle(blame, document_devices(blame->document)->_private);
	return any ? compare_changed(blame, text, outline, looked_at, err) : 0;
}

int blame_older(
	struct blame *blame, const char *text, size_t size, uint32_t newer, struct dd_error *err)
{
	CLEANUP(text) struct text copy = TEXT_INIT;
	CLEANUP(outline) struct outline outline = {.runs = NULL};
	int rc;

	text_add(&copy, text, size);
	if (text_failed(&copy))
		return error_no_memory(err);
	rc = outline_read(&outline, text_string(&copy), size, err);
	blame->newer = newer;
	if (!rc)
		rc = look_at(blame, copy.data, &outline, err);
	if (rc)
		return rc;

	struct text spare_text = blame->before;
	struct outline spare_outline = blame->before_outline;

	blame->before = copy;
	blame->before_outline = outline;
	copy = spare_text;
	outline = spare_outline;
	return 0;
}

bool blame_settled(const struct blame *blame)
{
	return !blame->open;
}

void blame_rest(struct blame *blame, uint32_t version)
{
	blame->newer = version;
	for (size_t i = 0; i < blame->count; i++)
		settle(blame, &blame->parts[i]);
}
