/* SPDX-License-Identifier: Apache-2.0 */

/* set-memory and set-vcpus. */

#include <limits.h>

#include "cli/change.h"
#include "cli/command/all.h"

static const struct option_row memory_options[] = {
	{"maximum", 0, NULL, "what the guest boots with (shut off only), not what it has now"},
	{NULL},
};

static int run_memory(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	struct dd_change change;
	struct dd_result result;
	const char *domain = operand(args, 0);
	uint64_t kib = 0;
	int rc = parse_size(operand(args, 1), &kib, err);

	if (rc == 0)
		rc = arguments_change(args, &change, err);
	if (rc == 0)
		rc = dd_set_memory(cli->host, domain, kib, option_given(args, "maximum"), &change,
			&result, err);
	return change_finish(cli, domain, rc, &change, &result, err);
}

const struct command command_set_memory = {
	.name = "set-memory",
	.also = "setmem",
	.group = GROUP_EDIT,
	.operands = "NAME SIZE",
	.summary = "set a domain's memory",
	.about = "SIZE is a number with K, M, G or T (powers of 1024); without, it is KiB.",
	.options = memory_options,
	.shared = OPTIONS_CHANGE | OPTIONS_SCOPE,
	.book = BOOK_OPEN,
	.run = run_memory,
};

static const struct option_row vcpu_options[] = {
	{"maximum", 0, NULL, "how many there can be (shut off only), not how many there are"},
	{NULL},
};

static int run_vcpus(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	struct dd_change change;
	struct dd_result result;
	const char *domain = operand(args, 0);
	uint64_t count = 0;
	int rc = parse_number(operand(args, 1), "the number of vCPUs", 1, USHRT_MAX, &count, err);

	if (rc == 0)
		rc = arguments_change(args, &change, err);
	if (rc == 0)
		rc = dd_set_vcpus(cli->host, domain, (unsigned)count, option_given(args, "maximum"),
			&change, &result, err);
	return change_finish(cli, domain, rc, &change, &result, err);
}

const struct command command_set_vcpus = {
	.name = "set-vcpus",
	.also = "setvcpus",
	.group = GROUP_EDIT,
	.operands = "NAME N",
	.summary = "set how many processors a domain has",
	.options = vcpu_options,
	.shared = OPTIONS_CHANGE | OPTIONS_SCOPE,
	.book = BOOK_OPEN,
	.run = run_vcpus,
};
