/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_VALUES_H
#define SCHEMA_VALUES_H

/*
 * What a value outside <devices> may be: which of several words, or a number between two bounds,
 * and whether it has to be there. The vocabulary (schema/format) says which attributes there are;
 * this says what they take.
 */

#include "schema/document.h"

/* Counters of the host for a guest, in the order in which they are written. */
#define PERF_EVENTS                                                                         \
	"cmt mbmt mbml cpu_cycles instructions cache_references cache_misses "              \
	"branch_instructions branch_misses bus_cycles stalled_cycles_frontend "             \
	"stalled_cycles_backend ref_cpu_cycles cpu_clock task_clock page_faults "           \
	"context_switches cpu_migrations page_faults_min page_faults_maj alignment_faults " \
	"emulation_faults"

struct value_rule {
	const char *element;   /* its parent's name and its own: "clock/timer" */
	const char *attribute; /* "" for its text */
	const char *words;     /* with one space between; NULL where it is a number or anything */
	uint64_t least, most;  /* of a number; both 0: any */
	bool required;
};

/* The rules of an element, given as in value_rule. NULL where it has none. *count: how many. */
const struct value_rule *value_rules(const char *element, size_t *count);

/* Fails at the first value that is missing or not allowed, naming what would be. */
int values_check(const struct document *document, struct dd_error *err);

#endif
