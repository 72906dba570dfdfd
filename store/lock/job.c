/* SPDX-License-Identifier: Apache-2.0 */
#include "store/room.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/commit/apply.h"
#include "store/folder.h"
#include "store/lock/lock.h"

#define LONGEST_SLEEP_US 20000

struct job_lock {
	struct book *book;
	char uuid[UUID_SIZE];
	int fd;
	bool made; /* the file was not there before */
	bool signed_by_us;
};

static int job_busy(struct book *book, const char *uuid, int fd, struct dd_error *err)
{
	char holder[LOCK_HOLDER_SIZE], name[256];

	lock_slot_holder(fd, 0, holder);
	index_name(book, uuid, name, sizeof name);
	error_set(err, DD_BUSY, "the domain '%s' is busy: %s", name, holder);
	return error_hint(err, "try again when it has finished");
}

/* Who finds the name of one who died waits for what is being made in that name (apply.h). */
static int job_take_over(
	struct book *book, struct job_lock *lock, const char *uuid, struct dd_error *err)
{
	struct lock_holder dead;

	return lock_slot_read(lock->fd, 0, &dead) ? apply_settle(book, uuid, err) : 0;
}

/* Git and tar leave an empty folder out, so a book that was copied may have none for its locks. */
static int job_file_open(struct job_lock *lock, struct dd_error *err)
{
	struct book *book = lock->book;
	CLEANUP(free) char *folder = NULL;
	CLEANUP(free) char *path = NULL;
	int rc = book_path(book, "locks", &folder, err);

	if (!rc)
		rc = string_format(&path, err, "%s/%s", folder, lock->uuid);
	if (!rc && access(folder, F_OK) < 0 && errno == ENOENT && mkdir(folder, 0700) < 0 &&
		errno != EEXIST)
		rc = error_errno(err, errno, "cannot make the folder %s", folder);
	if (rc)
		return rc;
	lock->made = access(path, F_OK) < 0 && errno == ENOENT;
	return lock_file_open(path, &lock->fd, err);
}

/* Opened and locked; one that was removed meanwhile, by whom it had been made for nothing, is none.
 */
static int job_file_lock(struct job_lock *lock, int wait_ms, struct dd_error *err)
{
	struct stat status = {.st_nlink = 0};
	int rc = 0;

	while (!rc && status.st_nlink == 0) {
		if (lock->fd >= 0)
			close(lock->fd);
		lock->fd = -1;
		rc = job_file_open(lock, err);
		if (!rc)
			rc = lock_slot_take(lock->fd, 0, wait_ms, LONGEST_SLEEP_US, err);
		if (!rc && fstat(lock->fd, &status) < 0)
			rc = error_errno(err, errno, "cannot look at a lock file");
	}
	return rc;
}

/* Is there a domain of that UUID, or will there be one? In doubt there is. */
static bool job_is_of_something(struct book *book, const char *uuid)
{
	struct statement statement;
	bool something = true;

	if (!book->database.sqlite)
		return true;
	statement = statement_begin(&book->database,
		"SELECT EXISTS(SELECT 1 FROM domain WHERE uuid = ?1)"
		" OR EXISTS(SELECT 1 FROM journal WHERE uuid = ?1)");
	statement_text(&statement, uuid);
	if (statement_row(&statement))
		something = statement_integer(&statement, 0) != 0;
	statement_drop(&statement);
	return something;
}

/* Others ask for domains that are not here, and none of them leaves a file behind. */
static void job_file_drop(const struct job_lock *lock)
{
	CLEANUP(free) char *path = NULL;

	if (string_format(&path, NULL, "%s/locks/%s", lock->book->folder, lock->uuid) == 0)
		(void)unlink(path);
}

int job_lock_take(struct book *book, const char *uuid, const char *operation, int wait_ms,
	struct job_lock **out, struct dd_error *err)
{
	CLEANUP(job_lock) struct job_lock *lock = NULL;
	int rc;

	if (!uuid_valid(uuid))
		return error_set(err, DD_INVALID, "'%s' is no UUID in lower case", uuid);
	lock = malloc(sizeof *lock);
	if (!lock)
		return error_no_memory(err);
	*lock = (struct job_lock){.book = book, .fd = -1};
	memcpy(lock->uuid, uuid, UUID_SIZE);
	rc = job_file_lock(lock, wait_ms, err);
	if (rc == DD_BUSY)
		rc = job_busy(book, uuid, lock->fd, err);
	else if (!rc)
		rc = job_take_over(book, lock, uuid, err);
	if (rc)
		return rc;
	lock_slot_sign(lock->fd, 0, operation);
	lock->signed_by_us = true;
	/* what is read from here on is what nobody else changes */
	rc = database_follow(&book->database, err);
	if (!rc)
		*out = TAKE(lock);
	return rc;
}

void job_lock_release(struct job_lock *lock)
{
	if (!lock)
		return;
	if (lock->signed_by_us)
		lock_slot_unsign(lock->fd, 0);
	if (lock->signed_by_us && lock->made && !job_is_of_something(lock->book, lock->uuid))
		job_file_drop(lock);
	if (lock->fd >= 0) {
		lock_slot_drop(lock->fd, 0);
		close(lock->fd);
	}
	free(lock);
}

struct jobs {
	int folder; /* of the lock files */
	int (*visit)(const struct job_row *row, void *context);
	void *context;
};

/* Who holds the domain's job lock now? */
static bool held(const struct jobs *jobs, const char *uuid, struct lock_holder *holder)
{
	CLEANUP(close)
	int fd = openat(jobs->folder, uuid, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || !lock_slot_held(fd, 0))
		return false;
	if (!lock_slot_read(fd, 0, holder))
		*holder = (struct lock_holder){
			.program = "another process", .operation = "something"};
	return true;
}

static int visit_file(const struct jobs *jobs, const char *uuid)
{
	struct lock_holder holder;
	struct job_row row = {
		.operation = holder.operation,
		.program = holder.program,
	};

	if (!uuid_valid(uuid) || !held(jobs, uuid, &holder))
		return 0;
	memcpy(row.uuid, uuid, sizeof row.uuid);
	row.since = holder.since;
	row.pid = holder.pid;
	return jobs->visit(&row, jobs->context);
}

/* A row whose domain nobody holds; held ones have been visited. */
static int visit_row(const struct journal_row *journal, void *context)
{
	const struct jobs *jobs = context;
	struct job_row row = {.operation = journal->operation, .since = journal->since};
	struct lock_holder holder;

	if (held(jobs, journal->uuid, &holder))
		return 0;
	memcpy(row.uuid, journal->uuid, sizeof row.uuid);
	return jobs->visit(&row, jobs->context);
}

int job_list(struct book *book, int (*visit)(const struct job_row *row, void *context),
	void *context, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	struct jobs jobs = {.visit = visit, .context = context};
	const struct dirent *entry;
	int rc = book_path(book, "locks", &path, err);

	if (rc)
		return rc;
	rc = folder_open(path, &folder, err);
	if (rc)
		return rc;
	/* where there is none, nobody holds anything */
	jobs.folder = folder ? dirfd(folder) : -1;
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err)))
		rc = visit_file(&jobs, entry->d_name);
	return rc ? rc : journal_list(book, visit_row, &jobs, err);
}

struct job_tally {
	struct jobs jobs;
	uint32_t held, left;
};

static int count_row(const struct journal_row *journal, void *context)
{
	struct job_tally *tally = context;
	struct lock_holder holder;

	if (held(&tally->jobs, journal->uuid, &holder))
		tally->held++;
	else
		tally->left++;
	return 0;
}

int job_count(struct book *book, uint32_t *held_count, uint32_t *left, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(close) int folder = -1;
	struct job_tally tally = {.held = 0};
	int rc = book_path(book, "locks", &path, err);

	if (rc)
		return rc;
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 && errno != ENOENT)
		return error_errno(err, errno, "cannot open the folder %s", path);
	tally.jobs.folder = folder;
	rc = journal_list(book, count_row, &tally, err);
	if (rc)
		return rc;
	*held_count = tally.held;
	*left = tally.left;
	return 0;
}
