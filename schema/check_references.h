/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_CHECK_REFERENCES_H
#define SCHEMA_CHECK_REFERENCES_H

#include "schema/document.h"

/* Is what a device names by number there: its audio backend, I/O thread and NUMA cell? */
int check_references(const struct document *document, const xmlNode *device, struct dd_error *err);

#endif
