/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/argv.h"
#include "qmp/device/screen.h"

#include <string.h>

/* Attributes whose words are QEMU's as well. */
static const struct word settings[] = {
	{"image/@compression", "image-compression"},
	{"jpeg/@compression", "jpeg-wan-compression"},
	{"zlib/@compression", "zlib-glz-wan-compression"},
	{"playback/@compression", "playback-compression"},
	{"streaming/@mode", "streaming-video"},
	{NULL},
};

/* Those that say it in other words. */
static const struct {
	const char *path;
	const char *word;
	const char *option;
} switches[] = {
	{"mouse/@mode", "server", "agent-mouse=off"},
	{"mouse/@mode", "client", "agent-mouse=on"},
	{"clipboard/@copypaste", "no", "disable-copy-paste=on"},
	{"filetransfer/@enable", "no", "disable-agent-file-xfer=on"},
	{"@defaultMode", "insecure", "plaintext-channel=default"},
};

static void put_settings(const xmlNode *graphics, struct text *out)
{
	for (const struct word *setting = settings; setting->from; setting++) {
		const char *value = text_of(graphics, setting->from);

		if (!value)
			continue;
		text_printf(out, ",%s=", setting->to);
		argv_escape(out, value);
	}
	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
		const char *value = text_of(graphics, switches[i].path);

		if (value && strcmp(value, switches[i].word) == 0)
			text_printf(out, ",%s", switches[i].option);
	}
}

static void put_channels(const xmlNode *graphics, struct text *out)
{
	const xmlNode *channel = node_child(graphics, "channel");

	for (; channel; channel = node_next(channel)) {
		const char *name = node_attr(channel, "name");

		if (!name || !node_attr_is(channel, "mode", "insecure"))
			continue;
		text_puts(out, ",plaintext-channel=");
		argv_escape(out, name);
	}
}

/* *port: 0 for any that is free. QEMU has no word for that, so its starter finds it. */
static int put_address(
	const xmlNode *graphics, struct text *out, unsigned *port, struct dd_error *err)
{
	uint64_t number = 0;

	text_puts(out, "addr=");
	argv_escape(out, screen_host(graphics));
	if (node_attr_is(graphics, "autoport", "yes"))
		return 0;
	if (!node_attr_number(graphics, "port", &number) || !number || number > 65535)
		return node_error(graphics, err, DD_INVALID, "port='%s' is no port",
			node_attr(graphics, "port") ? node_attr(graphics, "port") : "");
	*port = (unsigned)number;
	text_printf(out, ",port=%u", *port);
	return 0;
}

static int check_modes(const xmlNode *graphics, struct dd_error *err)
{
	const xmlNode *channel = node_child(graphics, "channel");
	const xmlNode *secure = node_attr_is(graphics, "defaultMode", "secure") ? graphics : NULL;

	for (; channel; channel = node_next(channel))
		if (node_attr_is(channel, "mode", "secure"))
			secure = channel;
	if (!secure)
		return 0;
	node_error(secure, err, DD_UNSUPPORTED, "SPICE without TLS has no secure channels");
	return error_hint(err, "leave the mode out, and reach the screen through a tunnel");
}

static int check(const struct plan *plan, const xmlNode *graphics, struct dd_error *err)
{
	const xmlNode *other = node_child(graphics->parent, "graphics");

	for (; other && other != graphics; other = node_next(other))
		if (node_attr_is(other, "type", "spice"))
			return node_error(graphics, err, DD_UNSUPPORTED,
				"a guest has one SPICE screen at most");
	/* it cannot be told later to listen elsewhere, and the QEMU that it comes from is there */
	if (!plan->from || node_attr_is(graphics, "autoport", "yes") ||
		node_attr_is(node_child(graphics, "listen"), "type", "none"))
		return check_modes(graphics, err);
	node_error(graphics, err, DD_UNSUPPORTED,
		"a SPICE screen with a place of its own cannot be in two QEMUs of one host");
	return error_hint(err,
		"give it autoport='yes', and start it anew: the second one has another port then");
}

int plan_spice(struct plan *plan, const xmlNode *graphics, struct dd_error *err)
{
	CLEANUP(text) struct text value = TEXT_INIT;
	const char *socket = screen_socket(graphics);
	bool nowhere = node_attr_is(node_child(graphics, "listen"), "type", "none");
	unsigned port = 0;
	int code = check(plan, graphics, err);

	if (!code && socket)
		screen_put_socket(plan, graphics, socket, "unix=on,addr=", &value);
	else if (!code && nowhere)
		text_puts(&value, "port=0");
	else if (!code)
		code = put_address(graphics, &value, &port, err);
	if (code)
		return code;
	text_puts(&value, ",seamless-migration=on");
	if (!node_attr(graphics, "passwd"))
		text_puts(&value, ",disable-ticketing=on");
	put_settings(graphics, &value);
	put_channels(graphics, &value);
	if (text_failed(&value))
		return error_no_memory(err);
	plan_argument(plan, "-spice", text_string(&value));
	if (socket || nowhere)
		return 0;

	struct step *step = plan_last(plan);

	if (!step)
		return error_no_memory(err);
	step->port = port;
	return string_copy(&step->host, screen_host(graphics), err);
}
