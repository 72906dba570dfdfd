/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/change.h"
#include "cli/command/all.h"

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
