/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command/all.h"
#include "cli/transfer.h"

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	return transfer_run(cli, args, dd_push, "pushed to", err);
}

const struct command command_push = {
	.name = "push",
	.group = GROUP_OTHERS,
	.operands = "[REMOTE]",
	.summary = "bring a remote's copy of the book up to date, or that of every remote",
	.about =
		"Branches only grow: where the remote's history of a domain is no earlier state of "
		"this\n"
		"book's, somebody rewrote it, or another book uses this host's name. That domain "
		"is "
		"named and\n"
		"left as it is there, and the command fails once all others are sent.",
	.book = BOOK_OPEN,
	.run = run,
};
