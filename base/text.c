/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

void text_release(struct text *text)
{
	free(text->data);
	memset(text, 0, sizeof *text);
}

void text_clear(struct text *text)
{
	text->size = 0;
	text->failed = false;
	if (text->data)
		text->data[0] = '\0';
}

#define TEXT_SHORT 63u /* with the NUL, all of a first allocation */

/* Makes room for more bytes and the final NUL. */
static bool text_grow(struct text *text, size_t more)
{
	size_t room = text->room ? text->room : 64;

	if (text->failed || more > SIZE_MAX / 4 || text->size > SIZE_MAX / 4) {
		text->failed = true;
		return false;
	}
	while (room < text->size + more + 1)
		room *= 2;
	if (room == text->room)
		return true;

	char *data = realloc(text->data, room);

	if (!data) {
		text->failed = true;
		return false;
	}
	text->data = data;
	text->room = room;
	return true;
}

void text_add(struct text *text, const void *data, size_t size)
{
	if (text->failed || (size >= text->room - text->size && !text_grow(text, size)))
		return;
	if (size)
		memcpy(text->data + text->size, data, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void text_puts(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_putc(struct text *text, char c)
{
	text_add(text, &c, 1);
}

const char *number_digits(char buffer[NUMBER_SIZE], uint64_t number, unsigned base, unsigned width)
{
	char *end = buffer + NUMBER_SIZE - 1;
	char *at = end;

	*end = '\0';
	for (; at > buffer && (number || at > end - width); number /= base)
		*--at = "0123456789abcdef"[number % base];
	return at;
}

void text_number(struct text *text, uint64_t number, unsigned base, unsigned width)
{
	char buffer[NUMBER_SIZE];

	text_puts(text, number_digits(buffer, number, base, width));
}

void text_vprintf(struct text *text, const char *format, va_list args)
{
	va_list again;
	size_t room;
	int length;

	/* most are short; of the others the length is known then */
	if (!text_grow(text, TEXT_SHORT))
		return;
	room = text->room - text->size;
	va_copy(again, args);
	length = vsnprintf(text->data + text->size, room, format, again);
	va_end(again);
	if (length < 0 || !text_grow(text, (size_t)length)) {
		text->data[text->size] = '\0';
		text->failed = true;
		return;
	}
	if ((size_t)length >= room)
		vsnprintf(text->data + text->size, (size_t)length + 1, format, args);
	text->size += (size_t)length;
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vprintf(text, format, args);
	va_end(args);
}

bool text_failed(const struct text *text)
{
	return text->failed;
}

const char *text_string(const struct text *text)
{
	return text->data ? text->data : "";
}

char *text_take(struct text *text)
{
	char *data = NULL;

	if (text_grow(text, 0)) {
		text->data[text->size] = '\0';
		data = TAKE(text->data);
	}
	text_release(text);
	return data;
}

int string_copy(char **out, const char *string, struct dd_error *err)
{
	char *copy = strdup(string);

	if (!copy)
		return error_no_memory(err);
	*out = copy;
	return 0;
}

char *string_cut(char *words, char mark)
{
	char *to = words, *from = words;

	for (; *from && *from != mark; *to++ = *from++)
		if (*from == '\\' && from[1] == mark)
			from++;
	words = *from ? from + 1 : NULL;
	*to = '\0';
	return words;
}

int string_format(char **out, struct dd_error *err, const char *format, ...)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	va_list args;

	va_start(args, format);
	text_vprintf(&text, format, args);
	va_end(args);

	char *string = text_take(&text);

	if (!string)
		return error_no_memory(err);
	*out = string;
	return 0;
}
