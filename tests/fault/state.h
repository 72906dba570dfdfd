/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULT_STATE_H
#define FAULT_STATE_H

/* What a book holds, and whether it holds together. Nobody is to watch the calls meanwhile. */

#include <stdbool.h>

#include "base/text.h"

/*
 * Opens the book anew and appends every row of its index, which names all versions. Fails where the
 * newest version of a domain cannot be read, and with the first thing that book_verify() finds.
 */
int state_read(const char *folder, struct text *out, struct dd_error *err);

/* Is stock git content with a repository as it lies there, and with book.git? */
int state_check_repository(const char *repository, struct dd_error *err);
int state_check_git(const char *folder, struct dd_error *err);

/* A folder of one's own below TMPDIR; false: there cannot be one. */
#define PLACE_SIZE 128
bool place_make(char place[PLACE_SIZE]);

/* Folders with all that is in them. */
int folder_copy(const char *from, const char *to, struct dd_error *err);
void folder_remove(const char *path);

/* Descriptors that are open now. */
int descriptors_open(void);

#endif
