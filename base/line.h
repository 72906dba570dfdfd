/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LINE_H
#define BASE_LINE_H

/*
 * Words that somebody hands in and that are shown to others as one line: a reason, the name of a
 * person or of a program. They cannot end the line, move what is around them on a terminal, or turn
 * its direction.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/*
 * DD_INVALID unless line is UTF-8 without control characters (those from U+0080 on too), line and
 * paragraph separators and marks that change the direction of writing, at most limit bytes, and
 * something of it is seen. what names it in the message: "the reason".
 */
int line_check(const char *line, size_t limit, const char *what, struct dd_error *err);

/* Bytes of the character in front; *shown: it may stand in a line. A byte that is none is alone. */
size_t line_character(const char *text, bool *shown);

/* The same for what cannot be refused, the name of a file: such bytes are spelt out as "%1b". */
int line_visible(char **out, const char *string, struct dd_error *err);

/* The character in front as it is spelt out: "\u202e"; of a byte that is none, or of ASCII: "\x9b".
 */
#define LINE_SPELT_SIZE 12
void line_spelt(const char *character, char spelt[LINE_SPELT_SIZE]);

/*
 * Adds text, of any lines, as it is shown to people: what could move what is around it, turn the
 * direction of writing or is not seen at all is spelt out, and so are bytes that are no UTF-8. Ends
 * of lines, tabs, and the characters of kept (of ASCII) stay. Text ends with a NUL behind its size
 * bytes, or with another character.
 */
void line_spell(struct text *out, const char *text, size_t size, const char *kept);

#endif
