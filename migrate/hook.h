/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_HOOK_H
#define MIGRATE_HOOK_H

/*
 * What the destination's operator wants otherwise of whatever comes: a program that the book is set
 * to (migrate-hook), and that is asked when a migration is prepared, not in a dry run.
 */

#include "domain/host.h"

#define HOOK_SECONDS 30
#define HOOK_OUTPUT_MAX (8u << 20) /* bytes of the definition that it answers with */

struct hook {
	const char *name; /* that the domain will have here; NULL: that of its definition */
	const char *uuid;
	const char *from; /* the host that it comes from */
	bool live;
};

/*
 * Runs the program, where there is one, with the arguments NAME UUID FROM live|offline, the
 * definition on its standard input and nothing in its environment but PATH and LC_ALL. *answer is
 * what it says: the definition that it wants, or nothing at all. DD_REFUSED: it ended with another
 * status than 0, and its standard error is in the message; or it said too much, or nothing in time.
 */
int hook_ask(struct dd_host *host, const struct hook *hook, const struct document *document,
	struct text *answer, struct dd_error *err);

#endif
