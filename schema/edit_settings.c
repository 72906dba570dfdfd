/* SPDX-License-Identifier: Apache-2.0 */

/* Edits of what is not a device: memory, processors, name, texts, metadata. */

#include <inttypes.h>
#include <string.h>

#include "schema/document_internal.h"
#include "schema/edit_internal.h"

/* The child of parent called name, made where it is missing. */
static xmlNode *need_child(xmlNode *parent, const char *name, struct dd_error *err)
{
	xmlNode *child = node_child(parent, name);

	return child ? child : node_add(parent, name, err);
}

static int set_kib(xmlNode *root, const char *name, uint64_t kib, struct dd_error *err)
{
	char number[32];
	xmlNode *node = need_child(root, name, err);

	if (!node)
		return DD_NO_MEMORY;
	snprintf(number, sizeof number, "%" PRIu64, kib);

	int rc = node_set_attr(node, "unit", "KiB", err);

	return rc ? rc : node_set_text(node, number, err);
}

/* ---- memory ---- */

static int check_maximum(const xmlNode *root, uint64_t kib, struct dd_error *err)
{
	const xmlNode *numa = node_descend(root, "cpu/numa");
	const xmlNode *limit = node_child(root, "maxMemory");
	uint64_t most;

	if (numa) {
		node_error(numa, err, DD_REFUSED,
			"the memory is divided among NUMA cells, which a new size does not fit");
		return error_hint(err, "attach a memory device instead");
	}
	if (node_text_number(limit, &most) && kib > most)
		return node_error(limit, err, DD_INVALID,
			"%" PRIu64 " KiB are more than the memory limit of %" PRIu64 " KiB", kib,
			most);
	return 0;
}

static int set_maximum(xmlNode *root, uint64_t kib, struct dd_error *err)
{
	uint64_t current;
	int rc = check_maximum(root, kib, err);

	if (!rc)
		rc = set_kib(root, "memory", kib, err);
	if (!rc && node_text_number(node_child(root, "currentMemory"), &current) && current > kib)
		rc = set_kib(root, "currentMemory", kib, err);
	return rc;
}

static int set_current(xmlNode *root, uint64_t kib, struct dd_error *err)
{
	const xmlNode *memory = node_child(root, "memory");
	uint64_t most;

	if (node_text_number(memory, &most) && kib > most) {
		node_error(memory, err, DD_INVALID,
			"%" PRIu64 " KiB are more than the guest's %" PRIu64 " KiB", kib, most);
		return error_hint(err, "raise the maximum first, while it is shut off");
	}
	return set_kib(root, "currentMemory", kib, err);
}

int edit_memory(struct document *document, uint64_t kib, bool maximum, struct dd_error *err)
{
	xmlNode *root = document_root(document);
	int rc;

	if (!kib)
		return node_error(root, err, DD_INVALID, "a guest cannot have 0 KiB of memory");
	rc = maximum ? set_maximum(root, kib, err) : set_current(root, kib, err);
	return rc ? rc : document_canonicalise(document, err);
}

/* ---- processors ---- */

/* A topology says how many there are, so that the number alone cannot change. */
static int check_topology(const xmlNode *root, unsigned count, struct dd_error *err)
{
	static const char *const factors[] = {"sockets", "dies", "cores", "threads"};
	const xmlNode *topology = node_descend(root, "cpu/topology");
	uint64_t product = 1, factor;

	for (size_t i = 0; topology && i < sizeof factors / sizeof factors[0]; i++)
		if (node_attr_number(topology, factors[i], &factor) &&
			__builtin_mul_overflow(product, factor, &product))
			product = 0;
	if (!topology || product == count)
		return 0;
	return node_error(topology, err, DD_REFUSED,
		"%u vCPUs do not fit the CPU topology, which makes %" PRIu64, count, product);
}

static int set_vcpus(xmlNode *root, xmlNode *vcpu, unsigned count, struct dd_error *err)
{
	char number[16];
	uint64_t current;
	int rc = check_topology(root, count, err);

	snprintf(number, sizeof number, "%u", count);
	if (!rc)
		rc = node_set_text(vcpu, number, err);
	if (!rc && node_attr_number(vcpu, "current", &current) && current >= count)
		rc = node_set_attr(vcpu, "current", NULL, err);
	return rc;
}

static int set_current_vcpus(xmlNode *vcpu, unsigned count, struct dd_error *err)
{
	uint64_t most = 1;

	node_text_number(vcpu, &most);
	if (count > most) {
		node_error(vcpu, err, DD_INVALID, "%u vCPUs are more than the guest's %" PRIu64,
			count, most);
		return error_hint(err, "raise the maximum first, while it is shut off");
	}
	if (count == most)
		return node_set_attr(vcpu, "current", NULL, err);
	return node_set_attr_number(vcpu, "current", count, err);
}

int edit_vcpus(struct document *document, unsigned count, bool maximum,
	const struct freeze_options *options, struct dd_error *err)
{
	xmlNode *root = document_root(document);
	xmlNode *vcpu = need_child(root, "vcpu", err);
	const xmlNode *list = node_child(root, "vcpus");
	int rc;

	if (!vcpu)
		return DD_NO_MEMORY;
	if (!count)
		return node_error(vcpu, err, DD_INVALID, "a guest cannot have 0 vCPUs");
	if (list)
		return node_error(list, err, DD_UNSUPPORTED,
			"vCPUs that are listed one by one cannot be changed by their number");
	rc = maximum ? set_vcpus(root, vcpu, count, err) : set_current_vcpus(vcpu, count, err);
	return rc ? rc : edit_finish(document, options, err);
}

/* ---- name and texts ---- */

int edit_rename(struct document *document, const char *name, struct dd_error *err)
{
	xmlNode *node = need_child(document_root(document), "name", err);
	int rc = node ? name_check(name, err) : DD_NO_MEMORY;

	if (!rc)
		rc = node_set_text(node, name, err);
	return rc ? rc : document_canonicalise(document, err);
}

int edit_text(
	struct document *document, const char *element, const char *text, struct dd_error *err)
{
	xmlNode *root = document_root(document);
	int rc;

	if (strcmp(element, "title") != 0 && strcmp(element, "description") != 0)
		return error_set(
			err, DD_INVALID, "'%.40s' is neither title nor description", element);
	if (!text || !text[strspn(text, " \t\r\n")]) {
		node_remove(node_child(root, element));
		return 0;
	}
	if (strcmp(element, "title") == 0 && strpbrk(text, "\r\n")) {
		error_set(err, DD_INVALID, "a title is one line");
		return error_hint(err, "put the rest into the description");
	}
	rc = xml_text_check(text, element, err);
	if (rc)
		return rc;

	xmlNode *node = need_child(root, element, err);

	rc = node ? node_set_text(node, text, err) : DD_NO_MEMORY;
	return rc ? rc : document_canonicalise(document, err);
}

/* ---- metadata ---- */

static bool is_of(const xmlNode *node, const char *uri)
{
	return node->ns && xmlStrEqual(node->ns->href, BAD_CAST uri);
}

/* Removes what belongs to uri, and <metadata> with the last of it. True if there was any. */
static bool remove_metadata(xmlNode *root, const char *uri)
{
	xmlNode *metadata = node_child(root, "metadata"), *next;
	bool found = false;

	for (xmlNode *child = node_first(metadata); child; child = next) {
		next = node_after(child);
		if (!is_of(child, uri))
			continue;
		node_remove(child);
		found = true;
	}
	if (metadata && !metadata->children)
		node_remove(metadata);
	return found;
}

static void join_namespace(xmlNode *node, xmlNs *ns)
{
	if (!node->ns)
		node->ns = ns;
	for (xmlNode *child = node_first(node); child; child = node_after(child))
		join_namespace(child, ns);
}

/* Puts an element that has no namespace into uri, with everything in it that has none. */
static int adopt_metadata(xmlNode *element, const char *uri, const char *key, struct dd_error *err)
{
	if (is_of(element, uri))
		return 0;
	if (element->ns)
		return node_error(element, err, DD_INVALID,
			"the metadata is in the namespace %.160s, not in %.160s",
			(const char *)element->ns->href, uri);
	if (!key || !key[0] || xmlValidateNCName(BAD_CAST key, 0))
		return error_set(err, DD_INVALID,
			"metadata without a namespace of its own needs a key that can be a prefix");

	for (const xmlNs *other = element->nsDef; other; other = other->next)
		if (xmlStrEqual(other->prefix, BAD_CAST key))
			return error_set(err, DD_INVALID,
				"the prefix '%.80s' has another meaning in the metadata", key);

	xmlNs *ns = xmlNewNs(element, BAD_CAST uri, BAD_CAST key);

	if (!ns || !ns->href || !ns->prefix)
		return error_no_memory(err);
	join_namespace(element, ns);
	return 0;
}

static int add_metadata(struct document *document, xmlDoc *from, struct dd_error *err)
{
	xmlNode *metadata = need_child(document_root(document), "metadata", err);
	xmlNode *copy = NULL;

	if (metadata)
		copy = node_copy(xmlDocGetRootElement(from), document->xml, err);
	if (!copy)
		return DD_NO_MEMORY;
	xmlAddChild(metadata, copy);
	return document_canonicalise(document, err);
}

int edit_metadata(struct document *document, const char *uri, const char *key, const char *xml,
	struct dd_error *err)
{
	CLEANUP(xml_doc) xmlDoc *doc = NULL;
	int rc;

	if (!uri || !uri[0])
		return error_set(
			err, DD_INVALID, "metadata belongs to a namespace, which is empty");
	if (!xml) {
		if (remove_metadata(document_root(document), uri))
			return 0;
		return error_set(
			err, DD_NOT_FOUND, "there is no metadata of namespace '%.200s'", uri);
	}
	rc = xml_text_check(uri, "the namespace", err);
	if (!rc)
		rc = xml_read(xml, strlen(xml), "metadata", &doc, err);
	if (!rc)
		rc = adopt_metadata(xmlDocGetRootElement(doc), uri, key, err);
	if (rc)
		return rc;
	remove_metadata(document_root(document), uri);
	return add_metadata(document, doc, err);
}
