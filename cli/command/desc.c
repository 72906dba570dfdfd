/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/change.h"
#include "cli/command/all.h"

static const struct option_row options[] = {
	{"title", 0, NULL, "the title, one line, instead of the description"},
	{NULL},
};

struct title {
	struct cli *cli;
	struct dd_error *err;
};

/* A terminal shows it to a person, and otherwise it is as it was given. */
static int answer_words(struct cli *cli, const char *key, const char *words, struct dd_error *err)
{
	size_t size = strlen(words);

	if (cli->json)
		return answer_string(cli, key, words, err);
	cli_put_value(cli, words);
	if (size && words[size - 1] != '\n')
		text_putc(&cli->out, '\n');
	return 0;
}

static int show_title(const struct dd_domain_info *info, void *context)
{
	struct title *title = context;

	return answer_words(title->cli, "title", info->title, title->err);
}

static int show(struct cli *cli, const char *domain, bool title, struct dd_error *err)
{
	CLEANUP(dd) char *description = NULL;
	struct title context = {.cli = cli, .err = err};

	if (title)
		return dd_info(cli->host, domain, show_title, &context, err);

	int rc = dd_get_description(cli->host, domain, &description, err);

	return rc < 0 ? rc : answer_words(cli, "description", description, err);
}

/* virsh takes the text in as many words as it comes. */
static void join(const struct arguments *args, struct text *out)
{
	for (size_t i = 1; i < args->count; i++)
		text_printf(out, "%s%s", i > 1 ? " " : "", args->operands[i]);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	struct dd_change change;
	struct dd_result result;
	const char *domain = operand(args, 0);
	bool title = option_given(args, "title");

	if (args->count == 1)
		return show(cli, domain, title, err);
	join(args, &words);

	int rc = text_failed(&words) ? error_no_memory(err) : arguments_change(args, &change, err);

	if (rc == 0)
		rc = (title ? dd_set_title : dd_set_description)(
			cli->host, domain, text_string(&words), &change, &result, err);
	return change_finish(cli, domain, rc, &change, &result, err);
}

const struct command command_desc = {
	.name = "desc",
	.group = GROUP_DEFINITION,
	.operands = "NAME [TEXT]...",
	.summary = "show or set a domain's description or title",
	.about = "Without TEXT it is shown; an empty TEXT removes it.",
	.options = options,
	.shared = OPTIONS_CHANGE | OPTIONS_SCOPE,
	.book = BOOK_OPEN,
	.run = run,
};
