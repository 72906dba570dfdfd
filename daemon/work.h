/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_WORK_H
#define DAEMON_WORK_H

/*
 * The jobs themselves: what blocks. Each runs on a thread of its own with a host of its own, so
 * that none keeps another waiting but where the book does. It may be cut off anywhere, for the
 * library leaves nothing half-done.
 */

#include <domesday.h>
#include <stdatomic.h>

#include "base/cleanup.h"
#include "daemon/upkeep.h"

CLEANUP_DEFINE(host, struct dd_host *, dd_host_close)

/* Whose work it is. Shared by all jobs, and outlives them. */
struct work_book {
	const char *folder;    /* absolute */
	const char *host_name; /* NULL: the machine's */
	atomic_bool stopping;  /* what can be left in good order is left */
};

struct work {
	struct work_book *book;
	struct upkeep_action action;
	/* and after work_run(): */
	enum upkeep_outcome outcome;
	struct dd_error error;   /* where it failed */
	struct upkeep_view view; /* of a look; its mark is the next */
	char mark[DD_MARK_SIZE];
	bool missing;   /* of a look: there is no book */
	char said[128]; /* what was done, in words; "" where there is nothing to say */
};

/* What the daemon opens a book with. */
struct dd_host_options work_options(const struct work_book *book);

/* Does the job. What happens to single domains is logged from here. */
void work_run(struct work *work);

#endif
