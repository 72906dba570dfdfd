/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What may come next on a command line. A shell hands over the words up to and with the one that is
 * being typed, and gets candidates, one a line; it filters them itself. Where nothing is offered, a
 * file name is what is wanted.
 */

#include <string.h>

#include "cli/arguments.h"
#include "cli/command/all.h"

struct line {
	struct cli *cli;
	const struct command *command;
	const char *domain; /* the first operand, or NULL */
	size_t operands;    /* before the word that is being typed */
	bool value;         /* that word is the value of an option */
};

/* The option that a word is, and its value where that is in the same word. */
static const struct option_row *find_option(
	const struct command *command, const char *word, const char **value)
{
	const struct option_row *row = NULL;
	const char *name = strncmp(word, "--", 2) == 0 ? word + 2 : "";
	size_t length = strcspn(name, "=");

	*value = name[length] ? name + length + 1 : NULL;
	for (size_t i = 0; (row = command_option(command, i)) != NULL; i++) {
		if (strlen(row->name) == length && memcmp(name, row->name, length) == 0)
			return row;
		if (row->letter && word[0] == '-' && word[1] == row->letter && !word[2])
			return row;
	}
	return NULL;
}

/* An option that takes a value; gives how many words follow that belong to it. */
static size_t read_value(struct line *line, const struct option_row *row, char *const *after,
	size_t count, const char *value)
{
	size_t taken = 0;

	/* bash makes three words of --book=DIR */
	if (!value && count > 1 && strcmp(after[0], "=") == 0)
		taken++;
	if (!value && taken + 1 >= count) {
		line->value = true;
		return count;
	}
	if (!value)
		value = after[taken++];
	if (strcmp(row->name, "book") == 0)
		line->cli->book = value;
	return taken;
}

/* All but the last word, which is being typed. */
static void read_words(const struct arguments *args, struct line *line)
{
	for (size_t i = 0; i + 1 < args->count; i++) {
		const char *word = args->operands[i];
		const char *value = NULL;
		const struct option_row *row = find_option(line->command, word, &value);

		if (row && row->value)
			i += read_value(
				line, row, args->operands + i + 1, args->count - i - 1, value);
		else if (*word != '-' && !line->command)
			command_find(word, &line->command, NULL);
		else if (*word != '-' && line->operands++ == 0)
			line->domain = word;
	}
}

static int offer_domain(const struct dd_domain_info *info, void *context)
{
	struct cli *cli = context;

	text_printf(&cli->out, "%s\n", info->name);
	return 0;
}

static void offer_options(const struct line *line)
{
	const struct option_row *row = NULL;

	for (size_t i = 0; (row = command_option(line->command, i)) != NULL; i++)
		text_printf(&line->cli->out, "--%s\n", row->name);
}

static void offer_commands(const struct line *line)
{
	const struct command *command = NULL;

	for (size_t i = 0; (command = command_at(i)) != NULL; i++)
		if (!command->hidden)
			text_printf(&line->cli->out, "%s\n", command->name);
}

/* Canonical XML has one spelling, so that a device's handles can be picked out of its text. */
static void offer_devices(const struct line *line)
{
	static const char *const handles[] = {"<target dev='", "<mac address='", "<alias name='"};
	CLEANUP(dd) char *xml = NULL;

	if (!line->domain || dd_dumpxml(line->cli->host, line->domain, 0, false, &xml, NULL) < 0)
		return;
	for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
		for (const char *at = strstr(xml, handles[i]); at; at = strstr(at, handles[i])) {
			at += strlen(handles[i]);
			text_printf(&line->cli->out, "%.*s\n", (int)strcspn(at, "'"), at);
		}
}

/* The word of the command's operands that the typed one stands for; the last one repeats. */
static const char *operand_word(const struct line *line, size_t *length)
{
	const char *word = line->command->operands;

	for (size_t left = line->operands;; left--) {
		*length = strcspn(word, " ");
		if (left == 0 || !word[*length])
			return left == 0 || strstr(word, "...") ? word : NULL;
		word += *length + 1;
	}
}

static void offer_operand(const struct line *line)
{
	size_t length = 0;
	const char *word = operand_word(line, &length);

	if (!word)
		return;
	if (memmem(word, length, "COMMAND", strlen("COMMAND")))
		offer_commands(line);
	if (line->cli->host && memmem(word, length, "NAME", strlen("NAME")) &&
		!memmem(word, length, "NEW", strlen("NEW")))
		dd_list(line->cli->host, true, offer_domain, line->cli, NULL);
	if (line->cli->host && memmem(word, length, "DEVICE", strlen("DEVICE")))
		offer_devices(line);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	struct line line = {.cli = cli};
	const char *typed = args->count ? args->operands[args->count - 1] : "";

	cli->exact = true;
	read_words(args, &line);
	if (line.value)
		return 0;
	/* the book of the words; without one, no domain is offered and that is all */
	cli_open(cli, false, err);
	if (*typed == '-')
		offer_options(&line);
	else if (!line.command)
		offer_commands(&line);
	else
		offer_operand(&line);
	return 0;
}

const struct command command_completion = {
	.name = "completion",
	.group = GROUP_HOST,
	.operands = "[WORD]...",
	.summary = "list what may come next on a command line, for shells",
	.about = "The WORDs are those after 'domesday', up to the one that is being typed; '--' "
		 "goes\n"
		 "before them.",
	.book = BOOK_NONE,
	.run = run,
};
