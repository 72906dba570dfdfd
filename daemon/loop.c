/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One turn: every job that is due gets a thread, and the timer is set to when the next one is.
 * Whatever happens ends in a turn: a job's end, the timer, a file of the book that changed.
 *
 * What is watched (watch.c) is a hint and no more: it leads to a look, which begins with watching
 * anew. Where nothing can be watched the looks come by themselves, only later.
 */
#include "daemon/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/text.h"
#include "daemon/listen.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/sockets.h"
#include "daemon/watch.h"

#define GRACE_MS 5000   /* for jobs to end in, when we are to */
#define MISSING_LOOKS 2 /* that found no book, before that is believed: it may be replaced */

struct daemon {
	uv_loop_t loop;
	uv_timer_t timer;
	uv_timer_t grace;
	uv_signal_t signals[2];
	struct watch watch;
	struct work_book *book;
	struct upkeep *upkeep;
	const char *const *addresses;
	size_t address_count;
	struct listen *listen; /* NULL: nowhere */
	bool stopping;
	int missing;                /* looks in a row */
	int status;                 /* what loop_run() returns */
	struct dd_error *err;       /* and why */
	struct dd_error look_error; /* that was told last */
};

struct job {
	uv_work_t request;
	struct daemon *daemon;
	struct work work;
};

static void turn(struct daemon *daemon);

/* ---- ending ---- */

static void handle_close(uv_handle_t *handle, void *context)
{
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static size_t under_way(const struct daemon *daemon)
{
	return upkeep_running(daemon->upkeep) + listen_running(daemon->listen);
}

/* Jobs still run; the process goes without them, as it would by SIGKILL. */
static void on_grace_over(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;

	log_line(LOG_TROUBLE, "leaves %zu unfinished, which goes on at the next start",
		under_way(daemon));
	_exit(daemon->status ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void finish(struct daemon *daemon)
{
	if (under_way(daemon) == 0)
		uv_walk(&daemon->loop, handle_close, NULL);
}

static void stop(struct daemon *daemon)
{
	if (daemon->stopping)
		return;
	daemon->stopping = true;
	atomic_store(&daemon->book->stopping, true);
	upkeep_stop(daemon->upkeep);
	listen_stop(daemon->listen);
	notify("STOPPING=1");
	uv_timer_stop(&daemon->timer);
	uv_timer_start(&daemon->grace, on_grace_over, GRACE_MS, 0);
	finish(daemon);
}

static void on_signal(uv_signal_t *handle, int number)
{
	log_line(LOG_EVENT, "ends upon %s", number == SIGINT ? "SIGINT" : "SIGTERM");
	stop(handle->data);
}

static void on_connection_ended(void *context)
{
	struct daemon *daemon = context;

	if (daemon->stopping)
		finish(daemon);
}

/* ---- watching ---- */

static void on_change(void *context)
{
	struct daemon *daemon = context;

	upkeep_hint(daemon->upkeep);
	turn(daemon);
}

/* ---- jobs ---- */

/* The same trouble is told once. */
static void look_failed(struct daemon *daemon, const struct work *work)
{
	daemon->missing = work->missing ? daemon->missing + 1 : 0;
	if (daemon->missing >= MISSING_LOOKS && !daemon->stopping) {
		*daemon->err = work->error;
		daemon->status = work->error.code;
		stop(daemon);
		return;
	}
	if (strcmp(daemon->look_error.message, work->error.message) == 0)
		return;
	daemon->look_error = work->error;
	log_error(LOG_FAILURE, &work->error, "cannot see what there is to do");
}

static void look_ended(struct daemon *daemon, const struct work *work)
{
	if (work->outcome != UPKEEP_OK) {
		look_failed(daemon, work);
		return;
	}
	daemon->missing = 0;
	daemon->look_error = (struct dd_error){0};
	upkeep_seen(daemon->upkeep, (int64_t)uv_now(&daemon->loop), &work->view);
}

static void tell(const struct work *work)
{
	static const char *const kinds[] = {
		[UPKEEP_AUTOSTART] = "autostart",
		[UPKEEP_SETTLE] = "settle",
		[UPKEEP_CHECKPOINT] = "checkpoint",
		[UPKEEP_PUSH] = "push",
	};
	const struct upkeep_action *action = &work->action;
	const char *gap = *action->remote ? " " : "";

	if (work->outcome == UPKEEP_FAILED)
		log_error(LOG_TROUBLE, &work->error, "%s%s%s failed, next try in %lld s",
			kinds[action->kind], gap, action->remote,
			(long long)(action->retry + 999) / 1000);
	else if (work->outcome == UPKEEP_DIVERGED)
		log_error(LOG_FAILURE, &work->error, "%s%s%s", kinds[action->kind], gap,
			action->remote);
	else if (*work->said)
		log_line(LOG_EVENT, "%s%s%s: %s", kinds[action->kind], gap, action->remote,
			work->said);
}

static void job_run(uv_work_t *request)
{
	struct job *job = request->data;

	work_run(&job->work);
}

static void job_end(uv_work_t *request, int status)
{
	struct job *job = request->data;
	struct daemon *daemon = job->daemon;
	bool worth;

	(void)status; /* none is ever cancelled */
	if (job->work.action.kind == UPKEEP_LOOK)
		look_ended(daemon, &job->work);
	worth = upkeep_done(daemon->upkeep, (int64_t)uv_now(&daemon->loop), &job->work.action,
		job->work.outcome);
	if (worth && job->work.action.kind != UPKEEP_LOOK &&
		!(daemon->stopping && job->work.outcome != UPKEEP_OK))
		tell(&job->work);
	free(job);
	if (daemon->stopping)
		finish(daemon);
	else
		turn(daemon);
}

/* Without the memory for it, it has failed. */
static void job_begin(struct daemon *daemon, const struct upkeep_action *action)
{
	struct job *job = calloc(1, sizeof *job);

	if (action->kind == UPKEEP_LOOK)
		watch_on(&daemon->watch);
	if (job) {
		job->request.data = job;
		job->daemon = daemon;
		job->work.book = daemon->book;
		job->work.action = *action;
	}
	if (job && uv_queue_work(&daemon->loop, &job->request, job_run, job_end) == 0)
		return;
	free(job);
	log_line(LOG_FAILURE, "no memory is left to work with");
	(void)upkeep_done(daemon->upkeep, (int64_t)uv_now(&daemon->loop), action, UPKEEP_FAILED);
}

static void on_timer(uv_timer_t *timer)
{
	turn(timer->data);
}

/* There may be much to send; or the other side is gone without a word. */
static void push_late(const struct upkeep_action *action)
{
	sockets_ask_peers();
	log_line(LOG_EVENT, "push %s is still at it after %d s", action->remote,
		UPKEEP_PUSH_LATE / 1000);
}

static void turn(struct daemon *daemon)
{
	struct upkeep_action action;
	int64_t wait;

	if (daemon->stopping)
		return;
	uv_update_time(&daemon->loop);
	while (upkeep_next(daemon->upkeep, (int64_t)uv_now(&daemon->loop), &action)) {
		if (action.kind == UPKEEP_LATE)
			push_late(&action);
		else
			job_begin(daemon, &action);
	}
	wait = upkeep_wait(daemon->upkeep, (int64_t)uv_now(&daemon->loop));
	if (wait == UPKEEP_NEVER)
		uv_timer_stop(&daemon->timer);
	else
		uv_timer_start(&daemon->timer, on_timer, (uint64_t)wait, 0);
}

/* ---- beginning ---- */

static int failed(int code, const char *what, struct dd_error *err)
{
	return error_errno(err, -code, "%s", what);
}

static int handles_make(struct daemon *daemon, struct dd_error *err)
{
	static const int numbers[] = {SIGTERM, SIGINT};
	int code = uv_timer_init(&daemon->loop, &daemon->timer);

	daemon->timer.data = daemon->grace.data = daemon;
	if (!code)
		code = uv_timer_init(&daemon->loop, &daemon->grace);
	for (size_t i = 0; !code && i < sizeof numbers / sizeof numbers[0]; i++) {
		code = uv_signal_init(&daemon->loop, &daemon->signals[i]);
		daemon->signals[i].data = daemon;
		if (!code)
			code = uv_signal_start(&daemon->signals[i], on_signal, numbers[i]);
	}
	if (!code)
		code = watch_init(
			&daemon->watch, &daemon->loop, daemon->book->folder, on_change, daemon);
	return code ? failed(code, "cannot make an event loop", err) : 0;
}

/* Each job that can be out together has a thread, so that one that hangs keeps none waiting. */
static void threads_allow(void)
{
	char count[NUMBER_SIZE];

	(void)setenv(
		"UV_THREADPOOL_SIZE", number_digits(count, UPKEEP_KINDS + UPKEEP_PUSHES, 10, 1), 1);
}

static int run(struct daemon *daemon, struct dd_error *err)
{
	int rc = handles_make(daemon, err);

	if (!rc)
		rc = listen_new(&daemon->loop, daemon->book, daemon->addresses,
			daemon->address_count, on_connection_ended, daemon, &daemon->listen, err);
	if (rc) {
		uv_walk(&daemon->loop, handle_close, NULL);
		(void)uv_run(&daemon->loop, UV_RUN_DEFAULT);
		return rc;
	}
	log_line(LOG_EVENT, "looks after the book %s", daemon->book->folder);
	notify("READY=1");
	turn(daemon);
	(void)uv_run(&daemon->loop, UV_RUN_DEFAULT);
	return daemon->status;
}

int loop_run(struct work_book *book, const char *const *addresses, size_t address_count,
	struct dd_error *err)
{
	struct daemon daemon = {
		.book = book,
		.addresses = addresses,
		.address_count = address_count,
		.err = err,
	};
	int code, rc;

	threads_allow();
	code = uv_loop_init(&daemon.loop);
	if (code)
		return failed(code, "cannot make an event loop", err);
	daemon.upkeep = upkeep_new((int64_t)uv_now(&daemon.loop), uv_hrtime() ^ (uint64_t)getpid());
	rc = daemon.upkeep ? run(&daemon, err) : error_no_memory(err);
	(void)uv_loop_close(&daemon.loop);
	watch_release(&daemon.watch);
	listen_free(daemon.listen);
	upkeep_free(daemon.upkeep);
	return rc;
}
