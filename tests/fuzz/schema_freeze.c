/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Freezing whatever can be parsed: it is refused with a reason, or comes out as a definition that
 * freezes to itself, checks, and gets its aliases on and off again.
 */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "schema/alias.h"
#include "tests/fuzz/frozen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct piece text = {(const char *)data, size};
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(text) struct text frozen = TEXT_INIT;
	CLEANUP(text) struct text stripped = TEXT_INIT;
	struct dd_error err = {0};
	int rc;

	if (size > FUZZ_SIZE_MAX)
		return 0;
	document = fuzz_frozen(&text);
	if (!document)
		return 0;
	fuzz_freezes_to_itself(document);
	rc = document_write(document, &frozen, &err);
	if (!rc)
		rc = document_assign_aliases(document, &err);
	if (!rc)
		rc = document_strip_runtime(document, &err);
	if (!rc)
		rc = document_write(document, &stripped, &err);
	assert(!rc && strcmp(text_string(&frozen), text_string(&stripped)) == 0);
	return 0;
}
