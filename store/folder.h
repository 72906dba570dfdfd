/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include "base/text.h"

/* Makes the names in the folder durable. */
int folder_sync(const char *path, struct dd_error *err);

/*
 * Removes the files whose names begin and end so: what a process that died left of files that it
 * was making. A folder that is not there has none.
 */
int folder_clean(const char *path, const char *prefix, const char *suffix, struct dd_error *err);

#endif
