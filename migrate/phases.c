/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/phases.h"

#include <string.h>

struct move {
	int from, event, to;
};

static const struct move source_moves[] = {
#define SOURCE_MOVE(from, event, to) {from, event, to},
#include "migrate/moves.def"
};

static const struct move destination_moves[] = {
#define DESTINATION_MOVE(from, event, to) {from, event, to},
#include "migrate/moves.def"
};

/* With the side's own word in front, which is left out where the side is known. */
static const char *const source_words[] = {
#define SOURCE_STATE(state) &#state[sizeof "SOURCE"],
#include "migrate/moves.def"
};

static const char *const destination_words[] = {
#define DESTINATION_STATE(state) &#state[sizeof "DESTINATION"],
#include "migrate/moves.def"
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* -1: there is none. */
static int move_find(const struct move *moves, size_t count, int from, int event)
{
	for (size_t i = 0; i < count; i++)
		if (moves[i].from == from && moves[i].event == event)
			return moves[i].to;
	return -1;
}

static int refuse(const char *side, const char *word, struct dd_error *err)
{
	return error_set(err, DD_REFUSED,
		"a migration that is %s at its %s does not allow this now", word, side);
}

int source_move(enum source_state *state, enum source_event event, struct dd_error *err)
{
	int to = move_find(source_moves, COUNT(source_moves), (int)*state, (int)event);

	if (to < 0)
		return refuse("source", source_word(*state), err);
	*state = (enum source_state)to;
	return 0;
}

int destination_move(
	enum destination_state *state, enum destination_event event, struct dd_error *err)
{
	int to = move_find(destination_moves, COUNT(destination_moves), (int)*state, (int)event);

	if (to < 0)
		return refuse("destination", destination_word(*state), err);
	*state = (enum destination_state)to;
	return 0;
}

const char *source_word(enum source_state state)
{
	return source_words[state];
}

const char *destination_word(enum destination_state state)
{
	return destination_words[state];
}

static int word_find(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; word && i < count; i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	return -1;
}

bool source_read(const char *word, enum source_state *out)
{
	int found = word_find(source_words, COUNT(source_words), word);

	if (found >= 0)
		*out = (enum source_state)found;
	return found >= 0;
}

bool destination_read(const char *word, enum destination_state *out)
{
	int found = word_find(destination_words, COUNT(destination_words), word);

	if (found >= 0)
		*out = (enum destination_state)found;
	return found >= 0;
}
