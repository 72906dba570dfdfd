/* SPDX-License-Identifier: Apache-2.0 */

/* Audio backends on the host. Known by their id. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static int complete(struct document *document, xmlNode *audio, const struct freeze_options *options,
	struct dd_error *err)
{
	uint64_t id = 1;

	(void)options;
	if (node_attr(audio, "id"))
		return 0;
	for (const xmlNode *other = device_first(document, "audio"); other;
		other = node_next(other))
		if (attr_number(other, "id", 0) >= id)
			id = attr_number(other, "id", 0) + 1;
	return fill_number(audio, "id", id, err);
}

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
	.complete = complete,
	.address = address_none,
	.same = same_words,
	.words = words,
	.details = details,
	.live_paths = (const char *const[]){NULL},
	.free_paths = free_paths,
	.hot_pluggable = false,
};
