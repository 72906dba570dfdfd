/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/device/rows.h"

#include <stdio.h>
#include <string.h>

static const char *const sound_known[] = {"@model", "codec/@type", "audio/@id", NULL};
static const char *const audio_known[] = {"@id", "@type", NULL};

static const struct model {
	const char *name;
	const char *driver;
	bool codecs; /* sound goes in and out by codecs on the device's own bus */
	bool pci;
	bool usb;
} models[] = {
	{"ich6", "intel-hda", true, true, false},
	{"ich9", "ich9-intel-hda", true, true, false},
	{"ac97", "AC97", false, true, false},
	{"es1370", "ES1370", false, true, false},
	{"sb16", "sb16", false, false, false},
	{"usb", "usb-audio", false, false, true},
};

static void put_audiodev(const struct plan *plan, const xmlNode *sound, struct json *args)
{
	const char *id = text_of(sound, "audio/@id");
	const xmlNode *audio = node_child(document_devices(plan->live), "audio");
	char name[64];

	if (!id)
		id = node_attr(audio, "id");
	snprintf(name, sizeof name, "audio%s", id ? id : "1");
	json_put_string(args, "audiodev", name);
}

static int plan_codec(struct plan *plan, const xmlNode *sound, const char *type, unsigned number,
	struct dd_error *err)
{
	static const struct word drivers[] = {
		{"duplex", "hda-duplex"}, {"micro", "hda-micro"}, {"output", "hda-output"}, {NULL}};
	const char *driver = word_find(drivers, type);
	char text[160];

	if (!driver)
		return node_error(sound, err, DD_UNSUPPORTED, "codec '%s' cannot be run yet", type);

	struct json *args = plan_add(plan, STEP_DEVICE);
	int code = put_driver(plan, sound, args, driver, err);

	if (code)
		return code;
	snprintf(text, sizeof text, "%s-codec%u", alias_of(sound), number);
	json_put_string(args, "id", text);
	snprintf(text, sizeof text, "%s.0", alias_of(sound));
	json_put_string(args, "bus", text);
	json_put(args, "cad", json_unsigned(number));
	put_audiodev(plan, sound, args);
	return 0;
}

static int plan_codecs(struct plan *plan, const xmlNode *sound, struct dd_error *err)
{
	const xmlNode *codec = node_child(sound, "codec");
	unsigned number = 0;
	int code = 0;

	if (!codec)
		return plan_codec(plan, sound, "duplex", 0, err);
	for (; codec && !code; codec = node_next(codec))
		code = plan_codec(plan, sound,
			node_attr(codec, "type") ? node_attr(codec, "type") : "duplex", number++,
			err);
	return code;
}

static int plan_model(
	struct plan *plan, const xmlNode *sound, const struct model *model, struct dd_error *err)
{
	struct json *args = plan_add(plan, STEP_DEVICE);
	int code = put_driver(plan, sound, args, model->driver, err);

	if (!code && model->pci)
		code = put_pci(plan, sound, args, err);
	if (!code && model->usb)
		code = put_usb(plan, sound, args, err);
	if (code)
		return code;
	if (model->codecs)
		return plan_codecs(plan, sound, err);
	put_audiodev(plan, sound, args);
	return 0;
}

static int plan_sound(struct plan *plan, const xmlNode *sound, struct dd_error *err)
{
	for (size_t i = 0; i < sizeof models / sizeof *models; i++)
		if (node_attr_is(sound, "model", models[i].name))
			return plan_model(plan, sound, &models[i], err);
	return node_error(sound, err, DD_UNSUPPORTED, "sound of model '%s' cannot be run yet",
		node_attr(sound, "model") ? node_attr(sound, "model") : "");
}

static int plan_audio(struct plan *plan, const xmlNode *audio, struct dd_error *err)
{
	CLEANUP(json) struct json *args = json_object();
	CLEANUP(text) struct text value = TEXT_INIT;
	const char *id = node_attr(audio, "id");
	char name[64];

	if (!node_attr_is(audio, "type", "none") && !node_attr_is(audio, "type", "spice"))
		return node_error(audio, err, DD_UNSUPPORTED,
			"audio of type '%s' cannot be run yet",
			node_attr(audio, "type") ? node_attr(audio, "type") : "");
	snprintf(name, sizeof name, "audio%s", id ? id : "1");
	json_put_string(args, "id", name);
	json_put_string(args, "driver", node_attr(audio, "type"));

	int code = json_write(args, &value, err);

	if (!code)
		plan_argument(plan, "-audiodev", text_string(&value));
	return code;
}

const struct device_row sound_row = {
	.element = "sound",
	.plan = plan_sound,
	.known = sound_known,
};

const struct device_row audio_row = {
	.element = "audio",
	.plan = plan_audio,
	.known = audio_known,
};
