/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_NAME_H
#define SCHEMA_NAME_H

#include "base/error.h"
#include "schema/limits.h"

/*
 * DD_INVALID where name is not fit to be a domain's: empty, ".", "..", too long, with '/' or a
 * control character. The message lacks the place.
 */
int name_check(const char *name, struct dd_error *err);

#endif
