/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	int rc = dd_gc(cli->host, err);

	(void)args;
	if (rc < 0)
		return rc;
	cli_note(cli, "%s is as small as it gets", dd_host_book(cli->host));
	return cli->json ? answer_string(cli, "book", dd_host_book(cli->host), err) : 0;
}

const struct command command_gc = {
	.name = "gc",
	.group = GROUP_HOST,
	.operands = "",
	.summary = "sync, pack all of book.git anew, and give free space back",
	.book = BOOK_OPEN,
	.run = run,
};
