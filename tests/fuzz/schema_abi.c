/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two definitions side by side, a NUL between them: nothing differs from itself, what differs in
 * its text is told by the comparison, and what a guest can see of it is refused with a path.
 */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "schema/diff.h"
#include "schema/edit.h"
#include "tests/fuzz/frozen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_same(const struct document *document)
{
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	struct dd_error err = {0};
	int rc = abi_check(document, document, &err);

	assert(!rc);
	rc = document_diff(document, document, &changes, &err);
	assert(!rc && changes.count == 0);
}

static void compare(const struct document *one, const struct document *other)
{
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	CLEANUP(text) struct text before = TEXT_INIT;
	CLEANUP(text) struct text after = TEXT_INIT;
	struct dd_error err = {0};
	int rc = document_write(one, &before, &err);

	if (!rc)
		rc = document_write(other, &after, &err);
	assert(!rc);
	rc = document_diff(one, other, &changes, &err);
	assert(!rc);
	assert((changes.count == 0) == (strcmp(text_string(&before), text_string(&after)) == 0));
	rc = abi_check(one, other, &err);
	assert(!rc || (err.code == DD_REFUSED && err.message[0] && changes.count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct piece rest = {(const char *)data, size}, piece;
	CLEANUP(document) struct document *one = NULL;
	CLEANUP(document) struct document *other = NULL;

	if (size > FUZZ_SIZE_MAX || !piece_next(&rest, &piece))
		return 0;
	one = fuzz_frozen(&piece);
	if (one)
		assert_same(one);
	if (!one || !piece_next(&rest, &piece))
		return 0;
	other = fuzz_frozen(&piece);
	if (other) {
		compare(one, other);
		compare(other, one);
	}
	return 0;
}
