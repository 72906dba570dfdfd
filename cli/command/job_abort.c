/* SPDX-License-Identifier: Apache-2.0 */
#include <domesday/migrate.h>

#include "cli/change.h"
#include "cli/command/all.h"

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *name = operand(args, 0);
	int rc = dd_migration_abort(cli->host, name, err);

	if (rc)
		return rc;
	cli_note(cli, "%s stays here", name);
	return cli->json ? answer_string(cli, "aborted", name, err) : 0;
}

const struct command command_job_abort = {
	.name = "job-abort",
	.also = "domjobabort",
	.group = GROUP_OTHERS,
	.operands = "NAME",
	.summary = "call off a migration of a domain from this host",
	.about = "It is undone, and the guest goes on here, unless the other host decides it just "
		 "now: then\n"
		 "that host has the domain, and this says so.",
	.book = BOOK_OPEN,
	.run = run,
};
