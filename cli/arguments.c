/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

/* getopt's number for a row; above every letter. */
#define ROW_BASE 256

static void usage_hint(const struct command *command, struct dd_error *err)
{
	error_hint(
		err, "see 'domesday %s%s--help'", command ? command->name : "", command ? " " : "");
}

static const char *option_name_at(size_t index, const void *command)
{
	const struct option_row *row = command_option(command, index);

	return row ? row->name : NULL;
}

static int unknown_option(const struct command *command, const char *word, struct dd_error *err)
{
	const char *name = word + strspn(word, "-");
	size_t length = strcspn(name, "=");
	char typed[64];

	snprintf(typed, sizeof typed, "%.*s", (int)(length < 60 ? length : 60), name);

	const char *near = word[1] == '-' ? nearest(typed, option_name_at, command) : NULL;

	if (near)
		error_set(
			err, CLI_USAGE, "unknown option '--%s'; did you mean '--%s'?", typed, near);
	else
		error_set(err, CLI_USAGE, "unknown option '%s%s'", word[1] == '-' ? "--" : "-",
			typed);
	usage_hint(command, err);
	return CLI_USAGE;
}

/* What getopt_long() needs to know of a command's rows. */
struct getopt_tables {
	struct option longs[OPTION_MAX + 1];
	char shorts[2 * OPTION_MAX + 4];
};

static void fill_tables(const struct command *command, struct getopt_tables *tables)
{
	size_t at = 0;

	memset(tables, 0, sizeof *tables);
	if (!command)
		tables->shorts[at++] = '+';
	tables->shorts[at++] = ':';
	for (size_t i = 0; i < OPTION_MAX; i++) {
		const struct option_row *row = command_option(command, i);

		if (!row)
			break;
		tables->longs[i] = (struct option){
			.name = row->name,
			.has_arg = row->value ? required_argument : no_argument,
			.val = ROW_BASE + (int)i,
		};
		if (row->letter)
			tables->shorts[at++] = row->letter;
		if (row->letter && row->value)
			tables->shorts[at++] = ':';
	}
}

static int row_of_letter(const struct command *command, int letter)
{
	const struct option_row *row = NULL;

	for (int i = 0; (row = command_option(command, (size_t)i)) != NULL; i++)
		if (row->letter == letter)
			return i;
	return -1;
}

/* A word that getopt_long() did not accept; it stands just before optind. */
static int bad_option(const struct command *command, int found, char **argv, struct dd_error *err)
{
	const char *word = argv[optind - 1];
	char letter[] = {'-', (char)optopt, '\0'};
	bool is_letter = optopt > 0 && optopt < ROW_BASE;

	if (found == ':') {
		error_set(err, CLI_USAGE, "option '%s' needs a value", is_letter ? letter : word);
		usage_hint(command, err);
		return CLI_USAGE;
	}
	if (optopt >= ROW_BASE) {
		error_set(err, CLI_USAGE, "option '%s' takes no value", word);
		usage_hint(command, err);
		return CLI_USAGE;
	}
	return unknown_option(command, is_letter ? letter : word, err);
}

/* Of two values one would be passed over; of the book's folder and the like the last one counts. */
static bool row_is_twice(const struct arguments *args, int row, const char *value)
{
	const char *before = args->values[row];

	return before && value && strcmp(before, value) != 0 &&
	       !command_option_global(command_option(args->command, (size_t)row));
}

static int twice(const struct command *command, int row, struct dd_error *err)
{
	error_set(err, CLI_USAGE, "option '--%s' is given twice, with different values",
		command_option(command, (size_t)row)->name);
	usage_hint(command, err);
	return CLI_USAGE;
}

int arguments_parse(const struct command *command, int argc, char **argv, struct arguments *args,
	struct dd_error *err)
{
	struct getopt_tables tables;
	int found = 0;

	memset(args, 0, sizeof *args);
	args->command = command;
	fill_tables(command, &tables);
	opterr = 0;
	optind = 0; /* start afresh, also in the GNU sense */
	while ((found = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
		if (found == '?' || found == ':')
			return bad_option(command, found, argv, err);

		int row = found >= ROW_BASE ? found - ROW_BASE : row_of_letter(command, found);

		if (row_is_twice(args, row, optarg))
			return twice(command, row, err);
		args->values[row] = optarg ? optarg : "";
	}
	args->operands = argv + optind;
	args->count = (size_t)(argc - optind);
	args->used = (size_t)optind;
	return 0;
}

int arguments_check(const struct arguments *args, struct dd_error *err)
{
	size_t least = 0, most = 0;
	const char *missing = "";

	for (const char *word = args->command->operands; *word; word += strspn(word, " ")) {
		size_t length = strcspn(word, " ");

		if (*word != '[')
			least++;
		if (*word != '[' && least == args->count + 1)
			missing = word;
		most = memmem(word, length, "...", 3) ? SIZE_MAX : most + 1;
		word += length;
		if (most == SIZE_MAX)
			break;
	}
	if (args->count >= least && args->count <= most)
		return 0;
	if (args->count < least)
		error_set(err, CLI_USAGE, "%.*s is missing", (int)strcspn(missing, " "), missing);
	else
		error_set(err, CLI_USAGE, "'%s' is too much", args->operands[most]);
	error_hint(err, "usage: domesday %s%s%s", args->command->name,
		args->command->operands[0] ? " " : "", args->command->operands);
	return CLI_USAGE;
}

const char *option_value(const struct arguments *args, const char *name)
{
	const struct option_row *row = NULL;

	for (size_t i = 0; (row = command_option(args->command, i)) != NULL; i++)
		if (strcmp(row->name, name) == 0)
			return args->values[i];
	return NULL;
}

bool option_given(const struct arguments *args, const char *name)
{
	return option_value(args, name) != NULL;
}

const char *operand(const struct arguments *args, size_t index)
{
	return index < args->count ? args->operands[index] : NULL;
}

/* virsh's switches. Config and live together, like neither and like --persistent, is everything. */
static int choose_scope(const struct arguments *args, enum dd_scope *scope, struct dd_error *err)
{
	bool config = option_given(args, "config");
	bool live = option_given(args, "live");
	bool persistent = option_given(args, "persistent");
	bool current = option_given(args, "current");

	if (current && (config || live || persistent))
		return error_set(err, CLI_USAGE,
			"--current goes with none of --config, --live and --persistent");
	*scope = current                        ? DD_SCOPE_CURRENT
		 : config == live || persistent ? DD_SCOPE_ALL
		 : config                       ? DD_SCOPE_CONFIG
						: DD_SCOPE_LIVE;
	return 0;
}

int arguments_change(const struct arguments *args, struct dd_change *out, struct dd_error *err)
{
	const char *expected = option_value(args, "if-version");
	uint64_t number = 0;

	memset(out, 0, sizeof *out);
	if (expected) {
		int rc = parse_number(expected, "--if-version", 1, UINT32_MAX, &number, err);

		if (rc < 0)
			return rc;
	}
	out->if_version = (uint32_t)number;
	return choose_scope(args, &out->scope, err);
}

int read_input(const char *file, struct text *out, struct dd_error *err)
{
	return file_read_input(file, INPUT_MAX, out, err);
}

const char *input_name(const char *file)
{
	return strcmp(file, "-") == 0 ? "standard input" : file;
}

int host_model_option(const struct arguments *args, bool *keep, struct dd_error *err)
{
	const char *how = option_value(args, "host-model");

	if (how && strcmp(how, "keep") != 0)
		return error_set(err, CLI_USAGE, "--host-model is keep, not '%s'", how);
	*keep = how != NULL;
	return 0;
}
