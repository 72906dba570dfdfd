/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

#define WAIT_MAX (24u * 60 * 60) /* seconds */

static const struct option_row options[] = {
	{"wait", 0, "SECONDS", "until it has stopped; fails (busy) if that takes longer"},
	{NULL},
};

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *domain = operand(args, 0);
	const char *wait = option_value(args, "wait");
	uint64_t seconds = 0;
	int rc = wait ? parse_number(wait, "--wait", 0, WAIT_MAX, &seconds, err) : 0;

	if (rc == 0)
		rc = dd_shutdown(cli->host, domain, (int)seconds * 1000, err);
	return state_finish(cli, domain, rc, err);
}

const struct command command_shutdown = {
	.name = "shutdown",
	.group = GROUP_GUEST,
	.operands = "NAME",
	.summary = "ask the guest to shut down (ACPI)",
	.options = options,
	.book = BOOK_OPEN,
	.run = run,
};
