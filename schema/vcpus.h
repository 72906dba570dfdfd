/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_VCPUS_H
#define SCHEMA_VCPUS_H

#include "schema/tree.h"

/*
 * A list of vCPUs names all of them, and says how many are there at the start. DD_INVALID where the
 * list cannot be: the first vCPU is always there and first, what cannot be plugged comes before
 * what can.
 */
int freeze_vcpus(xmlNode *root, struct dd_error *err);

#endif
