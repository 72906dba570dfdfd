/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_SCOPE_H
#define DOMAIN_SCOPE_H

/* Which of the two definitions an edit is for, and editing both alike. */

#include "domain/transition.h"

struct scope {
	bool config, live;
	bool alike; /* the guest runs with just the persistent definition */
};

/* DD_REFUSED for DD_SCOPE_LIVE while shut off. change may be NULL. */
int scope_of(const struct operation *op, const struct dd_change *change, struct scope *out,
	struct dd_error *err);

/*
 * The persistent definition that goes with an edited live one where both were alike before: the
 * same, without the facts of this run.
 */
int scope_follow(struct transition *transition, struct dd_error *err);

/* Makes an edit that has the same words for both. */
int scope_edit(struct transition *transition, const struct scope *scope,
	int (*edit)(struct document *document, const void *context, struct dd_error *err),
	const void *context, struct dd_error *err);

/*
 * A device alone, as one would hand it in: without the alias that it has for one run, which would
 * mean another device in the other definition.
 */
int scope_device(const xmlNode *device, struct document **out, struct dd_error *err);

#endif
