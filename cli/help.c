/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/change.h"
#include "cli/command.h"

#define HELP_COLUMN 24 /* where explanations begin */

/* "  NAME   EXPLANATION", the latter on a line of its own when the name is long. */
static void add_entry(struct text *out, const char *name, const char *words)
{
	size_t length = strlen(name);

	text_printf(out, "  %s", name);
	if (length + 4 > HELP_COLUMN)
		text_printf(out, "\n%*s%s\n", HELP_COLUMN, "", words);
	else
		text_printf(out, "%*s%s\n", HELP_COLUMN - 2 - (int)length, "", words);
}

static void add_options(const struct command *command, size_t from, size_t until, struct text *out)
{
	for (size_t i = from; i < until; i++) {
		const struct option_row *row = command_option(command, i);
		char letter[] = {'-', row->letter, ',', ' ', '\0'};
		char name[64];

		snprintf(name, sizeof name, "%s--%s%s%s", row->letter ? letter : "    ", row->name,
			row->value ? "=" : "", row->value ? row->value : "");
		add_entry(out, name, row->help);
	}
}

static void command_help(const struct command *command, struct text *out)
{
	size_t count = command_option_count(command);
	size_t own = count - command_option_count(NULL);

	text_printf(out, "Usage: domesday %s%s%s%s\n\n%s\n", command->name, own ? " [OPTIONS]" : "",
		*command->operands ? " " : "", command->operands, command->summary);
	if (command->about)
		text_printf(out, "\n%s\n", command->about);
	if (command->also)
		text_printf(out, "\nvirsh's name %s works as well.\n", command->also);
	if (own)
		text_puts(out, "\nOptions:\n");
	add_options(command, 0, own, out);
	text_puts(out, "\nOptions of every command:\n");
	add_options(command, own, count, out);
}

static void overview(struct text *out)
{
	const struct command *command = NULL;
	int group = -1;

	text_puts(out,
		"Usage: domesday [--book=DIR] [--json] COMMAND ...\n\n"
		"The book of domains: every machine's definition, frozen, versioned, signed.\n");
	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		if (command->hidden)
			continue;
		if ((int)command->group != group)
			text_printf(out, "\n%s:\n", command_group_title(command->group));
		group = (int)command->group;
		add_entry(out, command->name, command->summary);
	}
	text_puts(out, "\nOptions of every command:\n");
	add_options(NULL, 0, command_option_count(NULL), out);
	text_puts(out, "\n'domesday help COMMAND' says more of one; 'man domesday' of all.\n");
}

int help_show(struct cli *cli, const struct command *command, struct dd_error *err)
{
	CLEANUP(text) struct text words = TEXT_INIT;

	if (command)
		command_help(command, &words);
	else
		overview(&words);
	return answer_string(cli, "help", text_string(&words), err);
}
