/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/change.h"
#include "cli/command/all.h"
#include "cli/output.h"

struct view {
	struct cli *cli;
	struct dd_error *err;
};

static int show(const struct dd_domain_info *info, void *context)
{
	struct view *view = context;
	struct text *out = &view->cli->out;

	if (view->cli->json)
		return cli_answer(view->cli, info_json(info), view->err);
	text_printf(out, "Name:       %s\n", info->name);
	text_printf(out, "UUID:       %s\n", info->uuid);
	if (*info->title)
		text_printf(out, "Title:      %s\n", info->title);
	text_printf(out, "State:      %s\n", info->state);
	if (info->pid)
		text_printf(out, "Id:         %d\nPid:        %d\n", info->id, info->pid);
	text_printf(out, "Autostart:  %s\n", info->autostart ? "enable" : "disable");
	text_printf(out, "Version:    %u\n", info->version);
	if (info->owner)
		text_printf(out, "Owner:      %s, another host\n", info->owner);
	if (info->claimed)
		text_puts(out, "Owner:      this host, once a push has told others\n");
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	struct view view = {.cli = cli, .err = err};

	return dd_info(cli->host, operand(args, 0), show, &view, err);
}

const struct command command_dominfo = {
	.name = "dominfo",
	.group = GROUP_LOOK,
	.operands = "NAME",
	.summary = "show what is known of a domain in a few lines",
	.book = BOOK_OPEN,
	.run = run,
};

static int show_state(const struct dd_domain_info *info, void *context)
{
	struct view *view = context;

	return answer_string(view->cli, "state", info->state, view->err);
}

static int run_state(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	struct view view = {.cli = cli, .err = err};

	return dd_info(cli->host, operand(args, 0), show_state, &view, err);
}

const struct command command_domstate = {
	.name = "domstate",
	.group = GROUP_LOOK,
	.operands = "NAME",
	.summary = "show whether a domain runs: running, paused, shut off...",
	.book = BOOK_OPEN,
	.run = run_state,
};
