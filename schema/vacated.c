/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/vacated.h"

#include <string.h>

#include "schema/document_internal.h"
#include "schema/words.h"

xmlNode *document_vacated(struct document *document, struct dd_error *err)
{
	if (!document->vacated)
		document->vacated = xml_new("vacated", err);
	return document->vacated ? xmlDocGetRootElement(document->vacated) : NULL;
}

static int check_entries(const xmlNode *root, struct dd_error *err)
{
	if (!node_is(root, "vacated"))
		return node_error(root, err, DD_CORRUPT, "not a list of vacated addresses");
	for (const xmlNode *entry = node_first(root); entry; entry = node_after(entry))
		if (!node_is(entry, "device") || !node_attr(entry, "kind") ||
			!node_attr(entry, "identity") || !node_child(entry, "address"))
			return node_error(entry, err, DD_CORRUPT,
				"not a device with kind, identity and address");
	return 0;
}

int document_read_vacated(
	struct document *document, const char *text, size_t size, struct dd_error *err)
{
	CLEANUP(xml_doc) xmlDoc *doc = NULL;
	int rc;

	if (!size) {
		cleanup_xml_doc(&document->vacated);
		document->vacated = NULL;
		return 0;
	}
	rc = xml_read(text, size, "vacated.xml", &doc, err);
	if (!rc)
		rc = xml_tidy(xmlDocGetRootElement(doc), err);
	if (!rc)
		rc = check_entries(xmlDocGetRootElement(doc), err);
	if (rc)
		return rc;
	cleanup_xml_doc(&document->vacated);
	document->vacated = TAKE(doc);
	return 0;
}

int document_write_vacated(const struct document *document, struct text *out, struct dd_error *err)
{
	const xmlNode *root = document->vacated ? xmlDocGetRootElement(document->vacated) : NULL;

	return node_first(root) ? node_write(root, out, err) : 0;
}

static bool same_bus(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : !a && !b;
}

static const char *target_bus(const xmlNode *device)
{
	return node_attr(node_child(device, "target"), "bus");
}

/* Is the address of this entry where device is? */
static bool occupied_by(const xmlNode *entry, const xmlNode *device)
{
	return address_same(node_child(entry, "address"), node_child(device, "address")) &&
	       same_bus(node_attr(entry, "bus"), target_bus(device));
}

static bool entry_of(const xmlNode *entry, const char *kind, const char *identity)
{
	return node_attr_is(entry, "kind", kind) && node_attr_is(entry, "identity", identity);
}

static int add_entry(xmlNode *root, const char *kind, const char *identity, const xmlNode *device,
	struct dd_error *err)
{
	xmlNode *entry = node_add(root, "device", err);
	const xmlNode *address = node_child(device, "address");
	int rc = entry ? node_set_attr(entry, "kind", kind, err) : DD_NO_MEMORY;

	if (!rc)
		rc = node_set_attr(entry, "identity", identity, err);
	if (!rc && target_bus(device))
		rc = node_set_attr(entry, "bus", target_bus(device), err);

	xmlNode *to = rc ? NULL : node_add(entry, "address", err);

	for (const xmlAttr *attr = address->properties; attr && to && !rc; attr = attr->next)
		rc = node_set_attr(to, (const char *)attr->name,
			node_attr(address, (const char *)attr->name), err);
	return rc ? rc : to ? 0 : DD_NO_MEMORY;
}

int vacated_note(struct document *document, const xmlNode *device, struct dd_error *err)
{
	CLEANUP(text) struct text identity = TEXT_INIT;
	char name[TREE_NAME_SIZE];
	const char *kind = node_name(device, name, sizeof name);
	xmlNode *next;

	if (!node_child(device, "address"))
		return 0;

	xmlNode *root = document_vacated(document, err);

	if (!root)
		return DD_NO_MEMORY;
	device_identity(device, &identity);
	if (text_failed(&identity))
		return error_no_memory(err);
	for (xmlNode *entry = node_first(root); entry; entry = next) {
		next = node_after(entry);
		if (occupied_by(entry, device) || entry_of(entry, kind, text_string(&identity)))
			node_remove(entry);
	}
	return add_entry(root, kind, text_string(&identity), device, err);
}

static bool is_occupied(const struct document *document, const xmlNode *entry)
{
	xmlNode *device = node_first(document_devices(document));

	while (device && !occupied_by(entry, device))
		device = node_after(device);
	return device != NULL;
}

void vacated_settle(struct document *document)
{
	xmlNode *root = document->vacated ? xmlDocGetRootElement(document->vacated) : NULL;
	xmlNode *next;

	for (xmlNode *entry = node_first(root); entry; entry = next) {
		next = node_after(entry);
		if (is_occupied(document, entry))
			node_remove(entry);
	}
}
