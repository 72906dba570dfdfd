/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_NUMA_H
#define SCHEMA_NUMA_H

#include "schema/tree.h"

/* Can the cells be, for a guest of so many vCPUs? To be asked before vCPUs are put into them. */
int numa_check(const xmlNode *cpu, uint64_t vcpus, struct dd_error *err);

/* A distance holds both ways unless it is said otherwise, and from a cell to itself it is 10. */
int numa_freeze_distances(xmlNode *cpu, struct dd_error *err);

#endif
