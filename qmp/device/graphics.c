/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/screen.h"

#include "base/moment.h"
#include "qmp/argv.h"

#include <stdio.h>
#include <string.h>

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
	"@defaultMode",
	"listen/@type",
	"listen/@address",
	"listen/@socket",
	"channel/@name",
	"channel/@mode",
	"image/@compression",
	"jpeg/@compression",
	"zlib/@compression",
	"playback/@compression",
	"streaming/@mode",
	"mouse/@mode",
	"clipboard/@copypaste",
	"filetransfer/@enable",
	NULL,
};

const char *screen_socket(const xmlNode *graphics)
{
	const xmlNode *listen = node_child(graphics, "listen");

	if (node_attr(graphics, "socket"))
		return node_attr(graphics, "socket");
	if (!node_attr_is(listen, "type", "socket"))
		return NULL;
	return node_attr(listen, "socket") ? node_attr(listen, "socket") : "";
}

void screen_path(
	const struct plan *plan, const xmlNode *graphics, const char *path, struct text *out)
{
	if (path[0])
		text_puts(out, path);
	else
		text_printf(out, "%s/%s.sock", plan->folder, node_attr(graphics, "type"));
}

void screen_put_socket(const struct plan *plan, const xmlNode *graphics, const char *path,
	const char *option, struct text *out)
{
	CLEANUP(text) struct text own = TEXT_INIT;

	screen_path(plan, graphics, path, &own);
	text_puts(out, option);
	argv_escape(out, text_string(&own));
}

const char *screen_host(const xmlNode *graphics)
{
	const char *address = text_of(graphics, "listen/@address");
	const char *host = address ? address : node_attr(graphics, "listen");

	return host ? host : "127.0.0.1";
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

	if (type && !word_find(listens, type))
		return node_error(listen, err, DD_UNSUPPORTED,
			"graphics listening on '%s' cannot be run yet", type);
	if (listen && node_next(listen))
		return node_error(node_next(listen), err, DD_UNSUPPORTED,
			"graphics listening at two places cannot be run yet");
	return graphics_expiry(graphics, expiry, err);
}

static int plan_graphics(struct plan *plan, const xmlNode *graphics, struct dd_error *err)
{
	int code = check(graphics, err);

	if (!code && plan->hotplug)
		return node_error(
			graphics, err, DD_REFUSED, "graphics cannot be added while the guest runs");
	if (!code && node_attr_is(graphics, "type", "vnc"))
		code = plan_vnc(plan, graphics, err);
	else if (!code && node_attr_is(graphics, "type", "spice"))
		code = plan_spice(plan, graphics, err);
	else if (!code)
		return node_error(graphics, err, DD_UNSUPPORTED,
			"graphics of type '%s' cannot be run yet",
			node_attr(graphics, "type") ? node_attr(graphics, "type") : "");
	if (!code && node_attr(graphics, "keymap"))
		plan_argument(plan, "-k", node_attr(graphics, "keymap"));
	return code;
}

const struct device_row graphics_row = {
	.element = "graphics",
	.plan = plan_graphics,
	.known = known,
};
