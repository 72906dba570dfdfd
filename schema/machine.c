/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/machine.h"

#include <string.h>

#include "schema/fill.h"

#define SUGGESTION_MAX 4 /* machine types named in a message */

static xmlNode *os_type(const struct document *document)
{
	return node_descend(document_root(document), "os/type");
}

const char *machine_name(const struct document *document)
{
	return node_attr(os_type(document), "machine");
}

const char *machine_arch(const struct document *document)
{
	return node_attr(os_type(document), "arch");
}

static bool name_is(const char *name, const char *alias, const char *prefix)
{
	return name && (strcmp(name, alias) == 0 || strncmp(name, prefix, strlen(prefix)) == 0);
}

bool machine_is_i440fx(const struct document *document)
{
	return name_is(machine_name(document), "pc", "pc-i440fx-");
}

bool machine_is_q35(const struct document *document)
{
	return name_is(machine_name(document), "q35", "pc-q35-");
}

bool machine_has_express(const struct document *document)
{
	if (machine_is_q35(document))
		return true;
	for (const xmlNode *node = device_first(document, "controller"); node;
		node = node_next(node))
		if (node_attr_is(node, "model", "pcie-root"))
			return true;
	return false;
}

bool machine_uses_kvm(const struct document *document)
{
	return node_attr_is(document_root(document), "type", "kvm");
}

const struct machine_type *machine_type_of(
	const struct document *document, const struct capabilities *caps)
{
	const char *name = machine_name(document);

	return name ? capabilities_machine(caps, name) : NULL;
}

static const struct machine_type *default_machine(const struct capabilities *caps)
{
	for (size_t i = 0; i < caps->machine_count; i++)
		if (caps->machines[i].is_default)
			return &caps->machines[i];
	return NULL;
}

/* Length of what two names have in common from the start. */
static size_t common_length(const char *a, const char *b)
{
	size_t length = 0;

	while (a[length] && a[length] == b[length])
		length++;
	return length;
}

/* Names the types that begin most like the one that was asked for, newest first. */
static void suggest(const struct capabilities *caps, const char *name, struct text *out)
{
	size_t best = 0;
	unsigned named = 0;

	for (size_t i = 0; i < caps->machine_count; i++) {
		size_t length = common_length(caps->machines[i].name, name);

		best = length > best ? length : best;
	}
	for (size_t i = 0; i < caps->machine_count && named < SUGGESTION_MAX; i++) {
		if (common_length(caps->machines[i].name, name) < best)
			continue;
		text_printf(out, "%s%s", named++ ? ", " : "", caps->machines[i].name);
	}
}

static int unknown_machine(
	const xmlNode *type, const struct capabilities *caps, struct dd_error *err)
{
	CLEANUP(text) struct text close = TEXT_INIT;
	const char *name = node_attr(type, "machine");

	suggest(caps, name, &close);
	node_error(type, err, DD_UNSUPPORTED, "%s has no machine type '%s'",
		caps->emulator ? caps->emulator : "QEMU", name);
	return close.size ? error_hint(err, "it has %s", text_string(&close)) : DD_UNSUPPORTED;
}

/* Leaves the type alone where it is the name already: it may be longer known than the binary. */
static int freeze_type(xmlNode *type, const struct capabilities *caps, struct dd_error *err)
{
	const char *given = node_attr(type, "machine");
	const char *name = given && given[0] ? given : NULL;
	const struct machine_type *machine =
		name ? capabilities_machine(caps, name) : default_machine(caps);

	if (machine)
		return node_set_attr(type, "machine", machine->name, err);
	if (name)
		return unknown_machine(type, caps, err);
	node_error(type, err, DD_INVALID, "the definition names no machine type");
	return error_hint(err, "say <type machine='q35'>");
}

int machine_freeze(
	struct document *document, const struct freeze_options *options, struct dd_error *err)
{
	xmlNode *os = fill_child(document_root(document), "os", err);
	xmlNode *type = os ? fill_child(os, "type", err) : NULL;
	int rc = type ? fill_attr(type, "arch", "x86_64", err) : DD_NO_MEMORY;

	if (rc)
		return rc;
	if (strcmp(node_text(type), "hvm") != 0)
		return node_error(type, err, DD_UNSUPPORTED,
			"guests of os type '%s' are not supported, only hvm", node_text(type));
	if (!node_attr_is(type, "arch", "x86_64") && !node_attr_is(type, "arch", "i686"))
		return node_error(type, err, DD_UNSUPPORTED,
			"guests of architecture %s are not supported, only x86_64 and i686",
			node_attr(type, "arch"));
	rc = freeze_type(type, options->capabilities, err);
	if (rc)
		return rc;
	if (machine_is_i440fx(document) || machine_is_q35(document))
		return 0;
	return node_error(type, err, DD_UNSUPPORTED,
		"machine type '%s' is not supported, only pc and q35", machine_name(document));
}
