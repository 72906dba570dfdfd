/* SPDX-License-Identifier: Apache-2.0 */
/* Is a text a definition? What reading it finds is said best; the grammar has the last word. */

#include <domesday.h>
#include <string.h>

#include "schema/device/kind.h"
#include "schema/grammar.h"

static bool is_kept(const struct document *document, const xmlNode *node)
{
	char name[TREE_NAME_SIZE];

	if (node->ns)
		return strncmp(node_name(node, name, sizeof name), "qemu:", 5) != 0;
	return node->parent == document_devices(document) && !node_is(node, "emulator") &&
	       !device_kind(node);
}

/* Depth is bounded by the parser. */
static int tell_kept(
	const struct document *document, const xmlNode *parent, dd_kept_fn kept, void *context)
{
	int rc = 0;

	for (const xmlNode *node = node_first(parent); !rc && node; node = node_after(node)) {
		char path[NODE_PATH_SIZE];

		rc = is_kept(document, node) ? kept(node_path(node, path, sizeof path),
						       (int)xmlGetLineNo(node), context)
					     : tell_kept(document, node, kept, context);
	}
	return rc;
}

static int check_grammar(const char *xml, size_t size, const char *file, struct dd_error *err)
{
	CLEANUP(rng) struct rng *grammar = NULL;
	int rc = grammar_new(&grammar, err);

	return rc ? rc : grammar_check(grammar, xml, size, file, err);
}

int dd_validate(const char *xml, size_t size, const char *file, dd_kept_fn kept, void *context,
	struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	int rc = document_parse(xml, size, file, &document, err);

	if (!rc) {
		/* the grammar has a tree of its own: one at a time */
		document_free(document);
		document = NULL;
		rc = check_grammar(xml, size, file, err);
	}
	if (!rc && kept)
		rc = document_parse(xml, size, file, &document, err);
	return rc || !kept ? rc : tell_kept(document, document_root(document), kept, context);
}

int dd_grammar(char **out, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = grammar_write(&text, err);

	return rc ? rc : string_copy(out, text_string(&text), err);
}
