/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

struct losses {
	struct cli *cli;
	struct json *array;
};

static void add_loss(const char *sentence, void *context)
{
	struct losses *losses = context;

	json_push(losses->array, json_string(sentence));
	text_printf(&losses->cli->out, "%slost%s: %s\n", colour(losses->cli, COLOUR_RED),
		colour(losses->cli, COLOUR_NONE), sentence);
}

static int answer(struct cli *cli, const struct dd_reindexed *result, struct json *losses,
	struct dd_error *err)
{
	struct json *object = json_object();

	json_put_number(object, "domains", (int64_t)result->domains);
	json_put_number(object, "versions", (int64_t)result->versions);
	json_put_number(object, "staged", (int64_t)result->staged);
	json_put_number(object, "mended", (int64_t)result->mended);
	json_put(object, "losses", losses);
	return cli_answer(cli, object, err);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	struct dd_host_options options = {.book = cli->book};
	CLEANUP(json) struct json *array = json_array();
	struct losses losses = {cli, array};
	struct dd_reindexed result = {0};
	int rc = dd_reindex(&options, add_loss, &losses, &result, err);

	(void)args;
	if (rc < 0)
		return rc;
	cli_note(cli, "indexed: %llu version%s of %llu domain%s, %llu of which book.git has not",
		(unsigned long long)result.versions, plural(result.versions),
		(unsigned long long)result.domains, plural(result.domains),
		(unsigned long long)result.staged);
	if (result.mended)
		cli_note(cli,
			"put right in the old book.db or its log: %llu page%s with a changed word",
			(unsigned long long)result.mended, plural(result.mended));
	if (result.kept)
		cli_note(cli, "the old book.db is kept as book.db.old");
	if (cli->json)
		rc = answer(cli, &result, TAKE(array), err);
	return rc < 0 ? rc : result.losses ? STATUS_NO : STATUS_OK;
}

const struct command command_reindex = {
	.name = "reindex",
	.group = GROUP_HOST,
	.operands = "",
	.summary = "make book.db anew from book.git and what the old one still says",
	.about = "For a book.db that is lost or damaged. Versions come from the commits that are "
		 "signed with\n"
		 "the book's key; those that were not synced yet, and what no commit says (running "
		 "guests,\n"
		 "autostart), from the old book.db as far as it can be read. A line for each loss, "
		 "and the\n"
		 "exit status is 1 where there is one; then the old file stays as book.db.old.",
	.book = BOOK_NONE,
	.run = run,
};
