/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/capabilities_internal.h"

#include <stdint.h>
#include <string.h>

/*
 * A probe turns QEMU's answers into one JSON document of our own, and that document, fresh, from
 * the cache or from a file, into a struct capabilities. So there is one way to fill it, and a saved
 * answer cannot differ from a fresh one.
 *
 *   {"emulator": PATH, "version": "7.2.22", "package": …, "kvm": false,
 *    "machines": [{"name", "alias"?, "default-cpu"?, "cpu-max", "default", "deprecated",
 *                  "hotpluggable-cpus"}],
 *    "cpus": [{"name", "alias"?, "deprecated", "usable", "missing"?}],
 *    "accelerators": {"tcg": {"host": CPU, "models": [CPU, …]}, "kvm"?: …},
 *    "devices": [NAME, …]}                                        sorted
 *
 * CPU is {"name", "vendor", "family", "model", "stepping", "model-id", "features"}. Features and
 * "missing" are words apart by a space: there are thousands, and nobody wants them one by one.
 */
#define LIST_MAX (1u << 16) /* entries of any list in it */

static char *copy_string(const char *string, bool *failed)
{
	char *copy = string ? strdup(string) : NULL;

	if (string && !copy)
		*failed = true;
	return copy;
}

static bool read_machine(const struct json *json, struct machine_type *machine)
{
	bool failed = !json_get_string(json, "name");

	machine->name = copy_string(json_get_string(json, "name"), &failed);
	machine->alias = copy_string(json_get_string(json, "alias"), &failed);
	machine->default_cpu = copy_string(json_get_string(json, "default-cpu"), &failed);
	machine->cpu_max = (unsigned)json_get_number(json, "cpu-max", 1);
	machine->is_default = json_get_bool(json, "default", false);
	machine->deprecated = json_get_bool(json, "deprecated", false);
	machine->hotpluggable_cpus = json_get_bool(json, "hotpluggable-cpus", false);
	return !failed;
}

static bool read_cpu(const struct json *json, struct cpu_model *cpu)
{
	bool failed = !json_get_string(json, "name");

	cpu->name = copy_string(json_get_string(json, "name"), &failed);
	cpu->alias = copy_string(json_get_string(json, "alias"), &failed);
	cpu->deprecated = json_get_bool(json, "deprecated", false);
	cpu->usable = json_get_bool(json, "usable", false);
	cpu->missing = copy_string(json_get_string(json, "missing"), &failed);
	return !failed;
}

static bool read_machines(const struct json *list, struct capabilities *caps)
{
	caps->machines = calloc(json_count(list) + 1, sizeof *caps->machines);
	if (!caps->machines)
		return false;
	for (size_t i = 0; i < json_count(list); i++)
		if (!read_machine(json_at(list, i), &caps->machines[caps->machine_count++]))
			return false;
	return true;
}

static bool read_cpus(const struct json *list, struct capabilities *caps)
{
	caps->cpus = calloc(json_count(list) + 1, sizeof *caps->cpus);
	if (!caps->cpus)
		return false;
	for (size_t i = 0; i < json_count(list); i++)
		if (!read_cpu(json_at(list, i), &caps->cpus[caps->cpu_count++]))
			return false;
	return true;
}

static bool read_devices(const struct json *list, struct capabilities *caps)
{
	caps->devices = calloc(json_count(list) + 1, sizeof *caps->devices);
	if (!caps->devices)
		return false;
	for (size_t i = 0; i < json_count(list); i++) {
		bool failed = !json_as_string(json_at(list, i));

		caps->devices[caps->device_count++] =
			copy_string(json_as_string(json_at(list, i)), &failed);
		if (failed)
			return false;
	}
	return true;
}

static char *copy_or_empty(const char *string, bool *failed)
{
	return copy_string(string ? string : "", failed);
}

static bool read_expansion(const struct json *json, struct cpu_expansion *cpu)
{
	bool failed = !json_get_string(json, "name");

	cpu->name = copy_string(json_get_string(json, "name"), &failed);
	cpu->vendor = copy_or_empty(json_get_string(json, "vendor"), &failed);
	cpu->model_id = copy_or_empty(json_get_string(json, "model-id"), &failed);
	cpu->features = copy_or_empty(json_get_string(json, "features"), &failed);
	cpu->family = (unsigned)json_get_number(json, "family", 0);
	cpu->model = (unsigned)json_get_number(json, "model", 0);
	cpu->stepping = (unsigned)json_get_number(json, "stepping", 0);
	return !failed;
}

/* Nothing at all is good, too: that accelerator was not asked. */
static bool read_accelerator(const struct json *json, struct accelerator *accelerator)
{
	const struct json *models = json_get(json, "models");

	if (!json)
		return true;
	if (json_count(models) > LIST_MAX ||
		!read_expansion(json_get(json, "host"), &accelerator->host))
		return false;
	accelerator->models = calloc(json_count(models) + 1, sizeof *accelerator->models);
	if (!accelerator->models)
		return false;
	for (size_t i = 0; i < json_count(models); i++)
		if (!read_expansion(
			    json_at(models, i), &accelerator->models[accelerator->model_count++]))
			return false;
	return true;
}

int capabilities_read(const struct json *json, struct capabilities **out, struct dd_error *err)
{
	const struct json *machines = json_get(json, "machines");
	const struct json *cpus = json_get(json, "cpus");
	const struct json *devices = json_get(json, "devices");
	const struct json *accelerators = json_get(json, "accelerators");
	bool failed = false;

	if (!json_get_string(json, "emulator") || !json_get_string(json, "version") ||
		json_count(machines) > LIST_MAX || json_count(cpus) > LIST_MAX ||
		json_count(devices) > LIST_MAX)
		return error_set(err, DD_INVALID, "not the capabilities of a QEMU");

	CLEANUP(capabilities) struct capabilities *caps = calloc(1, sizeof *caps);

	if (!caps)
		return error_no_memory(err);
	caps->emulator = copy_string(json_get_string(json, "emulator"), &failed);
	caps->version = copy_string(json_get_string(json, "version"), &failed);
	caps->package = copy_string(
		json_get_string(json, "package") ? json_get_string(json, "package") : "", &failed);
	caps->kvm = json_get_bool(json, "kvm", false);
	if (failed)
		return error_no_memory(err);
	if (!read_machines(machines, caps) || !read_cpus(cpus, caps) ||
		!read_devices(devices, caps) ||
		!read_accelerator(json_get(accelerators, "tcg"), &caps->tcg) ||
		!read_accelerator(json_get(accelerators, "kvm"), &caps->kvm_cpus))
		return error_set(err, DD_INVALID, "not the capabilities of a QEMU");
	*out = TAKE(caps);
	return 0;
}

int capabilities_from_json(
	const char *text, size_t size, struct capabilities **out, struct dd_error *err)
{
	CLEANUP(json) struct json *json = NULL;
	int code = json_parse(text, size, &json, err);

	return code ? code : capabilities_read(json, out, err);
}

static struct json *write_machine(const struct machine_type *machine)
{
	struct json *json = json_object();

	json_put_string(json, "name", machine->name);
	if (machine->alias)
		json_put_string(json, "alias", machine->alias);
	if (machine->default_cpu)
		json_put_string(json, "default-cpu", machine->default_cpu);
	json_put_number(json, "cpu-max", machine->cpu_max);
	json_put_bool(json, "default", machine->is_default);
	json_put_bool(json, "deprecated", machine->deprecated);
	json_put_bool(json, "hotpluggable-cpus", machine->hotpluggable_cpus);
	return json;
}

static struct json *write_cpu(const struct cpu_model *cpu)
{
	struct json *json = json_object();

	json_put_string(json, "name", cpu->name);
	if (cpu->alias)
		json_put_string(json, "alias", cpu->alias);
	json_put_bool(json, "deprecated", cpu->deprecated);
	json_put_bool(json, "usable", cpu->usable);
	if (cpu->missing)
		json_put_string(json, "missing", cpu->missing);
	return json;
}

struct json *cpu_expansion_json(const struct cpu_expansion *cpu)
{
	struct json *json = json_object();

	json_put_string(json, "name", cpu->name);
	json_put_string(json, "vendor", cpu->vendor);
	json_put_number(json, "family", cpu->family);
	json_put_number(json, "model", cpu->model);
	json_put_number(json, "stepping", cpu->stepping);
	json_put_string(json, "model-id", cpu->model_id);
	json_put_string(json, "features", cpu->features);
	return json;
}

int cpu_expansion_read(const struct json *json, struct cpu_expansion *out, struct dd_error *err)
{
	struct cpu_expansion cpu = {.name = NULL};

	if (!read_expansion(json, &cpu)) {
		cpu_expansion_release(&cpu);
		return error_set(err, DD_INVALID, "not the description of a CPU");
	}
	*out = cpu;
	return 0;
}

static struct json *write_accelerator(const struct accelerator *accelerator)
{
	struct json *json = json_object();
	struct json *models = json_array();

	for (size_t i = 0; i < accelerator->model_count; i++)
		json_push(models, cpu_expansion_json(&accelerator->models[i]));
	json_put(json, "host", cpu_expansion_json(&accelerator->host));
	json_put(json, "models", models);
	return json;
}

static struct json *write_accelerators(const struct capabilities *caps)
{
	struct json *json = json_object();

	if (caps->tcg.host.name)
		json_put(json, "tcg", write_accelerator(&caps->tcg));
	if (caps->kvm_cpus.host.name)
		json_put(json, "kvm", write_accelerator(&caps->kvm_cpus));
	return json;
}

int capabilities_to_json(const struct capabilities *caps, struct text *out, struct dd_error *err)
{
	CLEANUP(json) struct json *json = json_object();
	struct json *machines = json_array();
	struct json *cpus = json_array();
	struct json *devices = json_array();

	json_put_string(json, "emulator", caps->emulator);
	json_put_string(json, "version", caps->version);
	json_put_string(json, "package", caps->package);
	json_put_bool(json, "kvm", caps->kvm);
	for (size_t i = 0; i < caps->machine_count; i++)
		json_push(machines, write_machine(&caps->machines[i]));
	for (size_t i = 0; i < caps->cpu_count; i++)
		json_push(cpus, write_cpu(&caps->cpus[i]));
	for (size_t i = 0; i < caps->device_count; i++)
		json_push(devices, json_string(caps->devices[i]));
	json_put(json, "machines", machines);
	json_put(json, "cpus", cpus);
	json_put(json, "accelerators", write_accelerators(caps));
	json_put(json, "devices", devices);
	return json_write(json, out, err);
}
