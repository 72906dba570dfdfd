/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/device/choices.h"

#include <stdio.h>
#include <string.h>

#include "schema/format.h"

static int apply(xmlNode *node, const char *name, const struct choice *row, struct dd_error *err)
{
	const char *value = node_attr(node, name);
	bool silent = row->silent && node_attr_is(node, name, row->silent);

	if (!value)
		return 0;
	if (silent)
		return node_set_attr(node, name, NULL, err);
	if (value[0] && format_place(row->words, value, NULL) >= 0)
		return 0;
	node_error(node, err, DD_INVALID, "%s='%.64s' is not known", name, value);
	return error_hint(err, "it can be: %s", row->words);
}

static int apply_row(xmlNode *device, const struct choice *row, struct dd_error *err)
{
	const char *at = strchr(row->path, '@');
	char parent[64];
	int rc = 0;

	if (at == row->path)
		return apply(device, at + 1, row, err);
	snprintf(parent, sizeof parent, "%.*s", (int)(at - row->path - 1), row->path);
	for (xmlNode *node = node_descend(device, parent); node && !rc; node = node_next(node))
		rc = apply(node, at + 1, row, err);
	return rc;
}

int choices_apply(xmlNode *device, const struct choice *rows, struct dd_error *err)
{
	int rc = 0;

	for (const struct choice *row = rows; row && row->path && !rc; row++)
		rc = apply_row(device, row, err);
	return rc;
}
