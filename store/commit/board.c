/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit/board.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "store/lock/lock.h"

/*
 * In the lock file: the texts of SLOT_… first, then the board, where a page of any size begins,
 * then what is written down. The locks of the seats are on bytes that nobody signs.
 */
#define BOARD_OFFSET 65536
#define BOARD_SIZE 65536
#define REQUESTS_OFFSET (BOARD_OFFSET + BOARD_SIZE)

_Static_assert(sizeof(struct board) <= BOARD_SIZE, "the board fits its room");

/*
 * A page that the file does not have would kill whoever writes to it on a full disk; one that was
 * copied may have holes.
 */
static int board_fill(int fd, struct dd_error *err)
{
	static const char zeros[BOARD_SIZE];
	ssize_t written = pwrite(fd, zeros, sizeof zeros, BOARD_OFFSET);

	if (written == (ssize_t)sizeof zeros)
		return 0;
	return error_errno(err, written < 0 ? errno : ENOSPC, "cannot write the lock file");
}

static int board_make(int fd, int wait_ms, struct dd_error *err)
{
	struct stat status;
	int rc = lock_slot_take(fd, MAKING_LOCK, wait_ms, 1000, err);

	if (rc)
		return rc;
	if (fstat(fd, &status) < 0)
		rc = error_errno(err, errno, "cannot read the lock file");
	if (!rc && status.st_size < REQUESTS_OFFSET)
		rc = board_fill(fd, err);
	if (!rc && fallocate(fd, 0, BOARD_OFFSET, BOARD_SIZE) < 0 && errno != EOPNOTSUPP)
		rc = error_errno(err, errno, "cannot write the lock file");
	lock_slot_drop(fd, MAKING_LOCK);
	return rc;
}

int board_map(int fd, int wait_ms, struct board **out, struct dd_error *err)
{
	int rc = board_make(fd, wait_ms, err);
	void *page;

	if (rc)
		return rc;
	page = mmap(NULL, BOARD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, BOARD_OFFSET);
	if (page == MAP_FAILED)
		return error_errno(err, errno, "cannot map the lock file");
	*out = page;
	return 0;
}

void board_unmap(struct board *board)
{
	if (board)
		munmap(board, BOARD_SIZE);
}

/* ---- bells ---- */

static void futex(
	_Atomic uint32_t *word, int operation, uint32_t value, const struct timespec *wait)
{
	/* whatever it says, the caller looks for itself */
	(void)syscall(SYS_futex, word, operation, value, wait, NULL, 0);
}

void bell_wait(_Atomic uint32_t *bell, uint32_t seen, int wait_us)
{
	struct timespec wait = {wait_us / 1000000, wait_us % 1000000 * 1000L};

	futex(bell, FUTEX_WAIT, seen, &wait);
}

void bell_ring(_Atomic uint32_t *bell)
{
	atomic_fetch_add(bell, 1);
	futex(bell, FUTEX_WAKE, INT_MAX, NULL);
}

/* ---- seats ---- */

int seat_find(int fd, struct board *board)
{
	for (int i = 0; i < SEATS; i++) {
		uint64_t word;

		if (lock_slot_take(fd, FIRST_SEAT_LOCK + i, 0, 0, NULL))
			continue;
		word = atomic_load(&board->seats[i].word);
		atomic_store(&board->seats[i].word, word_with(word + 4, SEAT_FREE));
		return i;
	}
	return -1;
}

bool seat_is_owned(int fd, int seat)
{
	return lock_slot_held(fd, FIRST_SEAT_LOCK + seat);
}

static off_t request_offset(int seat)
{
	return REQUESTS_OFFSET + (off_t)seat * REQUEST_LIMIT;
}

bool request_put(int fd, int seat, const struct text *request)
{
	return pwrite(fd, request->data, request->size, request_offset(seat)) ==
	       (ssize_t)request->size;
}

bool request_get(int fd, int seat, size_t size, struct text *out)
{
	char *data = size <= REQUEST_LIMIT ? malloc(size + 1) : NULL;

	if (!data || pread(fd, data, size, request_offset(seat)) != (ssize_t)size) {
		free(data);
		return false;
	}
	data[size] = '\0';
	*out = (struct text){.data = data, .size = size, .room = size + 1};
	return true;
}
