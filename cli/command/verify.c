/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/findings.h"

static const struct option_row options[] = {
	{"against", 0, "REMOTE",
		"compare with a remote that was pushed to, too: its name or address"},
	{NULL},
};

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *domain = operand(args, 0);
	CLEANUP(findings) struct findings findings;
	const char *remote = option_value(args, "against");
	struct dd_verified verified = {0}, witnessed = {0};
	int rc;

	findings_init(&findings, cli);
	rc = dd_verify(cli->host, domain, findings_add, &findings, &verified, err);
	if (!rc && remote)
		rc = dd_verify_against(
			cli->host, domain, remote, findings_add, &findings, &witnessed, err);
	verified.findings += witnessed.findings;
	/* where they cannot be read, that was found */
	if (rc >= 0)
		(void)dd_keys(cli->host, findings_key, &findings, NULL);
	return rc < 0 ? rc
		      : findings_finish(&findings, domain ? domain : dd_host_book(cli->host),
				&verified, err);
}

const struct command command_verify = {
	.name = "verify",
	.group = GROUP_HISTORY,
	.operands = "[NAME]",
	.summary = "prove that nothing was changed, lost, moved or put in afterwards",
	.about =
		"Reads every object and checks each version's signature, its place in the chain of "
		"all\n"
		"versions, the branches of book.git, and what book.db says of all that; with NAME "
		"of one\n"
		"domain. A line a finding: what is wrong, where, and since which version. The exit "
		"status\n"
		"is 0 where there is none and 1 otherwise. A notice of a key that was adopted at a "
		"restore\n"
		"is no finding: compare its fingerprint with the one that was noted then.",
	.options = options,
	.book = BOOK_OPEN,
	.run = run,
};
