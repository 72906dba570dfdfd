/* SPDX-License-Identifier: Apache-2.0 */
#include "store/room.h"

#include <unistd.h>

#include "store/apply.h"
#include "store/lock.h"

#define LONGEST_SLEEP_US 20000

struct job_lock {
	int fd;
};

static int job_busy(struct book *book, const char *uuid, int fd, struct dd_error *err)
{
	char holder[LOCK_HOLDER_SIZE], name[256];

	lock_slot_holder(fd, 0, holder);
	index_name(book, uuid, name, sizeof name);
	error_set(err, DD_BUSY, "the domain '%s' is busy: %s", name, holder);
	return error_hint(err, "try again when it has finished");
}

int job_lock_take(struct book *book, const char *uuid, const char *operation, int wait_ms,
	struct job_lock **out, struct dd_error *err)
{
	CLEANUP(job_lock) struct job_lock *lock = NULL;
	CLEANUP(free) char *path = NULL;
	int rc;

	if (!uuid_valid(uuid))
		return error_set(err, DD_INVALID, "'%s' is no UUID in lower case", uuid);
	rc = string_format(&path, err, "%s/locks/%s", book->folder, uuid);
	if (rc)
		return rc;
	lock = malloc(sizeof *lock);
	if (!lock)
		return error_no_memory(err);
	lock->fd = -1;
	rc = lock_file_open(path, &lock->fd, err);
	if (!rc)
		rc = lock_slot_take(lock->fd, 0, wait_ms, LONGEST_SLEEP_US, err);
	if (rc == DD_BUSY)
		rc = job_busy(book, uuid, lock->fd, err);
	if (rc)
		return rc;
	lock_slot_sign(lock->fd, 0, operation);
	*out = TAKE(lock);
	return 0;
}

void job_lock_release(struct job_lock *lock)
{
	if (!lock)
		return;
	if (lock->fd >= 0) {
		lock_slot_drop(lock->fd, 0);
		close(lock->fd);
	}
	free(lock);
}
