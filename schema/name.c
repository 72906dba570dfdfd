/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/name.h"

#include <string.h>

int name_check(const char *name, struct dd_error *err)
{
	size_t length = strlen(name);

	if (!length)
		return error_set(err, DD_INVALID, "a domain's name is empty");
	if (length > DOMAIN_NAME_MAX) {
		error_set(err, DD_INVALID, "a domain's name of %zu bytes is too long", length);
		return error_hint(err, "at most %d bytes", DOMAIN_NAME_MAX);
	}
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_set(err, DD_INVALID, "'%s' cannot be a domain's name", name);
	for (const char *at = name; *at; at++) {
		unsigned char c = (unsigned char)*at;

		if (c != '/' && c >= 0x20 && c != 0x7f)
			continue;
		error_set(err, DD_INVALID, "the domain name '%.80s' has %s in it", name,
			c == '/' ? "a '/'" : "a control character");
		return error_hint(err, "choose a name without it");
	}
	return 0;
}
