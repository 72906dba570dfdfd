/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/device/choices.h"

#include <string.h>

#include "schema/format.h"

static int apply(xmlNode *node, const char *name, const struct choice *row, struct dd_error *err)
{
	const char *value = node_attr(node, name);
	bool silent = row->silent && node_attr_is(node, name, row->silent);

	if (!value)
		return row->required ? node_error(node, err, DD_INVALID,
					       "the attribute %s is missing", name)
				     : 0;
	if (silent)
		return node_set_attr(node, name, NULL, err);
	if (!row->words || (value[0] && format_place(row->words, value, NULL) >= 0))
		return 0;
	node_error(node, err, DD_INVALID, "%s='%.64s' is not known", name, value);
	return error_hint(err, "it can be: %s", row->words);
}

static int apply_row(xmlNode *device, const struct choice *row, struct dd_error *err)
{
	const char *name = strchr(row->path, '@') + 1;
	int rc = 0;

	if (row->path[0] == '@')
		return apply(device, name, row, err);
	for (xmlNode *node = node_descend(device, row->path); node && !rc; node = node_next(node))
		rc = apply(node, name, row, err);
	return rc;
}

int choices_apply(xmlNode *device, const struct choice *rows, struct dd_error *err)
{
	int rc = 0;

	for (const struct choice *row = rows; row && row->path && !rc; row++)
		rc = apply_row(device, row, err);
	return rc;
}
