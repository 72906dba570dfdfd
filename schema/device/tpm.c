/* SPDX-License-Identifier: Apache-2.0 */

/* Trusted platform modules. Known by their model. */

#include <string.h>

#include "schema/device/common.h"
#include "schema/fill.h"

static int check(const struct document *document, const xmlNode *tpm, struct dd_error *err)
{
	static const char *const types[] = {"passthrough", "emulator", "external", NULL};
	const xmlNode *backend = node_child(tpm, "backend");

	if (device_count(document, "tpm") > 1)
		return node_error(tpm, err, DD_INVALID, "there can be only one TPM");
	if (!string_in(node_attr(backend, "type"), types))
		return node_error(tpm, err, DD_INVALID, "a TPM needs a <backend> of a known type");
	if (node_attr_is(tpm, "model", "tpm-crb") && node_attr_is(backend, "version", "1.2"))
		return node_error(tpm, err, DD_INVALID, "a tpm-crb has version 2.0");
	if (node_child(backend, "active_pcr_banks") && node_attr_is(backend, "version", "1.2"))
		return node_error(backend, err, DD_INVALID, "PCR banks are of version 2.0");
	return 0;
}

static const struct choice choices[] = {
	{"@model", "tpm-tis tpm-crb", NULL},
	{"backend/@version", "1.2 2.0", "default"},
	{NULL, NULL, NULL},
};

static int complete(struct document *document, xmlNode *tpm, const struct freeze_options *options,
	struct dd_error *err)
{
	int rc = fill_attr(tpm, "model", "tpm-tis", err);

	(void)document;
	(void)options;
	if (!rc && node_attr_is(node_child(tpm, "backend"), "type", "passthrough"))
		rc = fill_child_attr(
			node_child(tpm, "backend"), "device", "path", "/dev/tpm0", err);
	if (!rc && node_attr_is(node_child(tpm, "backend"), "type", "emulator"))
		rc = fill_child_attr(tpm, "backend", "version",
			node_attr_is(tpm, "model", "tpm-tis") ? "1.2" : "2.0", err);
	return rc;
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
	.choices = choices,
	.check = check,
	.complete = complete,
	.address = address_none,
	.same = same_words,
	.words = words_model,
	.alias = alias_numbered,
	.alias_prefix = "tpm",
	.live_paths = (const char *const[]){NULL},
	.free_paths = free_paths,
	.hot_pluggable = false,
};
