/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

/*
 * A growing string, or bytes. It is always terminated by a NUL that size does not count. A failed
 * allocation is remembered and makes every later call do nothing; who builds a text asks once, at
 * the end, with text_failed() or through text_take() giving NULL.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

#define NUMBER_SIZE 21 /* of the digits of any number, and the NUL */

struct text {
	char *data; /* NULL while nothing was ever added: use text_string() to read */
	size_t size;
	size_t room;
	bool failed;
};

#define TEXT_INIT            \
	{                    \
		.data = NULL \
	}

void text_release(struct text *text);
void text_clear(struct text *text); /* empties, keeps the room and forgets a failure */

void text_add(struct text *text, const void *data, size_t size);
void text_puts(struct text *text, const char *string);
void text_putc(struct text *text, char c);
/* A number in base 10 or 16, with zeros in front up to width digits (of 20 at most). */
void text_number(struct text *text, uint64_t number, unsigned base, unsigned width);
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_vprintf(struct text *text, const char *format, va_list args) PRINTF_LIKE(2, 0);

bool text_failed(const struct text *text);

/* The terminated string, "" when empty. Owned by the text, valid until it is next changed. */
const char *text_string(const struct text *text);

/* Hands the string over to the caller, who frees it, and leaves the text empty. NULL on failure. */
char *text_take(struct text *text);

static inline void cleanup_text(struct text *text)
{
	text_release(text);
}

/* The digits that text_number() adds. Returns a string in buffer, not always at its start. */
const char *number_digits(char buffer[NUMBER_SIZE], uint64_t number, unsigned base, unsigned width);

/* strdup and asprintf that report through err: 0 and *out owned by the caller, or DD_NO_MEMORY. */
int string_copy(char **out, const char *string, struct dd_error *err);
int string_format(char **out, struct dd_error *err, const char *format, ...) PRINTF_LIKE(3, 4);

/*
 * Ends words at the first mark and returns what is behind it, NULL without one. A mark behind a '\'
 * is none: it stays, and the '\' goes.
 */
char *string_cut(char *words, char mark);

#endif
