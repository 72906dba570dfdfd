/* SPDX-License-Identifier: Apache-2.0 */
#include "base/line.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* What a line is made of does not include these. */
static const struct {
	uint32_t first, last;
} banned[] = {
	{0x00, 0x1f},
	{0x7f, 0x9f},
	{0x061c, 0x061c}, /* a mark of direction */
	{0x200e, 0x200f}, /* two more */
	{0x2028, 0x202e}, /* separators of lines and paragraphs, and overrides of direction */
	{0x2066, 0x2069}, /* isolates */
	{0xd800, 0xdfff}, /* halves of a pair, which UTF-8 has not */
	{0xfeff, 0xfeff},
};

/* What may stand in a line, and is not seen there: two names that look alike need not be one. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{0xad, 0xad},       /* where a word may be parted */
	{0x034f, 0x034f},   /* joins what is above one another */
	{0x115f, 0x1160},   /* fillers */
	{0x180e, 0x180e},   /* a space of no width */
	{0x200b, 0x200d},   /* the same, and joiners */
	{0x2060, 0x2065},   /* signs of formulas that are not written */
	{0x206a, 0x206f},   /* how digits are shaped */
	{0x3164, 0x3164},   /* a filler */
	{0xfff9, 0xfffb},   /* around notes between the lines */
	{0xe0000, 0xe007f}, /* letters as tags */
};

/* What leaves its place empty. */
static const struct {
	uint32_t first, last;
} blank[] = {
	{' ', ' '},
	{0xa0, 0xa0},
	{0x1680, 0x1680},
	{0x2000, 0x200a},
	{0x202f, 0x202f},
	{0x205f, 0x205f},
	{0x2800, 0x2800}, /* of Braille, without a dot */
	{0x3000, 0x3000},
};

/* Takes the character at the front of text off; false where there is none in UTF-8. */
static bool character_take(const unsigned char **text, uint32_t *character)
{
	static const struct {
		unsigned char mask, lead, more;
		uint32_t least; /* that needs so many bytes */
	} forms[] = {{0x80, 0x00, 0, 0}, {0xe0, 0xc0, 1, 0x80}, {0xf0, 0xe0, 2, 0x800},
		{0xf8, 0xf0, 3, 0x10000}};
	const unsigned char *at = *text;

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if ((*at & forms[i].mask) != forms[i].lead)
			continue;
		*character = *at & (unsigned char)~forms[i].mask;
		for (size_t more = 1; more <= forms[i].more; more++) {
			if ((at[more] & 0xc0) != 0x80)
				return false;
			*character = *character << 6 | (at[more] & 0x3f);
		}
		*text = at + 1 + forms[i].more;
		return *character >= forms[i].least && *character <= 0x10ffff;
	}
	return false;
}

static bool is_banned(uint32_t character)
{
	for (size_t i = 0; i < sizeof banned / sizeof banned[0]; i++)
		if (character >= banned[i].first && character <= banned[i].last)
			return true;
	return false;
}

static bool is_hidden(uint32_t character)
{
	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
		if (character >= hidden[i].first && character <= hidden[i].last)
			return true;
	return is_banned(character);
}

static bool is_seen(uint32_t character)
{
	for (size_t i = 0; i < sizeof blank / sizeof blank[0]; i++)
		if (character >= blank[i].first && character <= blank[i].last)
			return false;
	return !is_hidden(character);
}

/* Bytes in front that are as harmless as most text is. */
static size_t plain_bytes(const char *text, size_t size)
{
	size_t plain = 0;

	while (plain < size && ((text[plain] >= ' ' && text[plain] < 0x7f) || text[plain] == '\n' ||
				       text[plain] == '\t'))
		plain++;
	return plain;
}

void line_spelt(const char *character, char spelt[LINE_SPELT_SIZE])
{
	const unsigned char *at = (const unsigned char *)character;
	uint32_t number = 0;

	if (character_take(&at, &number) && number >= 0x80)
		snprintf(spelt, LINE_SPELT_SIZE, "\\u%04x", number);
	else
		snprintf(spelt, LINE_SPELT_SIZE, "\\x%02x", (unsigned char)*character);
}

void line_spell(struct text *out, const char *text, size_t size, const char *kept)
{
	for (size_t at = 0; at < size;) {
		size_t bytes = plain_bytes(text + at, size - at);
		const unsigned char *next = (const unsigned char *)text + at + bytes;
		uint32_t character = *next;
		bool known;

		text_add(out, text + at, bytes);
		at += bytes;
		if (at == size)
			return;
		known = character_take(&next, &character);
		bytes = known ? (size_t)((const char *)next - text) - at : 1;
		if (known && (!is_hidden(character) || (character && character < 0x80 &&
							       strchr(kept, (int)character)))) {
			text_add(out, text + at, bytes);
		} else {
			char spelt[LINE_SPELT_SIZE];

			line_spelt(text + at, spelt);
			text_puts(out, spelt);
		}
		at += bytes;
	}
}

size_t line_character(const char *text, bool *shown)
{
	const unsigned char *at = (const unsigned char *)text;
	uint32_t character = 0;

	*shown = character_take(&at, &character);
	if (!*shown)
		return 1;
	*shown = !is_banned(character);
	return (size_t)((const char *)at - text);
}

int line_check(const char *line, size_t limit, const char *what, struct dd_error *err)
{
	const unsigned char *at = (const unsigned char *)line;
	uint32_t character = 0;
	bool seen = false;

	if (line[strspn(line, " \t\r\n")] == '\0')
		return error_set(err, DD_INVALID, "%s is empty", what);
	if (strnlen(line, limit + 1) > limit)
		return error_set(err, DD_INVALID, "%s has more than %zu bytes", what, limit);
	while (*at) {
		if (!character_take(&at, &character))
			return error_set(err, DD_INVALID, "%s is not text in UTF-8", what);
		if (character == '\n' || character == '\r')
			return error_set(err, DD_INVALID, "%s is more than one line", what);
		if (is_banned(character))
			return error_set(err, DD_INVALID,
				"%s has the control character U+%04X in it", what, character);
		seen |= is_seen(character);
	}
	return seen ? 0 : error_set(err, DD_INVALID, "%s is empty", what);
}

int line_visible(char **out, const char *string, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	char *line;

	while (*string) {
		bool shown;
		size_t bytes = line_character(string, &shown);

		if (shown)
			text_add(&text, string, bytes);
		for (size_t i = 0; !shown && i < bytes; i++)
			text_printf(&text, "%%%02x", (unsigned char)string[i]);
		string += bytes;
	}
	line = text_take(&text);
	if (!line)
		return error_no_memory(err);
	*out = line;
	return 0;
}
