/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/argv.h"
#include "qmp/device/screen.h"

#include <string.h>

#define VNC_PORT 5900
#define VNC_PORTS_TRIED 999

int vnc_place(
	const struct plan *plan, const xmlNode *graphics, struct json **out, struct dd_error *err)
{
	CLEANUP(json) struct json *place = json_object();
	CLEANUP(text) struct text path = TEXT_INIT;
	const char *socket = screen_socket(graphics);

	if (socket) {
		screen_path(plan, graphics, socket, &path);
		json_put_string(place, "type", "unix");
		json_put_string(place, "path", text_string(&path));
	} else {
		json_put_string(place, "type", "inet");
		json_put_string(place, "host", screen_host(graphics));
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
	const char *host = screen_host(graphics);
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

static int check(const xmlNode *graphics, struct dd_error *err)
{
	const xmlNode *listen = node_child(graphics, "listen");

	if (node_attr_is(listen, "type", "none"))
		return node_error(
			listen, err, DD_UNSUPPORTED, "VNC that listens nowhere cannot be run yet");
	/* QEMU can let those be who are connected already, and nothing else */
	if (node_attr(graphics, "connected") && !node_attr_is(graphics, "connected", "keep"))
		return node_error(graphics, err, DD_UNSUPPORTED,
			"VNC cannot '%s' those who are connected when the password changes",
			node_attr(graphics, "connected"));
	return 0;
}

int plan_vnc(struct plan *plan, const xmlNode *graphics, struct dd_error *err)
{
	static const struct word policies[] = {{"allow-exclusive", "allow-exclusive"},
		{"force-shared", "force-shared"}, {"ignore", "ignore"}, {NULL}};
	CLEANUP(text) struct text value = TEXT_INIT;
	const char *policy = node_attr(graphics, "sharePolicy");
	const char *socket = plan->from ? "" /* the QEMU that it comes from listens there */
					: screen_socket(graphics);
	int code = check(graphics, err);

	if (!code && socket)
		screen_put_socket(plan, graphics, socket, "vnc=unix:", &value);
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
	return 0;
}
