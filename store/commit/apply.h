/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_APPLY_H
#define STORE_APPLY_H

#include "store/room.h"

/*
 * Sees to it that no change of the domain will be made any more by others in the name of one who
 * died: what was under way has ended when this returns. Whoever lives and has one on the board
 * waits in line with it.
 */
int apply_settle(struct book *book, const char *uuid, struct dd_error *err);

#endif
