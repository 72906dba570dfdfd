/* SPDX-License-Identifier: Apache-2.0 */
/* Is a text a definition? What reading it finds is said best; the grammar has the last word. */

#include <domesday.h>

#include "schema/grammar.h"

int dd_validate(const char *xml, size_t size, const char *file, struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(rng) struct rng *grammar = NULL;
	int rc = document_parse(xml, size, file, &document, err);

	if (!rc)
		rc = grammar_new(&grammar, err);
	return rc ? rc : grammar_check(grammar, xml, size, file, err);
}

int dd_grammar(char **out, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = grammar_write(&text, err);

	return rc ? rc : string_copy(out, text_string(&text), err);
}
