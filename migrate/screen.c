/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/screen.h"

#include <stdio.h>
#include <string.h>

#include "base/line.h"
#include "qmp/port.h"

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

static const char *address_of(const xmlNode *graphics)
{
	const char *address = node_attr(node_child(graphics, "listen"), "address");

	if (!address)
		address = node_attr(graphics, "listen");
	return address ? address : LOOPBACK;
}

static struct json *screen_of(const xmlNode *graphics)
{
	const xmlNode *listen = node_child(graphics, "listen");
	const char *type = known_type(node_attr(graphics, "type"));
	const char *port = node_attr(graphics, "port");
	struct json *out;

	if (!type || !port || *port == '-' || node_attr_is(listen, "type", "socket"))
		return NULL;
	out = json_object();
	json_put_string(out, "type", type);
	json_put_string(out, "address", address_of(graphics));
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

static int check_one(const xmlNode *graphics, struct dd_error *err)
{
	const char *address = address_of(graphics);
	CLEANUP(close) int fd = -1;
	uint64_t port = 0;
	unsigned found;

	if (node_attr_number(graphics, "port", &port) && !node_attr_is(graphics, "autoport", "yes"))
		return port_check(address, (unsigned)port, err);
	return port_reserve(address, PORT_OF_SCREENS, &found, &fd, err);
}

int screens_check(const struct document *live, struct dd_error *err)
{
	const xmlNode *graphics = node_child(document_devices(live), "graphics");
	int rc = 0;

	for (; graphics && !rc; graphics = node_next(graphics)) {
		const char *how = node_attr(node_child(graphics, "listen"), "type");

		if (known_type(node_attr(graphics, "type")) && !node_attr(graphics, "socket") &&
			(!how || strcmp(how, "address") == 0))
			rc = check_one(graphics, err);
	}
	if (!rc)
		return 0;
	error_wrap(err, "its screen");
	return error_hint(err, "where it is to listen otherwise there: --xml FILE");
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
