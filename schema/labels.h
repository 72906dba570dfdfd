/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_LABELS_H
#define SCHEMA_LABELS_H

#include "schema/tree.h"

/*
 * Security labels of the domain, each complete: its type, its model, whether files are labelled.
 * One that leaves the model open is that of no model, as no security driver is asked.
 */
int freeze_labels(xmlNode *root, struct dd_error *err);

#endif
