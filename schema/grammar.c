/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A row of the vocabulary is found by the end of an element's path, and no row looks at more than
 * three steps of it. So an element has one pattern for each of its last three steps, and all of
 * them are found by going through the children from <domain> on until no new one turns up. The
 * order of elements is free, as it is for libvirt.
 */

#include "schema/grammar.h"

#include <libxml/relaxng.h>
#include <string.h>

#include "schema/document_internal.h"
#include "schema/format.h"
#include "schema/values.h"

#define STEPS 3 /* of a path that a row can look at */
#define PATTERNS_MAX 4096

struct grammar {
	char **paths;
	size_t count;
	struct text *out;
	struct dd_error *err;
};

static void grammar_release(struct grammar *grammar)
{
	for (size_t i = 0; i < grammar->count; i++)
		free(grammar->paths[i]);
	free(grammar->paths);
}

static inline void cleanup_grammar(struct grammar *grammar)
{
	grammar_release(grammar);
}

/* The end of "path/name" that counts; its pattern is made later if it is new. */
static int visit(struct grammar *grammar, const char *path, const char *name, const char **out)
{
	CLEANUP(free) char *whole = NULL;
	char **paths;
	const char *end;
	int steps = 0;

	if (string_format(&whole, grammar->err, "%s%s%s", path, *path ? "/" : "", name))
		return DD_NO_MEMORY;
	for (end = whole + strlen(whole); end > whole; end--)
		if (end[-1] == '/' && ++steps == STEPS)
			break;
	for (size_t i = 0; i < grammar->count; i++)
		if (strcmp(grammar->paths[i], end) == 0) {
			*out = grammar->paths[i];
			return 0;
		}
	if (grammar->count == PATTERNS_MAX)
		return error_set(grammar->err, DD_CORRUPT, "the vocabulary has no end");
	paths = reallocarray(grammar->paths, grammar->count + 1, sizeof *paths);
	if (!paths)
		return error_no_memory(grammar->err);
	grammar->paths = paths;
	if (string_copy(&paths[grammar->count], end, grammar->err))
		return DD_NO_MEMORY;
	*out = paths[grammar->count++];
	return 0;
}

/* A name in the grammar has no slashes and colons. */
static void put_reference(struct text *out, const char *path)
{
	for (; *path; path++)
		text_putc(out, *path == '/' || *path == ':' ? '.' : *path);
}

/* The word at the front of a list without its mark, and where the next one begins. */
static const char *take_word(const char *list, char *word, size_t size, char *mark)
{
	size_t length = strcspn(list, " "), own = length;

	*mark = 0;
	if (length > 2 && list[length - 2] == ':') {
		*mark = list[length - 1];
		own = length - 2;
	} else if (length > 1 && list[length - 1] == FORMAT_MANY) {
		*mark = FORMAT_MANY;
		own = length - 1;
	}
	snprintf(word, size, "%.*s", (int)own, list);
	return list[length] ? list + length + 1 : list + length;
}

/* The rule about an attribute, of those of the last two steps of a path. */
static const struct value_rule *rule_of(const char *path, const char *attribute)
{
	const char *step = strrchr(path, '/');
	const struct value_rule *rule;
	size_t count;

	while (step && step > path && step[-1] != '/')
		step--;
	rule = value_rules(step ? step : path, &count);
	for (; count; count--, rule++)
		if (strcmp(rule->attribute, attribute) == 0)
			return rule;
	return NULL;
}

static void put_words(struct text *out, const char *words)
{
	text_puts(out, "<choice>");
	while (*words) {
		char word[TREE_NAME_SIZE], mark;

		words = take_word(words, word, sizeof word, &mark);
		text_printf(out, "<value>%s</value>", word);
	}
	text_puts(out, "</choice>");
}

static void put_attributes(struct grammar *grammar, const char *path, const char *list)
{
	while (*list) {
		char word[TREE_NAME_SIZE], mark;
		const struct value_rule *rule;
		const char *tag;

		list = take_word(list, word, sizeof word, &mark);
		rule = rule_of(path, word);
		tag = rule && rule->required ? "group" : "optional";
		text_printf(grammar->out, "      <%s><attribute name='%s'>", tag, word);
		if (mark == 'y')
			put_words(grammar->out, "yes no");
		else if (mark == 'o')
			put_words(grammar->out, "on off");
		else if (rule && rule->words)
			put_words(grammar->out, rule->words);
		else
			text_puts(grammar->out, "<text/>");
		text_printf(grammar->out, "</attribute></%s>\n", tag);
	}
}

static int put_children(struct grammar *grammar, const char *path, const char *list)
{
	text_puts(grammar->out, "      <choice><text/><interleave>\n");
	while (*list) {
		char word[TREE_NAME_SIZE], mark;
		const char *child = NULL, *count;
		int rc;

		list = take_word(list, word, sizeof word, &mark);
		count = mark == FORMAT_MANY ? "zeroOrMore" : "optional";
		rc = visit(grammar, path, word, &child);
		if (rc)
			return rc;
		text_printf(grammar->out, "        <%s><ref name='", count);
		put_reference(grammar->out, child);
		text_printf(grammar->out, "'/></%s>\n", count);
	}
	text_puts(grammar->out, "        <zeroOrMore><ref name='foreign'/></zeroOrMore>\n"
				"      </interleave></choice>\n");
	return 0;
}

static int put_row(struct grammar *grammar, const char *path, const struct format *row)
{
	int rc = 0;

	text_puts(grammar->out, "     <group>\n");
	put_attributes(grammar, path, row ? row->attributes : "");
	if (strcmp(path, "domain/metadata") == 0)
		text_puts(grammar->out, "      <ref name='anything'/>\n");
	else if (row && row->children[0])
		rc = put_children(grammar, path, row->children);
	else
		text_puts(grammar->out, "      <text/>\n");
	text_puts(grammar->out, "     </group>\n");
	return rc;
}

/* An address has a pattern for each of its forms. */
static int put_forms(struct grammar *grammar, const char *path)
{
	int rc = put_row(grammar, path, format_find(path, NULL));

	for (size_t i = 0; !rc && i < format_devices_count; i++) {
		static const char address[] = "address[";
		const char *context = format_devices[i].context;

		if (strncmp(context, address, strlen(address)) == 0)
			rc = put_row(grammar, path, &format_devices[i]);
	}
	return rc;
}

static int put_pattern(struct grammar *grammar, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *colon = strchr(name, ':');
	int rc;

	text_puts(grammar->out, "  <define name='");
	put_reference(grammar->out, path);
	text_printf(grammar->out, "'>\n    <element name='%s'%s%s%s>\n", colon ? colon + 1 : name,
		colon ? " ns='" : "", colon ? QEMU_NAMESPACE : "", colon ? "'" : "");
	text_puts(grammar->out, "    <choice>\n");
	rc = strcmp(name, "address") == 0 && slash
		     ? put_forms(grammar, path)
		     : put_row(grammar, path, format_find(path, NULL));
	text_puts(grammar->out, "    </choice>\n    </element>\n  </define>\n");
	return rc;
}

static const char head[] =
	"<?xml version='1.0' encoding='UTF-8'?>\n"
	"<grammar xmlns='http://relaxng.org/ns/structure/1.0' ns=''>\n"
	"  <start><ref name='domain'/></start>\n"
	"  <define name='foreign'>\n"
	"    <element><anyName><except><nsName ns=''/><nsName ns='" QEMU_NAMESPACE
	"'/></except></anyName>\n"
	"      <ref name='anything'/></element>\n"
	"  </define>\n"
	"  <define name='anything'>\n"
	"    <zeroOrMore><choice><attribute><anyName/></attribute><text/>\n"
	"      <element><anyName/><ref name='anything'/></element></choice></zeroOrMore>\n"
	"  </define>\n";

int grammar_write(struct text *out, struct dd_error *err)
{
	CLEANUP(grammar) struct grammar grammar = {.out = out, .err = err};
	const char *first = NULL;
	int rc = visit(&grammar, "", "domain", &first);

	text_puts(out, head);
	for (size_t i = 0; !rc && i < grammar.count; i++)
		rc = put_pattern(&grammar, grammar.paths[i]);
	text_puts(out, "</grammar>\n");
	return rc ? rc : text_failed(out) ? error_no_memory(err) : 0;
}

/* ---- checking ---- */

struct fault {
	int line;
	char message[256];
};

static void on_fault(void *context, xmlErrorPtr error)
{
	struct fault *fault = context;
	const char *message = error->message ? error->message : "it breaks the grammar";

	/* of elements in any order libxml2 does not know the line at first */
	if (!fault->line)
		fault->line = error->line;
	if (fault->message[0])
		return;
	snprintf(fault->message, sizeof fault->message, "%.*s", (int)strcspn(message, "\n"),
		message);
}

int grammar_new(struct rng **out, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	xmlRelaxNGParserCtxt *parser;
	xmlRelaxNG *schema;
	int rc = grammar_write(&text, err);

	if (rc)
		return rc;
	parser = xmlRelaxNGNewMemParserCtxt(text_string(&text), (int)text.size);
	schema = parser ? xmlRelaxNGParse(parser) : NULL;
	xmlRelaxNGFreeParserCtxt(parser);
	*out = (struct rng *)schema;
	return schema ? 0 : error_no_memory(err);
}

void grammar_free(struct rng *grammar)
{
	xmlRelaxNGFree((xmlRelaxNG *)grammar);
}

int grammar_check(const struct rng *grammar, const char *text, size_t size, const char *file,
	struct dd_error *err)
{
	CLEANUP(xml_doc) xmlDoc *doc = NULL;
	struct fault fault = {.line = 0};
	xmlRelaxNGValidCtxt *valid;
	int rc = xml_read(text, size, file, &doc, err);

	if (rc)
		return rc;
	valid = xmlRelaxNGNewValidCtxt((xmlRelaxNG *)(uintptr_t)grammar);
	if (!valid)
		return error_no_memory(err);
	xmlRelaxNGSetValidStructuredErrors(valid, on_fault, &fault);
	rc = xmlRelaxNGValidateDoc(valid, doc);
	xmlRelaxNGFreeValidCtxt(valid);
	if (!rc)
		return 0;
	error_set(err, DD_INVALID, "%s", fault.message);
	return error_place(err, file, fault.line, 0, NULL);
}
