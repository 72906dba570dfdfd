/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_GROWING_H
#define STORE_GROWING_H

/*
 * A book that is being restored: it grows in a folder beside (a dot and six letters behind the
 * name), which takes the book's name when it is whole and synced. So there is a book afterwards, or
 * nothing; who is killed in between leaves such a folder, which nobody reads. From a backup, it has
 * its book.db last, and so is no book before.
 */

#include "base/text.h"

struct growing {
	char *folder; /* where it grows */
	char *target;
	char *parent;
};

/* DD_REFUSED: something is in the folder that is to become the book. */
int growing_begin(const char *folder, struct growing *out, struct dd_error *err);
/* "FOLDER/name" */
int growing_path(const struct growing *growing, const char *name, char **out, struct dd_error *err);
/* Syncs everything in it. */
int growing_sync(const struct growing *growing, struct dd_error *err);
/* The same, and gives it its name. */
int growing_finish(struct growing *growing, struct dd_error *err);
/* Removes what has got no name. */
void growing_release(struct growing *growing);
static inline void cleanup_growing(struct growing *growing)
{
	growing_release(growing);
}

#endif
