/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_UUID_H
#define SCHEMA_UUID_H

#include <stdbool.h>

#include "base/error.h"

#define UUID_SIZE 37 /* with the final NUL */

/* A random UUID (version 4), with dashes and small letters. */
int uuid_make(char uuid[static UUID_SIZE], struct dd_error *err);

/* Reads one with or without dashes, in any case, into that spelling. */
bool uuid_normalise(const char *text, char uuid[static UUID_SIZE]);

#endif
