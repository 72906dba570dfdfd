/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_DIFFERENCE_H
#define DOMAIN_DIFFERENCE_H

/* Telling a caller what differs between two documents. */

#include <domesday.h>

#include "schema/diff.h"

/* The change as callers are told; it points into change. */
void difference_of(const struct change *change, struct dd_difference *out);

/* *count (may be NULL) is how many there were; difference may be NULL. */
int differences_tell(const struct document *before, const struct document *after,
	dd_difference_fn difference, void *context, size_t *count, struct dd_error *err);

/* Parses, completes from record, freezes: what a caller means by a definition of that domain. */
int definition_for_record(struct dd_host *host, const char *xml, size_t size, const char *file,
	const struct document *record, struct document **out, struct dd_error *err);

#endif
