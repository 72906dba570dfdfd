/* SPDX-License-Identifier: Apache-2.0 */

/* The door that every definition comes through: what gets in must come out, and in again, alike. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "schema/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(document) struct document *again = NULL;
	CLEANUP(text) struct text first = TEXT_INIT;
	CLEANUP(text) struct text second = TEXT_INIT;
	struct dd_error err = {0};

	if (document_parse((const char *)data, size, "fuzz.xml", &document, &err) < 0) {
		assert(err.code && err.message[0]);
		return 0;
	}
	if (document_write(document, &first, &err) < 0)
		return 0;

	int rc = document_parse(first.data, first.size, "again.xml", &again, &err);

	assert(rc == 0);
	rc = document_write(again, &second, &err);
	assert(rc == 0 && first.size == second.size);
	assert(memcmp(first.data, second.data, first.size) == 0);
	return 0;
}
