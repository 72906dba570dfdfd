/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FROZEN_H
#define TESTS_SUPPORT_FROZEN_H

/* Frozen definitions from a machine type and devices, for tests in which freezing may not fail. */

#include "schema/freeze.h"
#include "tests/support/capabilities.h"
#include "tests/support/document.h"

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

	struct document *document = document_of(text_string(&text));

	must(document_freeze(document, options, &err), &err);
	return document;
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
	CLEANUP(document) struct document *device = device_of(text);

	return xmlAddChild(document_devices(document),
		xmlDocCopyNode(document_root(device), document_root(document)->doc, 1));
}

#endif
