/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <string.h>

#include "cli/command/all.h"

/* In the order of help, group by group. */
static const struct command *const commands[] = {
	&command_freeze,
	&command_validate,
	&command_define,
	&command_import,
	&command_apply,
	&command_undefine,
	&command_rename,
	&command_desc,
	&command_metadata,
	&command_autostart,
	&command_list,
	&command_dominfo,
	&command_domstate,
	&command_dumpxml,
	&command_who_uses,
	&command_jobs,
	&command_start,
	&command_shutdown,
	&command_reboot,
	&command_suspend,
	&command_resume,
	&command_destroy,
	&command_attach_device,
	&command_detach_device,
	&command_update_device,
	&command_set_memory,
	&command_set_vcpus,
	&command_upgrade,
	&command_log,
	&command_show,
	&command_tag,
	&command_diff,
	&command_blame,
	&command_abi_check,
	&command_rollback,
	&command_advise,
	&command_check,
	&command_verify,
	&command_report,
	&command_identity,
	&command_peer,
	&command_migrate,
	&command_job_abort,
	&command_remote,
	&command_push,
	&command_pull,
	&command_evacuate,
	&command_capabilities,
	&command_sync,
	&command_config,
	&command_key,
	&command_gc,
	&command_backup,
	&command_restore,
	&command_reindex,
	&command_help,
	&command_version,
	&command_completion,
	&command_manual,
};

const struct command *command_at(size_t index)
{
	return index < sizeof commands / sizeof commands[0] ? commands[index] : NULL;
}

static const char *command_name_at(size_t index, const void *context)
{
	const struct command *command = command_at(index);

	(void)context;
	return command ? command->name : NULL;
}

int command_find(const char *name, const struct command **out, struct dd_error *err)
{
	const struct command *command = NULL;

	for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
		if (strcmp(command->name, name) != 0 &&
			(!command->also || strcmp(command->also, name) != 0))
			continue;
		*out = command;
		return 0;
	}

	const char *near = nearest(name, command_name_at, NULL);

	if (near)
		return error_set(
			err, CLI_USAGE, "unknown command '%s'; did you mean '%s'?", name, near);
	error_set(err, CLI_USAGE, "unknown command '%s'", name);
	error_hint(err, "'domesday help' lists what there is");
	return CLI_USAGE;
}

const char *command_group_title(enum command_group group)
{
	static const char *const titles[GROUP_COUNT] = {
		[GROUP_DEFINITION] = "Definitions",
		[GROUP_LOOK] = "Looking around",
		[GROUP_GUEST] = "The guest",
		[GROUP_EDIT] = "Devices, memory, processors",
		[GROUP_HISTORY] = "History",
		[GROUP_OTHERS] = "Other hosts",
		[GROUP_HOST] = "The book and the command",
	};

	return titles[group];
}

static const struct option_row change_options[] = {
	{"if-version", 0, "N", "fail unless the domain is at version N"},
	{NULL},
};

static const struct option_row reason_options[] = {
	{"reason", 0, "TEXT", "why, in one line: kept with what is made ($DOMESDAY_REASON)"},
	{NULL},
};

static const struct option_row scope_options[] = {
	{"config", 0, NULL, "change the record only: it holds from the next start"},
	{"live", 0, NULL, "change the running guest only: it is gone when the guest stops"},
	{"persistent", 0, NULL, "record and running guest together, as without any of these"},
	{"current", 0, NULL, "the guest if it runs, otherwise the record, as virsh has it"},
	{NULL},
};

static const struct option_row global_options[] = {
	{"book", 'b', "DIR", "the book's folder"},
	{"json", 'j', NULL, "answer with one JSON value, errors too"},
	{"color", 0, "WHEN", "always, never, or auto (on a terminal)"},
	{"no-color", 0, NULL, "the same as --color=never"},
	{"quiet", 'q', NULL, "no messages on success"},
	{"help", 'h', NULL, "show help and do nothing else"},
	{"version", 'V', NULL, "show the version and do nothing else"},
	{NULL},
};

const struct option_row *command_option(const struct command *command, size_t index)
{
	const struct option_row *const sets[] = {
		command ? command->options : NULL,
		command && command->shared & OPTIONS_SCOPE ? scope_options : NULL,
		command && command->shared & OPTIONS_CHANGE ? change_options : NULL,
		command && command->shared & (OPTIONS_CHANGE | OPTIONS_REASON) ? reason_options
									       : NULL,
		global_options,
	};

	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
		for (const struct option_row *row = sets[i]; row && row->name; row++)
			if (index-- == 0)
				return row;
	return NULL;
}

bool command_option_global(const struct option_row *row)
{
	return row >= global_options &&
	       row < global_options + sizeof global_options / sizeof global_options[0];
}

size_t command_option_count(const struct command *command)
{
	size_t count = 0;

	while (command_option(command, count))
		count++;
	return count;
}
