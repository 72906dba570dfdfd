/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BOARD_H
#define STORE_BOARD_H

/*
 * What the processes that change one book tell each other, in a page that all of them map and a
 * region behind it, both in the book's lock file:
 *
 *   bells    numbers that grow when something happened; who waits sleeps until one has grown
 *   seats    for those who wait: a change, written down, that whoever has the turn makes for them
 *
 * Nothing here is ever believed for longer than a lock is held. A seat is its owner's by an OFD
 * lock, so it becomes free when its owner dies; a bell that is not rung, because the one who should
 * died, costs the others the few milliseconds that they sleep at most. What a machine that lost its
 * power left on the page has no owners.
 *
 * A seat's word says what its change is up to, and has a number that no later change in it has:
 *
 *   SEAT_FREE   --owner--> SEAT_READY    the change is written down
 *   SEAT_READY  --leader-> SEAT_TAKEN    it is being made
 *   SEAT_TAKEN  --leader-> SEAT_DONE     the reply holds, durably
 *   SEAT_TAKEN  --leader-> SEAT_READY    the transaction did not become true
 *   any         --owner--> SEAT_FREE     with a new number, so that no leader of before can move it
 *   SEAT_READY  --who has the turn--> SEAT_FREE     when it settles what the dead left
 *
 * The reply's commit is written before the transaction becomes true. So an owner whose leader died
 * finds in book.db whether its change was made.
 */

#include <git2.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/text.h"

#define SEATS 16
#define FIRST_SEAT_LOCK 64 /* as slots of the lock file */
#define MAKING_LOCK (FIRST_SEAT_LOCK + SEATS)
#define REQUEST_LIMIT 65536 /* bytes of a change that is written down */

enum seat_state { SEAT_FREE, SEAT_READY, SEAT_TAKEN, SEAT_DONE };

struct reply {
	int code; /* 0, or what err says */
	uint32_t number;
	git_oid commit; /* zeros where none was made */
	struct dd_error err;
};

struct seat {
	_Atomic uint64_t word; /* a growing number * 4 + its state */
	_Atomic uint32_t bell;
	uint32_t size; /* of the change */
	char uuid[37]; /* of its domain */
	struct reply reply;
};

struct board {
	_Atomic uint32_t turn;  /* the bell of those who wait for the turn without a seat */
	_Atomic uint32_t doubt; /* somebody failed to sync the log (database_sync) */
	struct seat seats[SEATS];
};

static inline enum seat_state word_state(uint64_t word)
{
	return (enum seat_state)(word & 3);
}

static inline uint64_t word_with(uint64_t word, enum seat_state state)
{
	return (word & ~(uint64_t)3) | state;
}

/*
 * Maps the board of an open lock file. DD_BUSY, with no message: somebody is making it, and for
 * longer than wait_ms.
 */
int board_map(int fd, int wait_ms, struct board **out, struct dd_error *err);
void board_unmap(struct board *board); /* NULL does nothing */

/* Sleeps until the bell has grown beyond seen, at most so long. */
void bell_wait(_Atomic uint32_t *bell, uint32_t seen, int wait_us);
void bell_ring(_Atomic uint32_t *bell);

/* Makes a seat one's own, for as long as fd is open. -1: all are taken. */
int seat_find(int fd, struct board *board);
/* Is somebody else alive to whom the seat belongs? */
bool seat_is_owned(int fd, int seat);

/* Copies a change into a seat that is one's own, and out of any. */
bool request_put(int fd, int seat, const struct text *request);
bool request_get(int fd, int seat, size_t size, struct text *out);

#endif
