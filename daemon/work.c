/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/work.h"

#include <domesday/migrate.h>

#include <stdio.h>
#include <string.h>

#include "daemon/log.h"

static void warn(const char *message, void *context)
{
	(void)context;
	log_line(LOG_TROUBLE, "%s", message);
}

struct dd_host_options work_options(const struct work_book *book)
{
	return (struct dd_host_options){
		.book = book->folder,
		.host_name = book->host_name,
		.program = "domesdayd",
		.warn = warn,
	};
}

/* ---- looking ---- */

static int see_remote(const struct dd_remote_state *state, void *context)
{
	struct upkeep_view *view = context;
	struct upkeep_remote_view *remote = &view->remotes[view->remote_count];

	if (view->remote_count == UPKEEP_REMOTES || strlen(state->name) >= sizeof remote->name)
		return 0;
	snprintf(remote->name, sizeof remote->name, "%s", state->name);
	remote->current = state->current;
	remote->diverged = state->code == DD_CONFLICT;
	remote->failing = state->code && !remote->diverged;
	view->remote_count++;
	return 0;
}

static int look(struct dd_host *host, struct work *work)
{
	struct dd_upkeep found;
	uint32_t kept = 0, due = 0;
	int rc = dd_upkeep_look(host, &found, &work->error);

	if (!rc)
		rc = dd_migrations_kept(host, &kept, &due, &work->error);
	if (!rc)
		rc = dd_remote_states(host, see_remote, &work->view, &work->error);
	if (rc)
		return rc;
	memcpy(work->mark, found.mark, sizeof work->mark);
	work->view.mark = work->mark;
	work->view.staged = found.staged;
	work->view.push = found.push;
	work->view.under_way = found.under_way + kept;
	work->view.cut_short = found.cut_short + due;
	return 0;
}

/* ---- checkpoints ---- */

static int checkpoint(struct dd_host *host, struct work *work)
{
	snprintf(work->said, sizeof work->said, "what is new is in book.git");
	return dd_sync(host, &work->error);
}

/* ---- pushing ---- */

struct pushed {
	unsigned created, forwarded;
};

static int count_branch(const struct dd_branch *branch, void *context)
{
	struct pushed *pushed = context;

	pushed->created += branch->uuid && branch->outcome == DD_BRANCH_CREATED;
	pushed->forwarded += branch->uuid && branch->outcome == DD_BRANCH_FORWARDED;
	if (branch->outcome == DD_BRANCH_LOST)
		log_line(LOG_TROUBLE, "domain '%s' is owned by %s now, not by this host",
			branch->name ? branch->name : branch->uuid, branch->host);
	return 0;
}

static int push(struct dd_host *host, struct work *work)
{
	const struct dd_push_options options = {.retry_s = (work->action.retry + 999) / 1000};
	struct pushed pushed = {0};
	int rc = dd_push_with(
		host, work->action.remote, &options, count_branch, &pushed, &work->error);

	snprintf(work->said, sizeof work->said,
		"the remote is up to date: %u %s new, %u with new versions", pushed.created,
		pushed.created == 1 ? "domain" : "domains", pushed.forwarded);
	return rc;
}

/* ---- settling ---- */

static int tell_settled(const struct dd_settled *settled, void *context)
{
	const char *name = settled->domain ? settled->domain : settled->uuid;

	(void)context;
	if (settled->error)
		log_error(LOG_TROUBLE, settled->error, "settle %s", name);
	else
		log_line(LOG_EVENT, "settled the interrupted %s of domain '%s'", settled->operation,
			name);
	return 0;
}

static int settle(struct dd_host *host, struct work *work)
{
	uint32_t left = 0, kept = 0;
	int rc = dd_settle(host, tell_settled, NULL, &left, &work->error);

	if (!rc)
		rc = dd_migrations_forget(host, &kept, &work->error);
	if (!rc && kept)
		return work->error.code;
	if (rc || !left)
		return rc;
	return error_set(&work->error, DD_REFUSED, "%u interrupted %s cannot be settled", left,
		left == 1 ? "operation" : "operations");
}

/* ---- autostart ---- */

static int tell_started(const struct dd_autostarted *started, void *context)
{
	const struct work *work = context;

	if (started->error)
		log_error(LOG_FAILURE, started->error, "autostart %s", started->domain);
	else
		log_line(LOG_EVENT, "started domain '%s'", started->domain);
	return atomic_load(&work->book->stopping);
}

static int autostart(struct dd_host *host, struct work *work)
{
	return dd_autostart(host, tell_started, work, &work->error);
}

/* ---- all of them ---- */

static int (*const jobs[])(struct dd_host *host, struct work *work) = {
	[UPKEEP_LOOK] = look,
	[UPKEEP_AUTOSTART] = autostart,
	[UPKEEP_SETTLE] = settle,
	[UPKEEP_CHECKPOINT] = checkpoint,
	[UPKEEP_PUSH] = push,
};

void work_run(struct work *work)
{
	const struct dd_host_options options = work_options(work->book);
	CLEANUP(host) struct dd_host *host = NULL;
	int rc = dd_host_open(&options, &host, &work->error);

	work->missing = rc == DD_NOT_FOUND;
	if (!rc)
		rc = jobs[work->action.kind](host, work);
	work->outcome = !rc                                                     ? UPKEEP_OK
			: rc == DD_CONFLICT && work->action.kind == UPKEEP_PUSH ? UPKEEP_DIVERGED
										: UPKEEP_FAILED;
}
