/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_DOCUMENT_H
#define TESTS_SUPPORT_DOCUMENT_H

/* Documents from strings, and texts of them, for tests in which neither may fail. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/freeze.h"
#include "tests/support/capabilities.h"

/* Fails the test with the error's line when rc is not 0. */
static inline void must(int rc, const struct dd_error *err)
{
	char line[2048];

	if (!rc)
		return;
	dd_error_format(err, line, sizeof line);
	fail_msg("%s", line);
}

static inline struct document *document_of(const char *xml)
{
	struct dd_error err = {0};
	struct document *document = NULL;

	must(document_parse(xml, strlen(xml), "test.xml", &document, &err), &err);
	return document;
}

static inline struct document *device_of(const char *xml)
{
	struct dd_error err = {0};
	struct document *document = NULL;

	must(document_parse_device(xml, strlen(xml), "device.xml", &document, &err), &err);
	return document;
}

/* The caller frees it. */
static inline char *written(const struct document *document)
{
	struct dd_error err = {0};
	struct text out = TEXT_INIT;

	must(document_write(document, &out, &err), &err);
	return text_take(&out);
}

static inline void assert_mentions(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not have '%s' in it", text, part);
}

/* The whole of an error as the user sees it. */
static inline void assert_error(const struct dd_error *err, int code, const char *part)
{
	char line[2048];

	dd_error_format(err, line, sizeof line);
	assert_mentions(line, part);
	assert_int_equal(err->code, code);
	assert_null(strchr(line, '\n'));
}

/* A domain as a user writes it; rest: all that comes behind <os>. */
static inline struct document *domain_with(const char *machine, const char *rest)
{
	CLEANUP(text) struct text text = TEXT_INIT;

	text_printf(&text,
		"<domain type='qemu'><name>g</name><memory>1024</memory><os>"
		"<type machine='%s'>hvm</type></os>%s</domain>",
		machine, rest);
	return document_of(text_string(&text));
}

/* A frozen domain of a machine type with these devices. */
static inline struct document *frozen_domain(
	const struct freeze_options *options, const char *machine, const char *devices)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	struct dd_error err = {0};

	text_printf(&text,
		"<domain type='qemu'><name>guest</name>"
		"<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><memory>219100</memory>"
		"<os><type arch='x86_64' machine='%s'>hvm</type></os>"
		"<devices>%s</devices></domain>",
		machine, devices);

	struct document *document = document_of(text_string(&text));

	must(document_freeze(document, options, &err), &err);
	return document;
}

/* The n-th device of that element name, from 0. */
static inline xmlNode *nth_device(
	const struct document *document, const char *element, unsigned number)
{
	xmlNode *device = node_child(document_devices(document), element);

	while (device && number--)
		device = node_next(device);
	assert_non_null(device);
	return device;
}

/* Puts a device into the document, not frozen yet. */
static inline xmlNode *insert_device(struct document *document, const char *text)
{
	CLEANUP(document) struct document *device = device_of(text);

	return xmlAddChild(document_devices(document),
		xmlDocCopyNode(document_root(device), document_root(document)->doc, 1));
}

#endif
