/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SECRET_H
#define STORE_SECRET_H

#include "store/database/database.h"

/* Makes the table; inside a transaction. */
int secret_table_make(struct database *database, struct dd_error *err);

#endif
