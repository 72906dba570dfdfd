/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_FOLLOW_INTERNAL_H
#define DOMAIN_FOLLOW_INTERNAL_H

/* What following the whole way (follow.c) and as far as it goes (follow_part.c) share. */

#include "domain/follow.h"

struct follow {
	struct transition *transition;
	const struct document *record; /* that the guest has been running with */
	const struct document *target;
	const struct freeze_options *options;
	struct text blocked; /* names of settings that stay, a line each */
};

bool follow_is_blocked(const struct follow *follow, const char *name);

/* <emulator> stands among the devices and is none. What hangs on a controller goes before it. */
bool follow_is_device(const xmlNode *element);
bool follow_is_controller(const xmlNode *device);

/* The device of document that device (of another document) is; NULL where it has none. */
int follow_counterpart(const struct document *document, const xmlNode *device, xmlNode **out,
	struct dd_error *err);

/* device is of the live document; wanted of the target. */
int follow_unplug(struct follow *follow, xmlNode *device, struct dd_error *err);
int follow_update_or_plug(struct follow *follow, const xmlNode *wanted, struct dd_error *err);

/* What <vcpu> or <currentMemory> says there is now. */
uint64_t follow_size(const struct document *document, const char *element);
int follow_settle_settings(struct follow *follow, struct dd_error *err);
int follow_take_settings(struct follow *follow, struct dd_error *err);
int follow_take_order(struct follow *follow, struct dd_error *err);

/* The live document as a persistent one: what the guest would be started from. */
int follow_arrived_at(const struct follow *follow, struct document **out, struct dd_error *err);

#endif
