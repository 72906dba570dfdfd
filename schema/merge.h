/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_MERGE_H
#define SCHEMA_MERGE_H

/*
 * A definition handed in for a domain that exists is never a replacement: what it leaves open was
 * decided when the domain was created and stays.
 */

#include "schema/freeze.h"

/*
 * Completes given, parsed but not frozen, from the frozen record: UUID, name, versioned machine
 * type for an alias of its family, and for each device that both have its address, MAC and model.
 * Freezing given afterwards gives what the caller means, and document_diff() with record tells
 * what is really different.
 */
int document_adopt(struct document *given, const struct document *record, struct dd_error *err);

#endif
