/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/change.h"
#include "cli/command/all.h"

static const struct option_row options[] = {
	{"live", 0, NULL, "what the running guest has now, with facts of this run"},
	{"inactive", 0, NULL, "the record, which is what is shown anyway, as virsh calls it"},
	{"security-info", 0, NULL, "with the passwords in it"},
	{NULL},
};

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(free) char *domain = NULL;
	CLEANUP(dd) char *xml = NULL;
	struct dd_dumpxml_options what = {
		.live = option_given(args, "live"),
		.security_info = option_given(args, "security-info"),
	};
	int rc = dd_resolve(cli->host, operand(args, 0), &domain, &what.version, err);

	if (rc == 0)
		rc = dd_dumpxml_with(cli->host, domain, &what, &xml, err);
	return rc < 0 ? rc : answer_string(cli, "xml", xml, err);
}

const struct command command_dumpxml = {
	.name = "dumpxml",
	.group = GROUP_LOOK,
	.operands = "NAME[@VERSION]",
	.summary = "show a domain's definition, or that of one of its versions",
	.options = options,
	.book = BOOK_OPEN,
	.run = run,
};
