/* SPDX-License-Identifier: Apache-2.0 */
/* How it ends at the destination where it did not at once: the source asks, or tells, or is asked.
 */
#include <stdlib.h>
#include <string.h>

#include "migrate/ask.h"
#include "migrate/incoming_internal.h"
#include "migrate/pending.h"
#include "qmp/migration.h"

/* ---- asked, and told ---- */

/* For one who has to let go; whoever is at it longer is at it, and the source asks again. */
#define SETTLE_MS 1500

/* Who waits for the source's next word has waited enough, when the source asks elsewhere. */
static int begin_settling(struct operation *op, struct dd_host *host, const char *uuid,
	const char *id, struct dd_error *err)
{
	int rc, wait_ms = host->wait_ms;

	incoming_want(id);
	host->wait_ms = SETTLE_MS;
	rc = operation_begin_unsettled(op, host, uuid, "settle", NULL, NULL, err);
	host->wait_ms = wait_ms;
	return rc;
}

#define ENDS_MAX 1000 /* of a peer that are remembered: it comes and says that they are over */

/* Of one peer, which so cannot keep the others from being answered. */
struct end_count {
	const char *peer;
	int count;
};

static int end_count(const struct migration_end *end, void *context)
{
	struct end_count *ends = context;

	ends->count += strcmp(end->peer, ends->peer) == 0;
	return ends->count >= ENDS_MAX;
}

/* One that nobody here has heard of: it never will be. */
static int abort_unknown(struct operation *op, const char *peer, const char *id,
	enum destination_state *state, struct dd_error *err)
{
	struct migration_end end = {.peer = (char *)(uintptr_t)peer};
	struct end_count ends = {.peer = peer};
	int rc = migration_end_list(op->host->book, end_count, &ends, err);

	if (ends.count >= ENDS_MAX)
		return error_set(err, DD_BUSY,
			"%d migrations wait for the host '%s' to say that they are over",
			ends.count, peer);
	*state = DESTINATION_NONE;
	if (!rc)
		rc = destination_move(state, DESTINATION_ASKED, err);
	memcpy(end.id, id, MIGRATION_ID_SIZE);
	memcpy(end.uuid, op->row.uuid, UUID_SIZE);
	end.state = *state;
	return rc ? rc : migration_end_write(op->host->book, &end, err);
}

/* What is remembered is final: no lock is wanted to say it. */
static int end_of(struct dd_host *host, const char *peer, const char *uuid, const char *id,
	enum destination_state *state, struct dd_error *err)
{
	CLEANUP(migration_end) struct migration_end end = {.peer = NULL};
	struct dd_error reason = {0};
	int rc = migration_end_read(host->book, id, &end, &reason);

	if (rc == DD_NOT_FOUND)
		return rc;
	if (rc)
		return error_set(err, rc, "%s", reason.message);
	if (strcmp(end.peer, peer) != 0 || strcmp(end.uuid, uuid) != 0)
		return error_set(err, DD_REFUSED, "the migration %s is another host's", id);
	*state = end.state;
	return 0;
}

int incoming_asked(struct dd_host *host, const char *peer, const char *uuid, const char *id,
	enum destination_state *state, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	struct dd_error reason = {0};
	int rc = end_of(host, peer, uuid, id, state, err);

	/* whoever is at it may be about to take the domain back to the source, which asks first */
	if (rc != DD_NOT_FOUND)
		return rc;
	rc = begin_settling(&op, host, uuid, id, err);
	if (rc)
		return rc;
	rc = migration_row_find(host, uuid, id, &row, &reason);
	if (rc == DD_NOT_FOUND) {
		rc = end_of(host, peer, uuid, id, state, err);
		return rc == DD_NOT_FOUND ? abort_unknown(&op, peer, id, state, err) : rc;
	}
	if (rc)
		return error_set(err, rc, "%s", reason.message);
	if (row.outgoing || strcmp(row.peer, peer) != 0)
		return error_set(err, DD_REFUSED, "the migration %s is another host's", id);
	*state = DESTINATION_ABORTED;
	return row.destination == DESTINATION_PREPARED
		       ? arrival_undo(&op, &row, DESTINATION_ASKED, err)
		       : arrival_settle(&op, &row, state, err);
}

/* ---- post-copy, once the guest runs ---- */

static int recover_at(struct operation *op, bool *over, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *uri = NULL;
	struct migration_progress now;
	int rc = operation_connect(op, err);

	if (!rc)
		rc = guest_migration_progress(op->guest, &now, err);
	if (!rc && now.state != MIGRATION_POSTCOPY && now.state != MIGRATION_POSTCOPY_PAUSED) {
		*over = true;
		return 0;
	}
	if (!rc)
		rc = incoming_stream_path(op->host, op->row.uuid, &path, err);
	if (!rc)
		rc = string_format(&uri, err, "unix:%s", path);
	if (rc)
		return rc;
	(void)unlink(path);
	return guest_migration_recover_at(op->guest, uri, err);
}

int incoming_recover(struct dd_host *host, const char *peer, const char *uuid, const char *id,
	bool *over, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	enum destination_state state = DESTINATION_NONE;
	int rc = begin_settling(&op, host, uuid, id, err);

	if (!rc)
		rc = end_of(host, peer, uuid, id, &state, err);
	if (!rc && state != DESTINATION_RUNNING)
		rc = error_set(err, DD_REFUSED, "the migration %s did not end here", id);
	if (rc)
		return rc;
	*over = !guest_alive(op.folder, NULL);
	return *over ? 0 : recover_at(&op, over, err);
}

int incoming_over(struct dd_host *host, const char *peer, const char *uuid, const char *id,
	struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	enum destination_state state = DESTINATION_NONE;
	bool decided;
	int rc = begin_settling(&op, host, uuid, id, err);

	if (!rc && migration_row_find(host, uuid, id, &row, NULL) == 0) {
		if (row.outgoing || strcmp(row.peer, peer) != 0 ||
			row.destination != DESTINATION_PREPARED)
			return error_set(
				err, DD_REFUSED, "the migration %s is decided, or another's", id);
		rc = arrival_undo(&op, &row, DESTINATION_GIVE_UP, err);
	}
	if (rc)
		return rc;
	pending_forget(&op, peer, id);
	rc = end_of(host, peer, uuid, id, &state, err);
	if (rc)
		return rc == DD_NOT_FOUND ? 0 : rc;
	decided = state != DESTINATION_ABORTED;
	rc = destination_move(&state, DESTINATION_FORGET, err);
	if (!rc)
		rc = migration_end_forget(host->book, id, err);
	/* hardly anybody waits now, and book.db alone has said so far whose the domain is */
	return rc || !decided ? rc : book_checkpoint(host->book, err);
}

/* ---- settling ---- */

#define UNHEARD_S 3600 /* of a source, and what was prepared for a client of it is given up */

/*
 * Can nobody come any more who could finish it? A source that drives it itself does so over the
 * connection that held the domain's job lock, which whoever is here has now. A client may come from
 * elsewhere; not for ever, though, where its source cannot be reached.
 */
static bool is_vain(const struct operation *op, bool reached)
{
	CLEANUP(json) struct json *offer = NULL;
	int64_t age_s;

	if (incoming_offer_read(op->host, op->row.uuid, &offer, NULL) ||
		!json_get_bool(offer, "stays", false))
		return true;
	return !reached && pending_age(op->host, op->row.uuid, &age_s) && age_s > UNHEARD_S;
}

int incoming_settle(struct operation *op, const struct migration_row *row, struct dd_error *err)
{
	enum destination_state state = row->destination;
	bool open = true;
	int rc;

	if (state != DESTINATION_PREPARED)
		return arrival_settle(op, row, &state, err);
	if ((migration_row_waits(row) && !guest_alive(op->folder, NULL)) || is_vain(op, true))
		return incoming_give_up(op, row, err);
	rc = ask_row(op->host, row->peer, op->row.uuid, row->id, &open, err);
	if (rc && !is_vain(op, false))
		return rc;
	if (rc || !open)
		return incoming_give_up(op, row, err);
	error_set(err, DD_BUSY, "it is being migrated here from the host '%s'", row->peer);
	return error_hint(err, "see there: domesday jobs");
}
