/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/format.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/*
 * The rows by the last two steps of their contexts (of some the only one), since an element is
 * asked for far more often than there are rows. In a chain the row that says most comes first: each
 * step counts four, a '*' one less, a form one more. Filled once, then only read.
 */
#define CHAINS 1024
#define ROWS_MAX 1024

struct chained {
	const struct format *row;
	size_t length; /* of the context without a form, and without the '*' that it may end in */
	const char *form; /* what is in brackets, or NULL */
	size_t form_length;
	bool wild; /* any name fits the last step */
	int score;
	struct chained *next;
};

static struct chained links[ROWS_MAX];
static struct chained *chains[CHAINS];
static pthread_once_t chains_filled = PTHREAD_ONCE_INIT;

#define HASH_START 2166136261u /* FNV-1a */

static uint32_t hash_on(uint32_t hash, const char *from, const char *end)
{
	for (; from < end; from++)
		hash = (hash ^ (unsigned char)*from) * 16777619u;
	return hash;
}

static struct chained **chain_of(uint32_t hash)
{
	return &chains[(hash ^ hash >> 16) % CHAINS];
}

/* Where the step that ends at end begins. */
static const char *step_start(const char *path, const char *end)
{
	while (end > path && end[-1] != '/')
		end--;
	return end;
}

static struct chained row_weigh(const struct format *row)
{
	struct chained link = {.row = row, .score = 4};
	const char *bracket = strchr(row->context, '[');

	link.length = strcspn(row->context, "[*");
	link.wild = row->context[link.length] == '*';
	if (bracket) {
		link.form = bracket + 1;
		link.form_length = strcspn(link.form, "]");
	}
	for (size_t i = 0; i < link.length; i++)
		link.score += row->context[i] == '/' ? 4 : 0;
	link.score += (link.form != NULL) - link.wild;
	return link;
}

static void rows_chain(const struct format *rows, size_t count, size_t *used)
{
	for (size_t i = 0; i < count; i++) {
		struct chained *link = &links[*used];
		const char *context = rows[i].context;
		const char *end, *start;

		assert(*used < ROWS_MAX);
		++*used;
		*link = row_weigh(&rows[i]);
		end = context + link->length + link->wild;
		start = step_start(context, end);
		if (start > context)
			start = step_start(context, start - 1);

		struct chained **at = chain_of(hash_on(HASH_START, start, end));

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

/* Does the context fit the end of the path, whose last step begins at name? */
static bool context_fits(
	const struct chained *link, const char *path, const char *name, const char *end)
{
	const char *fixed = link->wild ? name : end;
	const char *start = fixed - link->length;

	return (size_t)(fixed - path) >= link->length && (start == path || start[-1] == '/') &&
	       memcmp(start, link->row->context, link->length) == 0;
}

const struct format *format_find(const char *path, const char *form)
{
	const char *end = path + strlen(path);
	const char *name = step_start(path, end);
	const char *parent = name > path ? step_start(path, name - 1) : name;
	const struct chained *best = NULL;
	uint32_t above = hash_on(HASH_START, parent, name);
	const uint32_t hashes[] = {
		hash_on(above, name, end),
		hash_on(above, "*", &"*"[1]),
		hash_on(HASH_START, name, end),
	};

	pthread_once(&chains_filled, chains_fill);
	form = form ? form : "";
	for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
		const struct chained *link = *chain_of(hashes[i]);

		while (link && !(context_fits(link, path, name, end) && form_fits(link, form)))
			link = link->next;
		if (link && (!best || link->score > best->score))
			best = link;
	}
	return best ? best->row : NULL;
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
