/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"git", 0, "REPO", "take the history that a git repository kept, as etckeeper does"},
	{"path", 0, "DIR", "the folder of --git that has the definitions"},
	{"dry-run", 'n', NULL, "say what would become of each, and write nothing"},
	{"host-model", 0, "HOW", "keep: leave <cpu mode='host-model'> as it is"},
	{NULL},
};

static const struct {
	const char *outcome, *member;
	enum colour colour;
} outcomes[] = {
	{"imported", "imported", COLOUR_GREEN},
	{"unchanged", "unchanged", COLOUR_NONE},
	{"refused", "refused", COLOUR_RED},
	{"left-out", "left_out", COLOUR_NONE},
};
#define OUTCOMES (sizeof outcomes / sizeof outcomes[0])

struct listing {
	struct cli *cli;
	struct table *table;
	struct text notes;
	struct json *domains;
	size_t counts[OUTCOMES];
};

static void cleanup_listing(struct listing *listing)
{
	table_free(listing->table);
	text_release(&listing->notes);
	json_free(listing->domains);
}

static size_t outcome_index(const char *outcome)
{
	size_t i = 0;

	while (i + 1 < OUTCOMES && strcmp(outcomes[i].outcome, outcome) != 0)
		i++;
	return i;
}

static struct json *imported_json(const struct dd_imported *imported)
{
	struct json *object = json_object(), *notes = json_array();

	for (size_t i = 0; i < imported->note_count; i++)
		json_push(notes, json_string(imported->notes[i]));
	json_put_string(object, "outcome", imported->outcome);
	json_put_string(object, "domain", imported->name);
	json_put_string(object, "uuid", imported->uuid);
	json_put_number(object, "version", imported->version);
	json_put_number(object, "versions", imported->versions);
	json_put_string(object, "origin", imported->origin);
	json_put(object, "notes", notes);
	if (imported->error)
		json_put(object, "error", error_json(imported->error));
	return object;
}

/* Under the table: all that is to be said of each, in full. */
static void add_notes(struct listing *listing, const struct dd_imported *imported)
{
	struct text *notes = &listing->notes;
	const char *name = imported->name ? imported->name : imported->origin;
	char line[sizeof *imported->error + 64];

	if (imported->error && strcmp(imported->outcome, "refused") == 0) {
		dd_error_format(imported->error, line, sizeof line);
		text_printf(notes, "%s%s: refused%s: %s\n", colour(listing->cli, COLOUR_RED), name,
			colour(listing->cli, COLOUR_NONE), line);
	}
	for (size_t i = 0; i < imported->note_count; i++)
		text_printf(notes, "%s: %s\n", name, imported->notes[i]);
}

static int add(const struct dd_imported *imported, void *context)
{
	struct listing *listing = context;
	size_t index = outcome_index(imported->outcome);
	bool left_out = imported->error && strcmp(imported->outcome, "left-out") == 0;
	CLEANUP(text) struct text origin = TEXT_INIT;
	char version[16] = "-", made[16] = "-";

	listing->counts[index]++;
	json_push(listing->domains, imported_json(imported));
	if (imported->version)
		snprintf(version, sizeof version, "%u", imported->version);
	if (imported->versions)
		snprintf(made, sizeof made, "%u", imported->versions);
	text_puts(&origin, imported->origin);
	if (left_out)
		text_printf(&origin, ": %s", imported->error->message);

	const char *const cells[] = {imported->outcome, imported->name ? imported->name : "-",
		version, made, text_string(&origin)};

	table_row(listing->table, outcomes[index].colour, cells);
	add_notes(listing, imported);
	return 0;
}

static int finish(struct listing *listing, bool dry_run, struct dd_error *err)
{
	struct cli *cli = listing->cli;
	CLEANUP(text) struct text counts = TEXT_INIT;
	struct json *answer = json_object();
	int rc = table_print(listing->table, cli, err);

	for (size_t i = 0; i < OUTCOMES; i++) {
		text_printf(&counts, "%s%zu %s", i ? ", " : "", listing->counts[i],
			outcomes[i].outcome);
		json_put_number(answer, outcomes[i].member, (int64_t)listing->counts[i]);
	}
	text_puts(&cli->out, text_string(&listing->notes));
	cli_note(cli, "%s%s", text_string(&counts),
		dry_run ? " (this is what would be done; nothing was)" : "");
	json_put_bool(answer, "dry_run", dry_run);
	json_put(answer, "domains", TAKE(listing->domains));
	if (cli->json && !rc)
		rc = cli_answer(cli, answer, err);
	else
		json_free(answer);
	if (rc)
		return rc;
	return listing->counts[outcome_index("refused")] ? exit_status(DD_REFUSED) : 0;
}

/* Either files and folders, or one repository. */
static int check_source(const struct arguments *args, struct dd_error *err)
{
	bool git = option_given(args, "git");

	if (git && args->count)
		return error_set(err, CLI_USAGE, "'%s' is too much: --git has a repository",
			args->operands[0]);
	if (!git && option_given(args, "path"))
		return error_set(err, CLI_USAGE, "--path is for --git");
	if (!git && !args->count) {
		error_set(err, CLI_USAGE, "DIR, FILE or --git REPO is missing");
		return error_hint(err, "libvirt's definitions are in /etc/libvirt/qemu");
	}
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	static const char *const titles[] = {"Outcome", "Name", "Version", "Made", "Origin", NULL};
	CLEANUP(listing) struct listing listing = {.cli = cli, .domains = json_array()};
	struct dd_import_options how = {
		.dry_run = option_given(args, "dry-run"),
		.reason = option_value(args, "reason"),
	};
	const char *repository = option_value(args, "git");
	int rc = host_model_option(args, &how.keep_host_model, err);

	if (rc == 0)
		rc = check_source(args, err);
	if (rc == 0)
		rc = table_new(cli, titles, &listing.table, err);
	if (rc == 0 && !cli->host && !how.dry_run)
		rc = cli_open(cli, true, err);
	if (rc == 0)
		rc = repository ? dd_import_git(cli->host, repository, option_value(args, "path"),
					  &how, add, &listing, err)
				: dd_import(cli->host, (const char *const *)args->operands,
					  args->count, &how, add, &listing, err);
	return rc < 0 ? rc : finish(&listing, how.dry_run, err);
}

const struct command command_import = {
	.name = "import",
	.group = GROUP_DEFINITION,
	.operands = "[DIR|FILE...]",
	.summary = "take over the definitions of a libvirt host, as they are",
	.about = "Of a folder such as /etc/libvirt/qemu every *.xml directly in it that is a "
		 "domain is\n"
		 "taken, addresses and all, as version 1 with its origin; a link in autostart/ "
		 "sets that\n"
		 "flag. With --git each commit that changed a definition becomes a version, by "
		 "its author\n"
		 "and of its time. A domain that is there with the same meaning stays as it is. "
		 "One that\n"
		 "is refused does not keep the others out; the exit status then is that of "
		 "refused.",
	.options = options,
	.shared = OPTIONS_REASON,
	.book = BOOK_MAYBE,
	.run = run,
};
