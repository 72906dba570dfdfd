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

static const char *model_type(const xmlNode *video)
{
	const char *type = node_attr(node_child(video, "model"), "type");

	return type ? type : "";
}

static int check(const struct document *document, const xmlNode *video, struct dd_error *err)
{
	static const char *const types[] = {
		"", "vga", "cirrus", "vmvga", "qxl", "virtio", "bochs", "ramfb", "none", NULL};

	(void)document;
	if (!string_in(model_type(video), types))
		return node_error(video, err, DD_UNSUPPORTED, "video of type '%s' is not supported",
			model_type(video));
	if (strcmp(model_type(video), "ramfb") == 0 && node_child(video, "address"))
		return node_error(video, err, DD_INVALID, "ramfb is on no bus and has no address");
	return 0;
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

static int complete(struct document *document, xmlNode *video, const struct freeze_options *options,
	struct dd_error *err)
{
	xmlNode *model = fill_child(video, "model", err);
	int rc = model ? fill_attr(model, "type", "cirrus", err) : DD_NO_MEMORY;

	(void)document;
	(void)options;
	if (rc || strcmp(model_type(video), "none") == 0)
		return rc;
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

static const char *alias_prefix(const xmlNode *video)
{
	(void)video;
	return "video";
}

const struct device_kind kind_video = {
	.element = "video",
	.check = check,
	.complete = complete,
	.address = address_by_plug,
	.plug = plug,
	.same = same_words,
	.words = words,
	.details = details,
	.alias = alias_numbered,
	.alias_prefix = alias_prefix,
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
