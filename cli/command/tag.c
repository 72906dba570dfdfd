/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/moment.h"
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

static const struct option_row options[] = {
	{"delete", 'd', NULL, "take the LABEL away from the version that has it"},
	{NULL},
};

struct tags {
	struct table *table;
	struct json *array;
};

static int add_tag(const struct dd_tag *tag, void *context)
{
	struct tags *tags = context;
	struct json *object = json_object();
	char version[16], when[MOMENT_SIZE], who[128];
	const char *const cells[] = {tag->label, version, when, who, tag->reason};

	snprintf(version, sizeof version, "%u", tag->version);
	moment_format(tag->when, when);
	snprintf(who, sizeof who, "%.*s", person_name_length(tag->tagger), tag->tagger);
	table_row(tags->table, COLOUR_NONE, cells);
	json_put_string(object, "label", tag->label);
	json_put_number(object, "version", tag->version);
	json_put_string(object, "object", tag->object);
	put_time(object, "when", tag->when);
	json_put_string(object, "tagger", tag->tagger);
	json_put_string(object, "reason", tag->reason);
	json_push(tags->array, object);
	return 0;
}

static int list(struct cli *cli, const char *domain, struct dd_error *err)
{
	static const char *const titles[] = {"LABEL", "VERSION", "WHEN", "WHO", "WHY", NULL};
	CLEANUP(table) struct table *table = NULL;
	CLEANUP(json) struct json *array = json_array();
	int rc = table_new(cli, titles, &table, err);
	struct tags tags = {table, array};

	if (rc == 0)
		rc = dd_tags(cli->host, domain, add_tag, &tags, err);
	if (rc < 0)
		return rc;
	return cli->json ? cli_answer(cli, TAKE(array), err) : table_print(table, cli, err);
}

static int set_or_remove(struct cli *cli, const struct arguments *args, const char *domain,
	uint32_t version, struct dd_error *err)
{
	const char *label = operand(args, 1);
	bool removal = option_given(args, "delete");
	struct dd_result result = {.changed = true};
	int rc = removal ? dd_tag_remove(cli->host, domain, label, NULL, err)
			 : dd_tag_set(cli->host, domain, version, label, NULL, &result, err);

	if (rc < 0)
		return rc;
	if (cli->json) {
		struct json *object = json_object();

		json_put_string(object, "domain", domain);
		json_put_string(object, "label", label);
		json_put(object, "version", removal ? json_null() : json_number(result.version));
		json_put_bool(object, "changed", result.changed);
		return cli_answer(cli, object, err);
	}
	if (removal)
		cli_note(cli, "%s: no version is called %s any more", domain, label);
	else
		cli_note(cli, "%s: version %u is called %s%s", domain, result.version, label,
			result.changed ? "" : ", as it was");
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(free) char *domain = NULL;
	uint32_t version = 0;
	bool removal = option_given(args, "delete");
	int rc = dd_resolve(cli->host, operand(args, 0), &domain, &version, err);

	if (rc < 0)
		return rc;
	if (removal && (version || !operand(args, 1)))
		return error_set(err, CLI_USAGE, "--delete goes with NAME and LABEL");
	return operand(args, 1) ? set_or_remove(cli, args, domain, version, err)
				: list(cli, domain, err);
}

const struct command command_tag = {
	.name = "tag",
	.group = GROUP_HISTORY,
	.operands = "NAME[@VERSION] [LABEL]",
	.summary = "name a version, so that NAME@LABEL means it; or list the names",
	.about = "tag NAME@N LABEL          version N is called LABEL; without @N the newest\n"
		 "tag NAME                  the names that there are\n"
		 "tag --delete NAME LABEL   no version has that name any more\n"
		 "\n"
		 "A tag is signed, and in git it is domains/UUID/LABEL. A LABEL means one version "
		 "until it\n"
		 "is deleted; it is made like the name of a git tag, without '/', '@' and '{', and "
		 "is not\n"
		 "a number.",
	.options = options,
	.shared = OPTIONS_REASON,
	.book = BOOK_OPEN,
	.run = run,
};
