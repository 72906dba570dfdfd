/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/rows.h"

#include <string.h>

static const char *const known[] = {
	"model/@type",
	"model/@vram",
	"model/@ram",
	"model/@vram64",
	"model/@vgamem",
	"model/@heads",
	"model/@primary",
	"model/resolution/@x",
	"model/resolution/@y",
	NULL,
};

static const struct property *const tables[] = {virtio_properties, NULL};

enum memory_style {
	MEMORY_NONE,
	MEMORY_VGA, /* vgamem_mb is the size */
	MEMORY_QXL,
};

static const struct model {
	const char *name;
	const char *primary;   /* as the display that the firmware uses */
	const char *secondary; /* as a further one; NULL: cannot be */
	enum memory_style memory;
	bool heads;
} models[] = {
	{"vga", "VGA", NULL, MEMORY_VGA, false},
	{"cirrus", "cirrus-vga", NULL, MEMORY_NONE, false},
	{"vmvga", "vmware-svga", NULL, MEMORY_NONE, false},
	{"qxl", "qxl-vga", "qxl", MEMORY_QXL, true},
	{"virtio", "virtio-vga", "virtio-gpu-pci", MEMORY_NONE, true},
	{"bochs", "bochs-display", "bochs-display", MEMORY_NONE, false},
};

static void put_megabytes(
	const xmlNode *model, const char *attr, struct json *args, const char *name)
{
	uint64_t kib = 0;

	if (node_attr_number(model, attr, &kib))
		json_put(args, name, json_unsigned(kib / 1024));
}

static void put_bytes(const xmlNode *model, const char *attr, struct json *args, const char *name)
{
	uint64_t kib = 0;

	if (node_attr_number(model, attr, &kib))
		json_put(args, name, json_unsigned(kib * 1024));
}

static void put_memory(const xmlNode *model, enum memory_style style, struct json *args)
{
	if (style == MEMORY_VGA)
		put_megabytes(model, "vram", args, "vgamem_mb");
	if (style != MEMORY_QXL)
		return;
	put_bytes(model, "ram", args, "ram_size");
	put_bytes(model, "vram", args, "vram_size");
	json_put_number(args, "vram64_size_mb", 0);
	put_megabytes(model, "vram64", args, "vram64_size_mb");
	put_megabytes(model, "vgamem", args, "vgamem_mb");
}

static void put_screen(const struct model *model, const xmlNode *node, struct json *args)
{
	const xmlNode *resolution = node_child(node, "resolution");
	uint64_t value = 0;

	if (model->heads && node_attr_number(node, "heads", &value))
		json_put(args, "max_outputs", json_unsigned(value));
	if (node_attr_number(resolution, "x", &value))
		json_put(args, "xres", json_unsigned(value));
	if (node_attr_number(resolution, "y", &value))
		json_put(args, "yres", json_unsigned(value));
}

static const struct model *find_model(const xmlNode *node)
{
	for (size_t i = 0; i < sizeof models / sizeof *models; i++)
		if (node_attr_is(node, "type", models[i].name))
			return &models[i];
	return NULL;
}

static int plan_video(struct plan *plan, const xmlNode *video, struct dd_error *err)
{
	const xmlNode *node = node_child(video, "model");
	const struct model *model = find_model(node);
	bool first =
		node_child(video->parent, "video") == video || node_attr_is(node, "primary", "yes");

	if (node_attr_is(node, "type", "none"))
		return 0;
	if (!model || (!first && !model->secondary))
		return node_error(video, err, DD_UNSUPPORTED,
			"video of model '%s' cannot be run %s",
			node_attr(node, "type") ? node_attr(node, "type") : "",
			model ? "as a further one" : "yet");

	struct json *args = plan_add(plan, STEP_DEVICE);
	int code = put_driver(plan, video, args, first ? model->primary : model->secondary, err);

	if (code)
		return code;
	put_memory(node, model->memory, args);
	put_screen(model, node, args);
	if (strcmp(model->name, "virtio") == 0)
		code = put_properties(args, video, virtio_properties, err);
	return code ? code : put_pci(plan, video, args, err);
}

const struct device_row video_row = {
	.element = "video",
	.plan = plan_video,
	.known = known,
	.properties = tables,
};
