/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A device on its own, and the comparison of it with another: what gets in must be a fixed point of
 * writing and parsing, and in no way differ from itself, whatever can be said of it against a plain
 * one of its kind.
 */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "schema/diff.h"
#include "schema/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A domain with the device in it, and one without. */
static void compare(const struct document *device)
{
	static const char before[] = "<domain><devices/></domain>";
	CLEANUP(text) struct text xml = TEXT_INIT;
	CLEANUP(document) struct document *without = NULL;
	CLEANUP(document) struct document *with = NULL;
	CLEANUP(changes) struct changes none = CHANGES_INIT;
	CLEANUP(changes) struct changes one = CHANGES_INIT;
	struct dd_error err = {0};

	text_puts(&xml, "<domain><devices>");
	if (document_write(device, &xml, &err) < 0)
		return;
	text_puts(&xml, "</devices></domain>");
	if (document_parse(xml.data, xml.size, NULL, &with, &err) < 0 ||
		document_parse(before, sizeof before - 1, NULL, &without, &err) < 0)
		return;

	int rc = document_diff(with, with, &none, &err);

	assert(rc == 0 && none.count == 0);
	rc = document_diff(without, with, &one, &err);
	assert(rc == 0 && one.count == 1 && one.items[0].kind == CHANGE_ATTACHED);
	(void)rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(document) struct document *device = NULL;
	CLEANUP(document) struct document *again = NULL;
	CLEANUP(text) struct text first = TEXT_INIT;
	CLEANUP(text) struct text second = TEXT_INIT;
	struct dd_error err = {0};

	if (document_parse_device((const char *)data, size, "fuzz.xml", &device, &err) < 0) {
		assert(err.code && err.message[0]);
		return 0;
	}
	if (document_write(device, &first, &err) < 0 || first.size > DOCUMENT_SIZE_MAX)
		return 0;

	int rc = document_parse_device(first.data, first.size, "again.xml", &again, &err);

	assert(rc == 0);
	rc = document_write(again, &second, &err);
	assert(rc == 0 && first.size == second.size);
	assert(memcmp(first.data, second.data, first.size) == 0);
	(void)rc;
	compare(device);
	return 0;
}
