/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The destination's side of disks that are copied: QEMU's NBD server on a socket in the guest's
 * folder, and an export a disk, of the disk's alias.
 *
 * The source writes zeroes where it has nothing, and they should take no room here either. QEMU
 * makes holes of them only below a node that may unmap, and whether the guest's own may is for its
 * definition to say. An image in qcow2 stays small without; for a raw one a second node, that may,
 * is put over the same file for as long as it is offered.
 */
#include "qmp/mirror.h"

#include "qmp/guest_internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define EXPORT_SIZE 160 /* of an export's id */

static void export_id(const char *alias, char out[EXPORT_SIZE])
{
	snprintf(out, EXPORT_SIZE, "offer-%s", alias);
}

/* Calls where "it is so already", in QEMU's words, is as good as success. */
static int call_once(struct guest *guest, const char *command, struct json *args,
	const char *already, struct dd_error *err)
{
	struct dd_error failure = {.code = 0};
	int code = monitor_call(guest->monitor, command, args, NULL, &failure);

	if (!code || strstr(failure.message, already))
		return 0;
	if (err)
		*err = failure;
	return code;
}

int guest_disks_listen(struct guest *guest, struct dd_error *err)
{
	struct json *data = json_object();
	struct json *address = json_object();
	struct json *args = json_object();
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/" MIRROR_SOCKET, guest->folder);
	json_put_string(data, "path", path);
	json_put_string(address, "type", "unix");
	json_put(address, "data", data);
	json_put(args, "addr", address);
	return call_once(guest, "nbd-server-start", args, "already running", err);
}

/* The driver of a block node, and whether it can be written; "" where there is no such node. */
static int look_up(struct guest *guest, const char *name, char driver[NODE_NAME_SIZE],
	bool *writable, struct dd_error *err)
{
	CLEANUP(json) struct json *nodes = NULL;
	struct json *args = json_object();

	json_put_bool(args, "flat", true);

	int code = monitor_call(guest->monitor, "query-named-block-nodes", args, &nodes, err);

	*driver = '\0';
	*writable = false;
	for (size_t i = 0; i < json_count(nodes); i++) {
		const struct json *node = json_at(nodes, i);
		const char *found = json_get_string(node, "node-name");

		if (!found || strcmp(found, name) != 0)
			continue;
		snprintf(driver, NODE_NAME_SIZE, "%s", json_get_string(node, "drv"));
		*writable = !json_get_bool(node, "ro", true);
	}
	return code;
}

static int add_export(
	struct guest *guest, const char *alias, const char *node, struct dd_error *err)
{
	struct json *args = json_object();
	char id[EXPORT_SIZE];

	export_id(alias, id);
	json_put_string(args, "type", "nbd");
	json_put_string(args, "id", id);
	json_put_string(args, "node-name", node);
	json_put_string(args, "name", alias);
	json_put_bool(args, "writable", true);
	return call_once(guest, "block-export-add", args, "is already in use", err);
}

static bool is_gone(const char *name, const struct json *data, void *context)
{
	const char *id = json_get_string(data, "id");

	return name && strcmp(name, "BLOCK_EXPORT_DELETED") == 0 && id && strcmp(id, context) == 0;
}

static int remove_export(struct guest *guest, const char *alias, struct dd_error *err)
{
	CLEANUP(json) struct json *event = NULL;
	struct json *args = json_object();
	char id[EXPORT_SIZE];

	export_id(alias, id);
	json_put_string(args, "id", id);
	json_put_string(args, "mode", "hard");

	int code = monitor_call(guest->monitor, "block-export-del", args, NULL, err);

	return code ? code
		    : monitor_await(guest->monitor, is_gone, id, MONITOR_CALL_MS, &event, err);
}

int guest_disk_shared(struct guest *guest, const char *alias, bool *shared, struct dd_error *err)
{
	struct dd_error failure = {.code = 0};
	char driver[NODE_NAME_SIZE];
	char node[NODE_NAME_SIZE];
	bool writable = false;

	block_node_name(node, alias, "-format");

	int code = look_up(guest, node, driver, &writable, err);

	if (!code && writable)
		code = guest_disks_listen(guest, err);
	if (code)
		return code;
	if (!writable) {
		*shared = false;
		return 0;
	}
	code = add_export(guest, alias, node, &failure);
	if (!code) {
		*shared = false;
		return remove_export(guest, alias, err);
	}
	if (strstr(failure.message, "read-only") || strstr(failure.message, "lock")) {
		*shared = true;
		return 0;
	}
	if (err)
		*err = failure;
	return code;
}

/* Over the file of a raw image. */
static int add_unmapping(
	struct guest *guest, const char *alias, char node[NODE_NAME_SIZE], struct dd_error *err)
{
	char storage[NODE_NAME_SIZE];
	struct json *args = json_object();

	block_node_name(storage, alias, "-storage");
	block_node_name(node, alias, "-offer");
	json_put_string(args, "driver", "raw");
	json_put_string(args, "node-name", node);
	json_put_string(args, "file", storage);
	json_put_string(args, "discard", "unmap");
	return call_once(guest, "blockdev-add", args, "Duplicate nodes", err);
}

int guest_disk_offer(struct guest *guest, const char *alias, struct dd_error *err)
{
	char driver[NODE_NAME_SIZE];
	char node[NODE_NAME_SIZE];
	bool writable = false;

	block_node_name(node, alias, "-format");

	int code = look_up(guest, node, driver, &writable, err);

	if (!code && !*driver)
		return error_set(err, DD_NOT_FOUND, "%s has no image", alias);
	if (!code && strcmp(driver, "raw") == 0)
		code = add_unmapping(guest, alias, node, err);
	return code ? code : add_export(guest, alias, node, err);
}

static int remove_unmapping(struct guest *guest, struct dd_error *err)
{
	CLEANUP(json) struct json *nodes = NULL;
	struct json *flat = json_object();

	json_put_bool(flat, "flat", true);

	int code = monitor_call(guest->monitor, "query-named-block-nodes", flat, &nodes, err);

	for (size_t i = 0; i < json_count(nodes) && !code; i++) {
		const char *name = json_get_string(json_at(nodes, i), "node-name");
		size_t length = name ? strlen(name) : 0;
		struct json *args;

		if (length < 6 || strcmp(name + length - 6, "-offer") != 0)
			continue;
		args = json_object();
		json_put_string(args, "node-name", name);
		code = monitor_call(guest->monitor, "blockdev-del", args, NULL, err);
	}
	return code;
}

int guest_disks_close(struct guest *guest, struct dd_error *err)
{
	int code = call_once(guest, "nbd-server-stop", NULL, "not running", err);

	return code ? code : remove_unmapping(guest, err);
}
