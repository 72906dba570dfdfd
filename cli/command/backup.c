/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/change.h"
#include "cli/command/all.h"
#include "cli/findings.h"

static int backup(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *file = operand(args, 0);
	int rc = dd_backup(cli->host, file, err);

	if (rc < 0)
		return rc;
	cli_note(cli,
		"%s has the whole book, and the key that signs it: keep it as you keep the key",
		file);
	return cli->json ? answer_string(cli, "backup", file, err) : 0;
}

const struct command command_backup = {
	.name = "backup",
	.group = GROUP_HOST,
	.operands = "FILE",
	.summary = "write the whole book, as it is now, into one file",
	.about = "The book may be in use meanwhile. FILE is a tar archive that only its owner may "
		 "read: it\n"
		 "has the host's signing key, too. 'restore' makes a book of it.",
	.book = BOOK_OPEN,
	.run = backup,
};

static int restore(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	struct dd_host_options options = {.book = cli->book, .program = "domesday"};
	CLEANUP(findings) struct findings findings;
	struct dd_verified verified = {0};
	int rc;

	findings_init(&findings, cli);
	rc = dd_restore(&options, operand(args, 0), findings_add, &findings, &verified, err);
	if (rc >= 0 && cli_open(cli, false, NULL) == 0)
		(void)dd_keys(cli->host, findings_key, &findings, NULL);
	return rc < 0 ? rc : findings_finish(&findings, "the restored book", &verified, err);
}

const struct command command_restore = {
	.name = "restore",
	.group = GROUP_HOST,
	.operands = "FILE",
	.summary = "make the book of a backup, in a folder that is empty or not there",
	.about =
		"The book is verified afterwards; what is found is printed as verify does, and the "
		"exit\n"
		"status is 1 where there is anything. Two hosts must not go on with the same book.",
	.book = BOOK_NONE,
	.run = restore,
};
