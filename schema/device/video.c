/* SPDX-License-Identifier: Apache-2.0 */

/* Video cards. The first is the primary one, unless another says that it is. */

#include "schema/device/video.h"

#include <string.h>

#include "schema/address/address.h"
#include "schema/device/common.h"
#include "schema/fill.h"

#define VIDEO_QXL_RAM 65536
#define VIDEO_QXL_VGA_RAM 16384
#define VIDEO_VGA_RAM 16384
#define VIDEO_VGA_RAM_MIN 1024

static const char *model_type(const xmlNode *video)
{
	const char *type = node_attr(node_child(video, "model"), "type");

	return type ? type : "";
}

/* The screen before any driver: only the primary card may be such a one, and it has one head. */
static const char *const plain_types[] = {"vga", "cirrus", "vmvga", "bochs", "ramfb", NULL};

/* What only some types have. */
static int check_properties(const xmlNode *video, struct dd_error *err)
{
	static const char *const resolving[] = {"vga", "qxl", "virtio", "bochs", "none", NULL};
	static const char *const sizes[] = {"ram", "vgamem", "vram64"};
	static const char *const sized[] = {"vga", "vmvga", NULL};
	const xmlNode *model = node_child(video, "model");
	const xmlNode *resolution = node_child(model, "resolution");
	const char *type = model_type(video);
	bool none = strcmp(type, "none") == 0;
	bool known = type[0] && !none;

	for (size_t i = 0; i < COUNT(sizes); i++)
		if (known && strcmp(type, "qxl") != 0 && node_attr(model, sizes[i]))
			return node_error(
				model, err, DD_INVALID, "%s is a size of qxl cards only", sizes[i]);
	if (known && string_in(type, plain_types) && attr_number(model, "heads", 1) > 1)
		return node_error(model, err, DD_INVALID, "a %s card has one head", type);
	if (known && !string_in(type, resolving) && node_child(model, "resolution"))
		return node_error(
			model, err, DD_INVALID, "a %s card has no resolution to set", type);
	if (known && strcmp(type, "virtio") != 0 &&
		node_attr_is(node_child(model, "acceleration"), "accel3d", "yes"))
		return node_error(
			model, err, DD_INVALID, "3D acceleration is there for virtio cards only");
	if (known && strcmp(type, "virtio") != 0 &&
		node_attr_is(node_child(video, "driver"), "name", "vhostuser"))
		return node_error(video, err, DD_INVALID, "vhostuser serves virtio cards only");
	if (known && node_attr_is(node_child(model, "acceleration"), "accel2d", "yes"))
		return node_error(model, err, DD_INVALID, "QEMU's cards have no accel2d");
	if (known && string_in(type, sized) &&
		attr_number(model, "vram", VIDEO_VGA_RAM_MIN) < VIDEO_VGA_RAM_MIN &&
		attr_number(model, "vram", 0))
		return node_error(model, err, DD_INVALID, "a %s card has a vram of at least %d KiB",
			type, VIDEO_VGA_RAM_MIN);
	if (known && resolution &&
		(!attr_number(resolution, "x", 1) || !attr_number(resolution, "y", 1)))
		return node_error(resolution, err, DD_INVALID, "its x and y begin at 1");
	return none ? 0 : check_virtio_options(video, strcmp(type, "virtio") == 0, err);
}

static int check_qxl_memory(const xmlNode *video, struct dd_error *err)
{
	const xmlNode *model = node_child(video, "model");
	uint64_t size = attr_number(model, "vgamem", 0);

	if (strcmp(model_type(video), "qxl") != 0 || !size)
		return 0;
	if (size < VIDEO_VGA_RAM_MIN || size & (size - 1))
		return node_error(model, err, DD_INVALID,
			"vgamem is a power of two, and at least %d (KiB)", VIDEO_VGA_RAM_MIN);
	return 0;
}

static int check_together(
	const struct document *document, const xmlNode *video, struct dd_error *err)
{
	const xmlNode *primary = NULL;

	for (const xmlNode *other = device_first(document, "video"); other;
		other = node_next(other)) {
		bool marked = node_attr_is(node_child(other, "model"), "primary", "yes");

		if (other != video && strcmp(model_type(other), "none") == 0)
			return node_error(
				other, err, DD_INVALID, "video of type none goes with no other");
		if (marked && primary)
			return node_error(
				other, err, DD_INVALID, "there can be only one primary card");
		primary = marked ? other : primary;
	}
	if (video != video_primary(document) && string_in(model_type(video), plain_types))
		return node_error(video, err, DD_INVALID, "a %s card can only be the primary one",
			model_type(video));
	return 0;
}

static int check(const struct document *document, const xmlNode *video, struct dd_error *err)
{
	static const char *const types[] = {
		"", "vga", "cirrus", "vmvga", "qxl", "virtio", "bochs", "ramfb", "none", NULL};

	if (!string_in(model_type(video), types))
		return node_error(video, err, DD_UNSUPPORTED, "video of type '%s' is not supported",
			model_type(video));
	if (strcmp(model_type(video), "ramfb") == 0 && node_child(video, "address"))
		return node_error(video, err, DD_INVALID, "ramfb is on no bus and has no address");

	int rc = check_properties(video, err);

	if (!rc)
		rc = check_qxl_memory(video, err);
	return rc ? rc : check_together(document, video, err);
}

static int round_up(xmlNode *model, const char *name, struct dd_error *err)
{
	uint64_t value = 0;
	uint64_t power = 1;

	if (!node_attr_number(model, name, &value) || !value || value > UINT32_MAX)
		return 0;
	while (power < value)
		power <<= 1;
	if (power == value)
		return 0;
	(void)node_set_attr(model, name, NULL, NULL);
	return fill_number(model, name, power, err);
}

static int fill_ram(xmlNode *model, const char *type, struct dd_error *err)
{
	static const char *const plain[] = {"vga", "cirrus", "vmvga", "bochs", NULL};
	int rc = 0;

	if (string_in(type, plain))
		rc = fill_number(model, "vram", VIDEO_VGA_RAM, err);
	if (strcmp(type, "qxl") != 0)
		return rc ? rc : round_up(model, "vram", err);
	rc = fill_number(model, "ram", VIDEO_QXL_RAM, err);
	if (!rc)
		rc = fill_number(model, "vram", VIDEO_QXL_RAM, err);
	if (!rc)
		rc = fill_number(model, "vgamem", VIDEO_QXL_VGA_RAM, err);
	if (!rc)
		rc = round_up(model, "ram", err);
	if (!rc)
		rc = round_up(model, "vgamem", err);
	return rc ? rc : round_up(model, "vram", err);
}

/* Sizes of nothing, and a card that says not to be the primary one without another that is. */
static void drop_meaningless(xmlNode *model)
{
	static const char *const sizes[] = {"ram", "vram", "vram64", "vgamem", "heads"};

	for (size_t i = 0; i < COUNT(sizes); i++)
		if (node_attr_is(model, sizes[i], "0"))
			(void)node_set_attr(model, sizes[i], NULL, NULL);
	if (node_attr_is(model, "primary", "no"))
		(void)node_set_attr(model, "primary", NULL, NULL);
}

/* A card that is not there has no properties. */
static int complete_none(xmlNode *video, struct dd_error *err)
{
	xmlNode *model = node_child(video, "model");

	while (node_first(model))
		node_remove(node_first(model));
	while (model->properties)
		xmlRemoveProp(model->properties);
	node_remove(node_child(video, "driver"));
	return node_set_attr(model, "type", "none", err);
}

static const struct choice choices[] = {
	{"driver/@name", "qemu vhostuser", "default"},
	{"driver/@vgaconf", "on off", "io"},
	{"model/resolution/@x", NULL, NULL, true},
	{"model/resolution/@y", NULL, NULL, true},
	{NULL, NULL, NULL},
};

static int complete(struct document *document, xmlNode *video, const struct freeze_options *options,
	struct dd_error *err)
{
	xmlNode *model = fill_child(video, "model", err);
	int rc = model ? fill_attr(model, "type", "cirrus", err) : DD_NO_MEMORY;

	(void)document;
	(void)options;
	if (rc)
		return rc;
	if (strcmp(model_type(video), "none") == 0)
		return complete_none(video, err);
	drop_meaningless(model);
	rc = fill_ram(model, model_type(video), err);
	return rc ? rc : fill_number(model, "heads", 1, err);
}

static enum pci_plug plug(const struct document *document, const xmlNode *video)
{
	static const char *const express[] = {"virtio", "bochs", NULL};
	static const char *const none[] = {"", "none", "ramfb", NULL};

	(void)document;
	if (string_in(model_type(video), none))
		return PCI_PLUG_NONE;
	return string_in(model_type(video), express) ? PCI_PLUG_EXPRESS : PCI_PLUG_CONVENTIONAL;
}

static void words(const xmlNode *video, struct text *out)
{
	CLEANUP(text) struct text place = TEXT_INIT;

	place_words(video, node_child(video, "address"), &place);
	text_puts(out, place.size ? text_string(&place) : model_type(video));
}

static void details(const xmlNode *video, struct text *out)
{
	text_puts(out, model_type(video));
}

const struct device_kind kind_video = {
	.element = "video",
	.choices = choices,
	.check = check,
	.complete = complete,
	.address = address_by_plug,
	.plug = plug,
	.same = same_words,
	.words = words,
	.details = details,
	.alias = alias_numbered,
	.alias_prefix = "video",
	.live_paths = (const char *const[]){NULL},
	.free_paths = (const char *const[]){"model/acceleration/@rendernode", NULL},
	.hot_pluggable = false,
};

xmlNode *video_primary(const struct document *document)
{
	xmlNode *first = device_first(document, "video");

	for (xmlNode *video = first; video; video = node_next(video))
		if (node_attr_is(node_child(video, "model"), "primary", "yes"))
			return video;
	return first;
}

int video_mark_primary(struct document *document, struct dd_error *err)
{
	xmlNode *first = device_first(document, "video");
	xmlNode *primary = video_primary(document);

	if (!primary)
		return 0;
	if (primary != first)
		xmlAddPrevSibling(first, primary);
	if (strcmp(model_type(primary), "none") == 0)
		return 0;
	return fill_child_attr(primary, "model", "primary", "yes", err);
}
