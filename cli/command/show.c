/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/history.h"

struct view {
	struct cli *cli;
	struct json *version;
	struct differences differences;
};

static int show_version(const struct dd_version_info *info, void *context)
{
	struct view *view = context;

	view->version = version_json(info);
	version_header(view->cli, info, &view->cli->out);
	return 0;
}

static int add_difference(const struct dd_difference *difference, void *context)
{
	struct view *view = context;

	return differences_add(difference, &view->differences);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(free) char *domain = NULL;
	struct view view = {.cli = cli};
	uint32_t number = 0;
	int rc = dd_resolve(cli->host, operand(args, 0), &domain, &number, err);

	if (rc < 0)
		return rc;
	differences_init(&view.differences, cli);
	rc = dd_show(cli->host, domain, number, show_version, add_difference, &view, err);
	if (rc == 0 && cli->json) {
		json_put(view.version, "changes", TAKE(view.differences.array));
		rc = cli_answer(cli, TAKE(view.version), err);
	}
	text_puts(&cli->out, text_string(&view.differences.lines));
	json_free(view.version);
	differences_release(&view.differences);
	return rc;
}

const struct command command_show = {
	.name = "show",
	.group = GROUP_HISTORY,
	.operands = "NAME[@VERSION]",
	.summary = "show one version: who made it, when, and what it changed",
	.about = "Without @VERSION the newest; a VERSION is N, a tag, or {TIME}.",
	.book = BOOK_OPEN,
	.run = run,
};
