/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LINES_H
#define STORE_LINES_H

/* Texts compared line by line, as git does. */

#include "base/text.h"

/*
 * Appends the differences in unified form, with three lines around each; nothing where the texts
 * are equal. The names stand behind --- and +++.
 */
int lines_diff(const struct text *before, const char *before_name, const struct text *after,
	const char *after_name, struct text *out, struct dd_error *err);

#endif
