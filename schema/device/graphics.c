/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Graphics: screens shown by QEMU. Known by their type. Where one listens is spelt as <listen>
 * children; the listen attribute repeats the address of the first. A port chosen at each start is
 * port='-1' autoport='yes' for VNC and autoport='yes' alone for SPICE.
 */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static bool is_type(const xmlNode *graphics, const char *type)
{
	return node_attr_is(graphics, "type", type);
}

/* It renders for another screen, which then does not itself. */
static int check_headless(
	const struct document *document, const xmlNode *graphics, struct dd_error *err)
{
	static const char *const screens[] = {"vnc", "spice", NULL};

	for (const xmlNode *other = device_first(document, "graphics"); other;
		other = node_next(other)) {
		if (is_type(other, "egl-headless"))
			continue;
		if (!string_in(node_attr(other, "type"), screens))
			return node_error(graphics, err, DD_INVALID,
				"egl-headless goes with a vnc or spice screen, not with %s",
				node_attr(other, "type"));
		if (node_attr_is(node_child(other, "gl"), "enable", "yes"))
			return node_error(graphics, err, DD_INVALID,
				"only one screen can render with OpenGL");
	}
	return 0;
}

static int check_listen(const xmlNode *listen, struct dd_error *err)
{
	bool network = node_attr_is(listen, "type", "network");

	if (network != !!node_attr(listen, "network"))
		return node_error(listen, err, DD_INVALID,
			network ? "listening in a network needs its name: network=''"
				: "only type='network' goes with the attribute network");
	return 0;
}

static int check_listens(const xmlNode *graphics, struct dd_error *err)
{
	const xmlNode *first = node_child(graphics, "listen");
	const char *where = node_attr(graphics, "listen");
	const char *address = node_attr(first, "address");
	int rc = 0;

	for (const xmlNode *listen = first; listen && !rc; listen = node_next(listen))
		rc = check_listen(listen, err);
	if (!rc && node_attr_is(first, "type", "address") && where && where[0] && address &&
		strcmp(where, address) != 0)
		return node_error(graphics, err, DD_INVALID,
			"listen='%s' is not the address of its first <listen>, %s", where, address);
	return rc;
}

static int check_tls(const xmlNode *graphics, struct dd_error *err)
{
	static const char *const none[] = {"0", "-1", NULL};
	const char *port = node_attr(graphics, "tlsPort");

	if (!port || string_in(port, none) || node_attr_is(graphics, "autoport", "yes"))
		return 0;
	node_error(graphics, err, DD_UNSUPPORTED, "tlsPort='%s': there is no TLS for screens here",
		port);
	return error_hint(err, "leave tlsPort out, and reach the screen through a tunnel");
}

static int check(const struct document *document, const xmlNode *graphics, struct dd_error *err)
{
	static const char *const types[] = {"vnc", "spice", "sdl", "egl-headless", "dbus", NULL};
	const char *type = node_attr(graphics, "type");
	int rc;

	if (!string_in(type, types))
		return node_error(graphics, err, DD_UNSUPPORTED,
			"graphics of type '%s' are not supported", type ? type : "");
	if (is_type(graphics, "egl-headless"))
		return check_headless(document, graphics, err);
	rc = check_tls(graphics, err);
	return rc ? rc : check_listens(graphics, err);
}

/* The socket attribute of old says the same as a listening socket. */
static int complete_socket(xmlNode *graphics, struct dd_error *err)
{
	const char *socket = node_attr(graphics, "socket");
	xmlNode *listen = node_child(graphics, "listen");
	int rc = 0;

	if (socket && !listen) {
		listen = node_add(graphics, "listen", err);
		rc = listen ? node_set_attr(listen, "type", "socket", err) : DD_NO_MEMORY;
		if (!rc)
			rc = node_set_attr(listen, "socket", socket, err);
	}
	if (rc || !node_attr_is(listen, "type", "socket"))
		return rc;
	(void)node_set_attr(graphics, "port", NULL, NULL);
	(void)node_set_attr(graphics, "autoport", NULL, NULL);
	return node_attr(listen, "socket") && is_type(graphics, "vnc")
		       ? node_set_attr(graphics, "socket", node_attr(listen, "socket"), err)
		       : 0;
}

static int complete_listen(xmlNode *graphics, struct dd_error *err)
{
	const char *address = node_attr(graphics, "listen");
	xmlNode *listen = node_child(graphics, "listen");
	int rc;

	if (!listen) {
		listen = node_add(graphics, "listen", err);
		rc = listen ? node_set_attr(listen, "type", "address", err) : DD_NO_MEMORY;
		if (rc || !address)
			return rc;
		return node_set_attr(listen, "address", address, err);
	}
	if (!node_attr_is(listen, "type", "address"))
		return 0;
	if (node_attr(listen, "address"))
		return fill_attr(graphics, "listen", node_attr(listen, "address"), err);
	return address ? node_set_attr(listen, "address", address, err) : 0;
}

/* autoport='no' without a port, or with the port -1 of old, means what it says: no port at all. */
static int complete_vnc_port(xmlNode *graphics, struct dd_error *err)
{
	bool refused = node_attr_is(graphics, "autoport", "no");
	bool none = node_attr_is(graphics, "port", "0");
	bool open = none || !node_attr(graphics, "port") || node_attr_is(graphics, "port", "-1");
	bool automatic = node_attr_is(graphics, "autoport", "yes") || (open && !none && !refused);
	int rc = automatic ? node_set_attr(graphics, "port", "-1", err) : 0;

	if (!rc && open && !automatic)
		rc = node_set_attr(graphics, "port", NULL, err);
	return rc ? rc : node_set_attr(graphics, "autoport", automatic ? "yes" : "no", err);
}

static bool is_zero(const xmlNode *graphics, const char *port)
{
	return !node_attr(graphics, port) || node_attr_is(graphics, port, "0");
}

/* SPICE with neither port nor autoport listens nowhere, unless a network is named. */
static int complete_spice_port(xmlNode *graphics, struct dd_error *err)
{
	bool automatic =
		node_attr_is(graphics, "autoport", "yes") ||
		(node_attr_is(graphics, "port", "-1") && node_attr_is(graphics, "tlsPort", "-1"));
	xmlNode *listen = node_child(graphics, "listen");

	if (automatic) {
		(void)node_set_attr(graphics, "port", NULL, NULL);
		(void)node_set_attr(graphics, "tlsPort", NULL, NULL);
		return node_set_attr(graphics, "autoport", "yes", err);
	}
	if (!is_zero(graphics, "port") || !is_zero(graphics, "tlsPort"))
		return node_set_attr(graphics, "autoport", "no", err);
	(void)node_set_attr(graphics, "port", NULL, NULL);
	(void)node_set_attr(graphics, "tlsPort", NULL, NULL);
	if (!node_attr_is(listen, "type", "address"))
		return node_set_attr(graphics, "autoport", "no", err);
	(void)node_set_attr(listen, "address", NULL, NULL);
	(void)node_set_attr(graphics, "listen", NULL, NULL);
	(void)node_set_attr(graphics, "autoport", NULL, NULL);
	return node_set_attr(listen, "type", "none", err);
}

/* A socket, or nothing, has no ports. */
static bool listens_nowhere(const xmlNode *graphics)
{
	const xmlNode *listen = node_child(graphics, "listen");

	return node_attr_is(listen, "type", "socket") || node_attr_is(listen, "type", "none");
}

static void drop(xmlNode *graphics, const char *const *names)
{
	for (; *names; names++)
		(void)node_set_attr(graphics, *names, NULL, NULL);
}

static void drop_meaningless(xmlNode *graphics)
{
	static const char *const ports[] = {
		"port", "tlsPort", "autoport", "websocket", "listen", NULL};
	static const char *const secrets[] = {"passwdValidTo", "connected", NULL};

	if (listens_nowhere(graphics))
		drop(graphics, ports);
	if (!node_attr(graphics, "passwd"))
		drop(graphics, secrets);
	for (xmlNode *channel = node_child(graphics, "channel"), *next; channel; channel = next) {
		next = node_next(channel);
		if (node_attr_is(channel, "mode", "any"))
			node_remove(channel);
	}
	if (node_attr_is(node_child(graphics, "listen"), "type", "network"))
		(void)node_set_attr(graphics, "listen", NULL, NULL);
}

static const struct choice choices[] = {
	{"@defaultMode", "any secure insecure", "any"},
	{"@sharePolicy", "allow-exclusive force-shared ignore", NULL},
	{"@connected", "fail disconnect keep", NULL},
	{"@p2p", "yes", "no"},
	{"@fullscreen", "yes", "no"},
	{"listen/@type", "none address network socket", NULL, true},
	{"image/@compression", "auto_glz auto_lz quic glz lz off", NULL, true},
	{"jpeg/@compression", "auto never always", NULL, true},
	{"zlib/@compression", "auto never always", NULL, true},
	{"streaming/@mode", "filter all off", NULL, true},
	{"mouse/@mode", "server client", NULL, true},
	{"playback/@compression", NULL, NULL, true},
	{"clipboard/@copypaste", NULL, NULL, true},
	{"filetransfer/@enable", NULL, NULL, true},
	{"channel/@mode", "any secure insecure", NULL},
	{"channel/@name", "main display inputs cursor playback record smartcard usbredir", NULL,
		true},
	{NULL, NULL, NULL},
};

static void drop_empty(xmlNode *node, const char *name)
{
	if (node_attr_is(node, name, ""))
		(void)node_set_attr(node, name, NULL, NULL);
}

static int complete(struct document *document, xmlNode *graphics,
	const struct freeze_options *options, struct dd_error *err)
{
	int rc;

	(void)document;
	(void)options;
	if (!is_type(graphics, "vnc") && !is_type(graphics, "dbus"))
		node_remove(node_child(graphics, "audio"));
	drop_empty(graphics, "listen");
	for (xmlNode *listen = node_child(graphics, "listen"); listen; listen = node_next(listen)) {
		drop_empty(listen, "address");
		if (node_attr_is(listen, "type", "network"))
			(void)node_set_attr(listen, "address", NULL, NULL);
	}
	if (!is_type(graphics, "vnc") && !is_type(graphics, "spice"))
		return 0;
	rc = complete_socket(graphics, err);
	if (!rc)
		rc = complete_listen(graphics, err);
	if (!rc)
		drop_meaningless(graphics);
	if (rc || listens_nowhere(graphics))
		return rc;
	return is_type(graphics, "vnc") ? complete_vnc_port(graphics, err)
					: complete_spice_port(graphics, err);
}

static void words(const xmlNode *graphics, struct text *out)
{
	const char *type = node_attr(graphics, "type");

	text_puts(out, type ? type : "");
}

static void details(const xmlNode *graphics, struct text *out)
{
	const xmlNode *listen = node_child(graphics, "listen");
	const char *where = node_attr(listen, "address");
	const char *port = node_attr(graphics, "port");

	if (!where)
		where = node_attr(listen, "socket");
	if (!where)
		where = node_attr(listen, "network");
	if (where)
		text_puts(out, where);
	if (port && strcmp(port, "-1") != 0)
		text_printf(out, "%sport %s", where ? " " : "", port);
}

static const char *const live_paths[] = {"@passwd", "@passwdValidTo", "@connected", NULL};

static const char *const free_paths[] = {
	"@port",
	"@tlsPort",
	"@websocket",
	"@autoport",
	"@listen",
	"@socket",
	"@keymap",
	"@passwd",
	"@passwdValidTo",
	"@connected",
	"@sharePolicy",
	"@defaultMode",
	"@powerControl",
	"@p2p",
	"@address",
	"@display",
	"@xauth",
	"@fullscreen",
	"@replaceUser",
	"@multiUser",
	"listen",
	"channel",
	"image",
	"jpeg",
	"zlib",
	"playback",
	"streaming",
	"clipboard",
	"filetransfer",
	"mouse",
	"gl",
	"audio",
	NULL,
};

const struct device_kind kind_graphics = {
	.element = "graphics",
	.choices = choices,
	.check = check,
	.complete = complete,
	.address = address_none,
	.same = same_words,
	.words = words,
	.details = details,
	.live_paths = live_paths,
	.free_paths = free_paths,
	.hot_pluggable = false,
};
