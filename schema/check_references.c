/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/check_references.h"

#include "schema/check_tuning.h"
#include "schema/fill.h"

static bool has_audio(const struct document *document, uint64_t id)
{
	for (const xmlNode *audio = device_first(document, "audio"); audio;
		audio = node_next(audio))
		if (attr_number(audio, "id", 0) == id)
			return true;
	return false;
}

static bool has_cell(const struct document *document, uint64_t id)
{
	const xmlNode *cell = node_descend(document_root(document), "cpu/numa/cell");

	for (; cell; cell = node_next(cell))
		if (attr_number(cell, "id", UINT64_MAX) == id)
			return true;
	return false;
}

static const struct {
	const char *device;    /* NULL: any */
	const char *path;      /* below it */
	const char *attribute; /* NULL: the text */
	const char *what;
	bool (*exists)(const struct document *document, uint64_t id);
} references[] = {
	{NULL, "audio", "id", "audio backend", has_audio},
	{NULL, "driver", "iothread", "I/O thread", thread_exists},
	{"controller", "target/node", NULL, "NUMA cell", has_cell},
};

int check_references(const struct document *document, const xmlNode *device, struct dd_error *err)
{
	for (size_t i = 0; i < COUNT(references); i++) {
		const char *attribute = references[i].attribute;
		const xmlNode *node = node_descend(device, references[i].path);
		const char *value = attribute ? node_attr(node, attribute) : node_text(node);
		uint64_t id = 0;
		bool number = attribute ? node_attr_number(node, attribute, &id)
					: node_text_number(node, &id);

		if (!node || (references[i].device && !node_is(device, references[i].device)))
			continue;
		if (!value && !node_is(node, "audio"))
			continue;
		if (!number || !references[i].exists(document, id))
			return node_error(node, err, DD_INVALID, "there is no %s %s",
				references[i].what, value ? value : "without an id");
	}
	return 0;
}
