/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/line.h"

static const struct {
	int code;
	const char *name;
} code_names[] = {
	{DD_OK, "ok"},
	{DD_INVALID, "invalid"},
	{DD_NOT_FOUND, "not-found"},
	{DD_EXISTS, "exists"},
	{DD_CONFLICT, "conflict"},
	{DD_BUSY, "busy"},
	{DD_REFUSED, "refused"},
	{DD_UNSUPPORTED, "unsupported"},
	{DD_CORRUPT, "corrupt"},
	{DD_SYSTEM, "system"},
	{DD_HYPERVISOR, "hypervisor"},
	{DD_NO_MEMORY, "no-memory"},
};

const char *dd_code_name(int code)
{
	for (size_t i = 0; i < sizeof code_names / sizeof code_names[0]; i++)
		if (code_names[i].code == code)
			return code_names[i].name;
	return "unknown";
}

/* Appends to a line of at most room bytes and counts what the whole would have taken. */
struct line {
	char *buffer;
	size_t size;
	size_t length;
};

PRINTF_LIKE(2, 3) static void line_add(struct line *line, const char *format, ...)
{
	va_list args;
	char *at = line->length < line->size ? line->buffer + line->length : NULL;
	size_t room = at ? line->size - line->length : 0;

	va_start(args, format);
	int length = vsnprintf(at, room, format, args);
	va_end(args);
	if (length > 0)
		line->length += (size_t)length;
}

size_t dd_error_format(const struct dd_error *error, char *buffer, size_t size)
{
	struct line line = {.buffer = buffer, .size = size};

	if (size)
		buffer[0] = '\0';
	if (error->file[0])
		line_add(&line, "%s:", error->file);
	if (error->line)
		line_add(&line, error->file[0] ? "%d:" : "line %d:", error->line);
	if (error->line && error->column)
		line_add(&line, "%d:", error->column);
	if (line.length)
		line_add(&line, " ");
	if (error->path[0])
		line_add(&line, "%s: ", error->path);
	line_add(&line, "%s", error->message);
	if (error->hint[0])
		line_add(&line, " (%s)", error->hint);
	return line.length;
}

/* Copies text, with what cannot stand in a line spelt out, so that a message stays one. */
static void copy_visible(char *to, size_t size, const char *from)
{
	size_t length = 0;

	while (*from) {
		bool shown;
		size_t bytes = line_character(from, &shown);
		char spelt[LINE_SPELT_SIZE];
		size_t need;

		line_spelt(from, spelt);
		need = shown ? bytes : strlen(spelt);

		if (length + need >= size)
			break;
		memcpy(to + length, shown ? from : spelt, need);
		length += need;
		from += bytes;
	}
	to[length] = '\0';
}

PRINTF_LIKE(3, 0)
static void format_visible(char *to, size_t size, const char *format, va_list args)
{
	char raw[2048];

	vsnprintf(raw, sizeof raw, format, args);
	copy_visible(to, size, raw);
}

int error_set(struct dd_error *err, int code, const char *format, ...)
{
	char message[sizeof err->message];
	va_list args;

	if (!err)
		return code;
	va_start(args, format);
	format_visible(message, sizeof message, format, args);
	va_end(args);
	memset(err, 0, sizeof *err);
	err->code = code;
	memcpy(err->message, message, sizeof message);
	return code;
}

int error_errno(struct dd_error *err, int number, const char *format, ...)
{
	char message[sizeof err->message];
	char reason[128];
	va_list args;
	int code = number == ENOMEM ? DD_NO_MEMORY : DD_SYSTEM;

	va_start(args, format);
	format_visible(message, sizeof message, format, args);
	va_end(args);
	return error_set(err, code, "%s: %s", message, strerror_r(number, reason, sizeof reason));
}

int error_no_memory(struct dd_error *err)
{
	return error_set(err, DD_NO_MEMORY, "out of memory");
}

int error_wrap(struct dd_error *err, const char *format, ...)
{
	char context[sizeof err->message];
	char old[sizeof err->message];
	va_list args;

	if (!err)
		return DD_INVALID;
	va_start(args, format);
	format_visible(context, sizeof context, format, args);
	va_end(args);
	memcpy(old, err->message, sizeof old);
	snprintf(err->message, sizeof err->message, "%.500s: %.520s", context, old);
	return err->code;
}

int error_hint(struct dd_error *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return DD_INVALID;
	va_start(args, format);
	format_visible(err->hint, sizeof err->hint, format, args);
	va_end(args);
	return err->code;
}

int error_place(struct dd_error *err, const char *file, int line, int column, const char *path)
{
	if (!err)
		return DD_INVALID;
	if (file)
		copy_visible(err->file, sizeof err->file, file);
	if (line)
		err->line = line;
	if (column)
		err->column = column;
	if (path)
		copy_visible(err->path, sizeof err->path, path);
	return err->code;
}
