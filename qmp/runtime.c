/* SPDX-License-Identifier: Apache-2.0 */

/* Facts of one run that the live document shows: ptys, ports, sockets, tap interfaces. */
#include "qmp/guest_internal.h"

#include "qmp/tap.h"

#include <stdio.h>
#include <string.h>

/* What QEMU calls the chardev's other end: "pty:/dev/pts/3". NULL where it has none of that id. */
static const char *chardev_end(const struct json *chardevs, const xmlNode *device)
{
	char id[160];

	snprintf(id, sizeof id, "char%s", alias_of(device));
	for (size_t i = 0; i < json_count(chardevs); i++) {
		const char *label = json_get_string(json_at(chardevs, i), "label");

		if (label && strcmp(label, id) == 0)
			return json_get_string(json_at(chardevs, i), "filename");
	}
	return NULL;
}

static xmlNode *get_child(xmlNode *node, const char *name, struct dd_error *err)
{
	xmlNode *child = node_child(node, name);

	return child ? child : node_add(node, name, err);
}

static int set_child_attr(
	xmlNode *node, const char *name, const char *attr, const char *value, struct dd_error *err)
{
	xmlNode *child = get_child(node, name, err);

	return child ? node_set_attr(child, attr, value, err) : DD_NO_MEMORY;
}

static int fill_pty(const struct json *chardevs, xmlNode *device, struct dd_error *err)
{
	const char *end = chardev_end(chardevs, device);

	if (!end || strncmp(end, "pty:", 4) != 0)
		return 0;

	int code = set_child_attr(device, "source", "path", end + 4, err);

	if (!code && node_is(device, "console"))
		code = node_set_attr(device, "tty", end + 4, err);
	return code;
}

/* A console that is another name for a serial port shows that port's pty. */
static int fill_console(const struct json *chardevs, xmlNode *console, struct dd_error *err)
{
	const xmlNode *serial = node_child(console->parent, "serial");
	const char *path;

	if (!node_attr_is(node_child(console, "target"), "type", "serial"))
		return fill_pty(chardevs, console, err);
	path = serial ? chardev_end(chardevs, serial) : NULL;
	if (!path || strncmp(path, "pty:", 4) != 0)
		return 0;

	int code = set_child_attr(console, "source", "path", path + 4, err);

	return code ? code : node_set_attr(console, "tty", path + 4, err);
}

static int fill_socket(const struct guest *guest, xmlNode *device, struct dd_error *err)
{
	CLEANUP(text) struct text path = TEXT_INIT;

	if (text_of(device, "source/@path"))
		return 0;
	text_printf(&path, "%s/%s.sock", guest->folder, alias_of(device));
	if (text_failed(&path))
		return error_no_memory(err);

	int code = set_child_attr(device, "source", "mode", "bind", err);

	return code ? code : set_child_attr(device, "source", "path", text_string(&path), err);
}

static bool has_pty(const struct document *live)
{
	for (const xmlNode *device = node_first(document_devices(live)); device;
		device = node_after(device))
		if (node_attr_is(device, "type", "pty"))
			return true;
	return false;
}

static int fill_chardevs(struct guest *guest, struct document *live, struct dd_error *err)
{
	CLEANUP(json) struct json *chardevs = NULL;
	xmlNode *device = node_first(document_devices(live));
	int code = 0;

	if (has_pty(live))
		code = monitor_call(guest->monitor, "query-chardev", NULL, &chardevs, err);

	for (; device && !code; device = node_after(device)) {
		bool port = node_is(device, "serial") || node_is(device, "channel");

		if ((port || node_is(device, "console")) && node_attr_is(device, "type", "unix"))
			code = fill_socket(guest, device, err);
		else if (node_is(device, "console"))
			code = fill_console(chardevs, device, err);
		else if (port)
			code = fill_pty(chardevs, device, err);
	}
	return code;
}

static int fill_vnc(struct guest *guest, xmlNode *graphics, struct dd_error *err)
{
	CLEANUP(json) struct json *vnc = NULL;
	int code = monitor_call(guest->monitor, "query-vnc", NULL, &vnc, err);
	const char *family = json_get_string(vnc, "family");

	if (code || !family || strcmp(family, "unix") == 0)
		return code;
	return node_set_attr(graphics, "port", json_get_string(vnc, "service"), err);
}

static int fill_spice(struct guest *guest, xmlNode *graphics, struct dd_error *err)
{
	CLEANUP(json) struct json *spice = NULL;
	int code = monitor_call(guest->monitor, "query-spice", NULL, &spice, err);
	uint64_t port = json_get_unsigned(spice, "port", 0);
	char number[24];

	if (code || !port)
		return code;
	snprintf(number, sizeof number, "%llu", (unsigned long long)port);
	return node_set_attr(graphics, "port", number, err);
}

static int fill_graphics(struct guest *guest, struct document *live, struct dd_error *err)
{
	xmlNode *graphics = node_child(document_devices(live), "graphics");
	int code = 0;

	for (; graphics && !code; graphics = node_next(graphics)) {
		if (node_attr_is(graphics, "type", "vnc"))
			code = fill_vnc(guest, graphics, err);
		else if (node_attr_is(graphics, "type", "spice"))
			code = fill_spice(guest, graphics, err);
	}
	return code;
}

static int fill_taps(struct document *live, struct dd_error *err)
{
	xmlNode *nic = node_child(document_devices(live), "interface");
	int code = 0;

	for (; nic && !code; nic = node_next(nic)) {
		char name[TAP_NAME_SIZE];

		if (!node_attr_is(nic, "type", "bridge") && !node_attr_is(nic, "type", "ethernet"))
			continue;
		tap_name(document_uuid(live), nic, name);
		code = set_child_attr(nic, "target", "dev", name, err);
	}
	return code;
}

int guest_fill_runtime(struct guest *guest, struct document *live, struct dd_error *err)
{
	int code = fill_chardevs(guest, live, err);

	if (!code)
		code = fill_graphics(guest, live, err);
	if (!code)
		code = fill_taps(live, err);
	return code ? code : document_canonicalise(live, err);
}
