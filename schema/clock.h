/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_CLOCK_H
#define SCHEMA_CLOCK_H

#include "schema/document.h"

/* An offset with an adjustment is a variable one; what the kind of offset does not use goes. */
int freeze_clock(xmlNode *root, struct dd_error *err);

/* Does the clock have what its offset needs, and each timer only what it can have? */
int check_clock(const struct document *document, struct dd_error *err);

#endif
