/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database/database.h"

#include <errno.h>
#include <string.h>

#include "store/commit/board.h"
#include "store/commit/turn.h"
#include "store/database/log_sum.h"
#include "store/database/vfs.h"
#include "store/lock/lock.h"
#include "store/lock/proclocks.h"

/*
 * Pages in the write-ahead log before they are copied back. A book that nobody has open reads the
 * whole log when it is opened next, which this keeps within a few milliseconds. Others go on
 * changing the book meanwhile, so the log begins anew only when what they added is copied, too:
 * from LOG_PAGES_MOST on before anybody has the turn again.
 */
#define LOG_PAGES 800
#define LOG_PAGES_MOST 1250
#define CACHE_KIB 8192

/* After each commit. */
static int log_note(void *context, sqlite3 *sqlite, const char *name, int pages)
{
	struct database *database = context;

	(void)sqlite;
	(void)name;
	database->log_pages = pages;
	return SQLITE_OK;
}

/* It can be done another time, and says what is wrong to whoever must be told (database_sync). */
static void log_shorten(struct database *database, int most)
{
	if (database->log_pages < most)
		return;
	database->log_pages = 0;
	(void)sqlite3_wal_checkpoint_v2(
		database->sqlite, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

int database_open(struct database *database, const char *path, struct dd_error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	const char *vfs = database_vfs();
	int code = vfs ? sqlite3_open_v2(path, &database->sqlite, flags, vfs) : SQLITE_NOMEM;

	if (code)
		return database_failure(database, code, err);
	database->log_seen = false;
	sqlite3_extended_result_codes(database->sqlite, 1);
	sqlite3_busy_timeout(database->sqlite, database->wait_ms);
	sqlite3_wal_hook(database->sqlite, log_note, database);
	sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);

	CLEANUP(free) char *settings = NULL;
	int rc = string_format(
		&settings, err, "PRAGMA synchronous=FULL; PRAGMA cache_size=-%d", CACHE_KIB);

	return rc ? rc : database_execute(database, settings, err);
}

void database_forget(struct database *database)
{
	for (size_t i = 0; i < database->kept_count; i++)
		sqlite3_finalize(database->kept[i].statement);
	database->kept_count = 0;
}

void database_close(struct database *database)
{
	database_forget(database);
	sqlite3_close(database->sqlite);
	database->sqlite = NULL;
	board_unmap(TAKE(database->board));
	if (database->lock_fd >= 0)
		close(database->lock_fd);
	database->lock_fd = -1;
	free(TAKE(database->path));
	free(TAKE(database->lock_path));
}

static int busy_failure(struct database *database, struct dd_error *err)
{
	int pid = proclocks_writer(database->path);

	if (pid > 0)
		error_set(err, DD_BUSY, "the book %s is being written by the process %d",
			database->path, pid);
	else
		error_set(err, DD_BUSY, "the book %s is being written by another process",
			database->path);
	error_hint(err, "try again when it has finished");
	return DD_BUSY;
}

static int space_failure(struct database *database, struct dd_error *err)
{
	error_set(err, DD_SYSTEM, "no space left for the book %s, which stays as it was",
		database->path);
	error_hint(err, "make room on its file system");
	return DD_SYSTEM;
}

static bool means_no_space(int number)
{
	return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

/* The file of the write-ahead log, NULL while it was not needed. */
static sqlite3_file *log_file(struct database *database)
{
	sqlite3_file *log = NULL;

	(void)sqlite3_file_control(database->sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	return log && log->pMethods ? log : NULL;
}

/* What the system said of the log, or of the database, when it failed last; 0: nothing. */
static int file_errno(struct database *database)
{
	sqlite3_file *log = database->sqlite ? log_file(database) : NULL;
	int number = 0;

	if (log)
		(void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &number);
	if (!number && database->sqlite)
		(void)sqlite3_file_control(
			database->sqlite, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
	return number;
}

/* said: by the system, last. */
static int input_output_failure(struct database *database, int code, int said, struct dd_error *err)
{
	int number = database->sqlite ? sqlite3_system_errno(database->sqlite) : 0;
	int of_file = file_errno(database);

	/* SQLite calls a full disk SQLITE_FULL, but not a quota or a limit that is reached */
	if (means_no_space(number) || means_no_space(of_file))
		return space_failure(database, err);
	if (!number)
		number = of_file;
	if (code == SQLITE_IOERR_NOMEM)
		return error_no_memory(err);
	/* SQLite keeps no number of what fails while it makes, or leaves, a rollback journal */
	if (!number && (said == EROFS || said == EIO))
		number = said;
	/* a lock to write, of a file that could be opened for reading alone */
	if (number == EBADF)
		number = EROFS;
	return error_set(err, DD_SYSTEM, "cannot read or write the book %s: %s", database->path,
		number ? strerror(number) : sqlite3_errstr(code));
}

int database_failure(struct database *database, int code, struct dd_error *err)
{
	int said = errno, number;
	const char *detail = database->sqlite ? sqlite3_errmsg(database->sqlite) : "";

	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		/* SQLite takes every lock that it does not get for one that somebody else has */
		return said == EIO ? error_set(err, DD_SYSTEM, "cannot lock the book %s: %s",
					     database->path, strerror(said))
				   : busy_failure(database, err);
	case SQLITE_FULL:
		return space_failure(database, err);
	case SQLITE_IOERR:
		return input_output_failure(database, code, said, err);
	case SQLITE_NOMEM:
		return error_no_memory(err);
	case SQLITE_NOTADB:
		return error_set(err, DD_CORRUPT, "%s is not a book", database->path);
	case SQLITE_CORRUPT:
		/* so SQLite calls what the disk did not give it */
		if (file_errno(database) == EIO)
			return input_output_failure(database, code, said, err);
		error_set(err, DD_CORRUPT, "the book %s is damaged: %s", database->path, detail);
		error_hint(err, "'domesday reindex' makes it anew from what can be read");
		return DD_CORRUPT;
	case SQLITE_PROTOCOL:
		return error_set(err, DD_SYSTEM, "cannot lock the book %s", database->path);
	case SQLITE_READONLY:
		return error_set(err, DD_SYSTEM,
			"cannot open the book %s for writing: it is read-only here",
			database->path);
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		/* any other may be of what SQLite tried afterwards */
		number = database->sqlite ? sqlite3_system_errno(database->sqlite) : 0;
		return error_set(err, DD_SYSTEM, "cannot open the book %s for writing: %s",
			database->path, number == EACCES ? strerror(number) : detail);
	default:
		return error_set(err, DD_CORRUPT, "the book %s: %s", database->path, detail);
	}
}

int database_execute(struct database *database, const char *sql, struct dd_error *err)
{
	int code = sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL);

	return code ? database_failure(database, code, err) : 0;
}

int database_lock_fd(struct database *database, int *fd, struct dd_error *err)
{
	int rc = 0;

	if (database->lock_fd < 0)
		rc = lock_file_open(database->lock_path, &database->lock_fd, err);
	if (!rc && !database->board)
		rc = board_map(database->lock_fd, database->wait_ms, &database->board, err);
	if (rc == DD_BUSY) {
		error_set(err, rc, "another process is making %s, and does not come to an end",
			database->lock_path);
		return error_hint(err, "try again when it has finished");
	}
	if (!rc)
		*fd = database->lock_fd;
	return rc;
}

int database_lock_busy(struct database *database, enum lock_slot slot, struct dd_error *err)
{
	char holder[LOCK_HOLDER_SIZE];

	lock_slot_holder(database->lock_fd, (int)slot, holder);
	error_set(err, DD_BUSY, "the book %s is held: %s", database->path, holder);
	error_hint(err, "try again when it has finished");
	return DD_BUSY;
}

int database_lock(struct database *database, enum lock_slot slot, const char *what, int wait_ms,
	struct dd_error *err)
{
	int fd;
	int rc = database_lock_fd(database, &fd, err);

	if (rc)
		return rc;
	rc = lock_slot_take(fd, (int)slot, wait_ms, 5000, err);
	if (rc == DD_BUSY)
		return database_lock_busy(database, slot, err);
	if (!rc)
		lock_slot_sign(fd, (int)slot, what);
	return rc;
}

void database_unlock(struct database *database, enum lock_slot slot)
{
	lock_slot_drop(database->lock_fd, (int)slot);
}

int database_follow(struct database *database, struct dd_error *err)
{
	sqlite3_stmt *statement = NULL;
	int moved = 0;

	(void)sqlite3_file_control(database->sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (!moved)
		return 0;
	while ((statement = sqlite3_next_stmt(database->sqlite, statement)))
		if (sqlite3_stmt_busy(statement)) {
			error_set(err, DD_BUSY, "the book %s was indexed anew meanwhile",
				database->path);
			return error_hint(err, "try again");
		}
	database_forget(database);

	/* the old one stays until there is another, to ask again next time */
	sqlite3 *old = TAKE(database->sqlite);
	int rc = database_open(database, database->path, err);

	sqlite3_close(rc ? TAKE(database->sqlite) : old);
	if (rc)
		database->sqlite = old;
	return rc;
}

int database_log_check(struct database *database, struct dd_error *err)
{
	bool damaged;
	uint32_t frame;
	int code = log_sum_end(database->sqlite, &damaged, &frame);

	if (code)
		return database_failure(database, code, err);
	if (!damaged)
		return 0;
	error_set(err, DD_CORRUPT,
		"%s-wal is damaged: frame %u is not what its checksum says, so what was committed "
		"with it and after it does not count",
		database->path, frame);
	return error_hint(err, "'domesday reindex' puts it right");
}

/* Once: what is written goes over what could still be put right. */
static int log_look(struct database *database, struct dd_error *err)
{
	int rc = database->log_seen ? 0 : database_log_check(database, err);

	database->log_seen |= !rc;
	return rc;
}

int database_transaction(struct database *database,
	int (*body)(void *context, struct dd_error *err), void *context, struct dd_error *err)
{
	int rc = database_follow(database, err);

	if (rc)
		return rc;

	/* made ready beforehand: the way back must not need memory that is not there then */
	CLEANUP(statement) struct statement rollback = statement_begin(database, "ROLLBACK");
	CLEANUP(statement) struct statement begin = statement_begin(database, "BEGIN IMMEDIATE");

	if (rollback.code)
		return statement_end(&rollback, err);
	rc = statement_run(&begin, err);
	if (rc)
		return rc;
	rc = log_look(database, err);
	if (!rc)
		rc = body(context, err);
	if (!rc) {
		struct statement commit = statement_begin(database, "COMMIT");

		rc = statement_run(&commit, err);
	}
	if (!rc)
		log_shorten(database, LOG_PAGES_MOST);
	/* some failures have rolled back by themselves */
	if (rc && !sqlite3_get_autocommit(database->sqlite))
		(void)statement_run(&rollback, NULL);
	return rc;
}

int database_snapshot(struct database *database, int (*body)(void *context, struct dd_error *err),
	void *context, struct dd_error *err)
{
	int rc = database_follow(database, err);

	if (rc)
		return rc;

	/* made ready beforehand, so that no lack of memory keeps the snapshot open */
	CLEANUP(statement) struct statement end = statement_begin(database, "ROLLBACK");

	if (end.code)
		return statement_end(&end, err);
	rc = database_execute(database, "BEGIN", err);
	if (rc)
		return rc;
	rc = body(context, err);
	/* some failures have ended it by themselves */
	if (!sqlite3_get_autocommit(database->sqlite))
		(void)statement_run(&end, NULL);
	return rc;
}

/*
 * What a failed sync leaves in the page cache may be there as if it had been written, and the next
 * sync say nothing of it; but SQLite can copy the log from there into the database, and sync that.
 */
static int log_copy_back(struct database *database)
{
	int frames = 0, copied = -1;
	int code = sqlite3_wal_checkpoint_v2(
		database->sqlite, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);

	return code == SQLITE_OK && copied < frames ? SQLITE_BUSY : code;
}

/*
 * SQLite copies the log into the database, and begins it anew, only when it has synced both; so
 * what a transaction wrote is in the log, and synced here, or was synced before. The log stays the
 * one file as long as somebody has the database open.
 */
int database_sync(struct database *database, struct dd_error *err)
{
	sqlite3_file *log = log_file(database);
	struct board *board = database->board;
	int code = log ? log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) : SQLITE_OK;

	uint32_t doubt = code ? atomic_fetch_add(&board->doubt, 1) + 1 : atomic_load(&board->doubt);

	if (!doubt)
		return 0;
	if (log_copy_back(database) == SQLITE_OK) {
		/* unless somebody has failed meanwhile */
		(void)atomic_compare_exchange_strong(&board->doubt, &doubt, 0);
		return 0;
	}
	error_set(err, DD_SYSTEM,
		"the book %s cannot be synced: what was changed last is lost if the machine "
		"loses its power",
		database->path);
	error_hint(err, "see what the kernel's log says of the disk");
	return DD_SYSTEM;
}

void database_tidy(struct database *database)
{
	log_shorten(database, LOG_PAGES);
}

int database_change(struct database *database, const char *what,
	int (*body)(void *context, struct dd_error *err), void *context, struct dd_error *err)
{
	int rc = turn_take(database, what, err);

	if (rc)
		return rc;
	rc = database_transaction(database, body, context, err);
	turn_drop(database);
	/* not while others wait for the turn */
	if (!rc)
		rc = database_sync(database, err);
	database_tidy(database);
	return rc;
}

static int pages_read(
	struct database *database, int64_t *all, int64_t *unused, struct dd_error *err)
{
	struct statement statement = statement_begin(database,
		"SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count");

	if (statement_row(&statement)) {
		*all = statement_integer(&statement, 0);
		*unused = statement_integer(&statement, 1);
	}
	return statement_end(&statement, err);
}

int database_compact(struct database *database, struct dd_error *err)
{
	int64_t all = 0, unused = 0;
	int rc = turn_take(database, "gc", err);

	if (rc)
		return rc;
	rc = pages_read(database, &all, &unused, err);
	if (!rc && unused > all / 4)
		rc = database_execute(database, "VACUUM", err);
	turn_drop(database);
	if (!rc)
		rc = database_sync(database, err);
	if (rc)
		return rc;
	/* readers that hold an older state keep the log, and nobody is to wait for them */
	sqlite3_busy_timeout(database->sqlite, 0);
	(void)sqlite3_wal_checkpoint_v2(
		database->sqlite, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(database->sqlite, database->wait_ms);
	return 0;
}
