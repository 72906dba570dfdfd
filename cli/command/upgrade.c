/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"machine", 0, "TYPE", "to this machine type; pc and q35 mean their newest version"},
	{"cpu", 0, "MODEL", "to this CPU: a model, host-model, host-passthrough or maximum"},
	{NULL},
};

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(differences) struct differences changes;
	const char *domain = operand(args, 0);
	const struct dd_upgrade_to upgrade = {
		.machine = option_value(args, "machine"),
		.cpu = option_value(args, "cpu"),
	};
	struct dd_change change;
	struct dd_result result = {.uuid = ""};
	int rc = arguments_change(args, &change, err);

	differences_init(&changes, cli);
	if (rc == 0 && !upgrade.machine && !upgrade.cpu)
		return error_set(
			err, CLI_USAGE, "upgrade to what? say --machine TYPE or --cpu MODEL");
	if (rc == 0)
		rc = dd_upgrade(cli->host, domain, &upgrade, &change, differences_add, &changes,
			&result, err);
	if (rc == 0)
		text_puts(&cli->out, text_string(&changes.lines));
	rc = change_finish(cli, domain, rc, &change, &result, err);
	if (rc == 0 && cli->json)
		json_put(cli->answer, "changes", TAKE(changes.array));
	return rc;
}

const struct command command_upgrade = {
	.name = "upgrade",
	.group = GROUP_EDIT,
	.operands = "NAME",
	.summary = "change the machine type or the CPU of a domain that is shut off",
	.about = "It makes one version, which lists what the guest will see change. Nothing else\n"
		 "changes a domain's machine type; 'rollback' takes it back.",
	.options = options,
	.shared = OPTIONS_CHANGE,
	.book = BOOK_OPEN,
	.run = run,
};
