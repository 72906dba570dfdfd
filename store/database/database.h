/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

/*
 * SQLite, as the rest of the room sees it: statements that are prepared once and kept, failures
 * that speak the library's error codes, and one way to change anything (database_change).
 */

#include <git2.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define STATEMENTS_MAX 64

struct database {
	sqlite3 *sqlite;
	char *path; /* of book.db */
	char *lock_path;
	int lock_fd;         /* -1 until the first change */
	struct board *board; /* in the lock file; comes with it */
	int seat;            /* on the board; -1: none yet */
	int wait_ms;
	bool log_seen; /* it ends as it should */
	int log_pages; /* of the log, after the last commit of this process */
	struct kept_statement {
		const char *sql; /* a literal: known by its address */
		sqlite3_stmt *statement;
	} kept[STATEMENTS_MAX];
	size_t kept_count;
};

/* Slots of the lock file that all processes with the folder open share. */
enum lock_slot {
	SLOT_CHANGE,     /* who holds it may change book.db */
	SLOT_NEXT,       /* who holds it is the next to change book.db */
	SLOT_CHECKPOINT, /* who holds it may write to book.git */
	SLOT_CREATE,     /* who holds it may make or upgrade the book */
	SLOT_DAEMON,     /* who holds it does the book's background work (book_hold) */
	SLOT_KEY,        /* who holds it may put the key that is to sign in its place */
};

/*
 * One statement, bound, stepped and given back. After a failure every later call does nothing and
 * keeps the first code, so that binding and stepping read as one sentence; statement_end() returns
 * the code.
 */
struct statement {
	struct database *database;
	sqlite3_stmt *handle;
	bool own; /* not one of the kept ones */
	int next; /* parameter to bind */
	int code; /* of SQLite */
};

struct statement statement_begin(struct database *database, const char *literal_sql);
void statement_text(struct statement *statement, const char *value); /* NULL: null */
void statement_number(struct statement *statement, int64_t value);
/* value must live until the statement ends */
void statement_blob(struct statement *statement, const void *value, size_t size);
bool statement_row(struct statement *statement); /* true while there is one */
/* Steps once, expecting no row, and ends. */
int statement_run(struct statement *statement, struct dd_error *err);
/* Steps an already ended INSERT again from its first parameter. */
void statement_again(struct statement *statement);
int statement_end(struct statement *statement, struct dd_error *err);
void statement_drop(struct statement *statement);
static inline void cleanup_statement(struct statement *statement)
{
	statement_drop(statement);
}

int64_t statement_integer(struct statement *statement, int column);
/* Never NULL: a null reads as "". Valid until the next step. */
const char *statement_string(struct statement *statement, int column);
/* An object's name. Where the column has none: false, all zeros, and statement_end() fails. */
bool statement_oid(struct statement *statement, int column, git_oid *out);
/* The same for who can do without; nothing fails. */
bool statement_oid_maybe(struct statement *statement, int column, git_oid *out);

int database_open(struct database *database, const char *path, struct dd_error *err);
void database_close(struct database *database);
/* Lets go of all statements that are kept; none is being stepped. */
void database_forget(struct database *database);

/* SQLite's code as one of ours, with a message that says what it means for the book. */
int database_failure(struct database *database, int code, struct dd_error *err);

/* Runs SQL without parameters or rows. */
int database_execute(struct database *database, const char *sql, struct dd_error *err);

/* The database's lock file, opened when first needed, and the board in it. */
int database_lock_fd(struct database *database, int *fd, struct dd_error *err);

/* DD_BUSY, with who holds the slot. */
int database_lock_busy(struct database *database, enum lock_slot slot, struct dd_error *err);

/* Takes a slot other than SLOT_CHANGE, signed with what it is taken for. */
int database_lock(struct database *database, enum lock_slot slot, const char *what, int wait_ms,
	struct dd_error *err);
void database_unlock(struct database *database, enum lock_slot slot);

/*
 * DD_CORRUPT: the log goes on where SQLite has stopped reading, with a frame that a changed bit
 * keeps from counting. Something of the database was read before.
 */
int database_log_check(struct database *database, struct dd_error *err);

/* Runs body while the database stays for it what it is at one moment. Others go on. */
int database_snapshot(struct database *database, int (*body)(void *context, struct dd_error *err),
	void *context, struct dd_error *err);
/*
 * The file of that name may be another one by now, of a book that was indexed anew: goes on with
 * that. DD_BUSY: a statement is at work in the old one.
 */
int database_follow(struct database *database, struct dd_error *err);

/* Runs body in one transaction, which is true for all when 0 is returned. Who has the turn may. */
int database_transaction(struct database *database,
	int (*body)(void *context, struct dd_error *err), void *context, struct dd_error *err);

/*
 * Makes every transaction durable that this process has seen, its own ones too. After a failure
 * they are there, and may be gone when the machine has lost its power; nobody is told that a later
 * one is durable until these are.
 */
int database_sync(struct database *database, struct dd_error *err);

/* Copies the log back where it has become long. Without the turn, for nobody is to wait for it. */
void database_tidy(struct database *database);

/* Waits its turn, and gives free pages back to the file system where they are many. */
int database_compact(struct database *database, struct dd_error *err);

/*
 * Waits its turn, and runs body in one transaction, which is durable when 0 is returned. What body
 * returns is returned, and then nothing has happened.
 */
int database_change(struct database *database, const char *what,
	int (*body)(void *context, struct dd_error *err), void *context, struct dd_error *err);

#endif
