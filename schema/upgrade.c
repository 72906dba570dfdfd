/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/upgrade.h"

#include <string.h>

#include "schema/fill.h"
#include "schema/format.h"
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
	CLEANUP(text) struct text list = TEXT_INIT;
	char word[64];

	text_puts(&list, "host-model host-passthrough maximum");
	for (size_t i = 0; i < caps->cpu_count; i++)
		text_printf(&list, " %s", caps->cpus[i].name);
	node_error(cpu, err, DD_UNSUPPORTED, "%s has no CPU model '%s'", caps->emulator, name);
	if (!text_failed(&list) && format_suggest(text_string(&list), name, word, sizeof word))
		return error_hint(err, "did you mean %s? all are in: domesday capabilities", word);
	return error_hint(err, "see: domesday capabilities");
}

/* Two names of QEMU's that mean whatever host the guest is on, and for which there are words. */
static int check_named(const xmlNode *cpu, const char *name, struct dd_error *err)
{
	bool host = strcmp(name, "host") == 0;

	if (!host && strcmp(name, "max") != 0)
		return 0;
	node_error(cpu, err, DD_REFUSED, "'%s' is no CPU model, but what each host has", name);
	return error_hint(err, "say %s, or host-model for the CPU of this host by name",
		host ? "host-passthrough" : "maximum");
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

	if (!rc && !mode)
		rc = check_named(cpu, name, err);
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
