/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"identity", 'i', "FILE", "proves who we are: an ssh private key, or \"user:password\""},
	{NULL},
};

struct remotes {
	struct table *table;
	struct json *array;
};

static int add_remote(const struct dd_remote *remote, void *context)
{
	struct remotes *remotes = context;
	struct json *object = json_object();
	const char *const cells[] = {
		remote->name, remote->url, remote->identity ? remote->identity : "-"};

	table_row(remotes->table, COLOUR_NONE, cells);
	json_put_string(object, "name", remote->name);
	json_put_string(object, "url", remote->url);
	json_put_string(object, "identity", remote->identity);
	json_push(remotes->array, object);
	return 0;
}

static int list(struct cli *cli, struct dd_error *err)
{
	static const char *const titles[] = {"NAME", "URL", "IDENTITY", NULL};
	CLEANUP(table) struct table *table = NULL;
	CLEANUP(json) struct json *array = json_array();
	int rc = table_new(cli, titles, &table, err);
	struct remotes remotes = {table, array};

	if (!rc)
		rc = dd_remotes(cli->host, add_remote, &remotes, err);
	if (rc)
		return rc;
	if (json_count(array) == 0)
		cli_note(cli, "no remote has been added");
	return cli->json ? cli_answer(cli, TAKE(array), err) : table_print(table, cli, err);
}

/* --json gives the remotes that there are afterwards. */
static int finish(struct cli *cli, const char *name, const char *what, struct dd_error *err)
{
	cli_note(cli, "remote %s %s", name, what);
	return cli->json ? list(cli, err) : 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *action = operand(args, 0) ? operand(args, 0) : "list";
	struct dd_remote remote = {
		operand(args, 1), operand(args, 2), option_value(args, "identity")};
	bool adding = strcmp(action, "add") == 0;
	size_t wanted = adding ? 3 : strcmp(action, "remove") == 0 ? 2 : 1;
	int rc;

	if (!adding && strcmp(action, "remove") != 0 && strcmp(action, "list") != 0)
		return error_set(err, CLI_USAGE,
			"remote does not '%s': it can add, list and remove", action);
	if (args->count && args->count != wanted) {
		error_set(err, CLI_USAGE, "remote %s takes %zu more", action, wanted - 1);
		return error_hint(err, "remote add NAME URL, remote remove NAME, remote list");
	}
	if (remote.identity && !adding)
		return error_set(err, CLI_USAGE, "--identity goes with remote add");
	rc = cli->host ? 0 : cli_open(cli, adding, err);
	if (rc || wanted == 1)
		return rc ? rc : list(cli, err);
	rc = adding ? dd_remote_add(cli->host, &remote, err)
		    : dd_remote_remove(cli->host, remote.name, err);
	return rc ? rc : finish(cli, remote.name, adding ? "added" : "removed", err);
}

const struct command command_remote = {
	.name = "remote",
	.group = GROUP_HOST,
	.operands = "[ACTION] [NAME] [URL]",
	.summary = "the git repositories that keep a copy of the book",
	.about =
		"remote add NAME URL       a folder, user@host:path, ssh://… or https://…\n"
		"remote remove NAME        it keeps what it has\n"
		"remote list               also without a word\n"
		"\n"
		"Without --identity an ssh server is shown the keys of the agent, then the book's "
		"own "
		"key:\n"
		"allow keys/host.pub there. Its own key must be in ~/.ssh/known_hosts. A password "
		"never\n"
		"stands in the URL: the identity's file, which its owner alone may read, holds it.",
	.options = options,
	.book = BOOK_MAYBE,
	.run = run,
};
