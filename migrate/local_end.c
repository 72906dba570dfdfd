/* SPDX-License-Identifier: Apache-2.0 */
/* How a migration within the host ends, by who has begun it or by who finds its row. */
#include "migrate/local.h"

#include <stdlib.h>
#include <string.h>

#include "domain/crash.h"
#include "migrate/mark.h"
#include "migrate/progress.h"
#include "migrate/viewers.h"
#include "qmp/migration.h"
#include "qmp/places.h"

static void side_release(struct local_side *side)
{
	guest_free(side->guest);
	free(side->folder);
}

void local_release(struct local *local)
{
	side_release(&local->old);
	side_release(&local->next);
	json_free(local->detail);
	*local = (struct local){.op = NULL};
}

int local_sides(struct local *local, unsigned old, unsigned next, struct dd_error *err)
{
	struct operation *op = local->op;
	int rc = instance_folder(op->host, op->row.uuid, old, &local->old.folder, err);

	local->old.instance = old;
	local->next.instance = next;
	return rc ? rc : instance_folder(op->host, op->row.uuid, next, &local->next.folder, err);
}

static int side_connect(struct local_side *side, struct dd_error *err)
{
	return side->guest ? 0 : guest_connect(side->folder, &side->guest, err);
}

static int side_end(struct local_side *side, struct dd_error *err)
{
	return guest_destroy_met(side->folder, TAKE(side->guest), err);
}

/* The guest goes on in the old QEMU, as its user had it; where that is still there. */
static int resume(struct local *local, struct dd_error *err)
{
	struct dd_error reason = {0};
	int rc = side_connect(&local->old, &reason);

	if (!rc)
		rc = guest_migration_resume_source(local->old.guest, local->was_paused, &reason);
	/* one that has just died is an end like any other */
	if (!rc || !guest_alive(local->old.folder, NULL))
		return 0;
	return error_set(err, rc, "the guest of '%s' does not go on: %s", local->op->row.name,
		reason.message);
}

static int row_close(struct local *local, enum destination_event event, struct dd_error *err)
{
	struct operation *op = local->op;
	int rc = destination_move(&local->state, event, err);

	if (!rc)
		rc = journal_undo(op->host->book, op->journal, err);
	if (rc)
		return rc;
	op->journal = 0;
	mark_remove(local->next.folder);
	return 0;
}

int local_stay(struct local *local, struct dd_error *err)
{
	int rc = side_end(&local->next, err);

	CRASH_POINT("local:ended");
	if (!rc)
		rc = resume(local, err);
	CRASH_POINT("local:resumed");
	if (!rc)
		rc = row_close(local, DESTINATION_GIVE_UP, err);
	if (!rc)
		instance_clean(local->op->host, local->op->row.uuid, local->old.instance);
	return rc;
}

/* ---- after the decision ---- */

/* The new QEMU has the guest for good. */
static int leave(struct local *local, struct dd_error *err)
{
	struct operation *op = local->op;
	struct dd_error reason = {0};
	int rc;

	if (local->viewers_told)
		viewers_await(local->old.folder, local->old.guest);
	rc = side_end(&local->old, err);
	CRASH_POINT("local:left");
	if (rc)
		return rc;
	if (guest_alive(local->next.folder, NULL) &&
		(side_connect(&local->next, &reason) ||
			guest_places_take(local->next.guest, local->live, &reason)))
		host_warn(op->host, "'%s' does not listen everywhere that it did: %s", op->row.name,
			reason.message);
	CRASH_POINT("local:taken");
	rc = row_close(local, DESTINATION_RAN, err);
	if (!rc)
		instance_clean(op->host, op->row.uuid, local->next.instance);
	return rc;
}

/* A version on top of the one that was not to be. */
static int return_commit(struct local *local, struct dd_error *err)
{
	static const char subject[] = "stays in its QEMU: it never ran in the new one";
	struct operation *op = local->op;
	CLEANUP(document) struct document *before = NULL;
	const struct trailer trailers[] = {{"Migration", local->id}};
	struct outcome outcome = {
		.subject = subject,
		.told = true,
		.trailers = trailers,
		.trailer_count = sizeof trailers / sizeof trailers[0],
	};
	int rc = destination_move(&local->state, DESTINATION_LOST, err);

	if (!rc)
		rc = operation_load(op, op->row.uuid, err);
	if (!rc)
		rc = detail_get_document(local->detail, "before", &before, err);
	if (!rc)
		rc = document_read_vacated(
			before, text_string(&op->vacated_text), op->vacated_text.size, err);
	outcome.live = before;
	op->instance = local->old.instance;
	op->paused = local->was_paused;
	return rc ? rc : operation_commit(op, &outcome, NULL, err);
}

/* Back to the old QEMU. Where that has died, too, whoever comes next notes that the guest ended. */
static int give_back(struct local *local, struct dd_error *err)
{
	int rc = side_end(&local->next, err);

	if (!rc && !guest_alive(local->old.folder, NULL))
		return row_close(local, DESTINATION_RAN, err);
	if (!rc)
		rc = resume(local, err);
	CRASH_POINT("local:resumed");
	if (!rc)
		rc = return_commit(local, err);
	if (!rc)
		instance_clean(local->op->host, local->op->row.uuid, local->old.instance);
	return rc;
}

/* It says no, and stands still: we know that it has not run. */
static void unmark(struct local *local)
{
	enum guest_status status = GUEST_OTHER;

	if (guest_status(local->next.guest, &status, NULL) == 0 && status != GUEST_RUNNING)
		mark_remove(local->next.folder);
}

/*
 * What has died by now is known not to have run: the mark must not come before this. Who was there
 * when the guest arrived need not ask QEMU, while the guest stands still.
 */
static int look_at_next(struct local *local, enum guest_status *status, struct dd_error *reason)
{
	bool arrived = local->next.guest;
	int rc = side_connect(&local->next, reason);

	*status = GUEST_INCOMING;
	if (!rc && arrived)
		return guest_alive(local->next.folder, NULL)
			       ? 0
			       : error_set(reason, DD_HYPERVISOR, "the new QEMU has ended");
	return rc ? rc : guest_status(local->next.guest, status, reason);
}

int local_go_on(struct local *local, struct dd_error *reason, struct dd_error *err)
{
	enum guest_status status;
	int rc = look_at_next(local, &status, reason);

	if (!rc && !local->paused && status != GUEST_RUNNING) {
		rc = mark_make(local->next.folder, err);
		if (rc)
			return rc;
		rc = guest_continue(local->next.guest, reason);
		local->ran = !rc;
		clock_gettime(CLOCK_MONOTONIC, &local->since);
		if (rc)
			unmark(local);
	}
	CRASH_POINT("local:ran");
	return !rc || mark_found(local->next.folder, local->detail) ? leave(local, err)
								    : give_back(local, err);
}

/* ---- settling ---- */

int local_settle(struct operation *op, const struct migration_row *row, struct dd_error *err)
{
	CLEANUP(local)
	struct local local = {
		.op = op,
		.was_paused = json_get_bool(row->detail, "was_paused", false),
		.paused = json_get_bool(row->detail, "paused", false),
		.live = op->live,
		.detail = json_copy(row->detail),
		.state = row->destination,
	};
	struct dd_error reason = {0};
	int64_t old = json_get_number(row->detail, "old", 0);
	int64_t next = json_get_number(row->detail, "next", 0);
	int rc;

	if (!local.detail)
		return error_no_memory(err);
	if (old < INSTANCE_FIRST || next != old + 1)
		return error_set(err, DD_CORRUPT,
			"the journal's row of a migration names no two QEMUs of this host");
	rc = local_sides(&local, (unsigned)old, (unsigned)next, err);

	memcpy(local.id, row->id, MIGRATION_ID_SIZE);
	guest_free(TAKE(op->guest));
	progress_forget(op->host, op->row.uuid);
	if (rc)
		return rc;
	return row->destination == DESTINATION_PREPARED ? local_stay(&local, err)
							: local_go_on(&local, &reason, err);
}
