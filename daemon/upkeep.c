/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each kind of job has a function that says when it is due, from nothing but the state; what to do
 * next and how long to wait both follow from these.
 *
 * A span of changes has a first and a last moment. What waits for quiet is due when the last one is
 * long enough ago, and at the latest when the first one is. What failed waits as its retry says,
 * and no change makes that shorter.
 */
#include "daemon/upkeep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK_SIZE 128

struct span {
	bool open;
	int64_t first, last;
};

struct retry {
	int64_t step;   /* of the last failure; 0: there was none since the last success */
	int64_t until;  /* nothing before; 0: whenever */
	int64_t chosen; /* how long it will be from the end of the job that is out, if that fails */
	int64_t longest; /* ms; 0: UPKEEP_RETRY_LONGEST */
};

struct task {
	bool running;
	struct retry retry;
};

struct remote {
	char name[UPKEEP_REMOTE_NAME];
	struct task task;
	bool heard;         /* it was reached once */
	int64_t late;       /* when the push that is out is that; or it was said */
	struct span behind; /* has not got everything that it could have */
	int64_t again;      /* what diverged is looked at then, though there is nothing new */
	bool told;          /* that it diverged */
	bool gone;          /* from the book, while a push is out */
};

struct upkeep {
	uint64_t random;
	bool stopped;
	struct task tasks[UPKEEP_KINDS];
	bool hinted;        /* look as soon as may be, which is */
	int64_t look_after; /* then */
	int64_t look_due;   /* without a hint */
	int64_t began;
	bool seen; /* anything at all */
	bool autostart_done;
	struct span staged;
	uint64_t staged_seen;
	size_t cut_short;
	bool push; /* the book wants it */
	char mark[MARK_SIZE];
	struct remote remotes[UPKEEP_REMOTES];
	size_t remote_count;
	size_t pushes; /* out */
};

struct upkeep *upkeep_new(int64_t now, uint64_t seed)
{
	struct upkeep *upkeep = calloc(1, sizeof *upkeep);

	if (upkeep) {
		upkeep->random = seed | 1;
		upkeep->look_due = upkeep->began = now;
		upkeep->tasks[UPKEEP_SETTLE].retry.longest = UPKEEP_SETTLE_LONGEST;
	}
	return upkeep;
}

void upkeep_free(struct upkeep *upkeep)
{
	free(upkeep);
}

void upkeep_stop(struct upkeep *upkeep)
{
	upkeep->stopped = true;
}

size_t upkeep_running(const struct upkeep *upkeep)
{
	size_t count = upkeep->pushes;

	for (size_t i = 0; i < UPKEEP_KINDS; i++)
		count += upkeep->tasks[i].running;
	return count;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* ---- spans and retries ---- */

static void span_touch(struct span *span, int64_t now)
{
	if (!span->open)
		span->first = now;
	span->open = true;
	span->last = now;
}

static int64_t span_due(const struct span *span, int64_t quiet, int64_t latest)
{
	return span->open ? earlier(span->last + quiet, span->first + latest) : UPKEEP_NEVER;
}

/* xorshift: it need not be good, only different on each host */
static uint64_t random_next(struct upkeep *upkeep)
{
	upkeep->random ^= upkeep->random << 13;
	upkeep->random ^= upkeep->random >> 7;
	upkeep->random ^= upkeep->random << 17;
	return upkeep->random;
}

static int64_t step_after(const struct retry *retry)
{
	int64_t longest = retry->longest ? retry->longest : UPKEEP_RETRY_LONGEST;

	return retry->step ? earlier(retry->step * 2, longest) : UPKEEP_RETRY_FIRST;
}

/* The wait is chosen before the job begins, so that its failure can be noted together with it. */
static void task_begin(struct upkeep *upkeep, struct task *task)
{
	int64_t step = step_after(&task->retry);
	uint64_t most = (uint64_t)(step / UPKEEP_RETRY_JITTER) + 1;

	task->running = true;
	task->retry.chosen = step + (int64_t)(random_next(upkeep) % most);
}

static void task_end(struct task *task, int64_t now, bool failed)
{
	task->running = false;
	task->retry.step = failed ? step_after(&task->retry) : 0;
	task->retry.until = failed ? now + task->retry.chosen : 0;
}

static int64_t task_due(const struct task *task, int64_t due)
{
	return task->running || due == UPKEEP_NEVER ? UPKEEP_NEVER : later(due, task->retry.until);
}

/* ---- when each is due ---- */

static int64_t look_due(const struct upkeep *upkeep)
{
	return upkeep->hinted ? upkeep->look_after : upkeep->look_due;
}

static int64_t checkpoint_due(const struct upkeep *upkeep)
{
	if (upkeep->staged.open && upkeep->staged_seen >= UPKEEP_CHECKPOINT_STAGED)
		return upkeep->staged.first;
	return span_due(&upkeep->staged, UPKEEP_CHECKPOINT_QUIET, UPKEEP_CHECKPOINT_LATEST);
}

static int64_t autostart_due(const struct upkeep *upkeep)
{
	bool heard = true;

	if (upkeep->autostart_done || !upkeep->seen)
		return UPKEEP_NEVER;
	for (size_t i = 0; upkeep->push && i < upkeep->remote_count; i++)
		heard = heard && upkeep->remotes[i].heard;
	return heard ? 0 : upkeep->began + UPKEEP_AUTOSTART_LATEST;
}

static int64_t kind_due(const struct upkeep *upkeep, enum upkeep_kind kind)
{
	int64_t due = kind == UPKEEP_LOOK         ? look_due(upkeep)
		      : kind == UPKEEP_CHECKPOINT ? checkpoint_due(upkeep)
		      : kind == UPKEEP_AUTOSTART  ? autostart_due(upkeep)
		      : upkeep->cut_short         ? 0
						  : UPKEEP_NEVER;

	return task_due(&upkeep->tasks[kind], due);
}

static int64_t push_due(const struct upkeep *upkeep, const struct remote *remote)
{
	if (!upkeep->push || remote->gone || upkeep->pushes >= UPKEEP_PUSHES)
		return UPKEEP_NEVER;
	if (!remote->heard)
		return task_due(&remote->task, 0);
	return task_due(&remote->task,
		earlier(span_due(&remote->behind, UPKEEP_PUSH_QUIET, UPKEEP_PUSH_LATEST),
			remote->again));
}

static int64_t late_due(const struct remote *remote)
{
	return remote->task.running ? remote->late : UPKEEP_NEVER;
}

/* ---- what was seen ---- */

void upkeep_hint(struct upkeep *upkeep)
{
	upkeep->hinted = true;
}

static struct remote *remote_find(struct upkeep *upkeep, const char *name)
{
	for (size_t i = 0; i < upkeep->remote_count; i++)
		if (strcmp(upkeep->remotes[i].name, name) == 0)
			return &upkeep->remotes[i];
	return NULL;
}

static void remotes_drop(struct upkeep *upkeep)
{
	size_t kept = 0;

	for (size_t i = 0; i < upkeep->remote_count; i++)
		if (!upkeep->remotes[i].gone || upkeep->remotes[i].task.running)
			upkeep->remotes[kept++] = upkeep->remotes[i];
	upkeep->remote_count = kept;
}

static void remote_seen(
	struct upkeep *upkeep, int64_t now, bool changed, const struct upkeep_remote_view *view)
{
	struct remote *remote = remote_find(upkeep, view->name);

	if (!remote && upkeep->remote_count == UPKEEP_REMOTES)
		return;
	if (!remote) {
		remote = &upkeep->remotes[upkeep->remote_count++];
		*remote = (struct remote){.again = UPKEEP_NEVER};
		snprintf(remote->name, sizeof remote->name, "%s", view->name);
	}
	remote->gone = false;
	if (!view->diverged)
		remote->again = UPKEEP_NEVER;
	else if (remote->again == UPKEEP_NEVER)
		remote->again = now + UPKEEP_RETRY_LONGEST;
	if (!view->current || view->failing) {
		if (changed || !remote->behind.open)
			span_touch(&remote->behind, now);
		return;
	}
	/* whoever it was that got through */
	if (remote->behind.open && !remote->task.running)
		remote->task.retry = (struct retry){.step = 0};
	remote->behind.open = false;
}

static void remotes_seen(
	struct upkeep *upkeep, int64_t now, bool changed, const struct upkeep_view *view)
{
	for (size_t i = 0; i < upkeep->remote_count; i++)
		upkeep->remotes[i].gone = true;
	for (size_t i = 0; i < view->remote_count; i++)
		remote_seen(upkeep, now, changed, &view->remotes[i]);
	remotes_drop(upkeep);
}

void upkeep_seen(struct upkeep *upkeep, int64_t now, const struct upkeep_view *view)
{
	bool changed = strcmp(upkeep->mark, view->mark) != 0;

	upkeep->seen = true;
	snprintf(upkeep->mark, sizeof upkeep->mark, "%s", view->mark);
	if (!view->staged)
		upkeep->staged.open = false;
	else if (changed || view->staged != upkeep->staged_seen || !upkeep->staged.open)
		span_touch(&upkeep->staged, now);
	upkeep->staged_seen = view->staged;
	upkeep->cut_short = view->cut_short;
	upkeep->push = view->push;
	remotes_seen(upkeep, now, changed, view);
	upkeep->look_due = now + (view->under_way ? UPKEEP_LOOK_BUSY : UPKEEP_LOOK_IDLE);
}

/* ---- what became of a job ---- */

static bool push_done(
	struct upkeep *upkeep, int64_t now, struct remote *remote, enum upkeep_outcome outcome)
{
	bool tell = outcome != UPKEEP_DIVERGED || !remote->told;

	upkeep->pushes--;
	task_end(&remote->task, now, outcome == UPKEEP_FAILED);
	if (outcome == UPKEEP_FAILED)
		return true;
	remote->heard = true;
	remote->behind.open = false;
	remote->told = outcome == UPKEEP_DIVERGED;
	remote->again = remote->told ? now + UPKEEP_RETRY_LONGEST : UPKEEP_NEVER;
	return tell;
}

static void look_done(struct upkeep *upkeep, int64_t now, bool failed)
{
	struct task *task = &upkeep->tasks[UPKEEP_LOOK];

	*task = (struct task){.running = false};
	upkeep->look_after = now + (failed ? UPKEEP_RETRY_FIRST : UPKEEP_LOOK_GAP);
	if (failed)
		upkeep->look_due = upkeep->look_after;
}

static void kind_done(struct upkeep *upkeep, int64_t now, enum upkeep_kind kind, bool failed)
{
	task_end(&upkeep->tasks[kind], now, failed);
	if (failed)
		return;
	if (kind == UPKEEP_CHECKPOINT)
		upkeep->staged.open = false;
	else if (kind == UPKEEP_SETTLE)
		upkeep->cut_short = 0;
	else
		upkeep->autostart_done = true;
}

bool upkeep_done(struct upkeep *upkeep, int64_t now, const struct upkeep_action *action,
	enum upkeep_outcome outcome)
{
	bool tell = true;

	if (action->kind == UPKEEP_LOOK) {
		look_done(upkeep, now, outcome != UPKEEP_OK);
		return true;
	}
	if (action->kind == UPKEEP_PUSH)
		tell = push_done(upkeep, now, remote_find(upkeep, action->remote), outcome);
	else
		kind_done(upkeep, now, action->kind, outcome != UPKEEP_OK);
	/* what came meanwhile is seen by another look */
	upkeep_hint(upkeep);
	return tell;
}

/* ---- what is next ---- */

static void action_begin(
	struct upkeep *upkeep, struct task *task, enum upkeep_kind kind, struct upkeep_action *out)
{
	*out = (struct upkeep_action){.kind = kind};
	task_begin(upkeep, task);
	out->retry = task->retry.chosen;
	if (kind == UPKEEP_LOOK)
		upkeep->hinted = false;
}

static bool remote_next(
	struct upkeep *upkeep, int64_t now, struct remote *remote, struct upkeep_action *out)
{
	if (late_due(remote) <= now) {
		remote->late = UPKEEP_NEVER;
		*out = (struct upkeep_action){.kind = UPKEEP_LATE};
	} else if (push_due(upkeep, remote) <= now) {
		action_begin(upkeep, &remote->task, UPKEEP_PUSH, out);
		remote->late = now + UPKEEP_PUSH_LATE;
		upkeep->pushes++;
	} else {
		return false;
	}
	memcpy(out->remote, remote->name, sizeof out->remote);
	return true;
}

bool upkeep_next(struct upkeep *upkeep, int64_t now, struct upkeep_action *out)
{
	if (upkeep->stopped)
		return false;
	for (enum upkeep_kind kind = 0; kind < UPKEEP_KINDS; kind++)
		if (kind_due(upkeep, kind) <= now) {
			action_begin(upkeep, &upkeep->tasks[kind], kind, out);
			return true;
		}
	for (size_t i = 0; i < upkeep->remote_count; i++)
		if (remote_next(upkeep, now, &upkeep->remotes[i], out))
			return true;
	return false;
}

int64_t upkeep_wait(const struct upkeep *upkeep, int64_t now)
{
	int64_t due = UPKEEP_NEVER;

	if (upkeep->stopped)
		return UPKEEP_NEVER;
	for (enum upkeep_kind kind = 0; kind < UPKEEP_KINDS; kind++)
		due = earlier(due, kind_due(upkeep, kind));
	for (size_t i = 0; i < upkeep->remote_count; i++)
		due = earlier(due, earlier(push_due(upkeep, &upkeep->remotes[i]),
					   late_due(&upkeep->remotes[i])));
	return due == UPKEEP_NEVER ? UPKEEP_NEVER : later(0, due - now);
}
