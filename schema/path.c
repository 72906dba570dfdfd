/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/path.h"

#include <string.h>

#include "base/text.h"

int path_complete(const char *path, char **out, struct dd_error *err)
{
	static const char root[] = "domain";
	size_t length = strlen(path);
	bool given = length;

	while (length && path[length - 1] == '/')
		length--;
	while (*path == '/' && length) {
		path++;
		length--;
	}
	if (given && !length)
		return string_format(out, err, "/%s", root);
	if (strncmp(path, root, sizeof root - 1) == 0 &&
		(path[sizeof root - 1] == '/' || length == sizeof root - 1))
		return string_format(out, err, "/%.*s", (int)length, path);
	return string_format(out, err, "/domain/%.*s", (int)length, path);
}

/* One character, the indexes left out where they do not count. */
static char next_of(const char **path, bool indexes)
{
	if (**path == '[' && !indexes)
		*path += strcspn(*path, "]");
	if (**path == ']' && !indexes)
		++*path;
	return **path ? *(*path)++ : '\0';
}

static bool touches(const char *path, const char *wanted, bool above_too)
{
	bool indexes = strchr(wanted, '[');

	for (;;) {
		char here = next_of(&path, indexes), there = *wanted ? *wanted++ : '\0';

		if (!there)
			return !here || here == '/';
		if (!here)
			return above_too && there == '/';
		if (here != there)
			return false;
	}
}

bool path_is_within(const char *path, const char *wanted)
{
	return touches(path, wanted, false);
}

bool path_touches(const char *path, const char *wanted)
{
	return touches(path, wanted, true);
}
