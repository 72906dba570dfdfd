/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A definition handed in for a frozen one: the input is both, with a NUL between. It is refused
 * with a reason, or becomes a plan after which the same definition plans nothing more.
 */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "schema/plan.h"
#include "tests/fuzz/frozen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int plan_make(struct edit_plan *plan, const struct piece *text,
	const struct document *record, bool running, struct dd_error *err)
{
	const struct freeze_options options = fuzz_options();
	struct document *given = NULL;
	int rc = document_parse(text->data, text->size, "given.xml", &given, err);

	return rc ? rc : edit_plan_make(plan, given, record, running, &options, err);
}

static void merge(const struct document *record, const struct piece *given, bool running)
{
	CLEANUP(edit_plan) struct edit_plan plan = {0};
	CLEANUP(edit_plan) struct edit_plan again = {0};
	CLEANUP(text) struct text before = TEXT_INIT;
	CLEANUP(text) struct text after = TEXT_INIT;
	struct dd_error err = {0};
	int rc = document_write(record, &before, &err);

	assert(!rc);
	rc = plan_make(&plan, given, record, running, &err);
	assert(!rc || (err.code && err.message[0] && !plan.count && !plan.after));
	if (!rc) {
		fuzz_is_record(plan.after);
		rc = plan_make(&again, given, plan.after, running, &err);
		assert(!rc && again.count == 0);
	}
	rc = document_write(record, &after, &err);
	assert(!rc && strcmp(text_string(&before), text_string(&after)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct piece rest = {(const char *)data, size}, piece, given;
	CLEANUP(document) struct document *record = NULL;

	if (size > FUZZ_SIZE_MAX || !piece_next(&rest, &piece) || !piece_next(&rest, &given))
		return 0;
	record = fuzz_frozen(&piece);
	if (!record)
		return 0;
	merge(record, &given, false);
	merge(record, &given, true);
	return 0;
}
