/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMESDAY_UPKEEP_H
#define DOMESDAY_UPKEEP_H

/*
 * What a book needs from time to time, as domesdayd does it: a look at what is to be done, and each
 * of those things in one call. A part of <domesday.h>, whose words on names, ownership, errors and
 * threads hold here.
 */

#include <domesday.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Claims the background work of the book, until the host is closed or its process dies. DD_BUSY
 * says who has it. It keeps nobody from anything else; dd_sync() and dd_push() need no claim.
 */
int dd_upkeep_claim(struct dd_host *host, struct dd_error *err);

#define DD_MARK_SIZE 96

struct dd_upkeep {
	uint64_t staged;         /* git objects that wait for dd_sync(); a version is about three */
	char mark[DD_MARK_SIZE]; /* what a push would carry: another word once there is more */
	bool push;               /* the book is set to push by itself */
	uint32_t under_way;      /* operations that somebody is at */
	uint32_t cut_short;      /* operations that wait for dd_settle() */
};
/* Waits for nobody, and costs about as much as opening the book. */
int dd_upkeep_look(struct dd_host *host, struct dd_upkeep *out, struct dd_error *err);

/* ---- remotes: how far each is ---- */

struct dd_remote_state {
	const char *name;
	bool current;          /* it has all that the book has, as far as is known here */
	int64_t pushed;        /* when it last had, seconds since the epoch; 0: never */
	int code;              /* why it has not: the code of the last push; 0: none has failed */
	const char *message;   /* and its words; "" */
	int64_t failing_since; /* seconds since the epoch; 0 */
	uint32_t tries;        /* that failed since then */
	int64_t next_try;      /* seconds since the epoch; 0: nobody has promised one */
};
typedef int (*dd_remote_state_fn)(const struct dd_remote_state *state, void *context);

/* By name; contacts none. Of what dd_push() learned, by whomever it was called. */
int dd_remote_states(
	struct dd_host *host, dd_remote_state_fn state, void *context, struct dd_error *err);

struct dd_push_options {
	int64_t retry_s; /* if it fails it is tried again after so many seconds; 0: nobody will */
};
/* As dd_push(); options may be NULL. */
int dd_push_with(struct dd_host *host, const char *remote, const struct dd_push_options *options,
	dd_branch_fn branch, void *context, struct dd_error *err);

/* ---- operations that were cut short ---- */

struct dd_settled {
	const char *domain; /* its name; NULL: it is not in the book */
	const char *uuid;
	const char *operation;        /* that was under way */
	const struct dd_error *error; /* why it could not be settled; NULL: it is */
};
typedef int (*dd_settled_fn)(const struct dd_settled *settled, void *context);

/*
 * Finishes or undoes what those left who died in the middle of an operation, as whoever works with
 * such a domain next would do. What somebody is at is left alone. settled hears of each; one that
 * cannot be settled does not keep the others from it, and *left (may be NULL) says how many there
 * are. Asks QEMU where a guest is concerned.
 */
int dd_settle(struct dd_host *host, dd_settled_fn settled, void *context, uint32_t *left,
	struct dd_error *err);

/* ---- autostart ---- */

struct dd_autostarted {
	const char *domain;
	const char *uuid;
	const struct dd_error *error; /* why it was not started; NULL: it was */
};
typedef int (*dd_autostarted_fn)(const struct dd_autostarted *started, void *context);

/*
 * Starts each domain that is to start with the host, once a boot of the machine: done again, it
 * does nothing more, or goes on where it was stopped. One that runs is not touched. started hears
 * of each, and one that fails (another host owns it, say) does not keep the others from it. The
 * answer of started that is not 0 stops it.
 */
int dd_autostart(
	struct dd_host *host, dd_autostarted_fn started, void *context, struct dd_error *err);

#ifdef __cplusplus
}
#endif

#endif
