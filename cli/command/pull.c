/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command/all.h"
#include "cli/transfer.h"

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	return transfer_run(cli, args, dd_pull, "pulled from", err);
}

const struct command command_pull = {
	.name = "pull",
	.group = GROUP_OTHERS,
	.operands = "[REMOTE]",
	.summary = "fetch what all hosts have pushed to a remote, or to every remote",
	.about = "Nothing in this host's own domains changes. What came is a branch in book.git, "
		 "which stock\n"
		 "git shows as remotes/REMOTE/HOST/domains/UUID. History that was rewritten on the "
		 "remote is\n"
		 "named, and what was fetched earlier is kept.",
	.book = BOOK_OPEN,
	.run = run,
};
