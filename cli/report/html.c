/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/report/report.h"

static const char *escape_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\n':
	case '\t':
		return NULL;
	default:
		/* what no page may hold */
		return (unsigned char)c < ' ' || c == 0x7f ? "\xef\xbf\xbd" : NULL;
	}
}

void html_bytes(struct text *out, const char *string, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const char *escape = escape_of(string[i]);

		if (escape)
			text_puts(out, escape);
		else
			text_putc(out, string[i]);
	}
}

void html_text(struct text *out, const char *string)
{
	html_bytes(out, string, strlen(string));
}
