/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"all", 'a', NULL, "those that are shut off too"},
	{"name", 0, NULL, "names only, one a line"},
	{"uuid", 0, NULL, "UUIDs only, one a line"},
	{NULL},
};

struct listing {
	struct cli *cli;
	struct table *table;
	struct json *array;
	bool names, uuids;
};

static int add_row(const struct dd_domain_info *info, void *context)
{
	struct listing *listing = context;
	char id[16] = "-", version[16], state[300];
	const char *const cells[] = {id, info->name, state, version, info->title};
	bool running = info->pid != 0;

	if (running)
		snprintf(id, sizeof id, "%d", info->id);
	snprintf(version, sizeof version, "%u", info->version);
	snprintf(state, sizeof state, "%s%s%s", info->state,
		info->owner     ? ", owned by "
		: info->claimed ? ", not pushed"
				: "",
		info->owner ? info->owner : "");
	table_row(listing->table, running ? COLOUR_GREEN : COLOUR_NONE, cells);
	return 0;
}

static void put_words(const struct listing *listing, const struct dd_domain_info *info)
{
	struct text *out = &listing->cli->out;

	text_printf(out, "%s%s", listing->uuids ? info->uuid : "",
		listing->names && listing->uuids ? " " : "");
	cli_put_value(listing->cli, listing->names ? info->name : "");
	text_putc(out, '\n');
}

static int visit(const struct dd_domain_info *info, void *context)
{
	struct listing *listing = context;

	if (listing->array)
		json_push(listing->array, info_json(info));
	else if (!listing->names && !listing->uuids)
		return add_row(info, listing);
	else
		put_words(listing, info);
	return listing->array ? 0 : cli_flow(listing->cli);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	static const char *const titles[] = {"Id", "Name", "State", "Version", "Title", NULL};
	CLEANUP(table) struct table *table = NULL;
	CLEANUP(json) struct json *array = cli->json ? json_array() : NULL;
	struct listing listing = {
		.cli = cli,
		.array = array,
		.names = option_given(args, "name"),
		.uuids = option_given(args, "uuid"),
	};
	int rc = table_new(cli, titles, &table, err);

	listing.table = table;
	if (!cli->host)
		cli_note(cli, "there is no book yet; 'domesday define FILE' makes one");
	else if (rc == 0)
		rc = dd_list(cli->host, option_given(args, "all"), visit, &listing, err);
	if (rc)
		return rc;
	return cli->json ? cli_answer(cli, TAKE(array), err) : table_print(table, cli, err);
}

const struct command command_list = {
	.name = "list",
	.group = GROUP_LOOK,
	.operands = "",
	.summary = "list the domains that run, or --all",
	.options = options,
	.book = BOOK_MAYBE,
	.run = run,
};
