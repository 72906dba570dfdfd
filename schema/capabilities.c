/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/capabilities.h"

#include <stdlib.h>
#include <string.h>

const struct machine_type *capabilities_machine(const struct capabilities *caps, const char *name)
{
	for (size_t i = 0; i < caps->machine_count; i++)
		if (strcmp(caps->machines[i].name, name) == 0)
			return &caps->machines[i];
	for (size_t i = 0; i < caps->machine_count; i++)
		if (caps->machines[i].alias && strcmp(caps->machines[i].alias, name) == 0)
			return &caps->machines[i];
	return NULL;
}

const struct cpu_model *capabilities_cpu(const struct capabilities *caps, const char *name)
{
	for (size_t i = 0; i < caps->cpu_count; i++)
		if (strcmp(caps->cpus[i].name, name) == 0)
			return &caps->cpus[i];
	return NULL;
}

static int compare_device(const void *name, const void *entry)
{
	return strcmp(name, *(const char *const *)entry);
}

bool capabilities_has_device(const struct capabilities *caps, const char *name)
{
	return caps->device_count && bsearch(name, caps->devices, caps->device_count,
					     sizeof caps->devices[0], compare_device);
}

const struct accelerator *capabilities_accelerator(
	const struct capabilities *caps, const char *domain_type)
{
	const struct accelerator *accelerator =
		domain_type && strcmp(domain_type, "kvm") == 0 ? &caps->kvm_cpus : &caps->tcg;

	return accelerator->host.name ? accelerator : NULL;
}

void cpu_expansion_release(struct cpu_expansion *cpu)
{
	free(cpu->name);
	free(cpu->vendor);
	free(cpu->model_id);
	free(cpu->features);
}

static void accelerator_release(struct accelerator *accelerator)
{
	cpu_expansion_release(&accelerator->host);
	for (size_t i = 0; i < accelerator->model_count; i++)
		cpu_expansion_release(&accelerator->models[i]);
	free(accelerator->models);
}

void capabilities_free(struct capabilities *caps)
{
	if (!caps)
		return;
	for (size_t i = 0; i < caps->machine_count; i++) {
		free(caps->machines[i].name);
		free(caps->machines[i].alias);
		free(caps->machines[i].default_cpu);
	}
	for (size_t i = 0; i < caps->cpu_count; i++) {
		free(caps->cpus[i].name);
		free(caps->cpus[i].alias);
		free(caps->cpus[i].missing);
	}
	for (size_t i = 0; i < caps->device_count; i++)
		free(caps->devices[i]);
	accelerator_release(&caps->tcg);
	accelerator_release(&caps->kvm_cpus);
	free(caps->machines);
	free(caps->cpus);
	free(caps->devices);
	free(caps->emulator);
	free(caps->version);
	free(caps->package);
	free(caps);
}
