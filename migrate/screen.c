/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/screen.h"

#include <stdio.h>
#include <string.h>

#include "base/line.h"

#define LOOPBACK "127.0.0.1" /* QEMU's own, where nothing is said */

struct json *screen_of(const struct document *live)
{
	const xmlNode *graphics = node_child(document_devices(live), "graphics");
	const xmlNode *listen = node_child(graphics, "listen");
	const char *port = node_attr(graphics, "port");
	const char *address = node_attr(listen, "address");
	struct json *out;

	if (!node_attr_is(graphics, "type", "vnc") || !port || *port == '-' ||
		node_attr_is(listen, "type", "socket"))
		return NULL;
	if (!address)
		address = node_attr(graphics, "listen");
	out = json_object();
	json_put_string(out, "address", address ? address : LOOPBACK);
	json_put_string(out, "port", port);
	return out;
}

static bool is_everywhere(const char *address)
{
	return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

void screen_place(const struct json *screen, const struct peer *peer, char out[ADDRESS_MAX])
{
	const char *host = json_get_string(screen, "address");
	const char *port = json_get_string(screen, "port");
	struct address address;

	out[0] = '\0';
	if (!host || !port || line_check(host, sizeof address.host - 1, "an address", NULL) ||
		strspn(port, "0123456789") != strlen(port) ||
		address_parse(peer->address, &address, NULL))
		return;
	if (!is_everywhere(host))
		snprintf(address.host, sizeof address.host, "%s", host);
	snprintf(address.port, sizeof address.port, "%s", port);
	address_format(&address, out);
}
