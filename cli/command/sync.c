/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	int rc = dd_sync(cli->host, err);

	(void)args;
	if (rc < 0)
		return rc;
	cli_note(cli, "%s/book.git has every version", dd_host_book(cli->host));
	return cli->json ? answer_string(cli, "book", dd_host_book(cli->host), err) : 0;
}

const struct command command_sync = {
	.name = "sync",
	.group = GROUP_HOST,
	.operands = "",
	.summary = "bring book.git up to date, for stock git to read",
	.book = BOOK_OPEN,
	.run = run,
};
