/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The parts of domesday(1) that the tables know: commands, their options, exit statuses, as man
 * source. The build puts docs/man/head.1 before and docs/man/tail.1 after.
 */

#include <string.h>

#include "cli/arguments.h"
#include "cli/command/all.h"

/* Words as they are to be seen: no dash may become a hyphen, no line a request. */
static void add_words(struct text *out, const char *words)
{
	for (bool start = true; *words; words++) {
		if (start && (*words == '.' || *words == '\''))
			text_puts(out, "\\&");
		start = *words == '\n';
		if (*words == '-')
			text_puts(out, "\\-");
		else if (*words == '\\')
			text_puts(out, "\\e");
		else
			text_putc(out, *words);
	}
}

static void add_option(struct text *out, const struct option_row *row)
{
	text_puts(out, ".TP\n");
	if (row->letter)
		text_printf(out, "\\fB\\-%c\\fR, ", row->letter);
	text_puts(out, "\\fB\\-\\-");
	add_words(out, row->name);
	text_puts(out, "\\fR");
	if (row->value)
		text_printf(out, "=\\fI%s\\fR", row->value);
	text_putc(out, '\n');
	add_words(out, row->help);
	text_putc(out, '\n');
}

static void add_command(struct text *out, const struct command *command)
{
	size_t own = command_option_count(command) - command_option_count(NULL);

	text_puts(out, ".SS \"");
	add_words(out, command->name);
	text_printf(out, "%s%s", own ? " [OPTIONS]" : "", *command->operands ? " " : "");
	add_words(out, command->operands);
	text_puts(out, "\"\n");
	add_words(out, command->summary);
	text_puts(out, ".\n");
	if (command->about) {
		text_puts(out, ".PP\n.nf\n");
		add_words(out, command->about);
		text_puts(out, "\n.fi\n");
	}
	if (command->also) {
		text_puts(out, ".PP\nvirsh's name for it, \\fB");
		add_words(out, command->also);
		text_puts(out, "\\fR, works as well.\n");
	}
	for (const struct option_row *row = command->options; row && row->name; row++)
		add_option(out, row);
	if (command->shared & OPTIONS_SCOPE)
		text_puts(out,
			".PP\nAnd the options of changes, \\fB\\-\\-config\\fR and the others.\n");
	else if (command->shared == OPTIONS_REASON)
		text_puts(out, ".PP\nAnd \\fB\\-\\-reason\\fR.\n");
	else if (command->shared)
		text_puts(out, ".PP\nAnd \\fB\\-\\-if\\-version\\fR and \\fB\\-\\-reason\\fR.\n");
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	struct text *out = &cli->out;
	const struct command change = {.shared = OPTIONS_CHANGE | OPTIONS_SCOPE};
	const struct command *command = NULL;
	int group = -1;

	(void)args;
	(void)err;
	text_puts(out, ".SH OPTIONS\nThey may stand before the command or after it.\n");
	for (size_t i = 0; command_option(NULL, i); i++)
		add_option(out, command_option(NULL, i));
	text_puts(out, ".SH \"OPTIONS OF CHANGES\"\nOf every command that changes a domain.\n");
	for (size_t i = 0; i < command_option_count(&change) - command_option_count(NULL); i++)
		add_option(out, command_option(&change, i));
	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		if (command->hidden)
			continue;
		if ((int)command->group != group)
			text_printf(out, ".SH \"%s\"\n", command_group_title(command->group));
		group = (int)command->group;
		add_command(out, command);
	}
	text_puts(out, ".SH \"EXIT STATUS\"\n");
	for (int status = 0; exit_status_words(status); status++) {
		text_printf(out, ".TP\n.B %d\n", status);
		add_words(out, exit_status_words(status));
		text_putc(out, '\n');
	}
	return 0;
}

const struct command command_manual = {
	.name = "manual",
	.group = GROUP_HOST,
	.operands = "",
	.summary = "write the manual's part that the tables know",
	.book = BOOK_NONE,
	.hidden = true,
	.run = run,
};
