/* SPDX-License-Identifier: Apache-2.0 */
/* How it ends at the source: given up, confirmed, settled by who finds it, or as the operator says.
 */
#include <stdlib.h>
#include <string.h>

#include "domain/crash.h"
#include "domain/derive.h"
#include "migrate/ask.h"
#include "migrate/flag.h"
#include "migrate/mark.h"
#include "migrate/mirrors.h"
#include "migrate/outgoing.h"
#include "migrate/viewers.h"
#include "qmp/deadline.h"

#define DYING_MS 3000 /* for a QEMU that answers no more to be gone, memory and all */
#define DYING_LOOK_MS 20

static bool guest_ends(const struct operation *op)
{
	int64_t end = deadline_in(DYING_MS);

	while (guest_alive(op->folder, NULL)) {
		if (!deadline_left(end))
			return false;
		deadline_nap(DYING_LOOK_MS);
	}
	return true;
}

/* The guest goes on here, where there is one, as its user had it. */
static int resume(struct outgoing *outgoing, struct dd_error *err)
{
	struct operation *op = &outgoing->op;
	struct dd_error reason = {0};
	int rc;

	guest_migration_remove_key(op->folder);
	stream_free(TAKE(outgoing->stream));
	outgoing->ended = outgoing->live && !guest_alive(op->folder, NULL);
	if (!outgoing->live || outgoing->ended)
		return 0;
	rc = operation_connect(op, &reason);
	if (!rc)
		rc = mirrors_abandon(op->guest, outgoing->disks, &reason);
	if (!rc)
		rc = guest_migration_cancel(op->guest, &reason);
	if (!rc || rc == DD_CONFLICT)
		rc = guest_migration_resume_source(op->guest, outgoing->paused, &reason);
	if (rc == DD_REFUSED && outgoing->postcopy) {
		host_warn(op->host,
			"the guest of '%s' is lost: it went by post-copy, and the host '%s' has "
			"lost its part of it",
			op->row.name, outgoing->peer.name);
		return guest_destroy_met(op->folder, TAKE(op->guest), err);
	}
	/* one that has just died is an end like any other */
	outgoing->ended = rc && guest_ends(op);
	if (!rc || outgoing->ended)
		return 0;
	return error_set(
		err, rc, "the guest of '%s' does not go on: %s", op->row.name, reason.message);
}

static int row_close(struct outgoing *outgoing, struct dd_error *err)
{
	int rc;

	/* while whoever dies here leaves a row by which that is found */
	flag_forget(outgoing->op.host, outgoing->op.row.uuid);
	rc = journal_undo(outgoing->op.host->book, outgoing->op.journal, err);
	if (!rc)
		outgoing->op.journal = 0;
	return rc;
}

/* It is no matter whether that arrives: the destination asks, or is told another time. */
static void tell_over(struct outgoing *outgoing)
{
	if (outgoing->channel)
		(void)ask_over(outgoing->channel, outgoing->peer.name, outgoing->op.row.uuid,
			outgoing->id, NULL);
}

/* The domain stays, and the destination has nothing of it. */
static int stay(struct outgoing *outgoing, enum source_event event, struct dd_error *err)
{
	enum source_state state = outgoing->state;
	int rc = source_move(&state, event, err);

	if (!rc)
		rc = resume(outgoing, err);
	CRASH_POINT("outgoing:resumed");
	if (!rc)
		rc = row_close(outgoing, err);
	if (rc)
		return rc;
	outgoing->state = state;
	tell_over(outgoing);
	return 0;
}

int outgoing_tell_ended(const struct outgoing *outgoing, struct dd_error *err)
{
	const char *name = outgoing->op.row.name;

	error_set(err, DD_HYPERVISOR,
		"the guest of '%s' has ended while it was moved to the host '%s': the domain "
		"stays here, and is off",
		name, outgoing->peer.name);
	return error_hint(err, "start it, and move it then: domesday start %s", name);
}

int outgoing_give_up(struct outgoing *outgoing, struct dd_error *err)
{
	if (outgoing->state == SOURCE_SWITCHED && !outgoing->keeps_token)
		return error_set(err, DD_REFUSED,
			"the host '%s' may have decided already: it must be asked",
			outgoing->peer.name);
	return stay(outgoing, SOURCE_GIVE_UP, err);
}

static int receipt_need(struct outgoing *outgoing, struct dd_error *err)
{
	CLEANUP(version_info) struct version_info newest = {.number = 0};
	struct operation *op = &outgoing->op;
	int rc =
		outgoing->receipt ? 0 : book_version(op->host->book, op->row.uuid, 0, &newest, err);

	if (rc || outgoing->receipt)
		return rc;
	rc = outgoing_connect(outgoing, err);
	return rc ? rc
		  : ask_receipt(op->host, outgoing->channel, &outgoing->peer, op->row.uuid,
			    outgoing->id, newest.commit, &outgoing->receipt, &outgoing->taken, err);
}

/*
 * Whose it is book.git says as well from here on, so that a loss of book.db makes no second one. A
 * daemon sees to that by itself within seconds.
 */
static void owner_keep(struct operation *op)
{
	struct dd_error reason = {0};

	if (!book_held(op->host->book) && book_checkpoint(op->host->book, &reason))
		host_warn(op->host, "whose '%s' is now is not in book.git yet: %s", op->row.name,
			reason.message);
}

/* The history ends here with the version with which the destination took it. */
static int receipt_take(struct outgoing *outgoing, struct dd_error *err)
{
	CLEANUP(derived) struct derived derived = {.name = NULL};
	struct operation *op = &outgoing->op;
	int rc = outgoing->keep ? derive_parcel(outgoing->receipt, op->row.uuid, &derived, err) : 0;
	const struct index_draft kept = {
		.name = derived.name,
		.title = derived.title,
		.state = STATE_SHUT_OFF,
		.uses = derived.uses.items,
		.use_count = derived.uses.count,
	};
	/* it may have been undefined there by now */
	bool stays = outgoing->keep && !derived.gone;

	return rc ? rc
		  : book_parcel_take(
			    outgoing->receipt, op->journal, stays ? &kept : NULL, NULL, NULL, err);
}

static int leave(struct outgoing *outgoing, struct dd_error *err)
{
	CLEANUP(json) struct json *over = NULL;
	struct operation *op = &outgoing->op;
	enum source_state state = outgoing->state;
	int rc = source_move(&state, SOURCE_TOLD_RUNNING, err);

	/* as long as it needs what is here */
	if (!rc && outgoing->postcopy)
		rc = outgoing_drain(outgoing, NULL, NULL, err);
	if (!rc)
		rc = receipt_need(outgoing, err);
	if (rc)
		return rc;
	guest_migration_remove_key(op->folder);
	if (outgoing->viewers_told)
		viewers_await(op->folder, op->guest);
	mark_remove(op->folder); /* of when it came */
	rc = guest_destroy_met(op->folder, TAKE(op->guest), err);
	CRASH_POINT("outgoing:gone");
	flag_forget(op->host, op->row.uuid);
	if (!rc)
		rc = receipt_take(outgoing, err);
	/* with what lay there of it */
	parcel_release(TAKE(outgoing->receipt));
	CRASH_POINT("outgoing:given");
	if (rc)
		return rc;
	op->journal = 0;
	outgoing->state = state;
	owner_keep(op);
	/* it only forgets a note then: nobody waits for that */
	over = ask_request("over", outgoing->id, op->row.uuid);
	(void)peer_send(outgoing->channel, over, NULL);
	return 0;
}

/* The destination had it, never ran it, and gives it back: with a version on top of its own. */
static int take_back(struct outgoing *outgoing, struct dd_error *err)
{
	CLEANUP(free) char *subject = NULL;
	struct operation *op = &outgoing->op;
	enum source_state state = outgoing->state;
	int rc = source_move(&state, SOURCE_TOLD_RETURNED, err);

	if (!rc)
		rc = receipt_need(outgoing, err);
	if (!rc)
		rc = resume(outgoing, err);
	CRASH_POINT("outgoing:resumed");
	if (!rc)
		rc = string_format(&subject, err, "taken back from %s, where it never ran",
			outgoing->peer.name);
	if (rc)
		return rc;

	const struct trailer trailers[] = {
		{"Taken-From", outgoing->peer.name},
		{"Taken-Book", outgoing->taken.book},
		{"Migration", outgoing->id},
	};
	const struct outcome outcome = {
		.subject = subject,
		.live = op->live,
		.epoch = outgoing->taken.epoch + 1,
		.owned = true,
		.trailers = trailers,
		.trailer_count = sizeof trailers / sizeof trailers[0],
		.parcel = outgoing->receipt,
	};

	op->row.version = outgoing->taken.version;
	op->row.epoch = outgoing->taken.epoch;
	flag_forget(op->host, op->row.uuid);
	rc = operation_commit(op, &outcome, NULL, err);
	if (rc)
		return rc;
	outgoing->state = state;
	owner_keep(op);
	tell_over(outgoing);
	return 0;
}

int outgoing_confirm(struct outgoing *outgoing, enum destination_state state, struct dd_error *err)
{
	int rc;

	switch (state) {
	case DESTINATION_RUNNING:
		rc = leave(outgoing, err);
		if (rc)
			error_wrap(err,
				"the host '%s' has '%s' now, which is still to be recorded here",
				outgoing->peer.name, outgoing->op.row.name);
		return rc;
	case DESTINATION_RETURNED:
		return take_back(outgoing, err);
	case DESTINATION_ABORTED:
		return stay(outgoing, SOURCE_TOLD_ABORTED, err);
	default:
		return error_set(err, DD_CORRUPT, "the host '%s' says that a migration ended as %s",
			outgoing->peer.name, destination_word(state));
	}
}

#define ASK_AGAIN_MS 250

/* Busy is somebody there who decides it, or is about to let go. */
static int end_hear(
	struct outgoing *outgoing, int wait_ms, enum destination_state *state, struct dd_error *err)
{
	int64_t end = deadline_in(wait_ms);

	for (;;) {
		int rc = outgoing_connect(outgoing, err);

		if (!rc)
			rc = ask_end(outgoing->channel, outgoing->peer.name, outgoing->op.row.uuid,
				outgoing->id, state, err);
		if (rc != DD_BUSY || !deadline_left(end))
			return rc;
		deadline_nap(ASK_AGAIN_MS);
	}
}

int outgoing_ask(struct outgoing *outgoing, int wait_ms, struct dd_error *err)
{
	enum destination_state state;
	struct dd_error reason = {0};
	int rc = end_hear(outgoing, wait_ms, &state, &reason);

	if (!rc)
		return outgoing_confirm(outgoing, state, err);
	error_set(err, DD_BUSY,
		"it was being migrated to the host '%s', which alone knows whether it has it: %s",
		outgoing->peer.name, reason.message);
	return error_hint(err,
		"it is settled as soon as that host answers; if it never will: domesday migrate "
		"--resolve");
}

/* ---- settling ---- */

static int found(struct outgoing *outgoing, struct operation *op, const struct migration_row *row,
	struct dd_error *err)
{
	*outgoing = (struct outgoing){
		.op = *op,
		.live = row->live,
		.disks = json_get(row->detail, "disks"),
		.paused = json_get_bool(row->detail, "paused", false),
		.postcopy = json_get_bool(row->detail, "postcopy", false),
		.keep = json_get_bool(row->detail, "keep", false),
		.state = row->source,
	};
	memcpy(outgoing->id, row->id, MIGRATION_ID_SIZE);
	return peer_find(op->host, row->peer, &outgoing->peer, err);
}

int outgoing_find(struct outgoing *outgoing, struct dd_host *host, const char *uuid, const char *id,
	struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	int rc = operation_begin_unsettled(&op, host, uuid, OPERATION_MIGRATE, NULL, NULL, err);

	if (!rc)
		rc = migration_row_find(host, uuid, id, &row, err);
	if (!rc && !row.outgoing)
		rc = error_set(err, DD_NOT_FOUND, "the migration %s does not go from here", id);
	if (rc)
		return rc;
	op.journal = row.journal.id;
	rc = found(outgoing, &op, &row, err);
	if (rc)
		*outgoing = (struct outgoing){.channel = NULL};
	else
		op = (struct operation)OPERATION_INIT;
	return rc;
}

int outgoing_settle(struct operation *op, const struct migration_row *row, struct dd_error *err)
{
	struct outgoing outgoing;
	int rc = found(&outgoing, op, row, err);

	if (!rc)
		rc = outgoing.state == SOURCE_BEGUN ? outgoing_give_up(&outgoing, err)
						    : outgoing_ask(&outgoing, 0, err);
	channel_close(outgoing.channel);
	parcel_release(outgoing.receipt);
	*op = outgoing.op;
	return rc;
}

/* The version outranks one with which the other may have taken it. */
static int resolve_here(struct outgoing *outgoing, struct dd_error *err)
{
	struct operation *op = &outgoing->op;
	CLEANUP(free) char *subject = NULL;
	const struct trailer trailers[] = {
		{"Migration", outgoing->id}, {"Migration-Resolved", "here"}};
	struct outcome outcome = {
		.live = op->live,
		.epoch = op->row.epoch + 2,
		.owned = true,
		.trailers = trailers,
		.trailer_count = sizeof trailers / sizeof trailers[0],
	};
	int rc = resume(outgoing, err);

	if (!rc)
		rc = string_format(
			&subject, err, "stays here: %s is gone for good", outgoing->peer.name);
	outcome.subject = subject;
	return rc ? rc : operation_commit(op, &outcome, NULL, err);
}

static int resolve_there(struct outgoing *outgoing, struct dd_error *err)
{
	struct operation *op = &outgoing->op;
	CLEANUP(free) char *subject = NULL;
	const struct trailer trailers[] = {
		{"Migration", outgoing->id}, {"Migration-Resolved", "there"}};
	struct outcome outcome = {
		.gone = true,
		.trailers = trailers,
		.trailer_count = sizeof trailers / sizeof trailers[0],
	};
	int rc;

	guest_free(TAKE(op->guest));
	rc = guest_destroy(op->folder, err);
	if (!rc)
		rc = string_format(&subject, err, "is on %s", outgoing->peer.name);
	outcome.subject = subject;
	op->name = OPERATION_UNDEFINE;
	return rc ? rc : operation_commit(op, &outcome, NULL, err);
}

int outgoing_resolve(
	struct operation *op, const struct migration_row *row, bool here, struct dd_error *err)
{
	struct outgoing outgoing;
	int rc = found(&outgoing, op, row, err);

	if (!rc)
		flag_forget(op->host, op->row.uuid);
	/* it is certain then, and nobody has to say it */
	if (!rc && outgoing.state == SOURCE_BEGUN)
		rc = outgoing_give_up(&outgoing, err);
	else if (!rc)
		rc = here ? resolve_here(&outgoing, err) : resolve_there(&outgoing, err);
	*op = outgoing.op;
	return rc;
}
