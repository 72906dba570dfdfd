/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULT_REHEARSAL_H
#define FAULT_REHEARSAL_H

/*
 * An operation on a book while all is well: what the book says before it, and after each change
 * that it reports as done. What comes of the same operation when something happens to it is held
 * against that.
 */

#include <limits.h>

#include "base/text.h"
#include "operations.h"

#define STATES_MAX 64

struct rehearsal {
	const struct operation *operation;
	char pristine[PATH_MAX], folder[256]; /* the book that it begins with, and a copy */
	struct text states[STATES_MAX];       /* before, and after each change */
	size_t state_count;
	size_t acknowledged; /* changes since rehearsal_count() */
};

/* Where the books are to be. */
void rehearsal_place(struct rehearsal *self, const char *place);

/* A scene in one of the folders; nothing is open. */
struct scene rehearsal_scene(struct rehearsal *self, const char *folder);

/* Makes the book that the operation begins with, and learns the states. */
int rehearsal_run(struct rehearsal *self, struct dd_error *err);

/* Puts the folder back to where the operation begins. */
int rehearsal_reset(struct rehearsal *self, struct dd_error *err);
/* Opens the book, unless the operation does that. */
int rehearsal_open(const struct rehearsal *self, struct scene *scene, struct dd_error *err);
/* Both. */
int rehearsal_begin(struct rehearsal *self, struct scene *scene, struct dd_error *err);

/* Counts what the scene reports as done from here on. */
void rehearsal_count(struct rehearsal *self, struct scene *scene);

void rehearsal_release(struct rehearsal *self);
/* Removes both books. */
void rehearsal_clear(const struct rehearsal *self);

#endif
