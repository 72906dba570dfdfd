/* SPDX-License-Identifier: Apache-2.0 */

/* Audio backends on the host. Known by their id. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static int complete(struct document *document, xmlNode *audio, const struct freeze_options *options,
	struct dd_error *err)
{
	static const char *const sides[] = {"input", "output"};

	(void)document;
	(void)options;
	for (size_t i = 0; i < COUNT(sides); i++) {
		xmlNode *side = node_child(audio, sides[i]);

		if (node_attr_is(side, "fixedSettings", "yes") &&
			!fill_child(side, "settings", err))
			return error_no_memory(err);
		if (side && !side->properties && !node_first(side))
			node_remove(side);
	}
	return 0;
}

static int check_side(const xmlNode *audio, const char *name, struct dd_error *err)
{
	const xmlNode *side = node_child(audio, name);

	if (node_attr_is(side, "fixedSettings", "yes") &&
		!node_attr_is(side, "mixingEngine", "yes"))
		return node_error(side, err, DD_INVALID, "fixed settings need mixingEngine='yes'");
	if (node_child(side, "settings") && !node_attr_is(side, "fixedSettings", "yes"))
		return node_error(side, err, DD_INVALID, "settings need fixedSettings='yes'");
	return 0;
}

static int check(const struct document *document, const xmlNode *audio, struct dd_error *err)
{
	bool spice = false;
	int rc = check_side(audio, "input", err);

	if (!attr_number(audio, "id", 0))
		return node_error(audio, err, DD_INVALID, "it needs an id, from 1 on");

	for (const xmlNode *node = device_first(document, "graphics"); node; node = node_next(node))
		spice = spice || node_attr_is(node, "type", "spice");
	if (!rc && node_attr_is(audio, "type", "spice") && !spice)
		return node_error(audio, err, DD_INVALID, "sound over SPICE needs a SPICE screen");
	for (const xmlNode *other = device_first(document, "audio"); other && !rc;
		other = node_next(other))
		if (other != audio && node_attr(audio, "id") &&
			node_attr_is(other, "id", node_attr(audio, "id")))
			return node_error(audio, err, DD_INVALID,
				"audio id %s is there several times", node_attr(audio, "id"));
	return rc ? rc : check_side(audio, "output", err);
}

static const struct choice choices[] = {
	{"@type", "none alsa coreaudio dbus jack oss pulseaudio sdl spice file", NULL},
	{NULL, NULL, NULL},
};

static void words(const xmlNode *audio, struct text *out)
{
	const char *id = node_attr(audio, "id");

	text_puts(out, id ? id : "");
}

static void details(const xmlNode *audio, struct text *out)
{
	const char *type = node_attr(audio, "type");

	text_puts(out, type ? type : "");
}

static const char *const free_paths[] = {
	"@type",
	"@driver",
	"@path",
	"@serverName",
	"@timerPeriod",
	"@tryMMap",
	"@exclusive",
	"@dspPolicy",
	"input",
	"output",
	NULL,
};

const struct device_kind kind_audio = {
	.element = "audio",
	.choices = choices,
	.check = check,
	.complete = complete,
	.address = address_none,
	.same = same_words,
	.words = words,
	.details = details,
	.live_paths = (const char *const[]){NULL},
	.free_paths = free_paths,
	.hot_pluggable = false,
};
