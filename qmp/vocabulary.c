/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Nothing is ignored in silence: each element and attribute of a definition is either in a table
 * of what is interpreted (or harmless), or the guest does not start and the message says where.
 *
 * A path is relative: "@type", "source/@file", "readonly". "driver/" stands for all below driver.
 * An element is known when it is listed or when something below it is.
 */
#include "qmp/plan.h"

#include <stdio.h>
#include <string.h>

#define VOCABULARY_PATH_MAX 256

/* What every device may have. */
static const char *const common[] = {
	"alias/@name",
	"address/",
	"boot/@order",
	"acpi/@index",
	NULL,
};

struct vocabulary {
	const char *const *known;
	const struct property *const *properties;
};

/* Does the listed path cover this one, or lie below it? */
static bool covers(const char *listed, const char *path)
{
	size_t length = strlen(listed);
	size_t size = strlen(path);

	if (length && listed[length - 1] == '/')
		return strncmp(path, listed, length) == 0 ||
		       (size == length - 1 && strncmp(path, listed, size) == 0);
	return strncmp(listed, path, size) == 0 && (listed[size] == '\0' || listed[size] == '/');
}

static bool any_covers(const char *const *list, const char *path)
{
	for (; list && *list; list++)
		if (covers(*list, path))
			return true;
	return false;
}

static bool is_known(const struct vocabulary *vocabulary, const char *path)
{
	if (any_covers(vocabulary->known, path) || any_covers(common, path))
		return true;
	for (const struct property *const *table = vocabulary->properties; table && *table; table++)
		for (const struct property *row = *table; row->path; row++)
			if (covers(row->path, path))
				return true;
	return false;
}

static bool is_below(const char *const *list, const char *path)
{
	size_t size = strlen(path);

	for (; *list; list++) {
		size_t length = strlen(*list);

		if ((*list)[length - 1] == '/' && length <= size + 1 &&
			strncmp(path, *list, length - 1) == 0)
			return true;
	}
	return false;
}

static int check_attributes(const xmlNode *node, const char *prefix,
	const struct vocabulary *vocabulary, struct dd_error *err)
{
	char path[VOCABULARY_PATH_MAX];

	for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
		const char *name = (const char *)attr->name;

		snprintf(path, sizeof path, "%s@%s", prefix, name);
		if (!is_known(vocabulary, path))
			return node_error(node, err, DD_UNSUPPORTED,
				"%s='%s' is kept, but a guest with it cannot be run yet", name,
				node_attr(node, name));
	}
	return 0;
}

static int check_below(const xmlNode *node, const char *prefix, const struct vocabulary *vocabulary,
	struct dd_error *err)
{
	int code = check_attributes(node, prefix, vocabulary, err);

	for (const xmlNode *child = node_first(node); child && !code; child = node_after(child)) {
		char path[VOCABULARY_PATH_MAX];
		int length =
			snprintf(path, sizeof path - 1, "%s%s", prefix, (const char *)child->name);

		if (length < 0 || (size_t)length >= sizeof path - 1 || !is_known(vocabulary, path))
			return node_error(child, err, DD_UNSUPPORTED,
				"<%s> is kept, but a guest with it cannot be run yet",
				(const char *)child->name);
		if (vocabulary->known && is_below(vocabulary->known, path))
			continue;
		if (is_below(common, path))
			continue;
		path[length] = '/';
		path[length + 1] = '\0';
		code = check_below(child, path, vocabulary, err);
	}
	return code;
}

int vocabulary_check(const xmlNode *node, const char *const *known,
	const struct property *const *properties, struct dd_error *err)
{
	const struct vocabulary vocabulary = {.known = known, .properties = properties};

	return check_below(node, "", &vocabulary, err);
}
