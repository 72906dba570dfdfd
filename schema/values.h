/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_VALUES_H
#define SCHEMA_VALUES_H

/*
 * What a value outside <devices> may be: which of several words, or a number between two bounds,
 * and whether it has to be there. The vocabulary (schema/format) says which attributes there are;
 * this says what they take.
 */

#include "schema/document.h"

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
