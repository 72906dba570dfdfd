/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_PLAN_H
#define SCHEMA_PLAN_H

/*
 * What it takes to bring a domain's record to a definition that is handed in for it: a list of the
 * edits that anybody could make one by one, and the record as it is after them.
 */

#include "schema/diff.h"
#include "schema/freeze.h"

enum edit_action {
	EDIT_DETACH,
	EDIT_SET, /* an element outside <devices> */
	EDIT_UPDATE,
	EDIT_ATTACH,
};

struct planned_edit {
	enum edit_action action;
	char *subject; /* "disk vdb"; of EDIT_SET the element: "memory" */
	char *details; /* where a device is, and what is behind it; may be "" */
	char *brings;  /* "controller scsi 0": what has to come along; may be "" */
	char *xml;     /* what to hand to that edit; of EDIT_SET NULL where the element goes */
	struct changes changes; /* of EDIT_SET and EDIT_UPDATE */
};

struct edit_plan {
	struct planned_edit *edits;
	size_t count;
	struct document *after; /* the record, with its vacated addresses, after all of them */
};

/*
 * given, parsed but not frozen, is taken over in any case. running: only what a running guest can
 * follow. DD_REFUSED names the path of what may not change. On failure there is no plan.
 */
int edit_plan_make(struct edit_plan *plan, struct document *given, const struct document *record,
	bool running, const struct freeze_options *options, struct dd_error *err);

void edit_plan_release(struct edit_plan *plan);
static inline void cleanup_edit_plan(struct edit_plan *plan)
{
	edit_plan_release(plan);
}

#endif
