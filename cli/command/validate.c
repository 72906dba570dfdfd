/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

static const struct option_row options[] = {
	{"grammar", 0, NULL, "print the RELAX NG grammar instead"},
	{NULL},
};

struct kept {
	struct cli *cli;
	struct json *array;
};

static int add_kept(const char *path, int line, void *context)
{
	struct kept *kept = context;
	struct json *object = json_object();

	json_put_string(object, "path", path);
	json_put_number(object, "line", line);
	json_push(kept->array, object);
	text_printf(&kept->cli->out, "kept, not interpreted: line %d: %s\n", line, path);
	return 0;
}

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
	struct kept kept = {cli, json_array()};

	rc = read_input(file, &input, err);
	if (rc == 0)
		rc = dd_validate(
			text_string(&input), input.size, input_name(file), add_kept, &kept, err);
	if (rc < 0 || !cli->json)
		json_free(kept.array);
	if (rc < 0)
		return rc;
	cli_note(cli, "%s: valid", file);
	if (!cli->json)
		return 0;

	struct json *object = json_object();

	json_put_bool(object, "valid", true);
	json_put(object, "kept", kept.array);
	return cli_answer(cli, object, err);
}

const struct command command_validate = {
	.name = "validate",
	.group = GROUP_DEFINITION,
	.operands = "[FILE]",
	.summary = "check a definition against the grammar of the format",
	.about = "The first fault is said with its line; elements that are kept and not "
		 "interpreted are "
		 "listed.\nWith --grammar the grammar is printed, for "
		 "editors.\nNo book is needed.",
	.options = options,
	.book = BOOK_NONE,
	.run = run,
};
