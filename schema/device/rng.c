/* SPDX-License-Identifier: Apache-2.0 */

/* Sources of randomness. Known by their place. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static int check(const struct document *document, const xmlNode *rng, struct dd_error *err)
{
	static const char *const models[] = {
		"virtio", "virtio-transitional", "virtio-non-transitional", NULL};

	(void)document;
	if (!string_in(node_attr(rng, "model"), models))
		return node_error(rng, err, DD_UNSUPPORTED, "rng model '%s' is not supported",
			node_attr(rng, "model") ? node_attr(rng, "model") : "");
	return 0;
}

static int complete(struct document *document, xmlNode *rng, const struct freeze_options *options,
	struct dd_error *err)
{
	xmlNode *backend = node_child(rng, "backend");
	xmlNode *rate = node_child(rng, "rate");

	(void)document;
	(void)options;
	if (attr_number(rate, "period", 1) == 0)
		(void)node_set_attr(rate, "period", NULL, NULL);
	if (attr_number(rate, "bytes", 0) == 0)
		node_remove(rate);
	if (!backend)
		return node_error(rng, err, DD_INVALID, "a rng needs a backend");
	if (node_attr_is(backend, "model", "random") && !node_text(backend)[0])
		return node_set_text(backend, "/dev/random", err);
	return node_attr_is(backend, "model", "egd") ? chardev_complete(backend, err) : 0;
}

static void details(const xmlNode *rng, struct text *out)
{
	const char *source = node_text(node_child(rng, "backend"));

	if (source && source[0])
		text_puts(out, source);
}

const struct device_kind kind_rng = {
	.element = "rng",
	.check = check,
	.complete = complete,
	.address = address_by_plug,
	.plug = plug_virtio_model,
	.same = same_words,
	.words = words_place,
	.details = details,
	.alias = alias_numbered,
	.alias_prefix = "rng",
	.live_paths = (const char *const[]){NULL},
	.free_paths = (const char *const[]){"backend", "rate", NULL},
	.hot_pluggable = true,
};
