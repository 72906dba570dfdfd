/* SPDX-License-Identifier: Apache-2.0 */
#include "base/moment.h"
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

struct settings {
	struct table *table;
	struct json *array;
};

static struct json *setting_json(const struct dd_setting *setting)
{
	struct json *object = json_object();

	json_put_string(object, "name", setting->name);
	json_put_string(object, "value", setting->value);
	json_put_string(object, "who", setting->who);
	if (setting->when)
		put_time(object, "when", setting->when);
	else
		json_put(object, "when", json_null());
	json_put_string(object, "reason", setting->reason);
	return object;
}

static int add_setting(const struct dd_setting *setting, void *context)
{
	struct settings *settings = context;
	char when[MOMENT_SIZE] = "";
	const char *const cells[] = {setting->name, setting->value, setting->summary, when,
		setting->who, setting->reason};

	if (setting->when)
		moment_format(setting->when, when);
	table_row(settings->table, COLOUR_NONE, cells);
	json_push(settings->array, setting_json(setting));
	return 0;
}

static int list(struct cli *cli, struct dd_error *err)
{
	static const char *const titles[] = {"NAME", "VALUE", "WHAT", "SET", "WHO", "WHY", NULL};
	CLEANUP(table) struct table *table = NULL;
	CLEANUP(json) struct json *array = json_array();
	int rc = table_new(cli, titles, &table, err);
	struct settings settings = {table, array};

	if (rc == 0)
		rc = dd_settings(cli->host, NULL, add_setting, &settings, err);
	if (rc < 0)
		return rc;
	return cli->json ? cli_answer(cli, TAKE(array), err) : table_print(table, cli, err);
}

static int show(const struct dd_setting *setting, void *context)
{
	struct cli *cli = context;

	if (cli->json)
		return cli_answer(cli, setting_json(setting), NULL);
	text_printf(&cli->out, "%s\n", setting->value);
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	const char *name = operand(args, 0), *value = operand(args, 1);
	bool changed = false;
	int rc = cli->host ? 0 : cli_open(cli, value != NULL, err);

	if (rc == 0 && !name)
		return list(cli, err);
	if (rc == 0 && value)
		rc = dd_setting_set(cli->host, name, value, NULL, &changed, err);
	if (rc < 0)
		return rc;
	if (!value || cli->json)
		return dd_settings(cli->host, name, show, cli, err);
	cli_note(cli, "%s is %s%s", name, *value ? value : "empty", changed ? "" : ", as it was");
	return 0;
}

const struct command command_config = {
	.name = "config",
	.group = GROUP_HOST,
	.operands = "[NAME] [VALUE]",
	.summary = "show what the book is set to, or set it",
	.about =
		"config                        every setting, who set it, when and why\n"
		"config NAME                   its value\n"
		"config NAME VALUE             sets it, for everybody who uses the book\n"
		"\n"
		"require-reason yes|no         refuse a change that comes without --reason TEXT "
		"or\n"
		"                              $DOMESDAY_REASON (no)\n"
		"fence-command PATH            the program that evacuate asks whether a host is "
		"down: it is\n"
		"                              run with the host's name, and answers with the line "
		"\"fenced\"\n"
		"migrate-hook PATH             the program that is shown the definition of each "
		"domain that\n"
		"                              comes from a peer, and says what it is to be here\n"
		"auto-push yes|no              domesdayd pushes to every remote after changes "
		"(yes)",
	.shared = OPTIONS_REASON,
	.book = BOOK_MAYBE,
	.run = run,
};
