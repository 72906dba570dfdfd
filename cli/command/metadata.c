/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/change.h"
#include "cli/command/all.h"

static const struct option_row options[] = {
	{"key", 0, "KEY", "prefix for the namespace when it is set"},
	{"set", 0, "XML", "the element, or a FILE that holds it, or '-'"},
	{"remove", 0, NULL, "take the element away"},
	{NULL},
};

static int show(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(dd) char *xml = NULL;
	int rc = dd_get_metadata(cli->host, operand(args, 0), operand(args, 1), &xml, err);

	return rc < 0 ? rc : answer_string(cli, "xml", xml, err);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(text) struct text input = TEXT_INIT;
	struct dd_change change;
	struct dd_result result;
	const char *domain = operand(args, 0);
	const char *xml = option_value(args, "set");
	bool remove = option_given(args, "remove");

	if (xml && remove)
		return error_set(err, CLI_USAGE, "--set and --remove exclude each other");
	if (!xml && !remove)
		return show(cli, args, err);

	int rc = arguments_change(args, &change, err);

	if (rc == 0 && xml && *xml != '<') {
		rc = read_input(xml, &input, err);
		xml = text_string(&input);
	}
	if (rc == 0)
		rc = dd_set_metadata(cli->host, domain, operand(args, 1), option_value(args, "key"),
			xml, &change, &result, err);
	return change_finish(cli, domain, rc, &change, &result, err);
}

const struct command command_metadata = {
	.name = "metadata",
	.group = GROUP_DEFINITION,
	.operands = "NAME URI",
	.summary = "show or set an element of <metadata>, known by its namespace",
	.options = options,
	.shared = OPTIONS_CHANGE | OPTIONS_SCOPE,
	.book = BOOK_OPEN,
	.run = run,
};
