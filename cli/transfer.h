/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TRANSFER_H
#define CLI_TRANSFER_H

/* push and pull: one remote or all of them, and what became of the branches. */

#include "cli/arguments.h"

typedef int transfer_fn(struct dd_host *host, const char *remote, dd_branch_fn branch,
	void *context, struct dd_error *err);

/* A remote that fails keeps the others from nothing; the first failure is the command's. */
int transfer_run(struct cli *cli, const struct arguments *args, transfer_fn *transfer,
	const char *direction, struct dd_error *err);

#endif
