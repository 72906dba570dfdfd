/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CHANGE_H
#define CLI_CHANGE_H

/* How commands that change something end: alike. */

#include "cli/arguments.h"

/*
 * After a call that makes a version: says which one and what it holds. After DD_CONFLICT with
 * --if-version the error's JSON lists what changed since. domain may be NULL where result alone
 * knows it. Gives rc on.
 */
int change_finish(struct cli *cli, const char *domain, int rc, const struct dd_change *change,
	const struct dd_result *result, struct dd_error *err);

/* After a call that changes the guest or what the host does with it: shows the domain's state. */
int state_finish(struct cli *cli, const char *domain, int rc, struct dd_error *err);

/* One column of output and a member of JSON: a single string that the user asked for. */
int answer_string(struct cli *cli, const char *key, const char *value, struct dd_error *err);

#endif
