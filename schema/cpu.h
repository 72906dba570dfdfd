/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_CPU_H
#define SCHEMA_CPU_H

#include "schema/freeze.h"

/* Spells out the CPU: the machine's own model where none is named, checks, NUMA cells. */
int cpu_freeze(
	struct document *document, const struct freeze_options *options, struct dd_error *err);

#endif
