/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

struct advising {
	struct cli *cli;
	struct json *array;
	size_t count;
};

static struct json *advice_json(const struct dd_advice *advice)
{
	struct json *json = json_object();

	json_put_string(json, "domain", advice->domain);
	json_put_string(json, "uuid", advice->uuid);
	json_put_bool(json, "running", advice->running);
	json_put_string(json, "kind", advice->kind);
	json_put_string(json, "path", advice->path);
	json_put_string(json, "value", advice->value);
	json_put_string(json, "sentence", advice->sentence);
	json_put_string(json, "command", advice->command);
	return json;
}

static int show(const struct dd_advice *advice, void *context)
{
	struct advising *advising = context;
	struct cli *cli = advising->cli;

	advising->count++;
	json_push(advising->array, advice_json(advice));
	text_printf(&cli->out, "%s%s%s: %s\n", colour(cli, COLOUR_BOLD), advice->domain,
		colour(cli, COLOUR_NONE), advice->sentence);
	if (advice->command)
		text_printf(&cli->out, "    %s%s\n", advice->command,
			advice->running ? "    (it runs: shut it off first)" : "");
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(json) struct json *array = json_array();
	struct advising advising = {.cli = cli, .array = array};
	int rc = cli->host ? dd_advise(cli->host, operand(args, 0), show, &advising, err) : 0;

	if (rc < 0)
		return rc;
	if (!advising.count)
		cli_note(cli, "nothing to advise");
	return cli->json ? cli_answer(cli, TAKE(array), err) : 0;
}

const struct command command_advise = {
	.name = "advise",
	.group = GROUP_HISTORY,
	.operands = "[NAME]",
	.summary = "what the QEMU installed here calls for, and the command that does it",
	.about = "Lists domains whose machine type or CPU model QEMU no longer has or deprecates, "
		 "whose\n"
		 "CPU is left to each start, or is another here than the recorded one.",
	.book = BOOK_MAYBE,
	.run = run,
};
