/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/moment.h"
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"

struct listing {
	struct table *table;
	struct json *array;
};

static struct json *job_json(const struct dd_job *job)
{
	struct json *object = json_object();

	json_put_string(object, "domain", job->domain);
	json_put_string(object, "uuid", job->uuid);
	json_put_string(object, "operation", job->operation);
	put_time(object, "since", job->since);
	json_put(object, "pid", job->pid ? json_number(job->pid) : json_null());
	json_put_string(object, "program", job->program);
	return object;
}

static int visit(const struct dd_job *job, void *context)
{
	struct listing *listing = context;
	char since[MOMENT_SIZE], pid[16] = "-";
	const char *const cells[] = {job->domain ? job->domain : job->uuid, job->operation, since,
		pid, job->program ? job->program : "cut short: the next command settles it"};

	moment_format(job->since, since);
	if (job->pid)
		snprintf(pid, sizeof pid, "%d", job->pid);
	json_push(listing->array, job_json(job));
	table_row(listing->table, job->pid ? COLOUR_GREEN : COLOUR_YELLOW, cells);
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	static const char *const titles[] = {"Domain", "Operation", "Since", "Pid", "Who", NULL};
	CLEANUP(table) struct table *table = NULL;
	CLEANUP(json) struct json *array = json_array();
	int rc = table_new(cli, titles, &table, err);
	struct listing listing = {.table = table, .array = array};

	(void)args;
	if (!rc)
		rc = dd_jobs(cli->host, visit, &listing, err);
	if (rc)
		return rc;
	if (json_count(array) == 0)
		cli_note(cli, "nothing is under way");
	return cli->json ? cli_answer(cli, TAKE(array), err) : table_print(table, cli, err);
}

const struct command command_jobs = {
	.name = "jobs",
	.group = GROUP_LOOK,
	.operands = "",
	.summary = "list what is under way, and who is at it",
	.about = "A job whose process died is listed as cut short until the next command on its "
		 "domain has finished or undone it.",
	.book = BOOK_OPEN,
	.run = run,
};
