/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

static const struct option_row options[] = {
	{"paused", 0, NULL, "with processors stopped, until 'domesday resume'"},
	{NULL},
};

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *domain = operand(args, 0);
	int rc = dd_start(cli->host, domain, option_given(args, "paused"), err);

	return state_finish(cli, domain, rc, err);
}

const struct command command_start = {
	.name = "start",
	.group = GROUP_GUEST,
	.operands = "NAME",
	.summary = "start a domain",
	.options = options,
	.book = BOOK_OPEN,
	.run = run,
};
