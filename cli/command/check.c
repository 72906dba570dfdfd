/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(differences) struct differences drift;
	const char *domain = operand(args, 0);

	differences_init(&drift, cli);

	int rc = dd_check(cli->host, domain, differences_add, &drift, err);
	int status = drift.count ? STATUS_NO : STATUS_OK;

	if (rc < 0)
		return rc;
	if (!drift.count)
		cli_note(cli, "%s: record and guest agree", domain);
	text_puts(&cli->out, text_string(&drift.lines));
	if (cli->json) {
		struct json *object = json_object();

		json_put_bool(object, "agree", drift.count == 0);
		json_put(object, "drift", TAKE(drift.array));
		rc = cli_answer(cli, object, err);
	}
	return rc < 0 ? rc : status;
}

const struct command command_check = {
	.name = "check",
	.group = GROUP_HISTORY,
	.operands = "NAME",
	.summary = "compare a running guest with its record, both asked anew",
	.about = "The exit status is 0 where they agree and 1 where they do not.",
	.book = BOOK_OPEN,
	.run = run,
};
