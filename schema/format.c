/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/format.h"

#include <stdio.h>
#include <string.h>

/* The last step of a path: its start, and the length without a form in brackets. */
static const char *last_step(const char *path, const char *end, size_t *length)
{
	const char *start = end;

	while (start > path && start[-1] != '/')
		start--;

	const char *bracket = memchr(start, '[', (size_t)(end - start));

	*length = (size_t)((bracket ? bracket : end) - start);
	return start;
}

/*
 * How well a context fits the end of a path: 0 not at all, otherwise the more the better. Each step
 * counts four, a '*' one less, the right form one more.
 */
static int context_fits(const char *context, const char *path, const char *path_end,
	const char *form, size_t form_length)
{
	const char *end = context + strlen(context);
	int score = 0;

	if (end[-1] == ']') {
		const char *bracket = strchr(context, '[');

		if ((size_t)(end - bracket) != form_length + 2 ||
			memcmp(bracket + 1, form, form_length) != 0)
			return 0;
		score = 1;
	}
	for (;;) {
		size_t have, want;
		const char *step = last_step(context, end, &want);
		const char *name = last_step(path, path_end, &have);
		bool any = want == 1 && step[0] == '*';

		if (!any && (want != have || memcmp(step, name, want) != 0))
			return 0;
		score += any ? 3 : 4;
		if (step == context)
			return score;
		if (name == path)
			return 0;
		end = step - 1;
		path_end = name - 1;
	}
}

static void best_of(const struct format *rows, size_t count, const char *path, const char *form,
	const struct format **best, int *score)
{
	const char *end = path + strlen(path);
	size_t form_length = form ? strlen(form) : 0;

	for (size_t i = 0; i < count; i++) {
		int fits = context_fits(rows[i].context, path, end, form ? form : "", form_length);

		if (fits > *score) {
			*score = fits;
			*best = &rows[i];
		}
	}
}

const struct format *format_find(const char *path, const char *form)
{
	const struct format *best = NULL;
	int score = 0;

	best_of(format_domain, format_domain_count, path, form, &best, &score);
	best_of(format_devices, format_devices_count, path, form, &best, &score);
	return best;
}

/* The word at the front of a list: its length without a letter, and where the next one begins. */
static const char *next_word(const char *list, size_t *length, char *kind)
{
	size_t whole = strcspn(list, " ");
	bool lettered = whole > 2 && list[whole - 2] == ':';

	/* "qemu:arg" has its colon elsewhere: a letter is the last of a word that has one before */
	*length = lettered ? whole - 2 : whole;
	*kind = lettered ? list[whole - 1] : 0;
	return list[whole] ? list + whole + 1 : list + whole;
}

int format_place(const char *list, const char *name, char *kind)
{
	size_t size = strlen(name);

	for (int place = 0; *list; place++) {
		size_t length;
		char letter;
		const char *next = next_word(list, &length, &letter);

		if (length == size && memcmp(list, name, length) == 0) {
			if (kind)
				*kind = letter;
			return place;
		}
		list = next;
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
		char kind;
		const char *next = next_word(list, &other, &kind);

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
