/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/format.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
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

/*
 * The rows by the name in their last step, since an element is asked for far more often than there
 * are rows: a chain for each hash, and one for those that end in '*'. Filled once, then only read.
 */
#define CHAINS 256
#define ANY_NAME CHAINS
#define ROWS_MAX 1024

struct chained {
	const struct format *row;
	const struct chained *next;
};

static struct chained links[ROWS_MAX];
static const struct chained *chains[CHAINS + 1];
static pthread_once_t chains_filled = PTHREAD_ONCE_INIT;

static unsigned name_hash(const char *name, size_t length)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	return (hash ^ hash >> 16) % CHAINS;
}

static void rows_chain(const struct format *rows, size_t count, size_t *used)
{
	/* from behind, so that a chain has its rows in their order */
	for (size_t i = count; i-- > 0;) {
		const char *context = rows[i].context;
		size_t length;
		const char *name = last_step(context, context + strlen(context), &length);
		bool any = length == 1 && name[0] == '*';
		unsigned chain = any ? ANY_NAME : name_hash(name, length);

		assert(*used < ROWS_MAX);
		links[*used] = (struct chained){&rows[i], chains[chain]};
		chains[chain] = &links[(*used)++];
	}
}

static void chains_fill(void)
{
	size_t used = 0;

	rows_chain(format_devices, format_devices_count, &used);
	rows_chain(format_domain, format_domain_count, &used);
}

static void best_of(const struct chained *chain, const char *path, const char *end,
	const char *form, const struct format **best, int *score)
{
	size_t form_length = strlen(form);

	for (; chain; chain = chain->next) {
		int fits = context_fits(chain->row->context, path, end, form, form_length);

		if (fits > *score) {
			*score = fits;
			*best = chain->row;
		}
	}
}

const struct format *format_find(const char *path, const char *form)
{
	const struct format *best = NULL;
	const char *end = path + strlen(path);
	size_t length;
	const char *name = last_step(path, end, &length);
	int score = 0;

	pthread_once(&chains_filled, chains_fill);
	best_of(chains[name_hash(name, length)], path, end, form ? form : "", &best, &score);
	best_of(chains[ANY_NAME], path, end, form ? form : "", &best, &score);
	return best;
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

int format_place(const char *list, const char *name, char *mark)
{
	size_t size = strlen(name);

	for (int place = 0; *list; place++) {
		size_t length;
		char found;
		const char *next = next_word(list, &length, &found);

		if (length == size && memcmp(list, name, length) == 0) {
			if (mark)
				*mark = found;
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
