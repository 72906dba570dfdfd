/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/format.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The last step of a path: its start and length. */
static const char *last_step(const char *path, const char *end, size_t *length)
{
	const char *start = end;

	while (start > path && start[-1] != '/')
		start--;
	*length = (size_t)(end - start);
	return start;
}

/*
 * The rows by the name in their last step, since an element is asked for far more often than there
 * are rows: a chain for each hash, and one for those that end in '*'. In a chain the row that
 * says most comes first: each step counts four, a '*' one less, a form one more. Filled once, then
 * only read.
 */
#define CHAINS 256
#define ANY_NAME CHAINS
#define ROWS_MAX 1024

struct chained {
	const struct format *row;
	size_t length;    /* of the context without a form */
	const char *form; /* what is in brackets, or NULL */
	size_t form_length;
	bool wild; /* has a '*' */
	int score;
	struct chained *next;
};

static struct chained links[ROWS_MAX];
static struct chained *chains[CHAINS + 1];
static pthread_once_t chains_filled = PTHREAD_ONCE_INIT;

static unsigned name_hash(const char *name, size_t length)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	return (hash ^ hash >> 16) % CHAINS;
}

static struct chained row_weigh(const struct format *row)
{
	struct chained link = {.row = row, .score = 4};
	const char *bracket = strchr(row->context, '[');

	link.length = strcspn(row->context, "[");
	if (bracket) {
		link.form = bracket + 1;
		link.form_length = strcspn(link.form, "]");
	}
	link.score += link.form != NULL;
	for (size_t i = 0; i < link.length; i++) {
		link.score += row->context[i] == '/' ? 4 : 0;
		link.score -= row->context[i] == '*';
		link.wild |= row->context[i] == '*';
	}
	return link;
}

static void rows_chain(const struct format *rows, size_t count, size_t *used)
{
	for (size_t i = 0; i < count; i++) {
		struct chained *link = &links[*used];
		const char *end;
		const char *name;
		size_t length;

		assert(*used < ROWS_MAX);
		++*used;
		*link = row_weigh(&rows[i]);
		end = link->row->context + link->length;
		name = last_step(link->row->context, end, &length);

		bool any = length == 1 && name[0] == '*';
		struct chained **at = &chains[any ? ANY_NAME : name_hash(name, length)];

		while (*at && (*at)->score >= link->score)
			at = &(*at)->next;
		link->next = *at;
		*at = link;
	}
}

static void chains_fill(void)
{
	size_t used = 0;

	rows_chain(format_domain, format_domain_count, &used);
	rows_chain(format_devices, format_devices_count, &used);
}

static bool form_fits(const struct chained *link, const char *form)
{
	return !link->form ||
	       (strncmp(link->form, form, link->form_length) == 0 && !form[link->form_length]);
}

/* Step by step from the end, as a '*' fits any name. */
static bool steps_fit(const struct chained *link, const char *path, const char *path_end)
{
	const char *context = link->row->context;
	const char *end = context + link->length;

	for (;;) {
		size_t have, want;
		const char *step = last_step(context, end, &want);
		const char *name = last_step(path, path_end, &have);
		bool any = want == 1 && step[0] == '*';

		if (!any && (want != have || memcmp(step, name, want) != 0))
			return false;
		if (step == context)
			return true;
		if (name == path)
			return false;
		end = step - 1;
		path_end = name - 1;
	}
}

/* Does the context fit the end of the path? */
static bool context_fits(const struct chained *link, const char *path, const char *end)
{
	const char *start;

	if (link->wild)
		return steps_fit(link, path, end);
	if ((size_t)(end - path) < link->length)
		return false;
	start = end - link->length;
	return start[0] == link->row->context[0] && (start == path || start[-1] == '/') &&
	       memcmp(start, link->row->context, link->length) == 0;
}

static const struct chained *first_fit(
	const struct chained *link, const char *path, const char *end, const char *form)
{
	while (link && !(context_fits(link, path, end) && form_fits(link, form)))
		link = link->next;
	return link;
}

const struct format *format_find(const char *path, const char *form)
{
	const char *end = path + strlen(path);
	const struct chained *named, *any;
	size_t length;
	const char *name = last_step(path, end, &length);

	pthread_once(&chains_filled, chains_fill);
	form = form ? form : "";
	named = first_fit(chains[name_hash(name, length)], path, end, form);
	any = first_fit(chains[ANY_NAME], path, end, form);
	if (any && (!named || any->score > named->score))
		named = any;
	return named ? named->row : NULL;
}

/* The word at the front of a list without its marks, and where the next one begins. */
static const char *next_word(const char *list, size_t *length, char *mark)
{
	size_t whole = strcspn(list, " ");

	*length = whole;
	*mark = 0;
	/* "qemu:arg" has its colon elsewhere */
	if (whole > 2 && list[whole - 2] == ':') {
		*length = whole - 2;
		*mark = list[whole - 1];
	} else if (whole > 1 && list[whole - 1] == FORMAT_MANY) {
		*length = whole - 1;
		*mark = FORMAT_MANY;
	}
	return list[whole] ? list + whole + 1 : list + whole;
}

/* Where name ends in a word that begins with it; NULL if it does not. */
static const char *word_after(const char *word, const char *name)
{
	while (*name && *word == *name) {
		word++;
		name++;
	}
	return *name ? NULL : word;
}

int format_place(const char *list, const char *name, char *mark)
{
	for (int place = 0; *list; place++) {
		const char *end = word_after(list, name);
		char found = 0;

		if (end && *end == ':' && end[1] && (!end[2] || end[2] == ' ')) {
			found = end[1];
			end += 2;
		} else if (end && *end == FORMAT_MANY) {
			found = *end++;
		}
		if (end && end != list && (!*end || *end == ' ')) {
			if (mark)
				*mark = found;
			return place;
		}
		while (*list && *list != ' ')
			list++;
		list += *list == ' ';
	}
	return -1;
}

#define WORD_MAX 48

/* Edits between two words (insert, remove, replace, swap of neighbours); limit + 1 for more. */
static unsigned word_distance(const char *a, size_t alen, const char *b, size_t blen)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *older = rows[0], *old = rows[1], *now = rows[2];

	for (size_t j = 0; j <= blen; j++)
		old[j] = (unsigned)j;
	for (size_t i = 1; i <= alen; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= blen; j++) {
			unsigned best = old[j - 1] + (a[i - 1] != b[j - 1]);

			if (old[j] + 1 < best)
				best = old[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				older[j - 2] + 1 < best)
				best = older[j - 2] + 1;
			now[j] = best;
		}
		unsigned *free_row = older;

		older = old;
		old = now;
		now = free_row;
	}
	return old[blen];
}

bool format_suggest(const char *list, const char *name, char *word, size_t size)
{
	size_t length = strlen(name);
	unsigned best = (unsigned)(length + 2) / 3 + 1; /* fewer edits than this are a slip */

	if (!length || length > WORD_MAX)
		return false;
	word[0] = '\0';
	while (*list) {
		size_t other;
		char mark;
		const char *next = next_word(list, &other, &mark);

		if (other <= WORD_MAX && other < size) {
			unsigned distance = word_distance(name, length, list, other);

			if (distance < best) {
				best = distance;
				snprintf(word, size, "%.*s", (int)other, list);
			}
		}
		list = next;
	}
	return word[0] != '\0';
}
