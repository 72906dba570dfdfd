/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "cli/output.h"

static const char *const outcomes[] = {
	[DD_BRANCH_CURRENT] = "current",
	[DD_BRANCH_CREATED] = "created",
	[DD_BRANCH_FORWARDED] = "forwarded",
	[DD_BRANCH_DIVERGED] = "diverged",
	[DD_BRANCH_LOST] = "lost",
};

#define OUTCOMES (sizeof outcomes / sizeof outcomes[0])

struct run {
	struct cli *cli;
	transfer_fn *transfer;
	const char *direction;
	struct json *answer; /* a member for each remote */
	struct text lines;   /* for people */
};

struct tally {
	size_t counts[OUTCOMES]; /* domains */
	struct json *branches;   /* those that are not current */
	struct text lines;
};

/* Of those that diverged or were lost it is worth knowing each. */
static int count_branch(const struct dd_branch *branch, void *context)
{
	struct tally *tally = context;
	struct json *object;

	if (branch->uuid)
		tally->counts[branch->outcome]++;
	if (branch->outcome == DD_BRANCH_LOST)
		text_printf(&tally->lines, "  %s is owned by %s now, not by this host\n",
			branch->name ? branch->name : branch->uuid, branch->host);
	if (branch->outcome == DD_BRANCH_DIVERGED)
		text_printf(&tally->lines, "  diverged: %s %s\n", branch->host,
			branch->name   ? branch->name
			: branch->uuid ? branch->uuid
				       : "its keys");
	if (branch->outcome == DD_BRANCH_CURRENT)
		return 0;
	object = json_object();
	json_put_string(object, "host", branch->host);
	json_put_string(object, "uuid", branch->uuid);
	json_put_string(object, "domain", branch->name);
	json_put_string(object, "outcome", outcomes[branch->outcome]);
	json_put_string(object, "before", branch->before);
	json_put_string(object, "after", branch->after);
	json_push(tally->branches, object);
	return 0;
}

static void tell_tally(
	struct text *lines, const char *remote, const char *direction, const struct tally *tally)
{
	text_printf(lines, "%s %s: %zu %s new, %zu with new versions, %zu as before\n%s", direction,
		remote, tally->counts[DD_BRANCH_CREATED],
		tally->counts[DD_BRANCH_CREATED] == 1 ? "domain" : "domains",
		tally->counts[DD_BRANCH_FORWARDED], tally->counts[DD_BRANCH_CURRENT],
		text_string(&tally->lines));
}

static int transfer_one(struct run *run, const char *remote, struct dd_error *err)
{
	struct tally tally = {.branches = json_array(), .lines = TEXT_INIT};
	struct json *object = json_object();
	int rc = run->transfer(run->cli->host, remote, count_branch, &tally, err);

	if (!rc || rc == DD_CONFLICT)
		tell_tally(&run->lines, remote, run->direction, &tally);
	json_put_string(object, "remote", remote);
	for (size_t i = 0; i < OUTCOMES; i++)
		json_put_number(object, outcomes[i], (int64_t)tally.counts[i]);
	json_put(object, "branches", tally.branches);
	json_push(run->answer, object);
	text_release(&tally.lines);
	return rc;
}

struct names {
	char **list;
	size_t count;
	struct dd_error *err;
};

static void cleanup_names(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
}

static int add_name(const struct dd_remote *remote, void *context)
{
	struct names *names = context;
	char **more = reallocarray(names->list, names->count + 1, sizeof *more);

	if (!more)
		return error_no_memory(names->err);
	names->list = more;
	more[names->count] = strdup(remote->name);
	return more[names->count++] ? 0 : error_no_memory(names->err);
}

static int transfer_all(struct run *run, struct dd_error *err)
{
	CLEANUP(names) struct names names = {.err = err};
	int first = dd_remotes(run->cli->host, add_name, &names, err);

	if (!first && !names.count) {
		error_set(err, DD_NOT_FOUND, "no remote has been added");
		return error_hint(err, "domesday remote add NAME URL");
	}
	for (size_t i = 0; i < names.count && first != DD_NO_MEMORY; i++) {
		struct dd_error later = {0};
		int rc = transfer_one(run, names.list[i], first ? &later : err);

		if (first && rc)
			text_printf(&run->lines, "%s\n", later.message);
		first = first ? first : rc;
	}
	return first;
}

int transfer_run(struct cli *cli, const struct arguments *args, transfer_fn *transfer,
	const char *direction, struct dd_error *err)
{
	struct run run = {cli, transfer, direction, json_array(), TEXT_INIT};
	const char *remote = operand(args, 0);
	int rc = remote ? transfer_one(&run, remote, err) : transfer_all(&run, err);

	/* beside an error they stand under it */
	if (rc)
		text_puts(&cli->advice, text_string(&run.lines));
	else
		cli_note(cli, "%.*s", (int)run.lines.size - 1, text_string(&run.lines));
	text_release(&run.lines);
	if (!rc && cli->json)
		return cli_answer(cli, run.answer, err);
	if (rc && !cli->details)
		cli->details = json_object();
	if (rc)
		json_put(cli->details, "remotes", run.answer);
	else
		json_free(run.answer);
	return rc;
}
