/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/rows.h"

#include "base/moment.h"
#include "qmp/argv.h"

#include <stdio.h>
#include <string.h>

#define VNC_PORT 5900
#define VNC_PORTS_TRIED 999

static const char *const known[] = {
	"@type",
	"@port",
	"@autoport",
	"@listen",
	"@socket",
	"@sharePolicy",
	"@passwd",
	"@passwdValidTo",
	"@connected",
	"@keymap",
	"listen/@type",
	"listen/@address",
	"listen/@socket",
	NULL,
};

/* A socket's path where it listens on one, otherwise NULL. "" where the path is left to us. */
static const char *find_socket(const xmlNode *graphics)
{
	const xmlNode *listen = node_child(graphics, "listen");

	if (node_attr(graphics, "socket"))
		return node_attr(graphics, "socket");
	if (!node_attr_is(listen, "type", "socket"))
		return NULL;
	return node_attr(listen, "socket") ? node_attr(listen, "socket") : "";
}

static void put_path(const struct plan *plan, const char *path, struct text *out)
{
	if (path[0])
		text_puts(out, path);
	else
		text_printf(out, "%s/vnc.sock", plan->folder);
}

static void put_socket(const struct plan *plan, const char *path, struct text *out)
{
	CLEANUP(text) struct text own = TEXT_INIT;

	put_path(plan, path, &own);
	text_puts(out, "vnc=unix:");
	argv_escape(out, text_string(&own));
}

static const char *find_host(const xmlNode *graphics)
{
	const char *address = text_of(graphics, "listen/@address");
	const char *host = address ? address : node_attr(graphics, "listen");

	return host ? host : "127.0.0.1";
}

int graphics_place(
	const struct plan *plan, const xmlNode *graphics, struct json **out, struct dd_error *err)
{
	CLEANUP(json) struct json *place = json_object();
	CLEANUP(text) struct text path = TEXT_INIT;
	const char *socket = find_socket(graphics);

	if (socket) {
		put_path(plan, socket, &path);
		json_put_string(place, "type", "unix");
		json_put_string(place, "path", text_string(&path));
	} else {
		json_put_string(place, "type", "inet");
		json_put_string(place, "host", find_host(graphics));
		json_put_string(place, "port", node_attr(graphics, "port"));
	}
	if (json_failed(place) || text_failed(&path))
		return error_no_memory(err);
	*out = TAKE(place);
	return 0;
}

/* With autoport QEMU itself takes the first free port, so nobody can take it in between. */
static int put_address(const xmlNode *graphics, struct text *out, struct dd_error *err)
{
	const char *host = find_host(graphics);
	uint64_t port = 0;
	bool chosen = node_attr_number(graphics, "port", &port) &&
		      !node_attr_is(graphics, "autoport", "yes");

	if (chosen && (port < VNC_PORT || port > 65535))
		return node_error(graphics, err, DD_UNSUPPORTED, "VNC ports begin at %d", VNC_PORT);
	text_puts(out, strchr(host, ':') ? "[" : "");
	argv_escape(out, host);
	text_puts(out, strchr(host, ':') ? "]" : "");
	if (chosen)
		text_printf(out, ":%u", (unsigned)(port - VNC_PORT));
	else
		text_printf(out, ":0,to=%d", VNC_PORTS_TRIED);
	return 0;
}

int graphics_expiry(const xmlNode *graphics, char expiry[EXPIRY_SIZE], struct dd_error *err)
{
	const char *password = node_attr(graphics, "passwd");
	const char *valid_to = node_attr(graphics, "passwdValidTo");
	char words[64];
	int64_t seconds = 0;

	snprintf(expiry, EXPIRY_SIZE, "%s", password && !*password ? "now" : "never");
	if (!valid_to || (password && !*password))
		return 0;
	snprintf(words, sizeof words, "%.40sZ", valid_to);
	if (moment_parse(words, 0, &seconds, NULL))
		return node_error(graphics, err, DD_INVALID,
			"passwdValidTo is a time of UTC such as 2031-04-09T15:51:00, not '%s'",
			valid_to);
	snprintf(expiry, EXPIRY_SIZE, "%lld", (long long)seconds);
	return 0;
}

static int check(const xmlNode *graphics, struct dd_error *err)
{
	char expiry[EXPIRY_SIZE];
	static const struct word listens[] = {
		{"address", ""}, {"socket", ""}, {"none", ""}, {NULL}};
	const xmlNode *listen = node_child(graphics, "listen");
	const char *type = node_attr(listen, "type");

	if (!node_attr_is(graphics, "type", "vnc"))
		return node_error(graphics, err, DD_UNSUPPORTED,
			"graphics of type '%s' cannot be run yet",
			node_attr(graphics, "type") ? node_attr(graphics, "type") : "");
	if (type && (!word_find(listens, type) || strcmp(type, "none") == 0))
		return node_error(listen, err, DD_UNSUPPORTED,
			"graphics listening on '%s' cannot be run yet", type);
	/* QEMU can let those be who are connected already, and nothing else */
	if (node_attr(graphics, "connected") && !node_attr_is(graphics, "connected", "keep"))
		return node_error(graphics, err, DD_UNSUPPORTED,
			"VNC cannot '%s' those who are connected when the password changes",
			node_attr(graphics, "connected"));
	if (listen && node_next(listen))
		return node_error(node_next(listen), err, DD_UNSUPPORTED,
			"graphics listening at two places cannot be run yet");
	return graphics_expiry(graphics, expiry, err);
}

static int plan_graphics(struct plan *plan, const xmlNode *graphics, struct dd_error *err)
{
	static const struct word policies[] = {{"allow-exclusive", "allow-exclusive"},
		{"force-shared", "force-shared"}, {"ignore", "ignore"}, {NULL}};
	CLEANUP(text) struct text value = TEXT_INIT;
	const char *policy = node_attr(graphics, "sharePolicy");
	const char *socket = find_socket(graphics);
	int code = check(graphics, err);

	if (!code && plan->hotplug)
		return node_error(
			graphics, err, DD_REFUSED, "graphics cannot be added while the guest runs");
	/* the QEMU that it comes from listens there */
	if (plan->from)
		socket = "";
	if (!code && socket)
		put_socket(plan, socket, &value);
	else if (!code)
		code = put_address(graphics, &value, err);
	if (code)
		return code;
	if (node_attr(graphics, "passwd"))
		text_puts(&value, ",password=on");
	if (policy && word_find(policies, policy))
		text_printf(&value, ",share=%s", word_find(policies, policy));
	if (text_failed(&value))
		return error_no_memory(err);
	plan_argument(plan, "-vnc", text_string(&value));
	if (node_attr(graphics, "keymap"))
		plan_argument(plan, "-k", node_attr(graphics, "keymap"));
	return 0;
}

const struct device_row graphics_row = {
	.element = "graphics",
	.plan = plan_graphics,
	.known = known,
};
