/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Freezing whatever can be parsed: it is refused with a reason, or comes out as a definition that
 * freezes to itself, checks, and gets its aliases on and off again.
 */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "schema/alias.h"
#include "schema/freeze.h"
#include "tests/support/capabilities.h"

#define FUZZ_SIZE_MAX 65536 /* larger ones only take longer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made once, and never released: the process is the test. */
static const struct capabilities *known_capabilities(void)
{
	static struct capabilities *caps;

	if (!caps)
		caps = test_capabilities();
	return caps;
}

static void assert_writes(const struct document *document, const struct text *wanted)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	struct dd_error err = {0};
	int rc = document_write(document, &text, &err);

	assert(!rc && strcmp(text_string(&text), text_string(wanted)) == 0);
	(void)rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct freeze_options options = {
		.capabilities = known_capabilities(), .keep_host_model = true};
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(text) struct text frozen = TEXT_INIT;
	struct dd_error err = {0};

	if (size > FUZZ_SIZE_MAX ||
		document_parse((const char *)data, size, "fuzz.xml", &document, &err))
		return 0;
	if (document_freeze(document, &options, &err)) {
		assert(err.code && err.message[0]);
		return 0;
	}
	if (document_write(document, &frozen, &err))
		return 0;

	int rc = document_freeze(document, &options, &err);

	assert(!rc);
	assert_writes(document, &frozen);
	rc = document_assign_aliases(document, &err);
	if (!rc)
		rc = document_strip_runtime(document, &err);
	assert(!rc);
	assert_writes(document, &frozen);
	return 0;
}
