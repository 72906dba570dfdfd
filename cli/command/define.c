/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/change.h"
#include "cli/command/all.h"
#include "cli/output.h"
#include "cli/remedy.h"

static const struct option_row options[] = {
	{"host-model", 0, "HOW", "keep: leave <cpu mode='host-model'> as it is"},
	{NULL},
};

struct refusal {
	struct differences differences;
	struct remedies remedies;
};

static void cleanup_refusal(struct refusal *refusal)
{
	cleanup_differences(&refusal->differences);
	cleanup_remedies(&refusal->remedies);
}

static int add_difference(const struct dd_difference *difference, void *context)
{
	struct refusal *refusal = context;

	remedies_add(&refusal->remedies, difference);
	return differences_add(difference, &refusal->differences);
}

static int see_name(const struct dd_domain_info *info, void *name)
{
	return string_copy(name, info->name, NULL);
}

/* Under the error: what is different, and which commands would make it so. */
static void explain(struct cli *cli, struct refusal *refusal, const char *uuid)
{
	CLEANUP(free) char *name = NULL;
	CLEANUP(text) struct text commands = TEXT_INIT;
	struct json *array = json_array();

	if (*uuid)
		dd_info(cli->host, uuid, see_name, &name, NULL);
	remedies_write(&refusal->remedies, name ? name : "NAME", &commands, array);
	if (refusal->differences.count)
		text_printf(&cli->advice, "what the file would change:\n%s",
			text_string(&refusal->differences.lines));
	if (commands.size)
		text_printf(&cli->advice, "commands that make such changes:\n%s",
			text_string(&commands));
	if (!cli->details)
		cli->details = json_object();
	json_put(cli->details, "differences", TAKE(refusal->differences.array));
	json_put(cli->details, "commands", array);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(text) struct text input = TEXT_INIT;
	CLEANUP(refusal) struct refusal refusal = {.remedies = {TEXT_INIT}};
	const char *file = operand(args, 0);
	struct dd_change change;
	struct dd_result result = {.uuid = ""};
	int rc = arguments_change(args, &change, err);

	differences_init(&refusal.differences, cli);
	if (rc == 0)
		rc = host_model_option(args, &change.keep_host_model, err);
	if (rc == 0)
		rc = read_input(file, &input, err);
	if (rc == 0)
		rc = dd_define(cli->host, text_string(&input), input.size, input_name(file),
			&change, add_difference, &refusal, &result, err);
	if (rc == DD_EXISTS)
		explain(cli, &refusal, result.uuid);
	return change_finish(cli, NULL, rc, &change, &result, err);
}

const struct command command_define = {
	.name = "define",
	.group = GROUP_DEFINITION,
	.operands = "FILE",
	.summary = "create a domain: freeze the definition, make version 1",
	.about = "FILE may be '-'. The book is made where there is none. A domain that exists with "
		 "the\n"
		 "same meaning stays as it is, and that is success. With another meaning define "
		 "fails,\n"
		 "names each difference, and the commands that make such changes.",
	.options = options,
	.shared = OPTIONS_CHANGE,
	.book = BOOK_CREATE,
	.run = run,
};
