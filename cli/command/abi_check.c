/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/command/all.h"
#include "cli/output.h"
#include "cli/side.h"

/* What a person has to know beside what differs. */
static const struct {
	const char *when, *words;
} ways[] = {
	{"running", "it may change while the guest runs"},
	{"shut off", "it may change while the guest is shut off"},
	{"never", "it never changes"},
};

static int add_visible(const struct dd_difference *difference, void *context)
{
	struct differences *differences = context;

	if (!difference->visible)
		return 0;
	differences_add(difference, differences);
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		if (difference->when && strcmp(ways[i].when, difference->when) == 0)
			text_printf(&differences->lines, "    %s%s\n", ways[i].words,
				i < 2                ? ""
				: difference->device ? ": detach the device and attach another"
						     : " without an upgrade");
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	CLEANUP(side) struct side before = {.name = NULL};
	CLEANUP(side) struct side after = {.name = NULL};
	CLEANUP(differences) struct differences differences;
	int rc = side_read(cli, operand(args, 0), &before, err);

	differences_init(&differences, cli);
	if (rc == 0)
		rc = side_read(cli, operand(args, 1), &after, err);
	if (rc == 0)
		rc = dd_diff(cli->host, &before.dd, &after.dd, add_visible, &differences, err);
	if (rc < 0)
		return rc;

	int status = differences.count ? STATUS_NO : STATUS_OK;

	text_puts(&cli->out, text_string(&differences.lines));
	if (!differences.count)
		cli_note(cli, "a guest sees no difference");
	if (cli->json) {
		struct json *object = json_object();

		json_put_bool(object, "same", differences.count == 0);
		json_put(object, "differences", TAKE(differences.array));
		rc = cli_answer(cli, object, err);
	}
	return rc < 0 ? rc : status;
}

const struct command command_abi_check = {
	.name = "abi-check",
	.group = GROUP_HISTORY,
	.operands = "NAME[@VERSION]|FILE NAME[@VERSION]|FILE",
	.summary = "name every difference between two definitions that a guest would see",
	.about =
		"Each is said in words, and when it may change: while the guest runs, while it is "
		"shut\n"
		"off, or never. What concerns the host alone, such as the file behind a disk, is "
		"not\n"
		"listed. A FILE is a word with a '/', ending in .xml, or '-'. The exit status is 0 "
		"where\n"
		"a guest sees no difference and 1 where it does.",
	.book = BOOK_MAYBE,
	.run = run,
};
