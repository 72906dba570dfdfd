/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CONFIGURATION_H
#define STORE_CONFIGURATION_H

/*
 * The file book.git/config. Git reads it, and it says where the book is sent, so its first line is
 * a comment with the SHA-256 of all others: whoever changes it past Domesday, or a bit that falls
 * over, is found by book_verify(). A file of an earlier release has no such line.
 */

#include <git2.h>

#include "base/text.h"

/* Makes the file. */
int configuration_make(const char *path, const char *content, struct dd_error *err);

/*
 * Changes a copy by change, and puts that in its place, so that the file is at every instant the
 * old or the new one. One at a time: under SLOT_CHECKPOINT, or where nobody else knows the book
 * yet.
 */
int configuration_change(const char *path,
	int (*change)(git_config *config, void *context, struct dd_error *err), void *context,
	struct dd_error *err);

/* *whole: is it as it was left? */
int configuration_check(const struct text *content, bool *whole, struct dd_error *err);

#endif
