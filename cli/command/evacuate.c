/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/change.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"from", 0, "REMOTE", "the remote that HOST pushed to"},
	{"all", 'a', NULL, "every domain that HOST had, and this host has not yet"},
	{"override", 0, "REASON", "ask nobody: HOST is known to be down, because of this"},
	{"dry-run", 'n', NULL, "say what would be taken, and do nothing"},
	{NULL},
};

struct listing {
	struct cli *cli;
	bool dry_run;
	struct table *table;
	struct text notes;
	struct json *domains;
	size_t taken, refused;
	int first; /* code of the first that was refused */
};

static void cleanup_listing(struct listing *listing)
{
	table_free(listing->table);
	text_release(&listing->notes);
	json_free(listing->domains);
}

static int add(const struct dd_evacuated *evacuated, void *context)
{
	struct listing *listing = context;
	const char *outcome = evacuated->taken ? "taken" : "refused";
	char version[16], epoch[16];
	const char *const cells[] = {outcome, evacuated->name, version, epoch, evacuated->uuid};
	struct json *object = json_object();

	snprintf(version, sizeof version, "%u", evacuated->version);
	snprintf(epoch, sizeof epoch, "%u", evacuated->epoch);
	table_row(listing->table, evacuated->taken ? COLOUR_GREEN : COLOUR_RED, cells);
	json_put_string(object, "outcome", outcome);
	json_put_string(object, "domain", evacuated->name);
	json_put_string(object, "uuid", evacuated->uuid);
	json_put_number(object, "version", evacuated->version);
	json_put_number(object, "epoch", evacuated->epoch);
	if (evacuated->error)
		json_put(object, "error", error_json(evacuated->error));
	json_push(listing->domains, object);
	listing->taken += evacuated->taken;
	listing->refused += !evacuated->taken;
	if (evacuated->error) {
		char line[sizeof *evacuated->error + 64];

		dd_error_format(evacuated->error, line, sizeof line);
		text_printf(&listing->notes, "%s: %s\n", evacuated->name, line);
		listing->first = listing->first ? listing->first : evacuated->error->code;
	}
	return 0;
}

static int finish(struct listing *listing, const char *host, struct dd_error *err)
{
	struct cli *cli = listing->cli;
	struct json *answer = json_object();
	int rc = cli->json ? 0 : table_print(listing->table, cli, err);

	if (!cli->json)
		text_puts(&cli->out, text_string(&listing->notes));
	json_put_string(answer, "host", host);
	json_put_number(answer, "taken", (int64_t)listing->taken);
	json_put_number(answer, "refused", (int64_t)listing->refused);
	json_put_bool(answer, "dry_run", listing->dry_run);
	json_put(answer, "domains", TAKE(listing->domains));
	if (cli->json && !rc)
		rc = cli_answer(cli, answer, err);
	else
		json_free(answer);
	cli_note(cli, "%zu taken over from %s, %zu refused%s", listing->taken, host,
		listing->refused,
		listing->dry_run ? " (this is what would be done; nothing was)" : "");
	if (rc)
		return rc;
	return listing->first ? exit_status(listing->first) : 0;
}

static int check(const struct arguments *args, struct dd_error *err)
{
	bool all = option_given(args, "all");

	if (!option_value(args, "from")) {
		error_set(err, CLI_USAGE, "--from REMOTE is missing");
		return error_hint(err, "domesday remote list");
	}
	if (args->count == 1 && !all)
		return error_set(err, CLI_USAGE, "which domains? name them, or say --all");
	if (args->count > 1 && all)
		return error_set(err, CLI_USAGE, "'%s' is too much: --all is all of them",
			args->operands[1]);
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	static const char *const titles[] = {"Outcome", "Name", "Version", "Epoch", "UUID", NULL};
	CLEANUP(listing) struct listing listing = {.cli = cli, .domains = json_array()};
	struct dd_evacuation evacuation = {
		.host = operand(args, 0),
		.remote = option_value(args, "from"),
		.domains = (const char *const *)args->operands + 1,
		.count = args->count - 1,
		.override = option_value(args, "override"),
		.dry_run = option_given(args, "dry-run"),
	};
	struct dd_change change = {.reason = NULL};
	int rc = check(args, err);

	listing.dry_run = evacuation.dry_run;
	if (rc == 0)
		rc = table_new(cli, titles, &listing.table, err);
	if (rc == 0)
		rc = arguments_change(args, &change, err);
	if (rc == 0)
		rc = dd_evacuate(cli->host, &evacuation, &change, add, &listing, err);
	if (rc < 0 && !listing.taken && !listing.refused)
		return rc;
	return finish(&listing, evacuation.host, err);
}

const struct command command_evacuate = {
	.name = "evacuate",
	.group = GROUP_OTHERS,
	.operands = "HOST [NAME...]",
	.summary = "take over domains of a host that is down, from a remote",
	.about =
		"What HOST last pushed is taken, with all of its history; what it did not push is "
		"lost. That\n"
		"HOST is down the program of 'config fence-command' must prove, or you answer for "
		"it with\n"
		"--override REASON, which is recorded. The domains are this host's when REMOTE has "
		"been told,\n"
		"and shut off; HOST, should it come back, learns that at its next push or pull, "
		"and does not\n"
		"start them any more.",
	.options = options,
	.shared = OPTIONS_REASON,
	.book = BOOK_OPEN,
	.run = run,
};
