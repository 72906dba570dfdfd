/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

static const struct option_row options[] = {
	{"disable", 0, NULL, "do not start it with the host any more"},
	{NULL},
};

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *domain = operand(args, 0);
	bool on = !option_given(args, "disable");

	return state_finish(cli, domain, dd_set_autostart(cli->host, domain, on, err), err);
}

const struct command command_autostart = {
	.name = "autostart",
	.group = GROUP_DEFINITION,
	.operands = "NAME",
	.summary = "start a domain with the host",
	.about = "A setting of the host, not of the machine: it makes no version.",
	.options = options,
	.book = BOOK_OPEN,
	.run = run,
};
