/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/*
 * Filling in a struct dd_error. Every function here accepts a NULL error and returns the code, so
 * that a failure is one statement: return error_set(err, DD_NOT_FOUND, "no domain '%s'", name);
 * Messages are one line; control characters in them are written as \xNN.
 */

#include <domesday/error.h>

#define PRINTF_LIKE(form, args) __attribute__((format(printf, form, args)))

/* Begins a new error: code and message, everything else emptied. */
int error_set(struct dd_error *err, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* As error_set with DD_SYSTEM (DD_NO_MEMORY for ENOMEM), the errno's text appended after ": ". */
int error_errno(struct dd_error *err, int number, const char *format, ...) PRINTF_LIKE(3, 4);

/* The one way to report a failed allocation. */
int error_no_memory(struct dd_error *err);

/* Puts "CONTEXT: " in front of the message already there; keeps code, place and hint. */
int error_wrap(struct dd_error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Says what to do. */
int error_hint(struct dd_error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Says where: file and path may be NULL, line and column 0, for "leave as it is". */
int error_place(struct dd_error *err, const char *file, int line, int column, const char *path);

#endif
