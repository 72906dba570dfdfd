/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	struct dd_change change;
	struct dd_result result;
	const char *domain = operand(args, 0);
	uint64_t number = 0;
	int rc = parse_number(operand(args, 1), "a version", 1, UINT32_MAX, &number, err);

	if (rc == 0)
		rc = arguments_change(cli, args, &change, err);
	if (rc == 0)
		rc = dd_rollback(cli->host, domain, (uint32_t)number, &change, &result, err);
	return change_finish(cli, domain, rc, &change, &result, err);
}

const struct command command_rollback = {
	.name = "rollback",
	.group = GROUP_HISTORY,
	.operands = "NAME N",
	.summary = "make the definition of version N the newest again, as a new version",
	.about = "A running guest follows, by plugging and unplugging; where it cannot, nothing is "
		 "done\n"
		 "and the reason is said. With --config the change holds from the next start.",
	.shared = OPTIONS_CHANGE | OPTIONS_SCOPE,
	.book = BOOK_OPEN,
	.run = run,
};
