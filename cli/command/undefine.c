/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	struct dd_change change;
	struct dd_result result;
	const char *domain = operand(args, 0);
	int rc = arguments_change(args, &change, err);

	if (rc == 0)
		rc = dd_undefine(cli->host, domain, &change, &result, err);
	if (rc == 0 && !result.changed && !cli->json) {
		cli_note(
			cli, "%s: its name is free; the host that owns it goes on with it", domain);
		return 0;
	}
	return change_finish(cli, domain, rc, &change, &result, err);
}

const struct command command_undefine = {
	.name = "undefine",
	.group = GROUP_DEFINITION,
	.operands = "NAME",
	.summary = "retire a domain that is shut off; its history stays",
	.about = "The name becomes free. The versions can still be read by the domain's UUID.",
	.shared = OPTIONS_CHANGE,
	.book = BOOK_OPEN,
	.run = run,
};
