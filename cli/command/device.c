/* SPDX-License-Identifier: Apache-2.0 */

/* attach-device, detach-device, update-device: the same thing with another verb. */

#include <string.h>

#include "cli/change.h"
#include "cli/command/all.h"

#define DEVICE_MAX 64 /* in one call */

struct devices {
	struct dd_text items[DEVICE_MAX];
	struct text inputs[DEVICE_MAX];
	size_t count;
};

static void cleanup_devices(struct devices *devices)
{
	for (size_t i = 0; i < devices->count; i++)
		text_release(&devices->inputs[i]);
}

/* What is no file can be a reference: an alias, a target, a MAC. */
static bool is_reference(const char *word)
{
	return strcmp(word, "-") != 0 && !strchr(word, '/') && access(word, F_OK) != 0;
}

static int read_devices(const struct arguments *args, bool references, struct devices *devices,
	struct dd_error *err)
{
	if (args->count - 1 > DEVICE_MAX)
		return error_set(err, CLI_USAGE, "at most %d devices go in one call", DEVICE_MAX);
	for (size_t i = 1; i < args->count; i++) {
		const char *word = operand(args, i);
		struct text *input = &devices->inputs[devices->count];
		struct dd_text *item = &devices->items[devices->count++];
		int rc = 0;

		if (references && is_reference(word)) {
			*item = (struct dd_text){.data = word, .size = strlen(word)};
			continue;
		}
		rc = read_input(word, input, err);
		if (rc < 0)
			return rc;
		*item = (struct dd_text){
			.data = text_string(input), .size = input->size, .file = input_name(word)};
	}
	return 0;
}

typedef int (*edit_fn)(struct dd_host *host, const char *domain, const struct dd_text *devices,
	size_t count, const struct dd_change *change, struct dd_result *result,
	struct dd_error *err);

static int run_edit(struct cli *cli, const struct arguments *args, edit_fn edit, bool references,
	struct dd_error *err)
{
	CLEANUP(devices) struct devices devices = {.count = 0};
	struct dd_change change;
	struct dd_result result;
	const char *domain = operand(args, 0);
	int rc = arguments_change(args, &change, err);

	if (rc == 0)
		rc = read_devices(args, references, &devices, err);
	if (rc == 0)
		rc = edit(cli->host, domain, devices.items, devices.count, &change, &result, err);
	return change_finish(cli, domain, rc, &change, &result, err);
}

static int run_attach(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	return run_edit(cli, args, dd_attach, false, err);
}

static int run_detach(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	return run_edit(cli, args, dd_detach, true, err);
}

static int run_update(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	return run_edit(cli, args, dd_update, false, err);
}

const struct command command_attach_device = {
	.name = "attach-device",
	.group = GROUP_EDIT,
	.operands = "NAME FILE...",
	.summary = "add devices, to the record and to the guest if it runs",
	.about = "Each FILE holds one device element; several make one version. FILE may be '-'.",
	.shared = OPTIONS_CHANGE | OPTIONS_SCOPE,
	.book = BOOK_OPEN,
	.run = run_attach,
};

const struct command command_detach_device = {
	.name = "detach-device",
	.group = GROUP_EDIT,
	.operands = "NAME DEVICE|FILE...",
	.summary = "take devices away, from the record and from the guest if it runs",
	.about = "A DEVICE is named by alias, target (vdb) or MAC. A word with a '/', '-', or the "
		 "name\n"
		 "of a file that is there, is a FILE with the device's element.",
	.shared = OPTIONS_CHANGE | OPTIONS_SCOPE,
	.book = BOOK_OPEN,
	.run = run_detach,
};

const struct command command_update_device = {
	.name = "update-device",
	.group = GROUP_EDIT,
	.operands = "NAME FILE...",
	.summary = "change a device that is there: its medium, link state, password...",
	.shared = OPTIONS_CHANGE | OPTIONS_SCOPE,
	.book = BOOK_OPEN,
	.run = run_update,
};
