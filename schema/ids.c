/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/ids.h"

#include <stdlib.h>
#include <string.h>

int id_set_new(struct id_set **out, struct dd_error *err)
{
	struct id_set *set = calloc(1, sizeof *set);

	if (!set)
		return error_no_memory(err);
	*out = set;
	return 0;
}

/* Reads a number and moves *at behind it. */
static bool read_id(const char **at, unsigned *id)
{
	unsigned value = 0;
	const char *start = *at;

	for (; **at >= '0' && **at <= '9' && value < ID_MAX; ++*at)
		value = value * 10 + (unsigned)(**at - '0');
	*id = value;
	return *at != start && value < ID_MAX;
}

/* Reads "4", "2-6" or "^3" and moves *at behind it. */
static bool read_range(const char **at, struct id_set *set)
{
	bool without = **at == '^';
	unsigned first, last;

	*at += without;
	if (!read_id(at, &first))
		return false;
	last = first;
	if (**at == '-') {
		++*at;
		if (!read_id(at, &last) || last < first)
			return false;
	}
	memset(&set->has[first], !without, (last - first + 1) * sizeof set->has[0]);
	return true;
}

int id_set_read(
	struct id_set *set, const xmlNode *node, const char *attribute, struct dd_error *err)
{
	CLEANUP(id_set) struct id_set *own = NULL;
	const char *text = node_attr(node, attribute);
	const char *at = text;
	int rc = text ? id_set_new(&own, err) : 0;

	if (rc || !text)
		return rc;
	bool good = read_range(&at, own);

	while (good && *at == ',') {
		at++;
		good = read_range(&at, own);
	}
	if (!good || *at)
		return node_error(node, err, DD_INVALID,
			"'%s' is no list of numbers below %u, such as 0-3,^2,7", text, ID_MAX);
	for (unsigned id = 0; id < ID_MAX; id++)
		set->has[id] = set->has[id] || own->has[id];
	return 0;
}

void id_set_invert(struct id_set *set, unsigned limit)
{
	for (unsigned id = 0; id < ID_MAX; id++)
		set->has[id] = id < limit && !set->has[id];
}

void id_set_write(const struct id_set *set, struct text *out)
{
	size_t before = out->size;

	for (unsigned id = 0; id < ID_MAX; id++) {
		unsigned last = id;

		if (!set->has[id])
			continue;
		while (last + 1 < ID_MAX && set->has[last + 1])
			last++;
		text_printf(out, "%s%u", out->size == before ? "" : ",", id);
		if (last != id)
			text_printf(out, "-%u", last);
		id = last;
	}
}
