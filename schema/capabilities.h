/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_CAPABILITIES_H
#define SCHEMA_CAPABILITIES_H

/*
 * What a QEMU binary on this host can do, as plain data. qmp/capabilities fills it (a probe, or a
 * saved one), schema only reads it: that is how a freeze is a function of its inputs alone.
 * Read-only once filled; any thread.
 */

#include <stdbool.h>
#include <stddef.h>

struct machine_type {
	char *name;        /* "pc-q35-7.2" */
	char *alias;       /* "q35", or NULL */
	char *default_cpu; /* model name such as "qemu64", or NULL */
	unsigned cpu_max;
	bool is_default;
	bool deprecated;
	bool hotpluggable_cpus;
};

struct cpu_model {
	char *name;  /* "qemu64" */
	char *alias; /* the versioned name that QEMU makes of it, or NULL */
	bool deprecated;
	bool usable;   /* under TCG */
	char *missing; /* features, apart by a space, that TCG does not have; or NULL */
};

/* What a CPU is to a guest: QEMU's expansion of a model under one accelerator. */
struct cpu_expansion {
	char *name;
	char *vendor; /* "AuthenticAMD" */
	char *model_id;
	unsigned family, model, stepping;
	char *features; /* those that it has, in QEMU's words, sorted, apart by a space */
};

struct accelerator {
	struct cpu_expansion host;    /* all that it can do here; name NULL: was not asked */
	struct cpu_expansion *models; /* each named model, by its versioned name */
	size_t model_count;
};

struct capabilities {
	char *emulator; /* absolute path of the binary */
	char *version;  /* "7.2.22" */
	char *package;  /* the distribution's word for it, may be "" */
	struct machine_type *machines;
	size_t machine_count;
	struct cpu_model *cpus;
	size_t cpu_count;
	char **devices; /* QOM type names that -device knows, sorted with strcmp */
	size_t device_count;
	struct accelerator tcg, kvm_cpus;
	bool kvm; /* /dev/kvm can be opened and the binary has the accelerator */
};

/* Lookups; a machine also by its alias. NULL or false where there is none. */
const struct machine_type *capabilities_machine(const struct capabilities *caps, const char *name);
const struct cpu_model *capabilities_cpu(const struct capabilities *caps, const char *name);
bool capabilities_has_device(const struct capabilities *caps, const char *name);

/* As a domain of that type ("kvm", "qemu") finds it; NULL where it was not asked. */
const struct accelerator *capabilities_accelerator(
	const struct capabilities *caps, const char *domain_type);

void cpu_expansion_release(struct cpu_expansion *cpu);
static inline void cleanup_cpu_expansion(struct cpu_expansion *cpu)
{
	cpu_expansion_release(cpu);
}
void capabilities_free(struct capabilities *caps);

#endif
