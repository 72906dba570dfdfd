/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"
#include "cli/side.h"

static const struct option_row options[] = {
	{"live", 0, NULL, "compare the record with what the running guest has"},
	{"pending", 0, NULL, "compare what the running guest has with the record"},
	{"xml", 0, NULL, "show the lines of XML that differ"},
	{NULL},
};

static int see_version(const struct dd_domain_info *info, void *version)
{
	*(uint32_t *)version = info->version;
	return 0;
}

/*
 * The other side when only one was named: for NAME the version before the newest, for NAME@N the
 * newest, with --live the running guest. With --pending both are of one version.
 */
static int imply_side(struct cli *cli, const struct arguments *args, struct side *before,
	struct side *after, struct dd_error *err)
{
	uint32_t newest = 0;

	if (before->dd.xml)
		return error_set(err, CLI_USAGE, "a file is compared with a domain: name one too");
	after->dd.domain = before->name;
	after->dd.live = option_given(args, "live");
	before->dd.live = option_given(args, "pending");
	if (before->dd.live)
		after->dd.version = before->dd.version;
	if (before->dd.live || after->dd.live || before->dd.version)
		return 0;

	int rc = dd_info(cli->host, before->name, see_version, &newest, err);

	after->dd.version = newest;
	before->dd.version = newest - 1;
	if (rc == 0 && newest < 2)
		return error_set(err, DD_NOT_FOUND,
			"domain '%s' has one version only: there is nothing before it",
			before->name);
	return rc;
}

static int answer(struct cli *cli, struct differences *differences, char *xml, struct dd_error *err)
{
	struct json *object = json_object();
	int status = differences->count ? STATUS_NO : STATUS_OK;

	json_put_bool(object, "equal", differences->count == 0);
	json_put(object, "differences", TAKE(differences->array));
	if (xml)
		json_put_string(object, "xml", xml);
	cli->exact = xml != NULL;
	text_puts(&cli->out, xml ? xml : text_string(&differences->lines));
	if (!cli->json) {
		json_free(object);
		return status;
	}

	int rc = cli_answer(cli, object, err);

	return rc < 0 ? rc : status;
}

/* What the two are called: as they were named. */
static int make_name(const char *word, const struct side *side, char **name, struct dd_error *err)
{
	return string_format(
		name, err, "%s%s", word ? word : side->dd.domain, side->dd.live ? ", running" : "");
}

static int compare(struct cli *cli, const struct arguments *args, const struct side *before,
	const struct side *after, struct dd_error *err)
{
	CLEANUP(differences) struct differences differences;
	CLEANUP(free) char *first = NULL;
	CLEANUP(free) char *second = NULL;
	CLEANUP(dd) char *xml = NULL;
	int rc;

	differences_init(&differences, cli);
	rc = dd_diff(cli->host, &before->dd, &after->dd, differences_add, &differences, err);
	if (rc == 0 && option_given(args, "xml")) {
		rc = make_name(operand(args, 0), before, &first, err);
		if (rc == 0)
			rc = make_name(operand(args, 1), after, &second, err);
		if (rc == 0)
			rc = dd_diff_xml(
				cli->host, &before->dd, first, &after->dd, second, &xml, err);
	}
	return rc < 0 ? rc : answer(cli, &differences, xml, err);
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(side) struct side before = {.name = NULL};
	CLEANUP(side) struct side after = {.name = NULL};
	const char *second = operand(args, 1);
	bool live = option_given(args, "live"), pending = option_given(args, "pending");

	if (live && pending)
		return error_set(err, CLI_USAGE, "--live and --pending do not go together");
	if (second && (live || pending))
		return error_set(
			err, CLI_USAGE, "--%s goes with one NAME", live ? "live" : "pending");

	int rc = side_read(cli, operand(args, 0), &before, err);

	if (rc == 0)
		rc = second ? side_read(cli, second, &after, err)
			    : imply_side(cli, args, &before, &after, err);
	return rc < 0 ? rc : compare(cli, args, &before, &after, err);
}

const struct command command_diff = {
	.name = "diff",
	.group = GROUP_HISTORY,
	.operands = "NAME[@VERSION] [NAME[@VERSION]|FILE]",
	.summary = "say in words what differs between two definitions",
	.about = "diff NAME           the version before the newest, and the newest\n"
		 "diff NAME@VERSION   that version, and the newest\n"
		 "diff NAME@VERSION NAME@VERSION\n"
		 "                    any two versions, of two domains too\n"
		 "diff NAME FILE      the newest, and a file: a word with a '/', ending in .xml, "
		 "or '-'\n"
		 "diff NAME --live    the record, and what the running guest has\n"
		 "diff NAME --pending what the running guest has, and the record: what holds from "
		 "the\n"
		 "                    next start; of NAME@VERSION, what was pending then\n"
		 "\n"
		 "The exit status is 0 where nothing differs and 1 where something does.",
	.options = options,
	.book = BOOK_OPEN,
	.run = run,
};
