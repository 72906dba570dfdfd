/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/moment.h"
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"number", 'n', "N", "the newest N versions only"},
	{NULL},
};

struct history {
	struct table *table;
	struct json *array;
};

static int visit(const struct dd_version_info *info, void *context)
{
	struct history *history = context;
	char number[16], when[MOMENT_SIZE], who[128], what[512];
	const char *const cells[] = {number, when, who, what};
	bool reason = *info->reason != '\0';

	snprintf(number, sizeof number, "%u", info->number);
	moment_format(info->when, when);
	snprintf(who, sizeof who, "%.*s", person_name_length(info->author), info->author);
	snprintf(what, sizeof what, "%s%s%s%s", info->subject, reason ? " (" : "", info->reason,
		reason ? ")" : "");
	table_row(history->table, COLOUR_NONE, cells);
	json_push(history->array, version_json(info));
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	static const char *const titles[] = {"VERSION", "WHEN", "WHO", "WHAT", NULL};
	CLEANUP(table) struct table *table = NULL;
	CLEANUP(json) struct json *array = json_array();
	const char *number = option_value(args, "number");
	uint64_t limit = 0;
	int rc = number ? parse_number(number, "-n", 1, UINT32_MAX, &limit, err) : 0;

	if (rc == 0)
		rc = table_new(cli, titles, &table, err);

	struct history history = {.table = table, .array = array};

	if (rc == 0)
		rc = dd_log(cli->host, operand(args, 0), (uint32_t)limit, visit, &history, err);
	if (rc < 0)
		return rc;
	return cli->json ? cli_answer(cli, TAKE(array), err) : table_print(table, cli, err);
}

const struct command command_log = {
	.name = "log",
	.group = GROUP_HISTORY,
	.operands = "NAME",
	.summary = "list a domain's versions, the newest first",
	.options = options,
	.book = BOOK_OPEN,
	.run = run,
};
