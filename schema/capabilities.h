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
	bool usable; /* with the accelerator probed */
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
	bool kvm; /* /dev/kvm can be opened and the binary has the accelerator */
};

/* Lookups; a machine also by its alias. NULL or false where there is none. */
const struct machine_type *capabilities_machine(const struct capabilities *caps, const char *name);
const struct cpu_model *capabilities_cpu(const struct capabilities *caps, const char *name);
bool capabilities_has_device(const struct capabilities *caps, const char *name);

void capabilities_free(struct capabilities *caps);

#endif
