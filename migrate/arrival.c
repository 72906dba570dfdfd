/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision, and how a migration ends at its destination.
 *
 * What outlives whom. The row and the outcome's note are durable. The mark that the guest may have
 * run (mark.h) outlives every process, and where the machine itself goes down a guest that only
 * waited is gone, and one that was decided counts as one that ran.
 */
#include <stdlib.h>
#include <string.h>

#include "domain/crash.h"
#include "domain/secret.h"
#include "migrate/images.h"
#include "migrate/incoming_internal.h"
#include "migrate/mark.h"
#include "migrate/wishes.h"
#include "qmp/migration.h"

#define RUNNABLE_MS 10000 /* for what a guest needs to run by post-copy, once it is decided */
#define ARRIVAL_MS 10000  /* for the end of the stream, once all is said to be sent */

/* ---- how it ends ---- */

/* The last version here, which the history of who takes it back goes on from. */
static int give_back(struct operation *op, const char *peer, const struct text *note_name,
	const struct text *note_value, struct dd_error *err)
{
	CLEANUP(free) char *subject = NULL;
	struct outcome outcome = {
		.gone = true,
		.note_name = text_string(note_name),
		.note_value = text_string(note_value),
	};
	int rc = operation_load(op, op->row.uuid, err);

	if (!rc)
		rc = string_format(&subject, err, "given back to %s: it never ran here", peer);
	if (rc)
		return rc;
	outcome.subject = subject;
	op->name = OPERATION_UNDEFINE;
	return operation_commit(op, &outcome, NULL, err);
}

static int end_with(struct operation *op, const struct migration_row *row,
	enum destination_state state, struct dd_error *err)
{
	struct migration_end end = {.peer = (char *)(uintptr_t)row->peer, .state = state};
	CLEANUP(text) struct text name = TEXT_INIT;
	CLEANUP(text) struct text value = TEXT_INIT;
	int rc;

	memcpy(end.id, row->id, MIGRATION_ID_SIZE);
	memcpy(end.uuid, op->row.uuid, UUID_SIZE);
	rc = migration_end_note(&end, &name, &value, err);
	if (rc)
		return rc;
	op->journal = row->journal.id;
	if (state == DESTINATION_RETURNED)
		return give_back(op, row->peer, &name, &value, err);
	rc = journal_undo_noting(
		op->host->book, op->journal, text_string(&name), text_string(&value), err);
	if (!rc)
		op->journal = 0;
	return rc;
}

/* The moves are those of the model: one that is not in its table is not made. */
static int move_and_end(struct operation *op, const struct migration_row *row,
	enum destination_event event, enum destination_state *state, struct dd_error *err)
{
	int rc = (*state = row->destination, destination_move(state, event, err));

	if (!rc)
		rc = end_with(op, row, *state, err);
	if (rc)
		return rc;
	mark_remove(op->folder);
	/* what is left of it, where somebody else has decided it than who ends it */
	incoming_file_remove(op->host, op->row.uuid, OFFER_FILE);
	(void)book_parcel_drop(op->host->book, op->row.uuid, NULL);
	return 0;
}

int arrival_undo(struct operation *op, const struct migration_row *row,
	enum destination_event event, struct dd_error *err)
{
	enum destination_state state;

	/* first: whoever dies now leaves a row with nothing behind it, which is given up as well */
	incoming_clear(op);
	return move_and_end(op, row, event, &state, err);
}

int incoming_give_up(struct operation *op, const struct migration_row *row, struct dd_error *err)
{
	return arrival_undo(op, row, DESTINATION_GIVE_UP, err);
}

/* ---- after the decision ---- */

static int lose(struct operation *op, const struct migration_row *row,
	enum destination_state *state, struct dd_error *err)
{
	int rc;

	guest_free(TAKE(op->guest));
	rc = guest_destroy(op->folder, err);
	if (rc)
		return rc;
	images_remove(op->host, op->row.uuid);
	return move_and_end(op, row, DESTINATION_LOST, state, err);
}

/*
 * The guest goes on. It may only not where QEMU says so itself, an image being locked by somebody:
 * then it has not run here, and goes back.
 */
static int run(struct operation *op, const struct migration_row *row, enum destination_state *state,
	struct dd_error *err)
{
	struct dd_error reason = {0};
	enum guest_status status = GUEST_OTHER;
	int rc = operation_connect(op, &reason);

	/* what has died by now is known not to have run: the mark must not come before this */
	if (!rc)
		rc = guest_status(op->guest, &status, &reason);
	if (!rc && !json_get_bool(row->detail, "paused", false)) {
		rc = mark_make(op->folder, err);
		if (rc)
			return rc;
		rc = guest_continue(op->guest, &reason);
		CRASH_POINT("incoming:ran");
		if (!rc)
			(void)guest_announce(op->guest, NULL);
		/* it says no, and stands still: we know that it has not run */
		else if (guest_status(op->guest, &status, NULL) == 0 && status != GUEST_RUNNING)
			mark_remove(op->folder);
	}
	if (!rc)
		return move_and_end(op, row, DESTINATION_RAN, state, err);
	host_warn(
		op->host, "the guest of '%s' did not go on here: %s", op->row.name, reason.message);
	return mark_found(op->folder, row->detail)
		       ? move_and_end(op, row, DESTINATION_RAN, state, err)
		       : lose(op, row, state, err);
}

static int documents_read(const struct migration_row *row, struct wished *out, struct dd_error *err)
{
	CLEANUP(wished) struct wished wished = {.config = NULL};
	const char *vacated = json_get_string(row->detail, "vacated");
	int rc = detail_get_document(row->detail, "config", &wished.config, err);

	if (!rc && vacated)
		rc = document_read_vacated(wished.config, vacated, strlen(vacated), err);
	if (!rc && row->live)
		rc = detail_get_document(row->detail, "running", &wished.live, err);
	if (!rc && vacated && wished.live)
		rc = document_read_vacated(wished.live, vacated, strlen(vacated), err);
	if (rc)
		return rc;
	*out = wished;
	wished = (struct wished){.config = NULL};
	return 0;
}

/* Enough of it is here to run it, or it never ran; what the source still has follows. */
static int come(struct operation *op, const struct document *revealed, struct dd_error *err)
{
	int rc = operation_connect(op, err);

	if (!rc)
		rc = guest_migration_runnable(op->guest, RUNNABLE_MS, err);
	return rc ? rc : guest_settle_arrived(op->guest, revealed, err);
}

static int come_and_run(struct operation *op, const struct migration_row *row,
	const struct document *revealed, enum destination_state *state, struct dd_error *err)
{
	struct dd_error reason = {0};

	if (come(op, revealed, &reason) == 0)
		return run(op, row, state, err);
	host_warn(op->host, "the guest of '%s' did not come: %s", op->row.name, reason.message);
	return mark_found(op->folder, row->detail)
		       ? move_and_end(op, row, DESTINATION_RAN, state, err)
		       : lose(op, row, state, err);
}

static int come_and_run_settle(struct operation *op, const struct migration_row *row,
	enum destination_state *state, struct dd_error *err)
{
	CLEANUP(wished) struct wished wished = {.config = NULL};
	CLEANUP(document) struct document *revealed = NULL;
	int rc = documents_read(row, &wished, err);

	if (!rc)
		rc = secret_reveal(op->host, op->row.uuid, wished.live, &revealed, err);
	return rc ? rc : come_and_run(op, row, revealed, state, err);
}

/* Of one that was decided, whoever comes by. */
int arrival_settle(struct operation *op, const struct migration_row *row,
	enum destination_state *state, struct dd_error *err)
{
	enum guest_status status = GUEST_OTHER;
	int rc = 0;

	if (!guest_alive(op->folder, NULL))
		return mark_found(op->folder, row->detail)
			       ? move_and_end(op, row, DESTINATION_RAN, state, err)
			       : lose(op, row, state, err);
	rc = operation_connect(op, err);
	if (!rc)
		rc = guest_status(op->guest, &status, err);
	if (rc)
		return rc;
	if (status == GUEST_RUNNING)
		return move_and_end(op, row, DESTINATION_RAN, state, err);
	return json_get_bool(row->detail, "postcopy", false)
		       ? come_and_run_settle(op, row, state, err)
		       : run(op, row, state, err);
}

/* ---- finish ---- */

struct landing {
	struct operation op;
	struct wished wished;
	struct document *revealed; /* wished.live with its secrets; NULL without a guest */
};

void landing_free(struct landing *landing)
{
	if (!landing)
		return;
	operation_end(&landing->op);
	wished_release(&landing->wished);
	document_free(landing->revealed);
	free(landing);
}

struct operation *landing_operation(struct landing *landing)
{
	return &landing->op;
}

int landing_new(const struct incoming *incoming, struct job_lock *lock, struct guest *guest,
	struct landing **out, struct dd_error *err)
{
	const struct dd_change change = {.reason = json_get_string(incoming->offer, "reason")};
	CLEANUP(guest) struct guest *own = guest;
	CLEANUP(landing) struct landing *landing = calloc(1, sizeof *landing);
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	struct operation *op;
	int rc;

	if (!landing) {
		job_lock_release(lock);
		return error_no_memory(err);
	}
	op = &landing->op;
	rc = operation_begin_unsettled(
		op, incoming->host, incoming->uuid, OPERATION_MIGRATE, &change, lock, err);
	if (!rc)
		rc = migration_row_find(incoming->host, incoming->uuid, incoming->id, &row, err);
	if (!rc)
		rc = documents_read(&row, &landing->wished, err);
	if (!rc && row.live)
		rc = secret_reveal(
			op->host, op->row.uuid, landing->wished.live, &landing->revealed, err);
	if (!rc)
		rc = operation_adopt(op, incoming->parcel, &incoming->taken, err);
	if (rc)
		return rc;
	incoming_act_as(op, incoming->offer);
	op->guest = TAKE(own);
	*out = TAKE(landing);
	return 0;
}

/* By post-copy it comes when it is decided. */
static int arrive(struct landing *landing, const struct migration_row *row, bool postcopy,
	struct dd_error *err)
{
	struct operation *op = &landing->op;
	int rc = operation_connect(op, err);

	if (!rc && !postcopy)
		rc = guest_migration_arrived(op->guest, ARRIVAL_MS, err);
	/* the source has finished with them, or there would be no token */
	if (!rc && json_get_bool(row->detail, "offers", false))
		rc = guest_disks_close(op->guest, err);
	guest_migration_remove_key(op->folder);
	json_put_bool(row->detail, "postcopy", postcopy);
	return rc || postcopy ? rc : guest_settle_arrived(op->guest, landing->revealed, err);
}

/* Of a domain that does not run: its images have all that the source has copied to them. */
static int close_copies(struct operation *op, struct dd_error *err)
{
	int rc = operation_connect(op, err);

	if (!rc)
		rc = guest_disks_close(op->guest, err);
	if (rc)
		return error_wrap(err, "the QEMU that took its disks");
	return guest_destroy_met(op->folder, TAKE(op->guest), err);
}

size_t statistics_put(
	const struct json *statistics, struct trailer *out, char (*values)[NUMBER_SIZE])
{
	static const struct {
		const char *key, *trailer;
	} known[STATISTICS] = {
		{"sent", "Migration-Sent-Bytes"},
		{"disks", "Migration-Disk-Bytes"},
		{"total_ms", "Migration-Total-Ms"},
		{"downtime_ms", "Migration-Downtime-Ms"},
		{"iterations", "Migration-Iterations"},
		{"throttle", "Migration-Throttle-Percent"},
		{"postcopy", "Migration-Postcopy"},
		{"tls", "Migration-Tls"},
	};
	size_t count = 0;

	for (size_t i = 0; i < STATISTICS; i++) {
		int64_t number = json_get_number(statistics, known[i].key, -1);

		if (number < 0)
			continue;
		out[count].key = known[i].trailer;
		out[count].value = number_digits(values[count], (uint64_t)number, 10, 1);
		count++;
	}
	return count;
}

/* The decision. */
static int decide(struct operation *op, struct incoming *incoming, struct migration_row *row,
	const struct wished *wished, const struct json *statistics, struct dd_error *err)
{
	CLEANUP(free) char *subject = NULL;
	CLEANUP(text) struct text detail = TEXT_INIT;
	CLEANUP(text) struct text name = TEXT_INIT;
	CLEANUP(text) struct text value = TEXT_INIT;
	struct migration_end end = {.peer = incoming->peer, .state = DESTINATION_RUNNING};
	char values[STATISTICS][NUMBER_SIZE];
	struct trailer trailers[4 + STATISTICS] = {
		{"Taken-From", incoming->peer},
		{"Taken-Book", incoming->taken.book},
		{"Migration", incoming->id},
		{"Migration-Mode", row->live ? "live" : "offline"},
	};
	struct outcome outcome = {
		.config = wished->config,
		.live = wished->live,
		.epoch = incoming->taken.epoch + 1,
		.owned = true,
		.trailers = trailers,
		.trailer_count = 4 + statistics_put(statistics, trailers + 4, values),
		.parcel = incoming->parcel,
	};
	int rc = destination_move(&row->destination, DESTINATION_COMMIT, err);

	memcpy(end.id, incoming->id, MIGRATION_ID_SIZE);
	memcpy(end.uuid, incoming->uuid, UUID_SIZE);
	if (!rc)
		rc = string_format(&subject, err, "migrate from %s", incoming->peer);
	json_put_string(row->detail, "state", destination_word(row->destination));
	if (!rc)
		rc = row->live ? json_write(row->detail, &detail, err)
			       : migration_end_note(&end, &name, &value, err);
	if (rc)
		return rc;
	outcome.subject = subject;
	outcome.journal_detail = row->live ? text_string(&detail) : NULL;
	outcome.note_name = row->live ? NULL : text_string(&name);
	outcome.note_value = row->live ? NULL : text_string(&value);
	op->journal = row->journal.id;
	op->paused = json_get_bool(row->detail, "paused", false);
	op->row.autostart = json_get_bool(incoming->offer, "autostart", false);
	op->id = (int)json_get_number(row->detail, "domain_id", 0);
	return operation_commit(op, &outcome, NULL, err);
}

static int row_for(struct operation *op, const struct incoming *incoming, const char *token,
	struct migration_row *row, struct dd_error *err)
{
	int rc = migration_row_find(op->host, incoming->uuid, incoming->id, row, err);

	if (!rc && (row->outgoing || strcmp(row->peer, incoming->peer) != 0 ||
			   row->destination != DESTINATION_PREPARED))
		rc = error_set(
			err, DD_REFUSED, "the migration %s is not prepared here", incoming->id);
	if (!rc && !token_fits(token, json_get_string(row->detail, "token_hash")))
		rc = error_set(err, DD_REFUSED,
			"that is not the token of the migration %s: its source has not let it go",
			incoming->id);
	return rc;
}

int incoming_finish(struct incoming *incoming, const char *token, const struct json *statistics,
	incoming_decided_fn decided, void *context, enum destination_state *state,
	struct dd_error *err)
{
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	CLEANUP(landing) struct landing *landing = TAKE(incoming->landing);
	struct operation *op;
	int rc = landing ? 0 : landing_new(incoming, NULL, NULL, &landing, err);

	if (rc)
		return rc;
	op = &landing->op;
	rc = row_for(op, incoming, token, &row, err);
	if (!rc && row.live)
		rc = arrive(landing, &row, decided != NULL, err);
	else if (!rc && migration_row_waits(&row))
		rc = close_copies(op, err);
	if (rc)
		return rc;
	CRASH_POINT("incoming:arrived");
	rc = decide(op, incoming, &row, &landing->wished, statistics, err);
	CRASH_POINT("incoming:committed");
	if (rc)
		return rc;
	*state = DESTINATION_RUNNING;
	if (decided) {
		decided(context);
		return come_and_run(op, &row, landing->revealed, state, err);
	}
	if (row.live)
		return run(op, &row, state, err);
	incoming_file_remove(op->host, op->row.uuid, OFFER_FILE);
	return 0;
}
