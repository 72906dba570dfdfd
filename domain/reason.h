/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_REASON_H
#define DOMAIN_REASON_H

/* Why something was changed: where the words come from, what they may be, and who wants them. */

#include "domain/host.h"

#define REASON_LIMIT 1000 /* bytes */

/* DD_INVALID unless it is one line that nobody can take for something else. */
int reason_check(const char *reason, struct dd_error *err);

/*
 * The reason of a change: given, or else the host's own. *out (NULL: there is none) belongs to
 * whoever had it. DD_REFUSED where there is none, and the book wants one for that operation:
 * that is for everything that becomes part of a record or of the book's settings. A start or a stop
 * does not.
 */
int reason_find(struct dd_host *host, const char *operation, const char *given, const char **out,
	struct dd_error *err);

#endif
