/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_TAG_H
#define STORE_TAG_H

#include "store/room.h"

/* Makes the table of tags; inside database_change(). */
int tag_table_make(struct database *database, struct dd_error *err);

#endif
