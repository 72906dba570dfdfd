/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The destination's side of disks that are copied: QEMU's NBD server on a socket in the guest's
 * folder, and an export a disk, of the disk's alias.
 */
#include "qmp/mirror.h"

#include "qmp/guest_internal.h"
#include "qmp/image_lock.h"

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
	struct json *data, *address, *args;
	char path[PATH_MAX], name[GUEST_SOCKET_SIZE];
	int code;

	snprintf(path, sizeof path, "%s/" MIRROR_SOCKET, guest->folder);
	code = guest_socket_name(guest, path, name, err);
	if (code)
		return code;
	data = json_object();
	address = json_object();
	args = json_object();
	json_put_string(data, "path", name);
	json_put_string(address, "type", "unix");
	json_put(address, "data", data);
	json_put(args, "addr", address);
	return call_once(guest, "nbd-server-start", args, "already running", err);
}

struct node {
	bool there;
	bool writable;
	uint64_t size;
	char path[PATH_MAX];
};

static int look_up(struct guest *guest, const char *alias, struct node *out, struct dd_error *err)
{
	CLEANUP(json) struct json *nodes = NULL;
	struct json *args = json_object();
	char name[NODE_NAME_SIZE];

	block_node_name(name, alias, "-format");
	json_put_bool(args, "flat", true);

	int code = monitor_call(guest->monitor, "query-named-block-nodes", args, &nodes, err);

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < json_count(nodes); i++) {
		const struct json *node = json_at(nodes, i);
		const char *found = json_get_string(node, "node-name");

		if (!found || strcmp(found, name) != 0)
			continue;
		out->there = true;
		out->writable = !json_get_bool(node, "ro", true);
		out->size = json_get_unsigned(json_get(node, "image"), "virtual-size", 0);
		snprintf(out->path, sizeof out->path, "%s",
			json_get_string(json_get(node, "image"), "filename"));
	}
	return code;
}

int guest_disk_size(struct guest *guest, const char *alias, uint64_t *bytes, struct dd_error *err)
{
	struct node node;
	int code = look_up(guest, alias, &node, err);

	if (!code && !node.there)
		return error_set(err, DD_NOT_FOUND, "%s has no image", alias);
	if (!code)
		*bytes = node.size;
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

/*
 * Looked at from outside: an export, which would tell as well, has the waiting QEMU read the
 * format's tables before the source has finished with them.
 */
int guest_disk_shared(struct guest *guest, const char *alias, bool *shared, struct dd_error *err)
{
	struct node node;
	int code = look_up(guest, alias, &node, err);

	if (!code && node.writable)
		return image_written(node.path, shared, err);
	if (!code)
		*shared = false;
	return code;
}

int guest_disk_offer(struct guest *guest, const char *alias, struct dd_error *err)
{
	struct node node;
	char name[NODE_NAME_SIZE];
	int code = look_up(guest, alias, &node, err);

	block_node_name(name, alias, "-format");
	if (!code && !node.there)
		return error_set(err, DD_NOT_FOUND, "%s has no image", alias);
	return code ? code : add_export(guest, alias, name, err);
}

int guest_disks_close(struct guest *guest, struct dd_error *err)
{
	return call_once(guest, "nbd-server-stop", NULL, "not running", err);
}
