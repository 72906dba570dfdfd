/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_TUNING_H
#define SCHEMA_TUNING_H

#include "schema/tree.h"

/* Limits that limit nothing go; a scheduler for several vCPUs or threads is one for each. */
int freeze_tuning(xmlNode *root, struct dd_error *err);

/* Of metadata, the first element of each namespace is kept; one in none belongs to nobody. */
int freeze_metadata(xmlNode *root, struct dd_error *err);

#endif
