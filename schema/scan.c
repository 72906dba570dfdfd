/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The door before the parser.
 *
 * A parser is a large program, and some of what XML allows makes it large work: a document type
 * declaration can define entities that grow without bound or fetch files, nested elements use
 * stack, and the check for doubled attributes compares each with each. None of it has a meaning in
 * a domain definition. So the text is first split into its tokens here, in one pass that only
 * knows where comments, instructions, character data, tags and quoted values begin and end; what
 * exceeds a limit is refused with its place. Text that is not well-formed may be misread from the
 * point of its fault on, which does no harm: the parser refuses it at that very point.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "schema/document_internal.h"

struct name {
	const char *start;
	size_t length;
	unsigned children;
};

struct scan {
	const unsigned char *at;
	const unsigned char *end;
	const unsigned char *line_start;
	int line;
	const char *file;
	unsigned depth;
	unsigned elements, values, namespaces;
	struct name open[DOCUMENT_DEPTH_MAX];
};

PRINTF_LIKE(3, 4)
static int scan_fail(const struct scan *scan, struct dd_error *err, const char *format, ...)
{
	char message[256];
	char path[NODE_PATH_SIZE] = "/";
	size_t length = 0;
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	for (unsigned i = 0; i < scan->depth && length + 66 < sizeof path; i++)
		length += (size_t)snprintf(path + length, sizeof path - length, "/%.*s",
			(int)(scan->open[i].length < 64 ? scan->open[i].length : 64),
			scan->open[i].start);
	error_set(err, DD_INVALID, "%s", message);
	return error_place(
		err, scan->file, scan->line, (int)(scan->at - scan->line_start) + 1, path);
}

size_t xml_character(const unsigned char *at, size_t left)
{
	unsigned char c = at[0];

	if (c < 0x80)
		return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';

	size_t length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	uint32_t value = c & (0x7fu >> length);

	if (c < 0xc2 || c > 0xf4 || left < length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3f);
	}
	if ((length == 3 && value < 0x800) ||
		(length == 4 && (value < 0x10000 || value > 0x10ffff)))
		return 0;
	if ((value >= 0xd800 && value <= 0xdfff) || value == 0xfffe || value == 0xffff)
		return 0;
	return length;
}

/* Goes past one character. */
static int scan_step(struct scan *scan, struct dd_error *err)
{
	size_t length = xml_character(scan->at, (size_t)(scan->end - scan->at));

	if (!length && *scan->at < 0x20)
		return scan_fail(scan, err, "control character 0x%02x in the text", *scan->at);
	if (!length)
		return scan_fail(
			scan, err, "byte 0x%02x is not valid UTF-8: save it as that", *scan->at);
	if (*scan->at == '\n') {
		scan->line++;
		scan->line_start = scan->at + 1;
	}
	scan->at += length;
	return 0;
}

static bool scan_at(const struct scan *scan, const char *token)
{
	size_t length = strlen(token);

	return (size_t)(scan->end - scan->at) >= length && !memcmp(scan->at, token, length);
}

/* Goes past the next token, or to the end where there is none. */
static int scan_past(struct scan *scan, const char *token, struct dd_error *err)
{
	while (scan->at < scan->end) {
		if (scan_at(scan, token)) {
			scan->at += strlen(token);
			return 0;
		}
		int rc = scan_step(scan, err);

		if (rc)
			return rc;
	}
	return 0;
}

static int scan_value(struct scan *scan, unsigned *count, struct dd_error *err)
{
	const char quote[2] = {(char)*scan->at, '\0'};
	const unsigned char *start = ++scan->at;

	if (++*count > DOCUMENT_ATTRIBUTES_MAX)
		return scan_fail(scan, err, "more than %u attributes in one element",
			DOCUMENT_ATTRIBUTES_MAX);

	if (++scan->values > DOCUMENT_VALUES_MAX)
		return scan_fail(scan, err, "more than %u attributes", DOCUMENT_VALUES_MAX);

	int rc = scan_past(scan, quote, err);

	/* the exact limit is that of the value without its escapes, which are six bytes at most */
	if (!rc && scan->at - start - 1 > 6 * DOCUMENT_ATTRIBUTE_MAX)
		rc = scan_fail(scan, err, "an attribute value is longer than %u bytes",
			DOCUMENT_ATTRIBUTE_MAX);
	return rc;
}

static int scan_open(struct scan *scan, struct dd_error *err)
{
	unsigned count = 0;

	if (scan->depth == DOCUMENT_DEPTH_MAX)
		return scan_fail(
			scan, err, "elements are nested more than %u deep", DOCUMENT_DEPTH_MAX);
	if (scan->depth && ++scan->open[scan->depth - 1].children > DOCUMENT_CHILDREN_MAX)
		return scan_fail(scan, err, "more than %u elements in one", DOCUMENT_CHILDREN_MAX);
	if (++scan->elements > DOCUMENT_ELEMENTS_MAX)
		return scan_fail(scan, err, "more than %u elements", DOCUMENT_ELEMENTS_MAX);
	scan->at++;

	struct name *name = &scan->open[scan->depth++];

	name->children = 0;
	name->start = (const char *)scan->at;
	while (scan->at < scan->end && !strchr(" \t\r\n/><\"'", *scan->at) && *scan->at)
		scan->at++;
	name->length = (size_t)((const char *)scan->at - name->start);

	while (scan->at < scan->end && *scan->at != '>') {
		if (scan_at(scan, "xmlns") && ++scan->namespaces > DOCUMENT_NAMESPACES_MAX)
			return scan_fail(scan, err, "more than %u namespace declarations",
				DOCUMENT_NAMESPACES_MAX);

		bool quoted = *scan->at == '"' || *scan->at == '\'';
		int rc = quoted ? scan_value(scan, &count, err) : scan_step(scan, err);

		if (rc)
			return rc;
	}
	if (scan->at < scan->end && scan->at[-1] == '/')
		scan->depth--;
	return 0;
}

static int scan_markup(struct scan *scan, struct dd_error *err)
{
	static const struct {
		const char *begin;
		const char *end;
	} skipped[] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};

	for (size_t i = 0; i < sizeof skipped / sizeof skipped[0]; i++)
		if (scan_at(scan, skipped[i].begin)) {
			scan->at += strlen(skipped[i].begin);
			return scan_past(scan, skipped[i].end, err);
		}
	if (scan_at(scan, "<!")) {
		scan_fail(scan, err, "a document type declaration (DTD) is not allowed");
		return error_hint(err, "remove the <!DOCTYPE ...> and write entities out");
	}
	if (!scan_at(scan, "</"))
		return scan_open(scan, err);
	if (scan->depth)
		scan->depth--;
	return scan_past(scan, ">", err);
}

int xml_scan(const char *text, size_t size, const char *file, struct dd_error *err)
{
	struct scan scan = {
		.at = (const unsigned char *)text,
		.end = (const unsigned char *)text + size,
		.line_start = (const unsigned char *)text,
		.line = 1,
		.file = file,
	};

	if (size > DOCUMENT_SIZE_MAX)
		return scan_fail(&scan, err, "%zu bytes of XML are more than the limit of %u", size,
			DOCUMENT_SIZE_MAX);
	while (scan.at < scan.end) {
		int rc = *scan.at == '<' ? scan_markup(&scan, err) : scan_step(&scan, err);

		if (rc)
			return rc;
	}
	return 0;
}

int xml_text_check(const char *string, const char *what, struct dd_error *err)
{
	const unsigned char *at = (const unsigned char *)string;
	size_t left = strlen(string);

	while (left) {
		size_t length = xml_character(at, left);

		if (!length)
			return error_set(err, DD_INVALID,
				"%s has byte 0x%02x in it, and can be UTF-8 without control "
				"characters, as XML holds it",
				what, *at);
		at += length;
		left -= length;
	}
	return 0;
}
