/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/change.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"device", 0, "DEVICE", "one device only: target, MAC, alias, or \"disk vdb\""},
	{"dry-run", 'n', NULL, "show what would be done, and do nothing"},
	{NULL},
};

/* What is to be, at once or from the next start. */
struct part {
	const char *title;
	struct differences differences;
};

struct view {
	struct cli *cli;
	bool dry_run;
	struct part now, pending;
};

static void cleanup_view(struct view *view)
{
	differences_release(&view->now.differences);
	differences_release(&view->pending.differences);
}

/* An answer when that is all that was asked for; otherwise said before it is done. */
static int add(struct view *view, struct part *part, const struct dd_difference *difference)
{
	struct text *lines = &part->differences.lines;
	size_t before = lines->size;

	if (!part->differences.count)
		text_puts(lines, part->title);
	differences_add(difference, &part->differences);
	if (!view->dry_run && lines->size > before)
		cli_note(view->cli, "%.*s", (int)(lines->size - before - 1), lines->data + before);
	return 0;
}

static int add_now(const struct dd_difference *difference, void *context)
{
	struct view *view = context;

	return add(view, &view->now, difference);
}

static int add_pending(const struct dd_difference *difference, void *context)
{
	struct view *view = context;

	return add(view, &view->pending, difference);
}

/* The version is NAME's, or a word of its own: N, LABEL or {TIME}. */
static int resolve(struct cli *cli, const struct arguments *args, char **domain, uint32_t *version,
	struct dd_error *err)
{
	CLEANUP(free) char *words = NULL;
	const char *to = operand(args, 1);
	int rc = to ? string_format(&words, err, "%s@%s", operand(args, 0), to)
		    : string_copy(&words, operand(args, 0), err);

	if (rc == 0 && (!to || *to))
		rc = dd_resolve(cli->host, words, domain, version, err);
	if (rc == 0 && *version == 0)
		return error_set(err, CLI_USAGE,
			"a rollback needs a version of '%s': a number from 1, a tag, or {TIME}",
			*domain ? *domain : operand(args, 0));
	return rc;
}

static int finish(struct view *view, const char *domain, int rc, const struct dd_change *change,
	const struct dd_result *result, struct dd_error *err)
{
	struct cli *cli = view->cli;

	if (rc == 0 && view->dry_run && !cli->json && result->changed) {
		text_puts(&cli->out, text_string(&view->now.differences.lines));
		text_puts(&cli->out, text_string(&view->pending.differences.lines));
		if (!view->now.differences.count && !view->pending.differences.count)
			cli_note(cli, "the running guest has that already, and nothing would wait "
				      "for its next start any more");
		cli_note(cli, "this is what would be done; nothing was, still version %u",
			result->version);
		return 0;
	}
	rc = change_finish(cli, domain, rc, change, result, err);
	if (rc == 0 && cli->json) {
		json_put_bool(cli->answer, "dry_run", view->dry_run);
		json_put(cli->answer, "now", TAKE(view->now.differences.array));
		json_put(cli->answer, "pending", TAKE(view->pending.differences.array));
	}
	return rc;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(view)
	struct view view = {
		.cli = cli,
		.dry_run = option_given(args, "dry-run"),
		.now = {.title = "In the running guest:\n"},
		.pending = {.title = "From the next start:\n"},
	};
	CLEANUP(free) char *domain = NULL;
	struct dd_rollback_options wanted = {
		.device = option_value(args, "device"),
		.dry_run = view.dry_run,
	};
	struct dd_change change = {.reason = NULL};
	struct dd_result result;
	int rc = resolve(cli, args, &domain, &wanted.version, err);

	differences_init(&view.now.differences, cli);
	differences_init(&view.pending.differences, cli);
	wanted.domain = domain;
	if (rc == 0)
		rc = arguments_change(args, &change, err);
	if (rc == 0)
		rc = dd_rollback_with(
			cli->host, &wanted, &change, add_now, add_pending, &view, &result, err);
	return finish(&view, domain, rc, &change, &result, err);
}

const struct command command_rollback = {
	.name = "rollback",
	.group = GROUP_HISTORY,
	.operands = "NAME[@VERSION] [VERSION]",
	.summary = "make the definition of a version the newest again, as a new version",
	.about =
		"A VERSION is N, a tag, or {TIME}. A running guest goes as far as it can by "
		"plugging and\n"
		"unplugging, and the rest holds from its next start: which is which is said before "
		"anything\n"
		"is done. With --config all of it holds from the next start.",
	.options = options,
	.shared = OPTIONS_CHANGE | OPTIONS_SCOPE,
	.book = BOOK_OPEN,
	.run = run,
};
