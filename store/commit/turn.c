/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit/turn.h"

#include "store/commit/board.h"
#include "store/lock/lock.h"

/* How long anybody sleeps without looking: what the death of who should ring costs the others. */
#define SLEEP_US 2000

static int slot_wait(
	struct database *database, enum lock_slot slot, int64_t until, struct dd_error *err)
{
	for (;;) {
		uint32_t seen = atomic_load(&database->board->turn);
		int rc = lock_slot_take(database->lock_fd, (int)slot, 0, 0, err);

		if (rc != DD_BUSY || lock_clock_us() >= until)
			return rc;
		bell_wait(&database->board->turn, seen, SLEEP_US);
	}
}

int turn_take(struct database *database, const char *what, struct dd_error *err)
{
	int64_t until = lock_clock_us() + (int64_t)database->wait_ms * 1000;
	int fd;
	int rc = database_lock_fd(database, &fd, err);

	if (rc)
		return rc;
	rc = slot_wait(database, SLOT_NEXT, until, err);
	if (!rc) {
		rc = slot_wait(database, SLOT_CHANGE, until, err);
		lock_slot_drop(fd, SLOT_NEXT);
		bell_ring(&database->board->turn);
	}
	if (rc == DD_BUSY)
		return database_lock_busy(database, SLOT_CHANGE, err);
	if (!rc)
		lock_slot_sign(fd, SLOT_CHANGE, what);
	return rc;
}

int turn_try(struct database *database, const char *what, struct dd_error *err)
{
	int fd;
	int rc = database_lock_fd(database, &fd, err);

	if (rc)
		return rc;
	if (lock_slot_held(fd, SLOT_NEXT))
		return DD_BUSY;
	rc = lock_slot_take(fd, SLOT_CHANGE, 0, 0, err);
	if (!rc)
		lock_slot_sign(fd, SLOT_CHANGE, what);
	return rc;
}

void turn_drop(struct database *database)
{
	struct board *board = database->board;

	lock_slot_drop(database->lock_fd, SLOT_CHANGE);
	bell_ring(&board->turn);
	for (int i = 0; i < SEATS; i++) {
		struct seat *seat = &board->seats[i];

		if (word_state(atomic_load(&seat->word)) != SEAT_READY)
			continue;
		bell_ring(&seat->bell);
		/* the first to wake makes the others' changes too */
		if (seat_is_owned(database->lock_fd, i))
			return;
	}
}
