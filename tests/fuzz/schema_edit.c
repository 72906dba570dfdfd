/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Edits of a frozen definition. The input is the definition, and after it, each behind a NUL, an
 * edit: one letter that says which (see edit_one) and its text. An edit is refused with a reason
 * and has then touched nothing but its copy, or leads to a definition that can be read again and
 * checks.
 */

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "schema/edit.h"
#include "tests/fuzz/frozen.h"

#define EDITS_MAX 8 /* more only take longer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int edit_device(struct document *document, char verb, const struct piece *text,
	const struct freeze_options *options, struct dd_error *err)
{
	CLEANUP(document) struct document *device = NULL;
	xmlNode *found;
	int rc = document_parse_device(text->data, text->size, "edit.xml", &device, err);

	if (rc)
		return rc;
	switch (tolower(verb)) {
	case 'a':
		return edit_attach(document, device, isupper(verb), options, &found, err);
	case 'u':
		return edit_update(document, device, isupper(verb), options, &found, err);
	default:
		rc = document_match_device(document, device, &found, err);
		if (!rc)
			rc = edit_detach(document, found, err);
		return rc ? rc : edit_detached(document, options, err);
	}
}

static int edit_one(struct document *document, char verb, const struct piece *text,
	const struct freeze_options *options, struct dd_error *err)
{
	char word[64] = "";

	memcpy(word, text->data, text->size < sizeof word - 1 ? text->size : sizeof word - 1);
	switch (verb) {
	case 'm':
	case 'M':
		return edit_memory(document, strtoull(word, NULL, 10), verb == 'M', err);
	case 'v':
	case 'V':
		return edit_vcpus(
			document, (unsigned)strtoul(word, NULL, 10), verb == 'V', options, err);
	case 'n':
		return edit_rename(document, word, err);
	case 't':
		return edit_text(document, "title", word, err);
	case 's':
		return edit_text(document, "description", word, err);
	default:
		return edit_device(document, verb, text, options, err);
	}
}

/* The document after the edit; NULL where it is refused. */
static struct document *edited(const struct document *document, char verb, const struct piece *text)
{
	const struct freeze_options options = fuzz_options();
	CLEANUP(document) struct document *copy = NULL;
	CLEANUP(text) struct text before = TEXT_INIT;
	CLEANUP(text) struct text after = TEXT_INIT;
	struct document *result;
	struct dd_error err = {0};
	int rc = document_write(document, &before, &err);

	assert(!rc);
	rc = document_copy(document, &copy, &err);
	assert(!rc);
	if (edit_one(copy, verb, text, &options, &err)) {
		assert(err.code && err.message[0]);
		rc = document_write(document, &after, &err);
		assert(!rc && strcmp(text_string(&before), text_string(&after)) == 0);
		return NULL;
	}
	fuzz_is_record(copy);
	result = copy;
	copy = NULL;
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct piece rest = {(const char *)data, size}, piece;
	CLEANUP(document) struct document *document = NULL;

	if (size > FUZZ_SIZE_MAX || !piece_next(&rest, &piece))
		return 0;
	document = fuzz_frozen(&piece);
	for (int i = 0; document && i < EDITS_MAX && piece_next(&rest, &piece); i++) {
		struct piece text = {piece.data + 1, piece.size - 1};
		struct document *next = piece.size ? edited(document, piece.data[0], &text) : NULL;

		if (!next)
			continue;
		document_free(document);
		document = next;
	}
	return 0;
}
