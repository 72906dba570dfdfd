/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	(void)args;
	if (!cli->json)
		text_puts(&cli->out, "domesday ");
	return answer_string(cli, "domesday", dd_version(), err);
}

const struct command command_version = {
	.name = "version",
	.group = GROUP_HOST,
	.operands = "",
	.summary = "show the version of this command",
	.book = BOOK_NONE,
	.run = run,
};
