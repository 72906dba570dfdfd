/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_PATH_H
#define SCHEMA_PATH_H

/* Element paths as people write them: "devices/disk", "/domain/os/type/@machine",
 * "devices/disk[2]".
 */

#include <stdbool.h>

#include "base/error.h"

/* From "/domain" on, and without a '/' at its end. *out is the caller's. */
int path_complete(const char *path, char **out, struct dd_error *err);

/*
 * Is path, as node_path() makes it, the wanted one or below it? A wanted one without an index means
 * all of like siblings.
 */
bool path_is_within(const char *path, const char *wanted);

/* The same, or is wanted below path? */
bool path_touches(const char *path, const char *wanted);

#endif
