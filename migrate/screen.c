/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/screen.h"

#include <stdio.h>
#include <string.h>

#include "base/line.h"

#define LOOPBACK "127.0.0.1" /* QEMU's own, where nothing is said */

/* The words of our own, of which one is returned. */
static const char *known_type(const char *type)
{
	static const char *const known[] = {"vnc", SCREEN_SPICE};

	for (size_t i = 0; type && i < sizeof known / sizeof *known; i++)
		if (strcmp(type, known[i]) == 0)
			return known[i];
	return NULL;
}

static struct json *screen_of(const xmlNode *graphics)
{
	const xmlNode *listen = node_child(graphics, "listen");
	const char *type = known_type(node_attr(graphics, "type"));
	const char *port = node_attr(graphics, "port");
	const char *address = node_attr(listen, "address");
	struct json *out;

	if (!type || !port || *port == '-' || node_attr_is(listen, "type", "socket"))
		return NULL;
	if (!address)
		address = node_attr(graphics, "listen");
	out = json_object();
	json_put_string(out, "type", type);
	json_put_string(out, "address", address ? address : LOOPBACK);
	json_put_string(out, "port", port);
	return out;
}

struct json *screens_of(const struct document *live)
{
	const xmlNode *graphics = node_child(document_devices(live), "graphics");
	struct json *out = NULL;

	for (; graphics; graphics = node_next(graphics)) {
		struct json *screen = screen_of(graphics);

		if (screen && !out)
			out = json_array();
		if (screen)
			json_push(out, screen);
	}
	return out;
}

static bool is_everywhere(const char *address)
{
	return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

/* It has been said by another host: what is no address is none. */
static bool read_one(const struct json *screen, const char *host, struct address *out)
{
	const char *address = json_get_string(screen, "address");
	const char *port = json_get_string(screen, "port");

	if (!address || !port || line_check(address, sizeof out->host - 1, "an address", NULL) ||
		strspn(port, "0123456789") != strlen(port) || strlen(port) >= sizeof out->port)
		return false;
	snprintf(out->host, sizeof out->host, "%s", is_everywhere(address) ? host : address);
	snprintf(out->port, sizeof out->port, "%s", port);
	return true;
}

const char *screen_find(
	const struct json *screens, const char *type, const char *host, struct address *out)
{
	for (size_t i = 0; i < json_count(screens); i++) {
		const struct json *screen = json_at(screens, i);
		const char *its = known_type(json_get_string(screen, "type"));

		if (its && (!type || strcmp(its, type) == 0) && read_one(screen, host, out))
			return its;
	}
	return NULL;
}
