/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "schema/document_internal.h"

static bool is_qemu(const xmlNs *ns)
{
	return ns && xmlStrEqual(ns->href, (const xmlChar *)QEMU_NAMESPACE);
}

bool node_is_ours(const xmlNode *node)
{
	return !node->ns || is_qemu(node->ns);
}

/* Whether node or anything below it is in the namespace; each that is gets usual (if not NULL). */
static bool adopt(xmlNode *node, xmlNs *usual)
{
	bool found = is_qemu(node->ns);

	if (found && usual)
		node->ns = usual;
	for (xmlAttr *attr = node->properties; attr; attr = attr->next) {
		found = found || is_qemu(attr->ns);
		if (is_qemu(attr->ns) && usual)
			attr->ns = usual;
	}
	for (xmlNode *child = node_first(node); child; child = node_after(child))
		if (adopt(child, usual))
			found = true;
	return found;
}

/* Removes declarations of the namespace other than usual, which nothing refers to any more. */
static void drop_declarations(xmlNode *node, const xmlNs *usual)
{
	xmlNs **at = &node->nsDef;

	while (*at) {
		xmlNs *ns = *at;

		if (ns == usual || !is_qemu(ns)) {
			at = &ns->next;
			continue;
		}
		*at = ns->next;
		xmlFreeNs(ns);
	}
	for (xmlNode *child = node_first(node); child; child = node_after(child))
		drop_declarations(child, usual);
}

int qemu_namespace(xmlDoc *doc, struct dd_error *err)
{
	xmlNode *root = xmlDocGetRootElement(doc);
	xmlNs *usual = NULL;

	if (adopt(root, NULL)) {
		usual = root->nsDef;
		while (usual && !xmlStrEqual(usual->prefix, BAD_CAST "qemu"))
			usual = usual->next;
		if (usual && !is_qemu(usual))
			return node_error(root, err, DD_INVALID,
				"the prefix 'qemu' stands for another namespace than %s",
				QEMU_NAMESPACE);
		if (!usual)
			usual = xmlNewNs(root, (const xmlChar *)QEMU_NAMESPACE, BAD_CAST "qemu");
		if (!usual || !usual->href || !usual->prefix)
			return error_no_memory(err);
		adopt(root, usual);
	}
	drop_declarations(root, usual);
	return 0;
}
