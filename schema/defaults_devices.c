/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "schema/defaults.h"
#include "schema/fill.h"

static int add_with(struct document *document, const char *element, const char *name,
	const char *value, struct dd_error *err)
{
	xmlNode *device = device_add(document, element, err);

	return device ? node_set_attr(device, name, value, err) : DD_NO_MEMORY;
}

int defaults_add_balloon(struct document *document, struct dd_error *err)
{
	if (device_first(document, "memballoon"))
		return 0;
	return add_with(document, "memballoon", "model", "virtio", err);
}

/* A screen needs a card, unless all that is shown is rendered elsewhere. */
int defaults_add_video(struct document *document, struct dd_error *err)
{
	if (device_first(document, "video") || !device_first(document, "graphics"))
		return 0;
	return device_add(document, "video", err) ? 0 : DD_NO_MEMORY;
}

static int add_input(struct document *document, const char *type, struct dd_error *err)
{
	xmlNode *input = device_first(document, "input");

	for (; input; input = node_next(input))
		if (node_attr_is(input, "type", type) && node_attr_is(input, "bus", "ps2"))
			return 0;
	input = device_add(document, "input", err);

	int rc = input ? node_set_attr(input, "type", type, err) : DD_NO_MEMORY;

	return rc ? rc : node_set_attr(input, "bus", "ps2", err);
}

int defaults_add_inputs(struct document *document, struct dd_error *err)
{
	int rc = add_input(document, "mouse", err);

	return rc ? rc : add_input(document, "keyboard", err);
}

/*
 * Sound goes where the screen goes: with SPICE, or nowhere. The last of several screens decides;
 * SDL comes with sound of its own, and those that show nothing by themselves have no say.
 */
int defaults_add_audio(struct document *document, struct dd_error *err)
{
	static const char *const deciding[] = {"vnc", "spice", "sdl", NULL};
	const xmlNode *graphics = device_first(document, "graphics");
	const char *screen = graphics ? "sdl" : "vnc";

	for (; graphics; graphics = node_next(graphics))
		if (string_in(node_attr(graphics, "type"), deciding))
			screen = node_attr(graphics, "type");
	if (device_first(document, "audio") || strcmp(screen, "sdl") == 0)
		return 0;

	bool spice = strcmp(screen, "spice") == 0;
	xmlNode *audio = device_add(document, "audio", err);
	int rc = audio ? node_set_attr(audio, "id", "1", err) : DD_NO_MEMORY;

	return rc ? rc : node_set_attr(audio, "type", spice ? "spice" : "none", err);
}
