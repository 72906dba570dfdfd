/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_HOST_MODEL_H
#define SCHEMA_HOST_MODEL_H

/* <cpu mode='host-model'> turned into a named model with explicit features. */

#include "schema/capabilities.h"
#include "schema/document.h"

/*
 * Decides the document's <cpu>, which is of that mode. DD_UNSUPPORTED: the capabilities do not say
 * what CPU there is for a domain of this type, or it lacks a feature that the definition requires.
 */
int host_model_freeze(const struct document *document, xmlNode *cpu,
	const struct capabilities *caps, struct dd_error *err);

/*
 * What host-model means was decided when record was created: a definition that says it again means
 * that CPU. Does nothing where given says another mode, or the record's CPU was not so decided.
 */
int host_model_adopt(struct document *given, const struct document *record, struct dd_error *err);

/*
 * Of a CPU whose features QEMU enforces (check='full'), and which runs on a host with the features
 * there (of struct cpu_expansion): appends to out, in words, those features of it that
 * here has not. Nothing: none, or that is not known.
 */
void host_model_lacks(const struct document *document, const struct capabilities *here,
	const char *there, struct text *out);

#endif
