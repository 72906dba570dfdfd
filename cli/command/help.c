/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/command/all.h"

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const struct command *command = NULL;
	int rc = args->count ? command_find(operand(args, 0), &command, err) : 0;

	return rc < 0 ? rc : help_show(cli, command, err);
}

const struct command command_help = {
	.name = "help",
	.group = GROUP_HOST,
	.operands = "[COMMAND]",
	.summary = "list the commands, or explain one",
	.book = BOOK_NONE,
	.run = run,
};
