/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/upgrade.h"

#include <string.h>

#include "schema/fill.h"
#include "schema/machine.h"

int upgrade_machine(struct document *document, const char *name, const struct capabilities *caps,
	struct dd_error *err)
{
	const struct freeze_options options = {.capabilities = caps};
	xmlNode *type = node_descend(document_root(document), "os/type");
	bool express = machine_is_q35(document);
	int rc = node_set_attr(type, "machine", name, err);

	if (!rc)
		rc = machine_freeze(document, &options, err);
	if (rc || machine_is_q35(document) == express)
		return rc;
	node_error(type, err, DD_REFUSED,
		"'%s' is of another chipset: its devices would be on other buses",
		machine_name(document));
	return error_hint(err, "define another domain for it");
}

static int refuse_model(
	const xmlNode *cpu, const char *name, const struct capabilities *caps, struct dd_error *err)
{
	node_error(cpu, err, DD_UNSUPPORTED, "%s has no CPU model '%s'", caps->emulator, name);
	return error_hint(err, "see: domesday capabilities");
}

/* What belongs to the model that was. */
static void clear_model(xmlNode *cpu)
{
	static const char *const children[] = {"model", "vendor", "feature"};

	for (size_t i = 0; i < COUNT(children); i++)
		for (xmlNode *node = node_child(cpu, children[i]); node;
			node = node_child(cpu, children[i]))
			node_remove(node);
}

int upgrade_cpu(struct document *document, const char *name, const struct capabilities *caps,
	struct dd_error *err)
{
	static const char *const attributes[] = {"mode", "match", "check", "migratable"};
	static const char *const modes[] = {"host-model", "host-passthrough", "maximum", NULL};
	xmlNode *cpu = fill_child(document_root(document), "cpu", err);
	bool mode = string_in(name, modes);
	int rc = cpu ? 0 : DD_NO_MEMORY;

	if (!rc && !mode && !capabilities_cpu(caps, name))
		return refuse_model(cpu, name, caps, err);
	for (size_t i = 0; i < COUNT(attributes) && !rc; i++)
		rc = node_set_attr(cpu, attributes[i], NULL, err);
	if (rc)
		return rc;
	clear_model(cpu);
	rc = node_set_attr(cpu, "mode", mode ? name : "custom", err);
	if (!rc && !mode)
		rc = fill_text(cpu, "model", name, err);
	return !rc && !mode ? fill_child_attr(cpu, "model", "fallback", "forbid", err) : rc;
}
