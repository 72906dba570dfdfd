/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	struct dd_change change;
	struct dd_result result;
	int rc = arguments_change(args, &change, err);

	if (rc == 0)
		rc = dd_rename(
			cli->host, operand(args, 0), operand(args, 1), &change, &result, err);
	return change_finish(cli, operand(args, rc < 0 ? 0 : 1), rc, &change, &result, err);
}

const struct command command_rename = {
	.name = "rename",
	.also = "domrename",
	.group = GROUP_DEFINITION,
	.operands = "NAME NEW-NAME",
	.summary = "give a domain another name",
	.shared = OPTIONS_CHANGE,
	.book = BOOK_OPEN,
	.run = run,
};
