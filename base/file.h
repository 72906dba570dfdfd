/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

/* Whole files and private folders. Every file made here has its final mode from the first moment.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/text.h"

/*
 * Appends the whole of path to out. More than limit bytes is DD_INVALID, so that no file can
 * exhaust memory; a missing file is DD_NOT_FOUND; what is no file, as a pipe where nobody may ever
 * write, is DD_CORRUPT.
 */
int file_read(const char *path, size_t limit, struct text *out, struct dd_error *err);
/* The same of what somebody hands over: "-" is standard input, and a pipe is as good as any. */
int file_read_input(const char *path, size_t limit, struct text *out, struct dd_error *err);

/*
 * Writes a file so that path is, at every instant and after a crash, either what it was or the
 * whole of data: a temporary file beside it with the mode given, synced, renamed, folder synced.
 */
int file_replace(
	const char *path, mode_t mode, const void *data, size_t size, struct dd_error *err);
/* The same for what need not outlive the machine's going down: nothing is synced. */
int file_place(const char *path, mode_t mode, const void *data, size_t size, struct dd_error *err);

/* Writes all of it, whatever interrupts. 0 or a negative errno. */
int file_write(int fd, const void *data, size_t size);

/*
 * Is there anything of that name? Where that cannot be known it is an error, so that nobody makes
 * anew what is only out of reach.
 */
int file_there(const char *path, bool *there, struct dd_error *err);

/* An empty file with that mode, or what is there already. It says something by being there. */
int file_touch(const char *path, mode_t mode, struct dd_error *err);

/*
 * Makes path and the folders above it where they are missing, each with mode. within: a folder that
 * path is below, and that has to be there, for what was removed or renamed meanwhile is not to come
 * back empty; NULL: all of path may be made.
 */
int directory_make(const char *within, const char *path, mode_t mode, struct dd_error *err);

/*
 * As file_replace() where path names a file or nothing. What is there and no file, as a device, a
 * pipe or a link, is written to and stays what it is. DD_INVALID: it is a folder, or has no name.
 */
int file_put(const char *path, mode_t mode, const void *data, size_t size, struct dd_error *err);

#endif
