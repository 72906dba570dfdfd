/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

struct users {
	struct table *table;
	struct json *array;
};

static int visit(const struct dd_domain_info *info, const struct dd_use *use, void *context)
{
	struct users *users = context;
	const char *const cells[] = {info->name, info->state, use->kind, use->mode,
		use->config ? "yes" : "no", use->live ? "yes" : "no", use->value};
	struct json *object = json_object();

	json_put(object, "domain", info_json(info));
	json_put_string(object, "kind", use->kind);
	json_put_string(object, "value", use->value);
	json_put_string(object, "mode", use->mode);
	json_put_bool(object, "config", use->config);
	json_put_bool(object, "live", use->live);
	json_push(users->array, object);
	table_row(users->table, use->live ? COLOUR_GREEN : COLOUR_NONE, cells);
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	static const char *const titles[] = {
		"Name", "State", "Kind", "Mode", "Record", "Guest", "Value", NULL};
	CLEANUP(table) struct table *table = NULL;
	CLEANUP(json) struct json *array = json_array();
	int rc = table_new(cli, titles, &table, err);
	struct users users = {.table = table, .array = array};

	if (rc == 0)
		rc = dd_who_uses(cli->host, operand(args, 0), visit, &users, err);
	if (rc < 0)
		return rc;
	if (json_count(array) == 0)
		cli_note(cli, "no domain uses %s", operand(args, 0));
	return cli->json ? cli_answer(cli, TAKE(array), err) : table_print(table, cli, err);
}

const struct command command_who_uses = {
	.name = "who-uses",
	.group = GROUP_LOOK,
	.operands = "PATH|MAC",
	.summary = "list the domains that use a disk, a MAC or a host device",
	.about = "Record says whether the definition has it, Guest whether the running guest has "
		 "it.",
	.book = BOOK_OPEN,
	.run = run,
};
