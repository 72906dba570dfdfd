/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit. Whoever has the turn makes the changes of all who wait for it, too, in the one
 * transaction, each in a savepoint; gives up the turn; makes the transaction durable while the next
 * is being made already; and then tells them. So one sync, one look at what others wrote and one
 * round of the log's pages serve several versions, and it costs a writer that is alone nothing.
 *
 * Who waits writes its change down on a seat of the board (board.h) and sleeps until it is made, or
 * until the turn is free. A change without a version, one that comes with a parcel or leaves its
 * journal row open or a note, one that is larger than a seat, and one for which there is no seat
 * wait in line.
 *
 * When the leader dies, or cannot sync, the turn is free, and whoever takes it and finds its own
 * change taken asks book.db for the commit that the leader was to write for it. When that is there,
 * the change was made, and is only to be synced; when not, it is not made and never will be, as the
 * transaction died with its leader.
 *
 * When one who waits dies, its change may be made all the same, as if it had died a moment later.
 * Who comes to settle what it left must know which of both: see apply_settle().
 */
#include "store/commit/apply.h"

#include <stdio.h>
#include <string.h>

#include "store/commit/arrival.h"
#include "store/commit/board.h"
#include "store/commit/commit.h"
#include "store/commit/request.h"
#include "store/commit/turn.h"
#include "store/lock/lock.h"

/* How long one sleeps without looking, by the state of the own change. */
#define SLEEP_READY_US 2000
#define SLEEP_TAKEN_US 20000

/* ---- who has the turn ---- */

struct leading {
	struct prepared *own;
	uint64_t taken[SEATS]; /* words of the seats that are served, 0: not served */
	bool served;
};

static const char *what_for(const struct book_change *change)
{
	return change->version ? change->version->subject : "index";
}

static int request_make(struct book *book, const struct text *data, struct reply *reply)
{
	CLEANUP(request) struct request request = {.uses = NULL};
	int rc = request_read(book, data, &request, &reply->err);

	if (!rc)
		rc = commit_ready(book, &reply->err);
	if (!rc)
		rc = change_write(&request.prepared, &reply->err);
	if (!rc) {
		reply->number = request.prepared.result.version;
		reply->commit = request.prepared.result.oid;
	}
	return rc;
}

/* Makes the change of a seat; one that fails leaves nothing behind but its reply. */
static int seat_serve(struct book *book, int number, struct dd_error *err)
{
	struct database *database = &book->database;
	struct seat *seat = &database->board->seats[number];
	CLEANUP(text) struct text data = TEXT_INIT;
	struct reply reply = {.code = 0};
	int rc = database_execute(database, "SAVEPOINT one", err);

	if (rc)
		return rc;
	if (request_get(database->lock_fd, number, seat->size, &data))
		reply.code = request_make(book, &data, &reply);
	else
		reply.code = error_set(&reply.err, DD_SYSTEM, "a change cannot be read");
	/* a failure may have ended the whole transaction */
	if (reply.code && sqlite3_get_autocommit(database->sqlite))
		return error_set(err, reply.code, "%s", reply.err.message);
	if (reply.code)
		rc = database_execute(database, "ROLLBACK TO one", err);
	if (!rc)
		rc = database_execute(database, "RELEASE one", err);
	seat->reply = reply;
	return rc;
}

static int seats_serve(struct leading *leading, struct dd_error *err)
{
	struct book *book = leading->own->book;
	struct database *database = &book->database;
	int rc = 0;

	for (int i = 0; !rc && i < SEATS; i++) {
		struct seat *seat = &database->board->seats[i];
		uint64_t word = atomic_load(&seat->word);

		if (i == database->seat || word_state(word) != SEAT_READY ||
			!seat_is_owned(database->lock_fd, i) ||
			!atomic_compare_exchange_strong(
				&seat->word, &word, word_with(word, SEAT_TAKEN)))
			continue;
		leading->taken[i] = word_with(word, SEAT_TAKEN);
		leading->served = true;
		rc = seat_serve(book, i, err);
	}
	return rc;
}

static int lead_body(void *context, struct dd_error *err)
{
	struct leading *leading = context;
	int rc = change_write(leading->own, err);

	return rc ? rc : seats_serve(leading, err);
}

/* Moves what was taken on, where its owner still waits for it. */
static void seats_move(struct leading *leading, enum seat_state state)
{
	struct board *board = leading->own->book->database.board;

	for (int i = 0; i < SEATS; i++) {
		struct seat *seat = &board->seats[i];
		uint64_t word = leading->taken[i];

		if (word &&
			atomic_compare_exchange_strong(&seat->word, &word, word_with(word, state)))
			bell_ring(&seat->bell);
	}
}

/* With the turn, which is given up. */
static int lead(struct prepared *prepared, struct dd_error *err)
{
	struct database *database = &prepared->book->database;
	struct leading leading = {.own = prepared};
	int rc = database_transaction(database, lead_body, &leading, err);

	/* who was taken into a transaction that failed makes the next one */
	if (rc && leading.served)
		seats_move(&leading, SEAT_READY);
	turn_drop(database);
	if (!rc)
		rc = database_sync(database, err);
	/* otherwise they find that it was made, and try to sync it themselves */
	if (!rc && leading.served)
		seats_move(&leading, SEAT_DONE);
	database_tidy(database);
	return rc;
}

/* ---- who waits on a seat ---- */

static struct seat *own_seat(struct book *book)
{
	return &book->database.board->seats[book->database.seat];
}

/* Ends whatever is up with the own seat. */
static void seat_free(struct seat *seat)
{
	atomic_store(&seat->word, word_with(atomic_load(&seat->word) + 4, SEAT_FREE));
}

/* What a seat has no words for waits in line. */
static bool may_sit(const struct book_change *change)
{
	return change->version && !change->parcel && !change->journal_detail && !change->note_name;
}

static bool seat_take(struct prepared *prepared)
{
	struct database *database = &prepared->book->database;
	CLEANUP(text) struct text request = TEXT_INIT;
	struct seat *seat;

	if (!may_sit(prepared->change))
		return false;
	if (database->seat < 0)
		database->seat = seat_find(database->lock_fd, database->board);
	if (database->seat < 0)
		return false;
	request_write(prepared, &request);
	if (text_failed(&request) || request.size > REQUEST_LIMIT ||
		!request_put(database->lock_fd, database->seat, &request))
		return false;
	seat = own_seat(prepared->book);
	seat->size = (uint32_t)request.size;
	snprintf(seat->uuid, sizeof seat->uuid, "%s", prepared->change->uuid);
	seat->reply = (struct reply){.code = 0};
	atomic_store(&seat->word, word_with(atomic_load(&seat->word) + 4, SEAT_READY));
	return true;
}

static int reply_read(const struct reply *reply, struct prepared *prepared, struct dd_error *err)
{
	prepared->result.version = reply->number;
	if (reply->code && err)
		*err = reply->err;
	return reply->code;
}

struct question {
	struct prepared *prepared;
	const struct reply *reply;
	bool holds;
};

/* Is the commit that a leader was to write in the book? */
static int reply_holds(void *context, struct dd_error *err)
{
	struct question *question = context;
	struct statement statement = statement_begin(&question->prepared->book->database,
		"SELECT 1 FROM domain d JOIN version v ON v.domain = d.id"
		" WHERE d.uuid = ? AND v.number = ? AND v.oid = ?");
	const git_oid *oid = &question->reply->commit;

	statement_text(&statement, question->prepared->change->uuid);
	statement_number(&statement, question->reply->number);
	statement_blob(&statement, oid->id, sizeof oid->id);
	question->holds = statement_row(&statement);
	return statement_end(&statement, err);
}

/* With the turn: the change is made here, unless somebody did. */
static int seat_lead(struct prepared *prepared, struct dd_error *err)
{
	struct database *database = &prepared->book->database;
	struct seat *seat = own_seat(prepared->book);
	enum seat_state state = word_state(atomic_load(&seat->word));
	struct reply reply = seat->reply;
	struct question question = {prepared, &reply, state == SEAT_DONE};
	int rc = 0;

	/* its leader syncs still, or died; asked as one who writes, of the book.db that there is
	 * now */
	if (state == SEAT_TAKEN)
		rc = database_transaction(database, reply_holds, &question, err);
	seat_free(seat);
	if (!rc && !question.holds)
		return lead(prepared, err);
	turn_drop(database);
	if (!rc && state == SEAT_TAKEN)
		rc = database_sync(database, err);
	return rc ? rc : reply_read(&reply, prepared, err);
}

static int line_wait(struct prepared *prepared, struct dd_error *err)
{
	int rc = turn_take(&prepared->book->database, what_for(prepared->change), err);

	return rc ? rc : lead(prepared, err);
}

static int seat_wait(struct prepared *prepared, struct dd_error *err)
{
	struct database *database = &prepared->book->database;
	struct seat *seat = own_seat(prepared->book);
	int64_t until = lock_clock_us() + (int64_t)database->wait_ms * 1000;
	uint64_t before = 0;

	for (;;) {
		uint32_t seen = atomic_load(&seat->bell);
		uint64_t word = atomic_load(&seat->word);
		bool taken = word_state(word) == SEAT_TAKEN;
		int rc = DD_BUSY;

		if (word_state(word) == SEAT_FREE)
			return line_wait(prepared, err);
		if (word_state(word) == SEAT_DONE) {
			struct reply reply = seat->reply;

			seat_free(seat);
			return reply_read(&reply, prepared, err);
		}
		/* a leader gets the time that it may need before it is thought dead */
		if (!taken || word == before)
			rc = turn_try(database, what_for(prepared->change), err);
		if (!rc)
			return seat_lead(prepared, err);
		/* what is being made cannot be called off */
		if (!taken && (rc != DD_BUSY || lock_clock_us() >= until) &&
			atomic_compare_exchange_strong(
				&seat->word, &word, word_with(word + 4, SEAT_FREE)))
			return rc == DD_BUSY ? database_lock_busy(database, SLOT_CHANGE, err) : rc;
		before = word;
		bell_wait(&seat->bell, seen, taken ? SLEEP_TAKEN_US : SLEEP_READY_US);
	}
}

int book_apply(
	struct book *book, const struct book_change *change, uint32_t *number, struct dd_error *err)
{
	CLEANUP(prepared) struct prepared prepared = {.book = book, .change = change};
	int rc = change_prepare(&prepared, err);

	if (rc)
		return rc;
	rc = turn_try(&book->database, what_for(change), err);
	if (!rc)
		rc = lead(&prepared, err);
	else if (rc == DD_BUSY && book->database.board)
		rc = seat_take(&prepared) ? seat_wait(&prepared, err) : line_wait(&prepared, err);
	book->changed |= !rc;
	if (!rc && change->parcel)
		parcel_arrived(change->parcel);
	if (!rc && number)
		*number = prepared.result.version;
	return rc;
}

/* ---- what the dead left ---- */

int apply_settle(struct book *book, const char *uuid, struct dd_error *err)
{
	struct database *database = &book->database;
	int rc = turn_take(database, "settle", err);

	if (rc)
		return rc;
	for (int i = 0; i < SEATS; i++) {
		struct seat *seat = &database->board->seats[i];
		uint64_t word = atomic_load(&seat->word);

		if (word_state(word) == SEAT_READY &&
			strncmp(seat->uuid, uuid, sizeof seat->uuid) == 0 &&
			atomic_compare_exchange_strong(
				&seat->word, &word, word_with(word + 4, SEAT_FREE)))
			bell_ring(&seat->bell);
	}
	turn_drop(database);
	return 0;
}
