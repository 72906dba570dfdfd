/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CONSOLIDATE_H
#define STORE_CONSOLIDATE_H

#include "store/room.h"

/* Merges small packs when there are many. Under SLOT_CHECKPOINT. */
int packs_consolidate(struct book *book, struct dd_error *err);

/* Makes one of all. Under SLOT_CHECKPOINT. */
int packs_gather(struct book *book, struct dd_error *err);

#endif
