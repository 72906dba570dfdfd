/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_FOLLOW_H
#define DOMAIN_FOLLOW_H

/* How a running guest gets to a definition that its domain is to have. */

#include "domain/transition.h"
#include "schema/freeze.h"

/*
 * Adds to transition the steps that bring its live document to target, and makes them on it.
 * record is the persistent definition that the domain has now.
 * DD_REFUSED where the guest cannot follow; what is the change in a word, for the way out ("with
 * --config the rollback holds from the next start").
 */
int follow_plan(struct transition *transition, const struct document *record,
	const struct document *target, const struct freeze_options *options, const char *what,
	struct dd_error *err);

/* A guest on its way to a definition, as persistent definitions; and which devices matter. */
struct follow_way {
	const char *device; /* only that one, in words ("disk vdb"), and what it hangs on and the
			     * record has not; NULL: everything */
	struct document *before;
	struct document *arrived; /* the caller frees both */
};

/*
 * As follow_plan, as far as the guest can go: what would take another machine, a place that a
 * running guest cannot plug into, or a device that has to stay, is left as it is. So a device that
 * could be unplugged and not be plugged again stays, too.
 */
int follow_part(struct transition *transition, const struct document *record,
	const struct document *target, const struct freeze_options *options, struct follow_way *way,
	struct dd_error *err);

/*
 * What is in before and not in target leaves its address vacated in target, as if it had been
 * detached device by device.
 */
int follow_vacate(const struct document *before, struct document *target, struct dd_error *err);

#endif
