/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_DOCUMENT_H
#define TESTS_SUPPORT_DOCUMENT_H

/* Definitions in tests: short ways in and out, that fail the test where they fail. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "schema/freeze.h"
#include "tests/support/capabilities.h"

static inline void assert_ok(int rc, const struct dd_error *err)
{
	char line[1024] = "";

	if (!rc)
		return;
	dd_error_format(err, line, sizeof line);
	fail_msg("%s", line);
}

static inline struct document *test_parse(const char *text)
{
	struct document *document = NULL;
	struct dd_error err = {0};

	assert_ok(document_parse(text, strlen(text), "test.xml", &document, &err), &err);
	return document;
}

/* A frozen domain of a machine type with these devices. */
static inline struct document *test_domain(
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

	struct document *document = test_parse(text_string(&text));

	assert_ok(document_freeze(document, options, &err), &err);
	return document;
}

static inline char *test_write(const struct document *document)
{
	struct text out = TEXT_INIT;
	struct dd_error err = {0};

	assert_ok(document_write(document, &out, &err), &err);
	return text_take(&out);
}

/* The n-th device of that element name, from 0. */
static inline xmlNode *test_device(
	const struct document *document, const char *element, unsigned number)
{
	xmlNode *device = node_child(document_devices(document), element);

	while (device && number--)
		device = node_next(device);
	assert_non_null(device);
	return device;
}

/* Puts a device into the document, not frozen yet. */
static inline xmlNode *test_insert(struct document *document, const char *text)
{
	CLEANUP(document) struct document *device = NULL;
	struct dd_error err = {0};

	assert_ok(document_parse_device(text, strlen(text), "device.xml", &device, &err), &err);
	return xmlAddChild(document_devices(document),
		xmlDocCopyNode(document_root(device), document_root(document)->doc, 1));
}

#endif
