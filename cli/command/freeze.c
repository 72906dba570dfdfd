/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/change.h"
#include "cli/command/all.h"

static const struct option_row options[] = {
	{"host-model", 0, "HOW", "keep: leave <cpu mode='host-model'> as it is"},
	{"capabilities", 0, "FILE", "as on the host where 'capabilities --json' wrote FILE"},
	{NULL},
};

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(text) struct text input = TEXT_INIT;
	CLEANUP(text) struct text saved = TEXT_INIT;
	CLEANUP(dd) char *frozen = NULL;
	const char *file = operand(args, 0);
	const char *from = option_value(args, "capabilities");
	struct dd_freeze_options how = {.warn = cli_warn};
	int rc = host_model_option(args, &how.keep_host_model, err);

	if (rc == 0)
		rc = read_input(file, &input, err);
	if (rc == 0 && from)
		rc = read_input(from, &saved, err);
	if (rc < 0)
		return rc;

	struct dd_text capabilities = {text_string(&saved), saved.size, from};

	how.capabilities = from ? &capabilities : NULL;
	rc = dd_freeze(
		cli->host, text_string(&input), input.size, input_name(file), &how, &frozen, err);
	return rc < 0 ? rc : answer_string(cli, "xml", frozen, err);
}

const struct command command_freeze = {
	.name = "freeze",
	.group = GROUP_DEFINITION,
	.operands = "FILE",
	.summary = "show a definition's frozen form; nothing is stored",
	.about =
		"Everything that the hypervisor would decide is decided: machine type, CPU model,\n"
		"controllers, addresses, MACs. FILE may be '-'. No book is needed.",
	.options = options,
	.book = BOOK_MAYBE,
	.run = run,
};
