/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_GRAMMAR_H
#define SCHEMA_GRAMMAR_H

/* The format as a RELAX NG grammar, made from the vocabulary (format.h), so that both agree. */

#include "schema/document.h"

/* Appends the grammar, for editors. */
int grammar_write(struct text *out, struct dd_error *err);

struct rng;

int grammar_new(struct rng **out, struct dd_error *err);
void grammar_free(struct rng *grammar);
CLEANUP_DEFINE(rng, struct rng *, grammar_free)

/* DD_INVALID where the definition breaks the grammar, with the line where libxml2 knows it. */
int grammar_check(const struct rng *grammar, const char *text, size_t size, const char *file,
	struct dd_error *err);

#endif
