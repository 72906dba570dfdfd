/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

static const struct option_row options[] = {
	{"paused", 0, NULL, "with processors stopped, until 'domesday resume'"},
	{"accept-cpu", 0, NULL, "on this host's CPU, though it is not the recorded one"},
	{NULL},
};

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *domain = operand(args, 0);
	const struct dd_start_options how = {
		.paused = option_given(args, "paused"),
		.accept_cpu = option_given(args, "accept-cpu"),
	};
	int rc = dd_start_with(cli->host, domain, &how, err);

	return state_finish(cli, domain, rc, err);
}

const struct command command_start = {
	.name = "start",
	.group = GROUP_GUEST,
	.operands = "NAME",
	.summary = "start a domain",
	.about = "A CPU of mode host-passthrough or maximum is compared with the one that the "
		 "domain was\n"
		 "created on. Where they differ the start is refused; with --accept-cpu this CPU "
		 "is\n"
		 "recorded instead, as a version.",
	.options = options,
	.shared = OPTIONS_REASON,
	.book = BOOK_OPEN,
	.run = run,
};
