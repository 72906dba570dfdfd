/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "base/moment.h"
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/history.h"

static const struct option_row options[] = {
	{"number", 'n', "N", "the newest N of them only"},
	{"since", 0, "TIME", "made at or after TIME"},
	{"until", 0, "TIME", "made at or before TIME"},
	{"who", 0, "PERSON", "whose author's name or e-mail has PERSON in it"},
	{"operation", 0, "OPERATION", "of this operation, such as attach-device; several: a,b"},
	{"device", 0, "DEVICE", "that concern a device: target, MAC, alias, or \"disk vdb\""},
	{"path", 0, "PATH",
		"that change something there, such as devices/disk or os/type/@machine"},
	{"grep", 0, "TEXT", "with TEXT in what was done or in the reason"},
	{"all", 0, NULL, "of the whole book, as one line of time; goes without NAME"},
	{"patch", 'p', NULL, "show below each what it changed"},
	{"xml", 0, NULL, "show below each the lines of XML that it changed"},
	{"graph", 0, NULL, "one line each, and a column for each host that made some"},
	{"oneline", 0, NULL, "one short line each"},
	{"reverse", 0, NULL, "the oldest first"},
	{NULL},
};

static int read_time(
	const struct arguments *args, const char *option, int64_t *out, struct dd_error *err)
{
	const char *words = option_value(args, option);

	return words ? moment_parse(words, time(NULL), out, err) : 0;
}

static int read_filters(
	const struct arguments *args, struct dd_log_options *filters, struct dd_error *err)
{
	const char *number = option_value(args, "number");
	uint64_t limit = 0;
	int rc = number ? parse_number(number, "-n", 1, UINT32_MAX, &limit, err) : 0;

	filters->limit = (uint32_t)limit;
	filters->who = option_value(args, "who");
	filters->operations = option_value(args, "operation");
	filters->device = option_value(args, "device");
	filters->path = option_value(args, "path");
	filters->words = option_value(args, "grep");
	if (rc == 0)
		rc = read_time(args, "since", &filters->since, err);
	if (rc == 0)
		rc = read_time(args, "until", &filters->until, err);
	/* 1970 itself, where 0 would leave none out */
	if (option_given(args, "until") && !filters->until)
		filters->until = -1;
	return rc;
}

/* The lines of XML that a version changed against the one before. */
static int add_xml(struct cli *cli, struct entry *entry, struct dd_error *err)
{
	CLEANUP(free) char *before = NULL;
	CLEANUP(free) char *after = NULL;
	struct dd_side old = {.domain = entry->uuid, .version = entry->number - 1};
	struct dd_side new = {.domain = entry->uuid, .version = entry->number};
	int rc;

	if (entry->number == 1)
		return string_copy(&entry->xml, "", err);
	rc = string_format(&before, err, "%s@%u", entry->domain, old.version);
	if (rc == 0)
		rc = string_format(&after, err, "%s@%u", entry->domain, new.version);
	return rc ? rc : dd_diff_xml(cli->host, &old, before, &new, after, &entry->xml, err);
}

/* An empty answer is told from a word that was not what the book calls it. */
static void note_none(const struct cli *cli, const struct arguments *args)
{
	static const struct {
		const char *option, *before, *after;
	} filters[] = {
		{"device", "has or had a device ", ""},
		{"who", "is by ", ""},
		{"grep", "has ", " in what was done or in the reason"},
		{"path", "changed anything at ", ""},
		{"operation", "is of ", ""},
		{"since", "was made at or after ", ""},
		{"until", "was made at or before ", ""},
	};
	const char *name = operand(args, 0);
	size_t only = 0, given = 0;

	for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++)
		if (option_given(args, filters[i].option)) {
			only = i;
			given++;
		}
	if (given == 1)
		cli_note(cli, "no version of %s %s'%s'%s", name ? name : "the book",
			filters[only].before, option_value(args, filters[only].option),
			filters[only].after);
	else if (given)
		cli_note(cli, "no version of %s is all of that", name ? name : "the book");
}

static int show(struct cli *cli, const struct arguments *args, struct history *history, bool all,
	struct dd_error *err)
{
	bool xml = option_given(args, "xml"), patch = option_given(args, "patch");
	int rc = 0;

	if (!history->count)
		note_none(cli, args);
	for (size_t i = 0; rc == 0 && xml && i < history->count; i++)
		rc = add_xml(cli, history->entries[i], err);
	if (rc < 0)
		return rc;
	if (option_given(args, "reverse"))
		history_reverse(history);
	if (cli->json)
		return cli_answer(cli, history_json(history, patch), err);
	if (xml || patch)
		history_blocks(history, &cli->out);
	else if (option_given(args, "graph"))
		rc = history_graph(history, &cli->out, err);
	else if (option_given(args, "oneline"))
		history_lines(history, &cli->out, all);
	else
		rc = history_table(history, cli, all, err);
	return rc;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(history) struct history history = {.cli = cli};
	CLEANUP(free) char *domain = NULL;
	struct dd_log_options filters = {.domain = NULL};
	bool all = option_given(args, "all");
	bool patch = option_given(args, "patch");
	int rc;

	if (all == (operand(args, 0) != NULL))
		return error_set(err, CLI_USAGE, "log is of one NAME, or of --all");
	if (all && option_given(args, "graph"))
		return error_set(err, CLI_USAGE, "--graph is of one NAME");
	rc = read_filters(args, &filters, err);
	if (rc == 0 && !all)
		rc = dd_resolve(cli->host, operand(args, 0), &domain, &filters.from, err);
	filters.domain = domain;
	if (rc == 0)
		rc = dd_log_with(cli->host, &filters, history_add,
			patch ? history_add_difference : NULL, &history, err);
	if (history.failed)
		return error_no_memory(err);
	return rc < 0 ? rc : show(cli, args, &history, all, err);
}

const struct command command_log = {
	.name = "log",
	.group = GROUP_HISTORY,
	.operands = "[NAME[@VERSION]]",
	.summary = "list a domain's versions, or those of the whole book, the newest first",
	.about = "With @VERSION that one and those before it. Options that choose may be combined: "
		 "a "
		 "version\n"
		 "is listed when all of them are true of it. A TIME is written as in NAME@{TIME}: "
		 "2026-11-01,\n"
		 "2026-11-01 12:00, yesterday, 2 hours ago.",
	.options = options,
	.book = BOOK_OPEN,
	.run = run,
};
