/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/idle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "migrate/evidence.h"
#include "migrate/mirrors.h"
#include "qmp/carrier.h"
#include "qmp/image_lock.h"

struct held {
	const xmlNode *disk;
	int fd; /* -1: it could not be held */
};

struct idle {
	const struct document *config;
	struct held *list;
	size_t count;
};

void idle_free(struct idle *idle)
{
	if (!idle)
		return;
	for (size_t i = 0; i < idle->count; i++)
		if (idle->list[i].fd >= 0)
			close(idle->list[i].fd);
	free(idle->list);
	free(idle);
}

/* ---- holding ---- */

static int hold(struct idle *idle, const xmlNode *disk, struct dd_error *err)
{
	struct held *list = reallocarray(idle->list, idle->count + 1, sizeof *list);
	struct held *held;

	if (!list)
		return error_no_memory(err);
	idle->list = list;
	held = &list[idle->count++];
	*held = (struct held){.disk = disk, .fd = -1};
	(void)image_hold(disk_path(disk), &held->fd, NULL);
	return 0;
}

int idle_hold(const struct document *config, struct idle **out, struct dd_error *err)
{
	CLEANUP(idle) struct idle *idle = calloc(1, sizeof *idle);
	const xmlNode *disk = node_child(document_devices(config), "disk");
	int rc = idle ? 0 : error_no_memory(err);

	if (!rc)
		idle->config = config;
	for (; !rc && disk; disk = node_next(disk))
		if (disk_path(disk) && !disk_is_read_only(disk))
			rc = hold(idle, disk, err);
	if (!rc)
		*out = TAKE(idle);
	return rc;
}

/* What could not be held before can be now, or it is told why not. */
static int hold_for_certain(struct idle *idle, const char *target, struct dd_error *err)
{
	for (size_t i = 0; idle && i < idle->count; i++) {
		struct held *held = &idle->list[i];

		if (strcmp(disk_target(held->disk), target) == 0)
			return held->fd >= 0 || image_hold(disk_path(held->disk), &held->fd, err) ==
							0
				       ? 0
				       : error_wrap(err, "disk %s cannot be copied", target);
	}
	return error_set(err, DD_REFUSED, "disk %s was not to be copied", target);
}

/* ---- copying ---- */

struct copying {
	struct stream_source source;
	const struct json *disks;
	const struct stream_options *options;
	uint64_t *sent;
	struct document *named; /* the definition, with the names that the destination gave */
};

static xmlNode *disk_find(const struct document *document, const char *target)
{
	xmlNode *disk = node_child(document_devices(document), "disk");

	while (disk && strcmp(disk_target(disk), target) != 0)
		disk = node_next(disk);
	return disk;
}

/* What it is called on either side of the copy is the destination's to say. */
static int name_one(struct copying *copying, const struct json *told, struct dd_error *err)
{
	xmlNode *disk = disk_find(copying->named, json_get_string(told, "target"));
	xmlNode *alias;

	node_remove(node_child(disk, "alias"));
	alias = node_add(disk, "alias", err);
	return alias ? node_set_attr(alias, "name", json_get_string(told, "alias"), err)
		     : DD_NO_MEMORY;
}

static int check_all(struct idle *idle, struct copying *copying, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < json_count(copying->disks); i++) {
		const struct json *told = json_at(copying->disks, i);
		const char *target = json_get_string(told, "target");

		if (!mirrors_copy(told))
			continue;
		rc = hold_for_certain(idle, target ? target : "", err);
		if (!rc)
			rc = name_one(copying, told, err);
	}
	return rc;
}

static int open_all(struct guest *carrier, const struct copying *copying, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < json_count(copying->disks); i++) {
		const struct json *told = json_at(copying->disks, i);

		if (mirrors_copy(told))
			rc = carrier_open_to_read(carrier,
				disk_find(copying->named, json_get_string(told, "target")), err);
	}
	return rc;
}

static int copy_with(struct guest *carrier, void *context, struct dd_error *err)
{
	struct copying *copying = context;
	CLEANUP(mirrors) struct mirrors *mirrors = NULL;
	int rc = open_all(carrier, copying, err);

	copying->source.guest = carrier;
	if (!rc)
		rc = mirrors_begin(
			&mirrors, &copying->source, copying->disks, copying->options, err);
	if (!rc)
		rc = mirrors_finish(mirrors, err);
	if (!rc)
		mirrors_drain(mirrors);
	*copying->sent = mirrors_sent(mirrors);
	return rc;
}

/* For the sockets of the copies. */
static int folder_make(const struct stream_source *source, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	int rc = host_run_folder(source->host, source->uuid, &folder, err);

	return rc ? rc : directory_make(book_folder(source->host->book), folder, 0700, err);
}

int idle_copy(struct idle *idle, const struct stream_source *source, const struct json *disks,
	const struct stream_options *options, uint64_t *sent, struct dd_error *err)
{
	CLEANUP(document) struct document *named = NULL;
	struct copying copying = {
		.source = *source, .disks = disks, .options = options, .sent = sent};
	const struct capabilities *caps = NULL;
	int rc = idle ? document_copy(idle->config, &named, err)
		      : error_set(err, DD_REFUSED, "its disks were not to be copied");

	copying.named = named;
	if (!rc)
		rc = check_all(idle, &copying, err);
	if (!rc)
		rc = folder_make(source, err);
	if (!rc)
		rc = host_capabilities(source->host, named, &caps, err);
	return rc ? rc : carrier_read(caps->emulator, copy_with, &copying, err);
}
