/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_PHASES_H
#define MIGRATE_PHASES_H

/*
 * The states of a migration on either side, and which move leads from one to another: the table of
 * moves.def, which the model reads as well. Nothing but words and numbers here; whoever makes a
 * move writes its state down before it acts on it.
 */

#include "base/error.h"

#include <stdbool.h>

enum source_state {
#define SOURCE_STATE(state) state,
#include "migrate/moves.def"
};

enum source_event {
#define SOURCE_EVENT(event) event,
#include "migrate/moves.def"
};

enum destination_state {
#define DESTINATION_STATE(state) state,
#include "migrate/moves.def"
};

enum destination_event {
#define DESTINATION_EVENT(event) event,
#include "migrate/moves.def"
};

/* DD_REFUSED: there is no such move from there; *state is as before then. */
int source_move(enum source_state *state, enum source_event event, struct dd_error *err);
int destination_move(
	enum destination_state *state, enum destination_event event, struct dd_error *err);

/* "SWITCHED": the state without its side, as rows and messages have it. */
const char *source_word(enum source_state state);
const char *destination_word(enum destination_state state);
/* False: there is no such state. */
bool source_read(const char *word, enum source_state *out);
bool destination_read(const char *word, enum destination_state *out);

#endif
