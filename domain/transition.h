/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_TRANSITION_H
#define DOMAIN_TRANSITION_H

/*
 * A change to the record together with the steps that bring a running guest to it. The journal row
 * holds the whole of it, so that whoever finds it can finish or undo it without asking anybody but
 * QEMU.
 *
 * Every step is idempotent in both directions. Devices are named by their alias, or by their words
 * where they have none: in the live document from before (what is detached or updated) and in that
 * from after (what is attached).
 */

#include "domain/operation.h"

/* Bytes of a version's subject after which further devices are only counted: "and 3 more". */
#define SUBJECT_MAX 160

enum step_kind { STEP_ATTACH, STEP_DETACH, STEP_UPDATE, STEP_MEMORY, STEP_VCPUS };

struct step {
	enum step_kind kind;
	char *alias;            /* of the device, or its words; NULL for memory and vCPUs */
	uint64_t before, after; /* KiB, or vCPUs */
};

struct transition {
	char *subject;
	struct document *config; /* the persistent definition afterwards */
	struct document *live;   /* the live document afterwards; NULL while shut off */
	struct step *steps;
	size_t step_count;
	char **devices; /* for Device: trailers, NULL-terminated; NULL: none */
	size_t device_count;
};

void transition_release(struct transition *transition);
static inline void cleanup_transition(struct transition *transition)
{
	transition_release(transition);
}

/* Copies what the operation has now into config and (while running) live, ready to be edited. */
int transition_init(
	struct transition *transition, const struct operation *op, struct dd_error *err);

/* Does a running guest go on when vCPUs leave it? */
bool transition_may_lose_vcpus(const struct document *live);

int transition_step(struct transition *transition, enum step_kind kind, const char *alias,
	uint64_t before, uint64_t after, struct dd_error *err);
/* A step that updates a device to what it is in the live document afterwards. */
int transition_update(struct transition *transition, const xmlNode *device, struct dd_error *err);
int transition_device(struct transition *transition, const char *words, struct dd_error *err);

/* Is there something that transition_run() would refuse before its first step? */
int transition_check(
	const struct transition *transition, const struct operation *op, struct dd_error *err);

/* Journal, steps, commit. On failure the guest is as before and the journal row is gone. */
int transition_run(struct transition *transition, struct operation *op, struct dd_result *result,
	struct dd_error *err);

/* For recovery: the transition of a journal row; and carrying it to an end. */
int transition_read(const char *detail, struct transition *transition, struct dd_error *err);
int transition_settle(struct transition *transition, struct operation *op, struct dd_error *err);

#endif
