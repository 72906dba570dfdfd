/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The host's side of serial ports, consoles and channels, in the shape that chardev-add takes:
 * {"id": "char" + alias, "backend": {"type": …, "data": {…}}}.
 */
#include "qmp/device/chardev.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define SOCKET_PATH_SIZE (sizeof((struct sockaddr_un *)NULL)->sun_path)

static int plan_none(
	struct plan *plan, const xmlNode *device, struct json *data, struct dd_error *err)
{
	(void)plan;
	(void)device;
	(void)data;
	(void)err;
	return 0;
}

static int plan_file(
	struct plan *plan, const xmlNode *device, struct json *data, struct dd_error *err)
{
	const xmlNode *source = node_child(device, "source");
	const char *path = node_attr(source, "path");

	if (!path || path[0] != '/')
		return node_error(device, err, DD_INVALID, "the path must begin with '/'");
	json_put_string(data, "out", path);
	json_put_bool(data, "append", plan->incoming || node_attr_is(source, "append", "on"));
	return 0;
}

static int plan_device_node(
	struct plan *plan, const xmlNode *device, struct json *data, struct dd_error *err)
{
	const char *path = text_of(device, "source/@path");

	(void)plan;
	if (!path || path[0] != '/')
		return node_error(device, err, DD_INVALID, "the path must begin with '/'");
	json_put_string(data, "device", path);
	return 0;
}

bool chardev_listens(const xmlNode *device)
{
	const xmlNode *source = node_child(device, "source");

	if (node_attr_is(device, "type", "tcp"))
		return node_attr_is(source, "mode", "bind");
	return node_attr_is(device, "type", "unix") && node_attr(source, "path") &&
	       !node_attr_is(source, "mode", "connect");
}

/* The QEMU that it comes from has that place, and listens there. */
static bool chardev_is_taken(const struct plan *plan, const xmlNode *device)
{
	return plan->from && chardev_listens(device);
}

static void put_server(struct json *data, struct json *address, bool server)
{
	json_put(data, "addr", address);
	json_put_bool(data, "server", server);
	if (server)
		json_put_bool(data, "wait", false);
}

static int plan_unix(
	struct plan *plan, const xmlNode *device, struct json *data, struct dd_error *err)
{
	const xmlNode *source = node_child(device, "source");
	CLEANUP(text) struct text path = TEXT_INIT;
	struct json *where = json_object();
	struct json *address = json_object();

	if (node_attr(source, "path") && !chardev_is_taken(plan, device))
		text_puts(&path, node_attr(source, "path"));
	else
		text_printf(&path, "%s/%s.sock", plan->folder, alias_of(device));
	json_put_string(where, "path", text_string(&path));
	json_put_string(address, "type", "unix");
	json_put(address, "data", where);
	put_server(data, address, !node_attr_is(source, "mode", "connect"));
	if (text_string(&path)[0] != '/' || path.size >= SOCKET_PATH_SIZE)
		return node_error(device, err, DD_UNSUPPORTED,
			"a socket's path begins with '/' and has at most %zu bytes: %s",
			SOCKET_PATH_SIZE - 1, text_string(&path));
	return 0;
}

static int plan_tcp(
	struct plan *plan, const xmlNode *device, struct json *data, struct dd_error *err)
{
	if (chardev_is_taken(plan, device))
		return plan_unix(plan, device, data, err);

	const xmlNode *source = node_child(device, "source");
	const char *host = node_attr(source, "host");
	const char *service = node_attr(source, "service");
	struct json *where = json_object();
	struct json *address = json_object();

	json_put_string(where, "host", host ? host : "127.0.0.1");
	json_put_string(where, "port", service ? service : "");
	json_put_string(address, "type", "inet");
	json_put(address, "data", where);
	put_server(data, address, node_attr_is(source, "mode", "bind"));
	if (node_attr_is(node_child(device, "protocol"), "type", "telnet"))
		json_put_bool(data, "telnet", true);
	return service ? 0 : node_error(device, err, DD_INVALID, "which port is not said");
}

/* What goes through it is a viewer's of the guest's screen. */
static int plan_spicevmc(
	struct plan *plan, const xmlNode *device, struct json *data, struct dd_error *err)
{
	(void)plan;
	(void)err;
	json_put_string(data, "type", node_is(device, "redirdev") ? "usbredir" : "vdagent");
	return 0;
}

static int plan_spiceport(
	struct plan *plan, const xmlNode *device, struct json *data, struct dd_error *err)
{
	const char *channel = text_of(device, "source/@channel");

	(void)plan;
	if (!channel)
		return node_error(device, err, DD_INVALID,
			"the channel's name is not said: <source channel=''/>");
	json_put_string(data, "fqdn", channel);
	return 0;
}

/* type in XML, backend in QEMU */
static const struct backend {
	const char *type;
	const char *name;
	int (*plan)(struct plan *, const xmlNode *, struct json *, struct dd_error *);
} backends[] = {
	{"pty", "pty", plan_none},
	{"null", "null", plan_none},
	{"file", "file", plan_file},
	{"dev", "serial", plan_device_node},
	{"unix", "socket", plan_unix},
	{"tcp", "socket", plan_tcp},
	{"spicevmc", "spicevmc", plan_spicevmc},
	{"spiceport", "spiceport", plan_spiceport},
};

int plan_chardev(struct plan *plan, const xmlNode *device, struct dd_error *err)
{
	const char *type = node_attr(device, "type") ? node_attr(device, "type") : "pty";
	const xmlNode *log = node_child(device, "log");
	char id[160];

	for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
		if (strcmp(backends[i].type, type) != 0)
			continue;

		struct json *args = plan_add(plan, STEP_CHARDEV);
		struct json *data = json_object();
		struct json *backend = json_object();

		snprintf(id, sizeof id, "char%s", alias_of(device));

		int code = backends[i].plan(plan, device, data, err);

		if (log)
			json_put_string(data, "logfile", node_attr(log, "file"));
		if (node_attr(log, "append") || (log && plan->incoming))
			json_put_bool(data, "logappend",
				plan->incoming || node_attr_is(log, "append", "on"));
		json_put_string(backend, "type", backends[i].name);
		json_put(backend, "data", data);
		json_put_string(args, "id", id);
		json_put(args, "backend", backend);
		return code;
	}
	return node_error(device, err, DD_UNSUPPORTED, "a <%s> of type '%s' cannot be run yet",
		(const char *)device->name, type);
}

void put_chardev(struct json *args, const xmlNode *device)
{
	char id[160];

	snprintf(id, sizeof id, "char%s", alias_of(device));
	json_put_string(args, "chardev", id);
}
