/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_PLAN_H
#define DOMAIN_PLAN_H

/*
 * A change to the record together with the steps that bring a running guest to it. The journal row
 * holds the whole plan, so that whoever finds it can finish or undo it without asking anybody but
 * QEMU.
 *
 * Every step is idempotent in both directions. Devices are named by their alias: in the live
 * document from before (what is detached or updated) and in that from after (what is attached).
 */

#include "domain/operation.h"

enum step_kind { STEP_ATTACH, STEP_DETACH, STEP_UPDATE, STEP_MEMORY, STEP_VCPUS };

struct step {
	enum step_kind kind;
	char *alias;            /* of the device; NULL for memory and vCPUs */
	uint64_t before, after; /* KiB, or vCPUs */
};

struct plan {
	char *subject;
	struct document *config; /* the persistent definition afterwards */
	struct document *live;   /* the live document afterwards; NULL while shut off */
	struct step *steps;
	size_t step_count;
	char **devices; /* for Device: trailers, NULL-terminated; NULL: none */
	size_t device_count;
};

void plan_release(struct plan *plan);
static inline void cleanup_plan(struct plan *plan)
{
	plan_release(plan);
}

/* Copies what the operation has now into config and (while running) live, ready to be edited. */
int plan_init(struct plan *plan, const struct operation *op, struct dd_error *err);

int plan_step(struct plan *plan, enum step_kind kind, const char *alias, uint64_t before,
	uint64_t after, struct dd_error *err);
int plan_device(struct plan *plan, const char *words, struct dd_error *err);

/* Journal, steps, commit. On failure the guest is as before and the journal row is gone. */
int plan_run(
	struct plan *plan, struct operation *op, struct dd_result *result, struct dd_error *err);

/* For recovery: the plan of a journal row (kind "plan"); and carrying it to an end. */
int plan_read(const char *detail, struct plan *plan, struct dd_error *err);
int plan_settle(struct plan *plan, struct operation *op, struct dd_error *err);

#endif
