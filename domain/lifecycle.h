/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_LIFECYCLE_H
#define DOMAIN_LIFECYCLE_H

/* Guests begin and end. The public calls are in domesday.h; this is what recovery needs. */

#include "domain/journal_detail.h"

/* An interrupted start: a QEMU that is there is let go and recorded, otherwise nothing happened. */
int start_settle(struct operation *op, const struct json *detail, struct dd_error *err);

/* An interrupted suspend or resume: what QEMU says is recorded. */
int pause_settle(struct operation *op, struct dd_error *err);

/* An interrupted reboot: a guest that waits for its reset gets it. */
int reboot_settle(struct operation *op, struct dd_error *err);

#endif
