/* SPDX-License-Identifier: Apache-2.0 */

/* Trusted platform modules. Known by their model. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static int complete(struct document *document, xmlNode *tpm, const struct freeze_options *options,
	struct dd_error *err)
{
	int rc = fill_attr(tpm, "model", "tpm-tis", err);

	(void)document;
	(void)options;
	if (!rc && node_attr_is(node_child(tpm, "backend"), "type", "emulator"))
		rc = fill_child_attr(tpm, "backend", "version", "2.0", err);
	return rc;
}

static void words(const xmlNode *tpm, struct text *out)
{
	const char *model = node_attr(tpm, "model");

	text_puts(out, model ? model : "");
}

static const char *alias_prefix(const xmlNode *tpm)
{
	(void)tpm;
	return "tpm";
}

/* Where its state is kept; which TPM it is, type and version say. */
static const char *const free_paths[] = {
	"backend/@persistent_state",
	"backend/encryption",
	"backend/device",
	"backend/source",
	NULL,
};

const struct device_kind kind_tpm = {
	.element = "tpm",
	.complete = complete,
	.address = address_none,
	.same = same_words,
	.words = words,
	.alias = alias_numbered,
	.alias_prefix = alias_prefix,
	.live_paths = (const char *const[]){NULL},
	.free_paths = free_paths,
	.hot_pluggable = false,
};
