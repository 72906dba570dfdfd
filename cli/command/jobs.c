/* SPDX-License-Identifier: Apache-2.0 */
#include <domesday/migrate.h>
#include <stdio.h>
#include <string.h>

#include "base/moment.h"
#include "cli/arguments.h"
#include "cli/command/all.h"
#include "cli/output.h"
#include "cli/progress.h"

#define LINE_MAX 200 /* of how far it is */

struct listing {
	struct cli *cli;
	struct table *table;
	struct json *array;
};

/* A job, as it is listed. */
struct line {
	struct text what, far; /* what is done, and how far it is */
	struct json *object;
	bool alive; /* somebody is at it */
};

static void cleanup_line(struct line *line)
{
	text_release(&line->what);
	text_release(&line->far);
	json_free(line->object);
}

static struct json *progress_json(const struct dd_migration_progress *progress)
{
	struct json *object = json_object();

	json_put_string(object, "phase", progress->phase);
	json_put(object, "total", json_unsigned(progress->total));
	json_put(object, "remaining", json_unsigned(progress->remaining));
	json_put(object, "sent", json_unsigned(progress->sent));
	json_put(object, "dirty_rate", json_unsigned(progress->dirty_rate));
	json_put(object, "bandwidth", json_unsigned(progress->bandwidth));
	json_put_number(object, "throttle", progress->throttle);
	json_put_number(object, "elapsed_ms", progress->elapsed_ms);
	json_put(object, "estimate_ms",
		progress->estimate_ms < 0 ? json_null() : json_number(progress->estimate_ms));
	json_put_number(object, "downtime_ms", progress->downtime_ms);
	json_put_string(object, "transport", progress->transport);
	return object;
}

static int add_migration(const struct dd_migrating *migrating, void *context)
{
	struct line *line = context;
	const struct dd_migration_progress *progress = line->alive ? migrating->progress : NULL;
	const char *way = !migrating->peer ? "local" : migrating->outgoing ? "to" : "from";

	if (migrating->peer)
		text_printf(&line->what, " %s %s", way, migrating->peer);
	else
		text_puts(&line->what, " to another QEMU");
	json_put_string(line->object, "direction", way);
	json_put_string(line->object, "peer", migrating->peer);
	if (!progress)
		return 0;
	progress_line(progress, LINE_MAX, &line->far);
	json_put(line->object, "progress", progress_json(progress));
	return 0;
}

/* Of one that is over since it was listed there is nothing to add. */
static void add_operation(struct line *line, const struct cli *cli, const struct dd_job *job)
{
	text_puts(&line->what, job->operation);
	json_put(line->object, "direction", json_null());
	json_put(line->object, "peer", json_null());
	json_put(line->object, "progress", json_null());
	if (strcmp(job->operation, "migrate") == 0)
		(void)dd_migration_under_way(cli->host, job->uuid, add_migration, line, NULL);
}

static int visit(const struct dd_job *job, void *context)
{
	struct listing *listing = context;
	CLEANUP(line)
	struct line line = {.what = TEXT_INIT,
		.far = TEXT_INIT,
		.object = json_object(),
		.alive = job->pid != 0};
	char since[MOMENT_SIZE], pid[16] = "-";

	json_put_string(line.object, "domain", job->domain);
	json_put_string(line.object, "uuid", job->uuid);
	json_put_string(line.object, "operation", job->operation);
	put_time(line.object, "since", job->since);
	json_put(line.object, "pid", job->pid ? json_number(job->pid) : json_null());
	json_put_string(line.object, "program", job->program);
	add_operation(&line, listing->cli, job);

	const char *const cells[] = {job->domain ? job->domain : job->uuid, text_string(&line.what),
		since, pid, job->program ? job->program : "cut short: the next command settles it",
		text_string(&line.far)};

	moment_format(job->since, since);
	if (job->pid)
		snprintf(pid, sizeof pid, "%d", job->pid);
	table_row(listing->table, job->pid ? COLOUR_GREEN : COLOUR_YELLOW, cells);
	json_push(listing->array, TAKE(line.object));
	return 0;
}

static int run(struct cli *cli, const struct arguments *args, struct dd_error *err)
{
	static const char *const titles[] = {
		"Domain", "Operation", "Since", "Pid", "Who", "How far", NULL};
	CLEANUP(table) struct table *table = NULL;
	CLEANUP(json) struct json *array = json_array();
	int rc = table_new(cli, titles, &table, err);
	struct listing listing = {.cli = cli, .table = table, .array = array};

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
