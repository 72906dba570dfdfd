/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

#include "store/room.h"

/* Sees to it that the objects and the host key are there. */
int commit_ready(struct book *book, struct dd_error *err);

#endif
