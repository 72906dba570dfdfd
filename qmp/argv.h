/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMP_ARGV_H
#define QMP_ARGV_H

/* The QEMU command line of a plan. */

#include "qmp/plan.h"

/* Adds what concerns the machine as a whole: type, CPU, memory, clock, firmware, boot. */
int plan_machine(struct plan *plan, struct dd_error *err);

/*
 * Sizes in KiB as QEMU gets them: each part in whole MiB, as libvirt does too. The memory that is
 * there without pluggable modules, and all of it.
 */
uint64_t memory_initial(const struct document *live);
uint64_t memory_total(const struct document *live);
uint64_t memory_round(uint64_t kib);

/* The backend of some of the memory, as <memoryBacking> wants it. */
int plan_memory_backend(struct plan *plan, const char *id, uint64_t kib, struct dd_error *err);
/* The backend of the machine's own memory, where it is not QEMU's usual one; *made says so. */
int plan_main_memory(struct plan *plan, bool *made, struct dd_error *err);

/* What <features> means for the CPU, as ",name=value"; and what else there is of features. */
int put_cpu_features(const xmlNode *features, struct text *cpu, struct dd_error *err);
int plan_features(struct plan *plan, const xmlNode *root, struct dd_error *err);

/* -cpu, -smp and -numa. */
int plan_processor(struct plan *plan, struct dd_error *err);

/* The whole: the machine, and every device in the order in which they build on each other. */
int plan_domain(struct plan *plan, struct dd_error *err);

/* Is all of the definition, devices apart, within what plan_machine() interprets? */
int machine_check(const struct document *live, struct dd_error *err);

/*
 * The arguments as a JSON array. monitor is the descriptor of the monitor's listening socket. The
 * descriptor of a tap must have been put into its netdev's "fd" before.
 */
int argv_render(const struct plan *plan, int monitor, struct json **array, struct dd_error *err);

/* Appends value with each comma doubled, as QEMU's key=value options want it. */
void argv_escape(struct text *out, const char *value);

#endif
