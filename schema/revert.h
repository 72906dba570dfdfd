/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_REVERT_H
#define SCHEMA_REVERT_H

/* One device of a definition as it was in another. */

#include "schema/freeze.h"

/*
 * *out is the record, with its vacated addresses, in which the device is what it is in `then`, or
 * is not where it is not in that one. The reference names it as it is in the record or, where it is
 * not there, as it was then (document_find_named); the device in words is appended to words. It
 * goes to its old place unless that is taken. DD_NOT_FOUND: neither has it. DD_REFUSED: others need
 * it. DD_INVALID: it cannot be there as it was.
 */
int revert_device(const struct document *record, const struct document *then, const char *reference,
	const struct freeze_options *options, struct document **out, struct text *words,
	struct dd_error *err);

#endif
