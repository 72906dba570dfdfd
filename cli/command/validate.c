/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

static const struct option_row options[] = {
	{"grammar", 0, NULL, "print the RELAX NG grammar instead"},
	{NULL},
};

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(text) struct text input = TEXT_INIT;
	CLEANUP(dd) char *grammar = NULL;
	const char *file = operand(args, 0);
	int rc = 0;

	if (option_given(args, "grammar")) {
		rc = dd_grammar(&grammar, err);
		return rc < 0 ? rc : answer_string(cli, "grammar", grammar, err);
	}
	if (!file)
		return error_set(err, CLI_USAGE, "name a FILE, or give --grammar");
	rc = read_input(file, &input, err);
	if (rc == 0)
		rc = dd_validate(text_string(&input), input.size, input_name(file), err);
	if (rc < 0)
		return rc;
	cli_note(cli, "%s: valid", file);
	if (!cli->json)
		return 0;

	struct json *object = json_object();

	json_put_bool(object, "valid", true);
	return cli_answer(cli, object, err);
}

const struct command command_validate = {
	.name = "validate",
	.group = GROUP_DEFINITION,
	.operands = "[FILE]",
	.summary = "check a definition against the grammar of the format",
	.about =
		"The first fault is said with its line. With --grammar the grammar is printed, for "
		"editors.\nNo book is needed.",
	.options = options,
	.book = BOOK_NONE,
	.run = run,
};
