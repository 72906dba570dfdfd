/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_UPKEEP_H
#define DAEMON_UPKEEP_H

/*
 * What is due when, for one book. Pure: what was seen and what became of a job go in with the time,
 * and out come the next thing to do, and how long there is nothing. There is no descriptor, clock
 * or thread in it. Times are milliseconds of a clock that only goes forward.
 *
 * The caller asks upkeep_next() for jobs until there is none, does each on a thread of its own, and
 * says upkeep_done(); a look is answered with upkeep_seen() before. At most one job of a kind is
 * out at a time, and one push for each remote. When upkeep_wait() is over it asks again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Between two looks, however much happens; and where nothing seems to. */
#define UPKEEP_LOOK_GAP 250
#define UPKEEP_LOOK_BUSY 5000 /* while somebody is at an operation, and may die over it */
#define UPKEEP_LOOK_IDLE 60000

/* A checkpoint comes so long after the last change, and the first; or when so much is staged. */
#define UPKEEP_CHECKPOINT_QUIET 5000
#define UPKEEP_CHECKPOINT_LATEST 60000
#define UPKEEP_CHECKPOINT_STAGED 3000 /* objects: about a thousand versions */

/* The same of a push. */
#define UPKEEP_PUSH_QUIET 2000
#define UPKEEP_PUSH_LATEST 30000

#define UPKEEP_PUSH_LATE 60000 /* one that is out for so long is worth a word */

/* What fails is tried again after the first, then after twice as long, up to the longest. */
#define UPKEEP_RETRY_FIRST 5000
#define UPKEEP_RETRY_LONGEST 1800000
#define UPKEEP_SETTLE_LONGEST 30000 /* a guest may stand still until the other host answers */
#define UPKEEP_RETRY_JITTER 5 /* and up to a fifth longer, so that hosts do not come together */

/*
 * Autostart waits so long for every remote to be heard of, which may know that another host has
 * taken domains over meanwhile.
 */
#define UPKEEP_AUTOSTART_LATEST 30000

#define UPKEEP_REMOTES 64      /* of one book that are looked after */
#define UPKEEP_REMOTE_NAME 256 /* bytes, with the NUL; git's configuration takes no longer one */
#define UPKEEP_PUSHES 8        /* at a time; the rest wait */
#define UPKEEP_NEVER INT64_MAX

enum upkeep_kind {
	UPKEEP_LOOK,
	UPKEEP_AUTOSTART,
	UPKEEP_SETTLE,
	UPKEEP_CHECKPOINT,
	UPKEEP_KINDS, /* of which there is one each */
	UPKEEP_PUSH = UPKEEP_KINDS,
	UPKEEP_LATE, /* no job: a push does not come to its end, which is to be told */
};

struct upkeep_action {
	enum upkeep_kind kind;
	char remote[UPKEEP_REMOTE_NAME]; /* of a push, also one that is late */
	int64_t retry;                   /* if it fails, it is tried again after so long */
};

enum upkeep_outcome {
	UPKEEP_OK,
	UPKEEP_FAILED,
	UPKEEP_DIVERGED, /* of a push: all was sent but what the remote has otherwise */
};

/* What a look has found. */
struct upkeep_view {
	uint64_t staged;  /* objects that wait for a checkpoint */
	const char *mark; /* a word that changes with what a push would carry */
	bool push;        /* the book wants to be pushed by itself */
	size_t under_way; /* operations */
	size_t cut_short;
	struct upkeep_remote_view {
		char name[UPKEEP_REMOTE_NAME];
		bool current;  /* has all of it, but for what diverged */
		bool diverged; /* some of what it has is no earlier state of it */
		bool failing;  /* the last push did not get through, whoever tried */
	} remotes[UPKEEP_REMOTES];
	size_t remote_count;
};

struct upkeep;

/* seed: of the jitter. Due at first is a look. NULL: no memory. */
struct upkeep *upkeep_new(int64_t now, uint64_t seed);
void upkeep_free(struct upkeep *upkeep);

/* Something may have changed. */
void upkeep_hint(struct upkeep *upkeep);

/* What a look has found; upkeep_done() follows. */
void upkeep_seen(struct upkeep *upkeep, int64_t now, const struct upkeep_view *view);

/*
 * A job has come to its end. True: its outcome is worth a word, which it is not where the same was
 * said before of branches that diverged.
 */
bool upkeep_done(struct upkeep *upkeep, int64_t now, const struct upkeep_action *action,
	enum upkeep_outcome outcome);

/* The next job, which counts as begun, or UPKEEP_LATE; false: none is due. */
bool upkeep_next(struct upkeep *upkeep, int64_t now, struct upkeep_action *out);

/* How long nothing is due, in milliseconds; UPKEEP_NEVER: until something happens. */
int64_t upkeep_wait(const struct upkeep *upkeep, int64_t now);

/* Nothing is begun any more. */
void upkeep_stop(struct upkeep *upkeep);

/* How many jobs are out. */
size_t upkeep_running(const struct upkeep *upkeep);

#endif
