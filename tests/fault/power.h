/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULT_POWER_H
#define FAULT_POWER_H

/*
 * A disk that loses its power. What is written below a folder, and what becomes of names there, is
 * recorded; from one change on nothing reaches the disk any more; and then it is said what may be
 * found when the power is back.
 */

#include <stdint.h>

#include "base/text.h"

/* The folder is on the disk as it is now, and as copy has it; NULL: it is not there yet. */
void power_watch(const char *folder, const char *copy);

/* The number of changes and syncs after which the power is gone; 0: it stays. */
void power_cut_after(long changes);

/* Of changes and syncs so far. Nobody watches any more. */
long power_unwatch(void);

/*
 * Makes the folder as it may be afterwards: of a file's bytes that no sync came after, each write
 * is there, is not, or is there in part, by sectors; of what became of names in a folder that was
 * not synced, some first part is there, or any part. Then all is forgotten.
 */
int power_restore(const char *folder, uint64_t seed, struct dd_error *err);

#endif
