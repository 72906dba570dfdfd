/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_FROZEN_H
#define TESTS_FUZZ_FROZEN_H

/* What the targets over frozen definitions share: an input in pieces, and freezing the first. */

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/freeze.h"
#include "tests/support/capabilities.h"

#define FUZZ_SIZE_MAX 65536 /* larger inputs only take longer */

struct piece {
	const char *data; /* not terminated */
	size_t size;
};

/* Cuts the next piece, up to a NUL, off rest; false at the end. */
static inline bool piece_next(struct piece *rest, struct piece *piece)
{
	const char *end;

	if (!rest->data)
		return false;
	end = memchr(rest->data, '\0', rest->size);
	*piece = *rest;
	if (end)
		piece->size = (size_t)(end - rest->data);
	rest->size -= end ? piece->size + 1 : rest->size;
	rest->data = end ? end + 1 : NULL;
	return true;
}

static inline struct freeze_options fuzz_options(void)
{
	/* made once, and never released: the process is the test */
	static struct capabilities *caps;

	if (!caps)
		caps = test_capabilities();
	return (struct freeze_options){.capabilities = caps, .keep_host_model = true};
}

/* NULL where the text is no definition, or one that is refused; the reason is then there. */
static inline struct document *fuzz_frozen(const struct piece *text)
{
	const struct freeze_options options = fuzz_options();
	struct document *document = NULL;
	CLEANUP(text) struct text written = TEXT_INIT;
	struct dd_error err = {0};
	int rc = document_parse(text->data, text->size, "fuzz.xml", &document, &err);

	if (!rc)
		rc = document_freeze(document, &options, &err);
	if (!rc)
		rc = document_write(document, &written, &err);
	if (!rc)
		return document;
	assert(err.code && err.message[0]);
	document_free(document);
	return NULL;
}

/* Ends the process with both texts and the error where they are not the same. */
static inline void fuzz_same(
	int rc, const struct text *before, const struct text *after, const struct dd_error *err)
{
	bool same = !rc && strcmp(text_string(before), text_string(after)) == 0;

	if (!same)
		fprintf(stderr, "before:\n%safter:\n%s%s\n", text_string(before),
			text_string(after), err->message);
	assert(same);
}

static inline void fuzz_freezes_to_itself(struct document *document)
{
	const struct freeze_options options = fuzz_options();
	CLEANUP(text) struct text before = TEXT_INIT;
	CLEANUP(text) struct text after = TEXT_INIT;
	struct dd_error err = {0};
	int rc = document_write(document, &before, &err);

	assert(!rc);
	rc = document_freeze(document, &options, &err);
	if (!rc)
		rc = document_write(document, &after, &err);
	fuzz_same(rc, &before, &after, &err);
}

/*
 * What an edit leaves can be read again, is in canonical form and contradicts itself nowhere. It
 * need not freeze to itself: freezing would bring a default device back that was detached.
 */
static inline void fuzz_is_record(const struct document *document)
{
	CLEANUP(document) struct document *read = NULL;
	CLEANUP(text) struct text before = TEXT_INIT;
	CLEANUP(text) struct text after = TEXT_INIT;
	struct dd_error err = {0};
	int rc = document_write(document, &before, &err);

	if (rc) /* past the limit of a text */
		return;
	rc = document_parse(before.data, before.size, "written.xml", &read, &err);
	if (!rc)
		rc = document_check(read, fuzz_options().capabilities, &err);
	if (!rc)
		rc = document_write(read, &after, &err);
	fuzz_same(rc, &before, &after, &err);
}

#endif
