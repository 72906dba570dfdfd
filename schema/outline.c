/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/outline.h"

#include <string.h>

bool tag_next(const char **at, const char *end, struct tag *tag)
{
	const char *start = memchr(*at, '<', (size_t)(end - *at));
	const char *close = start ? memchr(start, '>', (size_t)(end - start)) : NULL;

	if (!close)
		return false;
	*tag = (struct tag){
		.start = start,
		.end = close + 1,
		.closes = start[1] == '/',
		.leaf = close[-1] == '/',
	};
	*at = close + 1;
	return true;
}

size_t tag_name(const struct tag *tag, const char **name)
{
	const char *end = tag->start + 1;

	while (end < tag->end && *end != ' ' && *end != '/' && *end != '>')
		end++;
	*name = tag->start + 1;
	return (size_t)(end - *name);
}

bool run_is_like(const struct run *one, const struct run *other)
{
	return one->device == other->device && one->name_length == other->name_length &&
	       memcmp(one->name, other->name, one->name_length) == 0;
}

static int outline_add(
	struct outline *outline, const struct run *run, const char *end, struct dd_error *err)
{
	struct run *last = outline->count ? &outline->runs[outline->count - 1] : NULL;

	if (last && run_is_like(last, run)) {
		last->size = (size_t)(end - last->data);
		return 0;
	}
	if (outline->count == outline->room) {
		size_t room = outline->room ? outline->room * 2 : 32;
		struct run *runs = reallocarray(outline->runs, room, sizeof *runs);

		if (!runs)
			return error_no_memory(err);
		outline->runs = runs;
		outline->room = room;
	}
	outline->runs[outline->count] = *run;
	outline->runs[outline->count++].size = (size_t)(end - run->data);
	return 0;
}

static bool is_devices(const struct tag *tag)
{
	static const char devices[] = "devices";
	const char *name;

	return tag_name(tag, &name) == sizeof devices - 1 &&
	       memcmp(name, devices, sizeof devices - 1) == 0;
}

void outline_release(struct outline *outline)
{
	free(outline->runs);
	*outline = (struct outline){.runs = NULL};
}

int outline_read(struct outline *outline, const char *text, size_t size, struct dd_error *err)
{
	const char *at = text;
	size_t depth = 0, level = 1; /* on which an element belongs to a run */
	struct run run = {.data = NULL};
	struct tag tag;
	int rc = 0;

	outline->count = outline->root = 0;
	outline->devices = false;
	while (!rc && tag_next(&at, text + size, &tag)) {
		if (tag.closes && depth == 0)
			break;
		if (!outline->root)
			outline->root = (size_t)(tag.end - text);
		if (!tag.closes && depth == 1 && is_devices(&tag)) {
			outline->devices = true;
			level = tag.leaf ? 1 : 2;
		} else if (!tag.closes && depth == level) {
			run = (struct run){.data = tag.start, .device = level == 2};
			run.name_length = tag_name(&tag, &run.name);
		}
		if (!tag.leaf)
			depth = tag.closes ? depth - 1 : depth + 1;
		if (depth < level && tag.closes)
			level = 1;
		if (depth == level && run.data && (tag.closes || tag.leaf)) {
			rc = outline_add(outline, &run, tag.end, err);
			run.data = NULL;
		}
	}
	if (rc)
		return rc;
	return depth || !outline->root ? error_set(err, DD_CORRUPT, "a definition is cut short")
				       : 0;
}

static const struct run *run_from(const struct outline *outline, size_t *at, const struct run *like)
{
	while (*at < outline->count && !run_is_like(&outline->runs[*at], like))
		++*at;
	return *at < outline->count ? &outline->runs[(*at)++] : NULL;
}

bool outlines_agree(const struct outline *one, const struct outline *other, const struct run *like)
{
	size_t i = 0, j = 0;

	for (;;) {
		const struct run *a = run_from(one, &i, like), *b = run_from(other, &j, like);

		if (!a || !b)
			return a == b;
		if (a->size != b->size || memcmp(a->data, b->data, a->size) != 0)
			return false;
	}
}
