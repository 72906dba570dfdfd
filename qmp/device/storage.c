/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The block nodes behind a disk: "ALIAS-storage" is the file or device, "ALIAS-format" reads its
 * format and is what the disk's device is given. Where the definition spells a backing chain out,
 * its layers are "ALIAS-1-storage", "ALIAS-1-format" and so on; where it does not, QEMU follows
 * what the image says.
 */
#include "qmp/plan.h"

#include <stdio.h>
#include <string.h>

#define CHAIN_MAX 64

static const struct word formats[] = {
	{"raw", "raw"},
	{"qcow2", "qcow2"},
	{"vmdk", "vmdk"},
	{"vdi", "vdi"},
	{"vpc", "vpc"},
	{"vhdx", "vhdx"},
	{NULL},
};

struct cache {
	const char *name;
	bool direct;
	bool no_flush;
};

static const struct cache caches[] = {
	{"none", true, false},
	{"writeback", false, false},
	{"writethrough", false, false},
	{"directsync", true, false},
	{"unsafe", false, true},
};

struct layer {
	const xmlNode *disk;
	const xmlNode *driver; /* of the disk: applies to all layers */
	const xmlNode *source;
	const char *type;   /* "file", "block" */
	const char *format; /* "qcow2" */
	bool read_only;
	char storage[NODE_NAME_SIZE];
	char node[NODE_NAME_SIZE];
	char backing[NODE_NAME_SIZE];
	bool has_backing; /* backing is its name, or "" for: none, whatever the image says */
};

static int put_cache(struct json *args, const struct layer *layer, struct dd_error *err)
{
	const char *mode = node_attr(layer->driver, "cache");

	if (!mode || strcmp(mode, "default") == 0)
		return 0;
	for (size_t i = 0; i < sizeof caches / sizeof *caches; i++)
		if (strcmp(caches[i].name, mode) == 0) {
			struct json *cache = json_object();

			json_put_bool(cache, "direct", caches[i].direct);
			json_put_bool(cache, "no-flush", caches[i].no_flush);
			json_put(args, "cache", cache);
			return 0;
		}
	return node_error(layer->driver, err, DD_UNSUPPORTED, "cache '%s' cannot be run yet", mode);
}

static const char *protocol(const struct layer *layer, const char **path)
{
	if (strcmp(layer->type, "file") == 0) {
		*path = node_attr(layer->source, "file");
		return "file";
	}
	if (strcmp(layer->type, "block") == 0) {
		*path = node_attr(layer->source, "dev");
		return node_attr_is(layer->disk, "device", "cdrom") ? "host_cdrom" : "host_device";
	}
	return NULL;
}

static int add_storage(struct plan *plan, const struct layer *layer, struct dd_error *err)
{
	const char *path = NULL;
	const char *driver = protocol(layer, &path);
	const char *discard = node_attr(layer->driver, "discard");
	const char *io = node_attr(layer->driver, "io");

	if (!driver)
		return node_error(layer->disk, err, DD_UNSUPPORTED,
			"a disk of type '%s' cannot be run yet", layer->type);
	if (!path || path[0] != '/')
		return node_error(
			layer->source, err, DD_INVALID, "the path of an image must begin with '/'");

	struct json *args = plan_add(plan, STEP_BLOCKDEV);

	json_put_string(args, "driver", driver);
	json_put_string(args, "filename", path);
	json_put_string(args, "node-name", layer->storage);
	json_put_bool(args, "auto-read-only", true);
	json_put_string(
		args, "discard", discard && strcmp(discard, "ignore") == 0 ? "ignore" : "unmap");
	if (io)
		json_put_string(args, "aio", io);
	return put_cache(args, layer, err);
}

static int add_format(struct plan *plan, const struct layer *layer, struct dd_error *err)
{
	const char *discard = node_attr(layer->driver, "discard");
	const char *zeroes = node_attr(layer->driver, "detect_zeroes");
	const char *driver = word_find(formats, layer->format);

	if (!driver)
		return node_error(layer->driver ? layer->driver : layer->disk, err, DD_UNSUPPORTED,
			"images in format '%s' cannot be run yet", layer->format);

	struct json *args = plan_add(plan, STEP_BLOCKDEV);

	json_put_string(args, "node-name", layer->node);
	json_put_bool(args, "read-only", layer->read_only);
	if (discard)
		json_put_string(args, "discard", discard);
	/* QEMU can unmap zeroes only where it may unmap at all */
	if (zeroes && strcmp(zeroes, "unmap") == 0 && !(discard && strcmp(discard, "unmap") == 0))
		zeroes = "on";
	if (zeroes)
		json_put_string(args, "detect-zeroes", zeroes);
	json_put_string(args, "driver", driver);
	json_put_string(args, "file", layer->storage);
	if (layer->has_backing && strcmp(driver, "raw") != 0)
		json_put_string(args, "backing", layer->backing[0] ? layer->backing : NULL);
	return put_cache(args, layer, err);
}

static void name_layer(struct layer *layer, const char *alias, unsigned depth)
{
	char suffix[32] = "-storage";

	if (depth)
		snprintf(suffix, sizeof suffix, "-%u-storage", depth);
	block_node_name(layer->storage, alias, suffix);
	snprintf(suffix, sizeof suffix, depth ? "-%u-format" : "-format", depth);
	block_node_name(layer->node, alias, suffix);
}

/* holder has <source> and perhaps <backingStore>: the disk, or a <backingStore>. */
static int read_layer(const xmlNode *disk, const xmlNode *holder, unsigned depth,
	struct layer *layer, struct dd_error *err)
{
	const xmlNode *backing = node_child(holder, "backingStore");
	const xmlNode *format = node_child(holder, depth ? "format" : "driver");

	memset(layer, 0, sizeof *layer);
	layer->disk = disk;
	layer->driver = node_child(disk, "driver");
	layer->source = node_child(holder, "source");
	layer->type = node_attr(holder, "type") ? node_attr(holder, "type") : "file";
	layer->format = node_attr(format, "type") ? node_attr(format, "type") : "raw";
	layer->read_only =
		depth || node_child(disk, "readonly") || node_attr_is(disk, "device", "cdrom");
	layer->has_backing = backing;
	name_layer(layer, alias_of(disk), depth);
	if (depth > CHAIN_MAX)
		return node_error(
			holder, err, DD_INVALID, "more than %d images in a chain", CHAIN_MAX);
	if (backing && node_child(backing, "source")) {
		struct layer below;

		name_layer(&below, alias_of(disk), depth + 1);
		memcpy(layer->backing, below.node, sizeof layer->backing);
	}
	return 0;
}

int plan_storage(struct plan *plan, const xmlNode *disk, bool *has_medium, struct dd_error *err)
{
	const xmlNode *holders[CHAIN_MAX + 2] = {disk};
	size_t count = 1;
	const xmlNode *source = node_child(disk, "source");

	*has_medium = node_attr(source, "file") || node_attr(source, "dev");
	if (!*has_medium)
		return source && !node_attr_is(disk, "type", "file") &&
				       !node_attr_is(disk, "type", "block")
			       ? node_error(disk, err, DD_UNSUPPORTED,
					 "a disk of type '%s' cannot be run yet",
					 node_attr(disk, "type"))
			       : 0;
	while (count <= CHAIN_MAX) {
		const xmlNode *next = node_child(holders[count - 1], "backingStore");

		if (!next || !node_child(next, "source"))
			break;
		holders[count++] = next;
	}
	/* what a layer builds on comes first */
	while (count--) {
		struct layer layer;
		int code = read_layer(disk, holders[count], (unsigned)count, &layer, err);

		if (!code)
			code = add_storage(plan, &layer, err);
		if (!code)
			code = add_format(plan, &layer, err);
		if (code)
			return code;
	}
	return 0;
}
