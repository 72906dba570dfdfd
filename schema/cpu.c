/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The CPU.
 *
 * A definition that names no model has the one that QEMU gives the machine by default, and from
 * then on says so. A model that is named is kept; "check" says how it is compared with the host:
 * not at all under software emulation, or where the host's CPU is passed through as it is.
 *
 * mode='host-model' stays as it is with keep_host_model, as libvirt leaves it, and is decided at
 * each start; otherwise it is decided here (schema/host_model).
 */

#include "schema/cpu.h"

#include <string.h>

#include "schema/check_cpu.h"
#include "schema/fill.h"
#include "schema/host_model.h"
#include "schema/ids.h"
#include "schema/machine.h"
#include "schema/numa.h"

/* mode='custom' may be left out where there is a model. */
static const char *cpu_mode(const xmlNode *cpu)
{
	const char *mode = node_attr(cpu, "mode");

	return mode ? mode : "custom";
}

static bool mode_is(const xmlNode *cpu, const char *mode)
{
	return strcmp(cpu_mode(cpu), mode) == 0;
}

static const char *default_model(const struct document *document, const struct capabilities *caps)
{
	const struct machine_type *machine = machine_type_of(document, caps);

	return machine ? machine->default_cpu : NULL;
}

static int set_default(xmlNode *cpu, const char *name, struct dd_error *err)
{
	xmlNode *model = fill_child(cpu, "model", err);
	int rc = model ? node_set_attr(cpu, "mode", "custom", err) : DD_NO_MEMORY;

	if (!rc)
		rc = node_set_attr(cpu, "match", "exact", err);
	if (!rc)
		rc = node_set_attr(cpu, "check", "none", err);
	if (!rc)
		rc = node_set_attr(model, "fallback", "forbid", err);
	return rc ? rc : node_set_text(model, name, err);
}

static const char *default_check(const struct document *document, const xmlNode *cpu)
{
	if (mode_is(cpu, "host-passthrough") || mode_is(cpu, "maximum"))
		return "none";
	if (mode_is(cpu, "host-model"))
		return "partial";
	return machine_uses_kvm(document) ? "partial" : "none";
}

static int complete_model(const struct document *document, xmlNode *cpu, struct dd_error *err)
{
	int rc = fill_attr(cpu, "check", default_check(document, cpu), err);
	xmlNode *model = node_child(cpu, "model");
	/* only the 64 bit binary can leave out what cannot be taken along */
	bool can_migrate = strcmp(machine_arch(document), "x86_64") == 0;

	if (!rc && mode_is(cpu, "host-passthrough"))
		rc = fill_attr(cpu, "migratable", can_migrate ? "on" : "off", err);
	if (!rc && mode_is(cpu, "custom"))
		rc = fill_attr(cpu, "mode", "custom", err);
	if (!rc && mode_is(cpu, "custom"))
		rc = fill_attr(cpu, "match", "exact", err);
	if (!rc && !mode_is(cpu, "custom"))
		rc = node_set_attr(cpu, "match", NULL, err);
	if (!rc && model && node_text(model)[0])
		rc = fill_attr(model, "fallback", "allow", err);
	return rc;
}

/* A model says nothing where the host's CPU is passed; without a name it may say the vendor. */
static int drop_model(xmlNode *cpu, struct dd_error *err)
{
	xmlNode *model = node_child(cpu, "model");
	const char *vendor = node_attr(model, "vendor_id");
	int rc = 0;

	if (vendor && !vendor[0]) {
		rc = node_set_attr(model, "vendor_id", NULL, err);
		vendor = NULL;
	}
	if (!model || (mode_is(cpu, "custom") && node_text(model)[0]))
		return rc;
	if (!mode_is(cpu, "host-model") && node_text(model)[0])
		node_remove(node_child(cpu, "vendor"));
	if (!mode_is(cpu, "host-model") || (!node_text(model)[0] && !vendor))
		node_remove(model);
	else if (!node_text(model)[0])
		rc = node_set_attr(model, "fallback", NULL, err);
	return rc;
}

static int complete_features(xmlNode *cpu, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *feature = node_child(cpu, "feature"); feature && !rc;
		feature = node_next(feature))
		rc = fill_attr(feature, "policy", "require", err);
	return rc;
}

static int complete_topology(xmlNode *cpu, struct dd_error *err)
{
	xmlNode *topology = node_child(cpu, "topology");

	return topology ? fill_attr(topology, "dies", "1", err) : 0;
}

static int complete_cells(xmlNode *cpu, struct dd_error *err)
{
	uint64_t number = 0;
	int rc = 0;

	for (xmlNode *cell = node_descend(cpu, "numa/cell"); cell && !rc; cell = node_next(cell))
		rc = fill_number(cell, "id", number++, err);
	return rc;
}

/* vCPUs that are in no cell are in the first one. */
static int complete_cell_cpus(const struct document *document, xmlNode *cpu, struct dd_error *err)
{
	CLEANUP(id_set) struct id_set *set = NULL;
	CLEANUP(text) struct text first = TEXT_INIT;
	xmlNode *cell = node_descend(cpu, "numa/cell");
	uint64_t vcpus = 1;
	int rc = cell ? id_set_new(&set, err) : 0;

	(void)node_text_number(node_child(document_root(document), "vcpu"), &vcpus);
	if (rc || !cell || vcpus > ID_MAX)
		return rc;
	for (const xmlNode *other = node_next(cell); other && !rc; other = node_next(other))
		rc = id_set_read(set, other, "cpus", err);
	if (rc)
		return rc;
	id_set_invert(set, (unsigned)vcpus);
	id_set_write(set, &first);
	if (text_failed(&first))
		return error_no_memory(err);
	return first.size ? node_set_attr(cell, "cpus", text_string(&first), err) : 0;
}

int cpu_freeze(
	struct document *document, const struct freeze_options *options, struct dd_error *err)
{
	xmlNode *root = document_root(document);
	const char *name = default_model(document, options->capabilities);
	xmlNode *cpu = node_child(root, "cpu");
	bool floating = node_attr_is(cpu, "mode", "host-model");
	int rc = cpu ? drop_model(cpu, err) : 0;
	bool unnamed = !cpu || (mode_is(cpu, "custom") && !node_child(cpu, "model"));

	if (!rc)
		rc = cpu_check_given(document, err);
	if (rc || (unnamed && !name && !cpu))
		return rc;
	cpu = fill_child(root, "cpu", err);
	if (!cpu)
		return DD_NO_MEMORY;
	if (floating && !options->keep_host_model)
		rc = host_model_freeze(document, cpu, options->capabilities, err);
	if (rc)
		return rc;
	if (unnamed && name)
		rc = set_default(cpu, name, err);
	else if (!unnamed)
		rc = complete_model(document, cpu, err);
	if (!rc)
		rc = complete_features(cpu, err);
	if (!rc)
		rc = complete_topology(cpu, err);
	if (!rc)
		rc = complete_cells(cpu, err);
	if (!rc)
		rc = numa_freeze_distances(cpu, err);
	return rc ? rc : complete_cell_cpus(document, cpu, err);
}

int cpu_settle(struct document *live, const struct capabilities *caps, struct dd_error *err)
{
	xmlNode *cpu = node_child(document_root(live), "cpu");
	int rc;

	if (!node_attr_is(cpu, "mode", "host-model"))
		return 0;
	rc = host_model_freeze(live, cpu, caps, err);
	return rc ? rc : document_canonicalise(live, err);
}
