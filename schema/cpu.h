/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_CPU_H
#define SCHEMA_CPU_H

#include "schema/freeze.h"

/* Spells out the CPU: the machine's own model where none is named, checks, NUMA cells. */
int cpu_freeze(
	struct document *document, const struct freeze_options *options, struct dd_error *err);

/*
 * For one run of a guest: decides a host-model that the definition leaves floating. Does nothing
 * to any other CPU. Errors as host_model_freeze().
 */
int cpu_settle(struct document *live, const struct capabilities *caps, struct dd_error *err);

#endif
