/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lock/lock.h"
#include "store/room.h"

int book_hold(struct book *book, const char *what, struct dd_error *err)
{
	char holder[LOCK_HOLDER_SIZE];
	int rc = database_lock(&book->database, SLOT_DAEMON, what, 0, err);

	if (rc != DD_BUSY)
		return rc;
	lock_slot_holder(book->database.lock_fd, SLOT_DAEMON, holder);
	error_set(err, DD_BUSY, "the background work of the book %s is being done already: %s",
		book->folder, holder);
	return error_hint(err, "one is enough; end that one first");
}

bool book_held(struct book *book)
{
	int fd;

	return database_lock_fd(&book->database, &fd, NULL) == 0 && lock_slot_held(fd, SLOT_DAEMON);
}
