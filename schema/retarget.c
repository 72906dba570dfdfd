/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/retarget.h"

#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#include "schema/device/kind.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define KINDS "bridge, network, dev, path, pool, vsock"

/* Where names of a kind stand: an attribute, or (NULL) the text, of an element below another. */
static const struct place {
	const char *kind;
	const char *parent; /* NULL: any */
	const char *element;
	const char *attribute;
} places[] = {
	{"bridge", "interface", "source", "bridge"},
	{"network", "interface", "source", "network"},
	{"dev", "interface", "source", "dev"},
	{"path", "disk", "source", "file"},
	{"path", "disk", "source", "dev"},
	{"path", "disk", "source", "dir"},
	{"path", "backingStore", "source", "file"},
	{"path", "backingStore", "source", "dev"},
	{"path", "filesystem", "source", "dir"},
	{"path", "filesystem", "source", "file"},
	{"path", NULL, "source", "path"},
	{"path", NULL, "log", "file"},
	{"path", "devices", "emulator", NULL},
	{"path", "os", "kernel", NULL},
	{"path", "os", "initrd", NULL},
	{"path", "os", "dtb", NULL},
	{"path", "os", "loader", NULL},
	{"path", "os", "nvram", NULL},
	{"pool", NULL, "source", "pool"},
	{"vsock", "vsock", "cid", "address"},
};

struct map {
	char *kind, *from, *to;
	bool folder; /* from and to are */
};

struct map_list {
	struct map *items;
	size_t count;
	bool *found;  /* as many */
	bool changed; /* something, since that was last asked */
};

static void cleanup_map_list(struct map_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].kind);
	free(list->items);
}

static bool kind_is_known(const char *kind)
{
	for (size_t i = 0; i < COUNT(places); i++)
		if (strcmp(places[i].kind, kind) == 0)
			return true;
	return false;
}

static bool is_folder(const char *path)
{
	return path[strlen(path) - 1] == '/';
}

/* A folder is none where the slash at its end is forgotten. */
static int folder_read(const char *text, struct map *map, struct dd_error *err)
{
	map->folder = is_folder(map->from);
	if (map->folder == is_folder(map->to))
		return 0;
	error_set(err, DD_INVALID, "'%s' has a folder on one side and a file on the other", text);
	return error_hint(err, "a folder ends with '/' on both sides, a file on none");
}

static int map_read(const char *text, struct map *map, struct dd_error *err)
{
	int rc = string_copy(&map->kind, text, err);
	char *colon = rc ? NULL : strchr(map->kind, ':');

	if (rc)
		return rc;
	map->from = colon ? colon + 1 : NULL;
	map->to = colon ? string_cut(map->from, '=') : NULL;
	if (!map->to || !*map->from || !*map->to)
		return error_set(err, DD_INVALID, "'%s' is no KIND:FROM=TO", text);
	*colon = '\0';
	if (!kind_is_known(map->kind))
		return error_set(
			err, DD_INVALID, "'%s' in '%s' is none of " KINDS, map->kind, text);
	return strcmp(map->kind, "path") == 0 ? folder_read(text, map, err) : 0;
}

/* What value becomes, or NULL. The caller frees it. */
static int value_map(const struct map *map, const char *value, char **out, struct dd_error *err)
{
	size_t length = strlen(map->from);

	*out = NULL;
	if (!value)
		return 0;
	if (map->folder && strncmp(value, map->from, length) == 0)
		return string_format(out, err, "%s%s", map->to, value + length);
	return strcmp(value, map->from) == 0 ? string_copy(out, map->to, err) : 0;
}

static int place_set(
	const struct place *place, xmlNode *element, const char *value, struct dd_error *err)
{
	return place->attribute ? node_set_attr(element, place->attribute, value, err)
				: node_set_text(element, value, err);
}

/* What a place gets by one map is not looked at by the next. */
static int place_map(
	struct map_list *list, const struct place *place, xmlNode *element, struct dd_error *err)
{
	const char *now =
		place->attribute ? node_attr(element, place->attribute) : node_text(element);

	for (size_t i = 0; i < list->count; i++) {
		CLEANUP(free) char *value = NULL;
		int rc = strcmp(list->items[i].kind, place->kind) == 0
				 ? value_map(&list->items[i], now, &value, err)
				 : 0;

		if (rc)
			return rc;
		if (!value)
			continue;
		list->found[i] = list->changed = true;
		return place_set(place, element, value, err);
	}
	return 0;
}

static int element_map(struct map_list *list, xmlNode *element, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < COUNT(places); i++)
		if (node_is(element, places[i].element) &&
			(!places[i].parent || node_is(element->parent, places[i].parent)))
			rc = place_map(list, &places[i], element, err);
	for (xmlNode *child = node_first(element); !rc && child; child = node_after(child))
		rc = element_map(list, child, err);
	return rc;
}

/* What is called otherwise has to make sense as what was handed in did. */
static int devices_map(struct map_list *list, struct document *document, struct dd_error *err)
{
	xmlNode *devices = document_devices(document);
	CLEANUP(free)
	const xmlNode **changed = calloc(xmlChildElementCount(devices) + 1, sizeof *changed);
	size_t count = 0;
	int rc = changed ? 0 : error_no_memory(err);

	for (xmlNode *device = node_first(devices); !rc && device; device = node_after(device)) {
		list->changed = false;
		rc = element_map(list, device, err);
		if (list->changed)
			changed[count++] = device;
	}
	for (size_t i = 0; !rc && i < count; i++) {
		const struct device_kind *kind = device_kind(changed[i]);

		rc = kind && kind->check ? kind->check(document, changed[i], err) : 0;
	}
	return rc;
}

static int maps_read(
	const char *const *maps, size_t count, struct map_list *list, struct dd_error *err)
{
	int rc = 0;

	list->items = calloc(count, sizeof *list->items);
	if (count && !list->items)
		return error_no_memory(err);
	for (; !rc && list->count < count; list->count++)
		rc = map_read(maps[list->count], &list->items[list->count], err);
	return rc;
}

int document_retarget(struct document *document, const char *const *maps, size_t count, bool *found,
	struct dd_error *err)
{
	CLEANUP(map_list) struct map_list list = {.found = found};
	int rc = maps_read(maps, count, &list, err);

	/* what others keep in <metadata> is theirs */
	if (!rc)
		rc = element_map(&list, node_child(document_root(document), "os"), err);
	if (!rc)
		rc = devices_map(&list, document, err);
	return rc ? rc : document_canonicalise(document, err);
}
