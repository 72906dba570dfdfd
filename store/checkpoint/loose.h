/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LOOSE_H
#define STORE_LOOSE_H

#include "store/room.h"

/* Refs of ours in files of their own. All of it under SLOT_CHECKPOINT. */

/*
 * Are there fewer than limit branches of domains, each of which says what book.db says, or what it
 * said before something was staged?
 */
int loose_agree(struct book *book, size_t limit, bool *agree, struct dd_error *err);

/* Writes each of the lines "OID NAME" into the file of that name, durably. */
int loose_write(struct book *book, const char *lines, struct dd_error *err);

/* Removes all that are ours. */
int loose_remove(struct book *book, struct dd_error *err);

#endif
