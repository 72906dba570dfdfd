/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which word was meant. The distance is how many letters have to be put in, left out, changed, or
 * swapped with their neighbour (the optimal string alignment). A word is near when that is at most
 * a third of what was typed, and at least one.
 */

#include <string.h>

#include "cli/command.h"

#define WORD_MAX 32 /* longer ones are never near */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance(const char *a, const char *b)
{
	unsigned cost[WORD_MAX + 1][WORD_MAX + 1];
	size_t rows = strlen(a), columns = strlen(b);

	if (rows > WORD_MAX || columns > WORD_MAX)
		return WORD_MAX;
	for (unsigned j = 0; j <= columns; j++)
		cost[0][j] = j;
	for (unsigned i = 1; i <= rows; i++) {
		cost[i][0] = i;
		for (unsigned j = 1; j <= columns; j++) {
			unsigned change = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			cost[i][j] = least(change, least(cost[i - 1][j], cost[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	}
	return cost[rows][columns];
}

const char *nearest(const char *word, const char *(*candidate)(size_t index, const void *context),
	const void *context)
{
	unsigned best = (unsigned)strlen(word) / 3;
	const char *found = NULL;
	const char *name = NULL;

	if (best == 0)
		best = 1;
	for (size_t i = 0; (name = candidate(i, context)) != NULL; i++) {
		unsigned far = distance(word, name);

		if (far > best || (far == best && found))
			continue;
		best = far;
		found = name;
	}
	return found;
}
