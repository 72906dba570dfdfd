/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/labels.h"

#include <string.h>

#include "schema/fill.h"

static bool type_is(const xmlNode *label, const char *type)
{
	return node_attr_is(label, "type", type);
}

static int missing(const xmlNode *label, const char *what, struct dd_error *err)
{
	return node_error(label, err, DD_INVALID, "its %s is missing", what);
}

static int check_label(const xmlNode *label, struct dd_error *err)
{
	static const char *const types[] = {"none", "dynamic", "static", NULL};

	if (node_attr(label, "type") && !string_in(node_attr(label, "type"), types)) {
		node_error(label, err, DD_INVALID, "attribute type: '%s' is not allowed",
			node_attr(label, "type"));
		return error_hint(err, "one of: none dynamic static");
	}
	if (type_is(label, "static") && !node_child(label, "label"))
		return missing(label, "<label>", err);
	if (type_is(label, "dynamic") && node_attr_is(label, "relabel", "no"))
		return node_error(label, err, DD_INVALID,
			"a dynamic label is put on files too: it cannot have relabel='no'");
	if (type_is(label, "none") && node_attr_is(label, "relabel", "yes"))
		return node_error(
			label, err, DD_INVALID, "without a label there is none to put on files");
	return 0;
}

/* Fails where another before it has its model. */
static int check_model(const xmlNode *label, struct dd_error *err)
{
	const char *model = node_attr(label, "model");
	bool alone = label == node_child(label->parent, "seclabel") && !node_next(label);

	if (!model && !alone)
		return missing(label, "model, which more than one label needs,", err);
	for (const xmlNode *other = node_child(label->parent, "seclabel"); other != label;
		other = node_next(other))
		if (node_attr_is(other, "model", model))
			return node_error(label, err, DD_INVALID,
				"there is a label of model %s already", model);
	if (model || type_is(label, "none") ||
		(type_is(label, "dynamic") && !node_child(label, "baselabel")))
		return 0;
	return missing(label, "model", err);
}

static int be_none(xmlNode *label, struct dd_error *err)
{
	int rc = node_set_attr(label, "type", "none", err);

	if (!rc)
		rc = node_set_attr(label, "model", "none", err);
	if (!rc)
		rc = node_set_attr(label, "relabel", NULL, err);
	while (!rc && node_first(label))
		node_remove(node_first(label));
	return rc;
}

/* Takes out what a label of its type does not have. */
static int complete(xmlNode *label, struct dd_error *err)
{
	node_remove(node_child(label, "imagelabel"));
	if (!type_is(label, "static"))
		node_remove(node_child(label, "label"));
	if (!type_is(label, "dynamic"))
		node_remove(node_child(label, "baselabel"));
	if (type_is(label, "none"))
		return node_set_attr(label, "relabel", NULL, err);
	return fill_attr(label, "relabel", type_is(label, "dynamic") ? "yes" : "no", err);
}

int freeze_labels(xmlNode *root, struct dd_error *err)
{
	xmlNode *next;
	int rc = 0;

	for (xmlNode *label = node_child(root, "seclabel"); label && !rc;
		label = node_next(label)) {
		rc = check_label(label, err);
		if (!rc)
			rc = check_model(label, err);
	}
	for (xmlNode *label = node_child(root, "seclabel"); label && !rc; label = next) {
		next = node_next(label);
		if (!node_attr(label, "model") || node_attr_is(label, "model", "none"))
			rc = be_none(label, err);
		else if (!node_attr(label, "type"))
			node_remove(label); /* the model's default, which is none of ours */
		else
			rc = complete(label, err);
	}
	return rc;
}
