/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Text out: two-space indent, single quotes, <empty/>, and of what has to be escaped only that. An
 * element that has text is written on one line with everything below it, since there white space
 * would be content.
 */

#include <string.h>

#include "schema/document_internal.h"

static void put_escaped(struct text *out, const xmlChar *string, bool attribute)
{
	const char *at = (const char *)string;

	while (at && *at) {
		size_t plain = strcspn(at, "&<>\r\n\t'");

		text_add(out, at, plain);
		at += plain;
		if (!*at)
			break;
		if (*at == '&')
			text_puts(out, "&amp;");
		else if (*at == '<')
			text_puts(out, "&lt;");
		else if (*at == '>')
			text_puts(out, "&gt;");
		else if (*at == '\r' || (attribute && (*at == '\n' || *at == '\t')))
			text_printf(out, "&#%d;", *at);
		else if (attribute && *at == '\'')
			text_puts(out, "&apos;");
		else
			text_putc(out, *at);
		at++;
	}
}

static void put_name(struct text *out, const xmlNs *ns, const xmlChar *name)
{
	if (ns && ns->prefix)
		text_printf(out, "%s:", (const char *)ns->prefix);
	text_puts(out, (const char *)name);
}

static void put_attributes(struct text *out, const xmlNode *node)
{
	for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
		text_putc(out, ' ');
		put_name(out, attr->ns, attr->name);
		text_puts(out, "='");
		if (attr->children)
			put_escaped(out, attr->children->content, true);
		text_putc(out, '\'');
	}
}

static void put_namespaces(struct text *out, const xmlNode *node)
{
	for (const xmlNs *ns = node->nsDef; ns; ns = ns->next) {
		text_puts(out, " xmlns");
		if (ns->prefix)
			text_printf(out, ":%s", (const char *)ns->prefix);
		text_puts(out, "='");
		put_escaped(out, ns->href, true);
		text_putc(out, '\'');
	}
}

static bool has_text(const xmlNode *node)
{
	for (const xmlNode *child = node->children; child; child = child->next)
		if (child->type == XML_TEXT_NODE)
			return true;
	return false;
}

static void put_break(struct text *out, int depth)
{
	if (depth < 0)
		return;
	text_putc(out, '\n');
	for (int i = 0; i < depth; i++)
		text_puts(out, "  ");
}

/* depth: of the indent; below 0 everything goes on one line. */
static void put_element(struct text *out, const xmlNode *node, int depth)
{
	int inner = depth < 0 || has_text(node) ? -1 : depth + 1;

	text_putc(out, '<');
	put_name(out, node->ns, node->name);
	/* libvirt's own attributes come before the declarations, others' behind them */
	if (node->ns)
		put_namespaces(out, node);
	put_attributes(out, node);
	if (!node->ns)
		put_namespaces(out, node);
	if (!node->children) {
		text_puts(out, "/>");
		return;
	}
	text_putc(out, '>');
	for (const xmlNode *child = node->children; child; child = child->next) {
		if (child->type == XML_TEXT_NODE) {
			put_escaped(out, child->content, false);
			continue;
		}
		put_break(out, inner);
		put_element(out, child, inner);
	}
	if (inner >= 0)
		put_break(out, depth);
	text_puts(out, "</");
	put_name(out, node->ns, node->name);
	text_putc(out, '>');
}

int node_write(const xmlNode *node, struct text *out, struct dd_error *err)
{
	put_element(out, node, 0);
	text_putc(out, '\n');
	return text_failed(out) ? error_no_memory(err) : 0;
}

struct tally {
	unsigned elements, values, namespaces;
};

static void count(const xmlNode *node, struct tally *tally)
{
	tally->elements++;
	for (const xmlAttr *attr = node->properties; attr; attr = attr->next)
		tally->values++;
	for (const xmlNs *ns = node->nsDef; ns; ns = ns->next)
		tally->namespaces++;
	for (const xmlNode *child = node_first(node); child; child = node_after(child))
		count(child, tally);
}

static int exceeds(
	const xmlNode *root, size_t number, unsigned limit, const char *what, struct dd_error *err)
{
	if (number <= limit)
		return 0;
	return node_error(root, err, DD_INVALID,
		"%zu %s of definition are more than the limit of %u", number, what, limit);
}

int document_write(const struct document *document, struct text *out, struct dd_error *err)
{
	size_t before = out->size;
	const xmlNode *root = document_root(document);
	struct tally tally = {0};
	int rc = node_write(root, out, err);

	if (!rc)
		rc = exceeds(root, out->size - before, DOCUMENT_SIZE_MAX, "bytes", err);
	if (rc)
		return rc;
	count(root, &tally);
	rc = exceeds(root, tally.elements, DOCUMENT_ELEMENTS_MAX, "elements", err);
	if (!rc)
		rc = exceeds(root, tally.values + tally.namespaces, DOCUMENT_VALUES_MAX,
			"attributes", err);
	if (!rc)
		rc = exceeds(root, tally.namespaces, DOCUMENT_NAMESPACES_MAX, "namespaces", err);
	return rc;
}
