/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/moment.h"
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"identity", 'i', "FILE", "proves who we are: an ssh private key, or \"user:password\""},
	{NULL},
};

/* What is known of a remote, kept beyond the call that tells it. */
struct known {
	char *name;
	char *message;
	struct dd_remote_state state; /* whose own name and message are gone by then */
};

struct remotes {
	struct table *table;
	struct json *array;
	struct known *known;
	size_t count;
	struct dd_error *err;
};

static void cleanup_remotes(struct remotes *remotes)
{
	for (size_t i = 0; i < remotes->count; i++) {
		free(remotes->known[i].name);
		free(remotes->known[i].message);
	}
	free(remotes->known);
	json_free(remotes->array);
	table_free(remotes->table);
}

static int keep_state(const struct dd_remote_state *state, void *context)
{
	struct remotes *remotes = context;
	struct known *known = reallocarray(remotes->known, remotes->count + 1, sizeof *known);
	int rc;

	if (!known)
		return error_no_memory(remotes->err);
	remotes->known = known;
	known += remotes->count++;
	*known = (struct known){.state = *state};
	rc = string_copy(&known->name, state->name, remotes->err);
	return rc ? rc : string_copy(&known->message, state->message, remotes->err);
}

static const struct known *known_of(const struct remotes *remotes, const char *name)
{
	for (size_t i = 0; i < remotes->count; i++)
		if (strcmp(remotes->known[i].name, name) == 0)
			return &remotes->known[i];
	return NULL;
}

/* "failing since 2026-11-01 12:00:30 (3 tries): cannot reach it; next try 12:10:00" */
static void tell_failure(const struct known *known, struct text *out)
{
	char since[MOMENT_SIZE], next[MOMENT_SIZE];

	moment_format(known->state.failing_since, since);
	moment_format(known->state.next_try, next);
	text_printf(out, "%s since %s (%u %s): %s",
		known->state.code == DD_CONFLICT ? "diverged" : "failing", since,
		known->state.tries, known->state.tries == 1 ? "try" : "tries", known->message);
	if (known->state.next_try)
		text_printf(out, "; next try %s", next);
}

static void put_moment(struct json *object, const char *key, int64_t when)
{
	if (when)
		put_time(object, key, when);
	else
		json_put(object, key, json_null());
}

static struct json *failure_json(const struct known *known)
{
	struct json *object;

	if (!known || !known->state.code)
		return json_null();
	object = json_object();
	json_put_string(object, "code", dd_code_name(known->state.code));
	json_put_string(object, "message", known->message);
	put_moment(object, "since", known->state.failing_since);
	json_put_number(object, "tries", known->state.tries);
	put_moment(object, "next", known->state.next_try);
	return object;
}

static int add_remote(const struct dd_remote *remote, void *context)
{
	struct remotes *remotes = context;
	const struct known *known = known_of(remotes, remote->name);
	CLEANUP(text) struct text state = TEXT_INIT;
	struct json *object = json_object();
	char pushed[MOMENT_SIZE] = "never";

	if (known && known->state.pushed)
		moment_format(known->state.pushed, pushed);
	if (known && known->state.code)
		tell_failure(known, &state);
	else
		text_puts(&state, known && known->state.current ? "up to date" : "behind");

	const char *const cells[] = {remote->name, remote->url,
		remote->identity ? remote->identity : "-", pushed, text_string(&state)};

	table_row(remotes->table, COLOUR_NONE, cells);
	json_put_string(object, "name", remote->name);
	json_put_string(object, "url", remote->url);
	json_put_string(object, "identity", remote->identity);
	put_moment(object, "pushed", known ? known->state.pushed : 0);
	json_put_bool(object, "current", known && known->state.current && !known->state.code);
	json_put(object, "failure", failure_json(known));
	json_push(remotes->array, object);
	return 0;
}

static int list(struct cli *cli, struct dd_error *err)
{
	static const char *const titles[] = {"NAME", "URL", "IDENTITY", "PUSHED", "STATE", NULL};
	CLEANUP(remotes) struct remotes remotes = {.array = json_array(), .err = err};
	int rc = table_new(cli, titles, &remotes.table, err);

	if (!rc)
		rc = dd_remote_states(cli->host, keep_state, &remotes, err);
	if (!rc)
		rc = dd_remotes(cli->host, add_remote, &remotes, err);
	if (rc)
		return rc;
	if (json_count(remotes.array) == 0)
		cli_note(cli, "no remote has been added");
	return cli->json ? cli_answer(cli, TAKE(remotes.array), err)
			 : table_print(remotes.table, cli, err);
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
	.group = GROUP_OTHERS,
	.operands = "[ACTION] [NAME] [URL]",
	.summary = "the git repositories that keep a copy of the book",
	.about =
		"remote add NAME URL       a folder, user@host:path, ssh://… or https://…\n"
		"remote remove NAME        it keeps what it has\n"
		"remote list               also without a word; how far each is, as far as is "
		"known "
		"here\n"
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
