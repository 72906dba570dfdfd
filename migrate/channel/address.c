/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/channel/address.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MOST 65535
#define HOST_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
#define V6_LETTERS "0123456789abcdefABCDEF:.%" HOST_LETTERS /* with a zone behind "%" */

static int no_address(const char *words, struct dd_error *err)
{
	error_set(err, DD_INVALID, "'%s' is no address of a host", words);
	return error_hint(err, "HOST, HOST:PORT or [IPV6]:PORT, without a port " ADDRESS_PORT);
}

static bool take(char *out, size_t room, const char *from, size_t length, const char *letters)
{
	if (!length || length >= room || strspn(from, letters) < length)
		return false;
	memcpy(out, from, length);
	out[length] = '\0';
	return true;
}

static bool take_port(struct address *address, const char *from)
{
	return take(address->port, sizeof address->port, from, strlen(from), "0123456789") &&
	       strtoul(address->port, NULL, 10) <= PORT_MOST;
}

/* "::1" has no port of its own; "[::1]:1" has. */
static bool parse(const char *words, struct address *address)
{
	const char *colon = strchr(words, ':');
	const char *end = *words == '[' ? strchr(words, ']') : NULL;
	bool bare = !end && colon && strchr(colon + 1, ':');
	const char *host = end ? words + 1 : words;
	size_t length = end ? (size_t)(end - host) : bare ? strlen(words) : strcspn(words, ":");
	const char *rest = end ? end + 1 : host + length;

	if (!take(address->host, sizeof address->host, host, length,
		    end || bare ? V6_LETTERS : HOST_LETTERS) ||
		*address->host == '-')
		return false;
	if (!*rest)
		return take_port(address, ADDRESS_PORT);
	return *rest == ':' && take_port(address, rest + 1);
}

int address_parse(const char *words, struct address *out, struct dd_error *err)
{
	struct address address;

	if (!parse(words, &address))
		return no_address(words, err);
	*out = address;
	return 0;
}

void address_format(const struct address *address, char out[ADDRESS_MAX])
{
	bool v6 = strchr(address->host, ':') != NULL;

	snprintf(out, ADDRESS_MAX, "%s%s%s:%s", v6 ? "[" : "", address->host, v6 ? "]" : "",
		address->port);
}
