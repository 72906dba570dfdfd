/* SPDX-License-Identifier: Apache-2.0 */

/* The commands that are one word to the guest and nothing else. */

#include "cli/change.h"
#include "cli/command/all.h"

typedef int (*verb_fn)(struct dd_host *host, const char *domain, struct dd_error *err);

static int run_verb(
	struct cli *cli, const struct arguments *args, verb_fn verb, struct dd_error *err)
{
	const char *domain = operand(args, 0);

	return state_finish(cli, domain, verb(cli->host, domain, err), err);
}

#define LIFECYCLE(verb, words)                                                                     \
	static int run_##verb(struct cli *cli, const struct arguments *args, struct dd_error *err) \
	{                                                                                          \
		return run_verb(cli, args, dd_##verb, err);                                        \
	}                                                                                          \
	const struct command command_##verb = {                                                    \
		.name = #verb,                                                                     \
		.group = GROUP_GUEST,                                                              \
		.operands = "NAME",                                                                \
		.summary = words,                                                                  \
		.shared = OPTIONS_REASON,                                                          \
		.book = BOOK_OPEN,                                                                 \
		.run = run_##verb,                                                                 \
	}

LIFECYCLE(suspend, "stop the guest's processors");
LIFECYCLE(resume, "let the guest's processors go on");
LIFECYCLE(destroy, "pull the plug of a running guest; the domain stays");
