/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/line.h"
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
	default:
		return NULL;
	}
}

void html_bytes(struct text *out, const char *string, size_t size)
{
	CLEANUP(text) struct text shown = TEXT_INIT;

	/* what turns the direction of writing does so in a page, and control characters may not be
	 * there */
	line_spell(&shown, string, size, "");
	out->failed |= text_failed(&shown);
	for (size_t i = 0; i < shown.size; i++) {
		const char *escape = escape_of(shown.data[i]);

		if (escape)
			text_puts(out, escape);
		else
			text_putc(out, shown.data[i]);
	}
}

void html_text(struct text *out, const char *string)
{
	html_bytes(out, string, strlen(string));
}
