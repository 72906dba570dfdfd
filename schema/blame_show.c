/* SPDX-License-Identifier: Apache-2.0 */
/* Which parts of a definition count, and the lines of its text that they stand in. */
#include "schema/blame_internal.h"

#include <stdio.h>
#include <string.h>

#include "schema/alias.h"
#include "schema/path.h"

/* ---- which count ---- */

static void leave_out(struct blame *blame, struct part *part)
{
	blame->open -= part->counts && !part->version;
	part->counts = false;
}

static bool is_below(const xmlNode *element, const xmlNode *above)
{
	while (element && element != above)
		element = element->parent;
	return element != NULL;
}

int blame_only_device(struct blame *blame, const char *reference, struct dd_error *err)
{
	xmlNode *device = NULL;
	int rc = document_find_named(blame->document, reference, &device, err);

	for (size_t i = 0; !rc && i < blame->count; i++)
		if (!is_below(blame->parts[i].element, device))
			leave_out(blame, &blame->parts[i]);
	return rc;
}

static void part_path(const struct part *part, char *path, size_t size)
{
	node_path(part->element, path, size);
	if (!part->attribute)
		return;

	size_t length = strlen(path);

	snprintf(path + length, size - length, "/@%s", (const char *)part->attribute->name);
}

int blame_only_path(struct blame *blame, const char *path, struct dd_error *err)
{
	CLEANUP(free) char *wanted = NULL;
	size_t left = 0;
	int rc = path_complete(path, &wanted, err);

	for (size_t i = 0; !rc && i < blame->count; i++) {
		char own[NODE_PATH_SIZE];

		part_path(&blame->parts[i], own, sizeof own);
		if (!path_is_within(own, wanted))
			leave_out(blame, &blame->parts[i]);
		left += blame->parts[i].counts;
	}
	return rc || left ? rc : error_set(err, DD_NOT_FOUND, "there is nothing at %s", wanted);
}

/* ---- lines ---- */

struct lines {
	const struct blame *blame;
	const char *line; /* its start, and its end without the newline */
	const char *end;
	size_t next;         /* the first part behind it */
	const xmlNode *open; /* the innermost element that is open at its start */
	struct blame_part *parts;
	size_t count, room;
	uint32_t version;
};

static inline void cleanup_lines(struct lines *lines)
{
	free(lines->parts);
}

static const char *part_value(const struct part *part)
{
	const xmlNode *text = part->attribute ? part->attribute->children : NULL;

	if (text)
		return (const char *)text->content;
	if (part->attribute)
		return "";
	return !node_first(part->element) && part->element->children ? node_text(part->element)
								     : NULL;
}

static int add_part(struct lines *lines, const struct part *part, size_t start)
{
	if (lines->count == lines->room) {
		size_t room = lines->room ? lines->room * 2 : 16;
		struct blame_part *parts = reallocarray(lines->parts, room, sizeof *parts);

		if (!parts)
			return DD_NO_MEMORY;
		lines->parts = parts;
		lines->room = room;
	}

	struct blame_part *out = &lines->parts[lines->count++];

	part_path(part, out->path, sizeof out->path);
	out->value = part_value(part);
	out->column = part->at - start;
	out->text_column = out->value && !part->attribute ? part->end - start : 0;
	out->version = part->version;
	if (part->version > lines->version)
		lines->version = part->version;
	return 0;
}

static int take_parts(struct lines *lines)
{
	const struct blame *blame = lines->blame;
	size_t start = (size_t)(lines->line - blame->text.data);
	size_t end = (size_t)(lines->end - blame->text.data);
	size_t first = lines->next;

	lines->count = lines->version = 0;
	for (; lines->next < blame->count && blame->parts[lines->next].at < end; lines->next++) {
		const struct part *part = &blame->parts[lines->next];

		if (part->counts && add_part(lines, part, start))
			return DD_NO_MEMORY;
	}
	if (lines->next == first && lines->open) {
		const struct part *element = lines->open->_private;

		lines->version = element->counts ? element->version : 0;
	}
	return 0;
}

/* Follows the tags of the line to the element that is open behind it. */
static void follow_tags(struct lines *lines, size_t first)
{
	const char *at = lines->line;
	struct tag tag;

	while (tag_next(&at, lines->end, &tag)) {
		if (tag.closes) {
			lines->open = lines->open->parent;
			continue;
		}
		while (lines->blame->parts[first].attribute)
			first++;
		if (!tag.leaf)
			lines->open = lines->blame->parts[first].element;
		first++;
	}
}

int blame_lines(const struct blame *blame, blame_fn visit, void *context, struct dd_error *err)
{
	CLEANUP(lines) struct lines lines = {.blame = blame, .line = blame->text.data};
	const char *end = blame->text.data + blame->text.size;

	for (; lines.line < end; lines.line = lines.end + 1) {
		size_t first = lines.next;
		int rc;

		lines.end = memchr(lines.line, '\n', (size_t)(end - lines.line));
		if (take_parts(&lines))
			return error_no_memory(err);
		follow_tags(&lines, first);
		if (!lines.version)
			continue;
		rc = visit(lines.line, (size_t)(lines.end - lines.line), lines.version, lines.parts,
			lines.count, context);
		if (rc)
			return rc;
	}
	return 0;
}
