/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"
#include "cli/command/all.h"

/* The commands that press the guest's power button, and may wait for what it does. */

#define WAIT_MAX (24u * 60 * 60) /* seconds */
#define REBOOT_WAIT 60           /* seconds, unless said otherwise */

static const struct option_row shutdown_options[] = {
	{"wait", 0, "SECONDS", "until it has stopped; fails (busy) if that takes longer"},
	{NULL},
};

static const struct option_row reboot_options[] = {
	{"wait", 0, "SECONDS",
		"for it to shut itself down (60); fails (busy) if that takes longer"},
	{NULL},
};

static int press(struct cli *cli, const struct arguments *args, uint64_t seconds,
	int (*button)(struct dd_host *host, const char *domain, int wait_ms, struct dd_error *err),
	struct dd_error *err)
{
	const char *domain = operand(args, 0);
	const char *wait = option_value(args, "wait");
	int rc = wait ? parse_number(wait, "--wait", 0, WAIT_MAX, &seconds, err) : 0;

	if (rc == 0)
		rc = button(cli->host, domain, (int)seconds * 1000, err);
	return state_finish(cli, domain, rc, err);
}

static int run_shutdown(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	return press(cli, args, 0, dd_shutdown, err);
}

static int run_reboot(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	return press(cli, args, REBOOT_WAIT, dd_reboot, err);
}

const struct command command_shutdown = {
	.name = "shutdown",
	.group = GROUP_GUEST,
	.operands = "NAME",
	.summary = "ask the guest to shut down (ACPI)",
	.options = shutdown_options,
	.shared = OPTIONS_REASON,
	.book = BOOK_OPEN,
	.run = run_shutdown,
};

const struct command command_reboot = {
	.name = "reboot",
	.group = GROUP_GUEST,
	.operands = "NAME",
	.summary = "ask the guest to shut down (ACPI), and start it afresh",
	.about = "The QEMU process and changes made to the running guest alone stay.",
	.options = reboot_options,
	.shared = OPTIONS_REASON,
	.book = BOOK_OPEN,
	.run = run_reboot,
};
