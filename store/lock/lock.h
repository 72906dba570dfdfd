/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

/*
 * Locks that die with their holder. A lock file has slots; slot N is the open-file-description lock
 * on the byte N * LOCK_SLOT_SIZE, and from that byte on the holder writes who it is, as text. The
 * text is only true while the lock is held. A lock file is never removed: who removes one lets two
 * processes hold "the same" lock on two files.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"

#define LOCK_SLOT_SIZE 256
#define LOCK_HOLDER_SIZE LOCK_SLOT_SIZE

/* Opens (and makes, 0600) a lock file; it is closed on exec. */
int lock_file_open(const char *path, int *fd, struct dd_error *err);

/*
 * Waits up to wait_ms for the slot; between two tries it sleeps, at most longest_us. Returns 0,
 * DD_BUSY (with no message: ask lock_holder) or DD_SYSTEM.
 */
int lock_slot_take(int fd, int slot, int wait_ms, int longest_us, struct dd_error *err);
void lock_slot_drop(int fd, int slot);

/* Microseconds of a clock that nobody sets, for those who wait. */
int64_t lock_clock_us(void);

/* Writes who holds the slot, which the caller does. */
void lock_slot_sign(int fd, int slot, const char *operation);
/* Takes that back, so that what one finds there is of somebody who died. */
void lock_slot_unsign(int fd, int slot);

struct lock_holder {
	int pid;
	long long since; /* seconds since the epoch */
	char program[61];
	char operation[101];
};

/* Does somebody hold the slot now? Never the caller: his own lock is none to him. */
bool lock_slot_held(int fd, int slot);

/* What the last holder wrote; false where that is nothing. */
bool lock_slot_read(int fd, int slot, struct lock_holder *holder);

/* "attach-device by domesday (pid 71) since 12:00:03", or "another process". */
void lock_slot_holder(int fd, int slot, char holder[LOCK_HOLDER_SIZE]);

#endif
