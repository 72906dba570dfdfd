/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/outgoing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "domain/crash.h"
#include "migrate/ask.h"
#include "migrate/door.h"
#include "migrate/mark.h"
#include "migrate/mirrors.h"
#include "migrate/pack.h"
#include "qmp/deadline.h"

/* ---- what its runtime folder says ---- */

#define FLAG "abort"
#define RESTS "resting"

static int file_path(
	struct dd_host *host, const char *uuid, const char *file, char **out, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	int rc = host_run_folder(host, uuid, &folder, err);

	return rc ? rc : string_format(out, err, "%s/%s", folder, file);
}

static void file_remove(const struct operation *op, const char *file)
{
	CLEANUP(free) char *path = NULL;

	if (file_path(op->host, op->row.uuid, file, &path, NULL) == 0)
		(void)unlink(path);
}

/* Of one that is over, also where who began it has died. */
static void files_forget(const struct operation *op)
{
	file_remove(op, FLAG);
	file_remove(op, RESTS);
	instance_clean(op->host, op->row.uuid, INSTANCE_FIRST);
}

void outgoing_end(struct outgoing *outgoing)
{
	stream_free(outgoing->stream);
	parcel_release(outgoing->receipt);
	channel_close(outgoing->channel);
	json_free(outgoing->detail);
	if (outgoing->flag)
		files_forget(&outgoing->op);
	free(outgoing->flag);
	operation_end(&outgoing->op);
	memset(outgoing, 0, sizeof *outgoing);
}

int outgoing_connect(struct outgoing *outgoing, struct dd_error *err)
{
	return outgoing->channel ? 0
				 : peer_connect(outgoing->op.host, outgoing->peer.name,
					   outgoing->stop, 0, &outgoing->channel, err);
}

/* ---- begin ---- */

static int mode_check(struct outgoing *outgoing, bool live, struct dd_error *err)
{
	struct operation *op = &outgoing->op;
	int rc;

	if (live)
		return operation_guest(op, err);
	rc = operation_require_shut_off(op, err);
	return rc == DD_REFUSED ? error_hint(err, "or move it as it runs: leave out --offline")
				: rc;
}

static int peer_check(struct outgoing *outgoing, const char *name, struct dd_error *err)
{
	struct dd_host *host = outgoing->op.host;
	int rc = peer_find(host, name, &outgoing->peer, err);

	if (rc || !outgoing->peer.revoked)
		return rc;
	return error_set(err, DD_REFUSED, "the host '%s' was revoked", name);
}

static int row_open(struct outgoing *outgoing, struct dd_error *err)
{
	struct operation *op = &outgoing->op;
	enum source_state state = SOURCE_NONE;
	int rc = source_move(&state, SOURCE_BEGIN, err);

	outgoing->detail =
		migration_detail(op, outgoing->id, outgoing->peer.name, true, outgoing->live);
	json_put_bool(outgoing->detail, "paused", outgoing->paused);
	if (!rc)
		rc = migration_row_write(op, outgoing->detail, source_word(state), err);
	if (!rc)
		rc = detail_open(op, outgoing->detail, op->live, op->live, err);
	if (!rc)
		outgoing->state = state;
	return rc;
}

int outgoing_begin(struct outgoing *outgoing, struct dd_host *host, const char *domain,
	const char *peer, bool live, const struct dd_change *change, struct dd_error *err)
{
	int rc = operation_begin(&outgoing->op, host, domain, OPERATION_MIGRATE, change, err);

	if (!rc && outgoing->op.row.owner)
		rc = error_set(err, DD_REFUSED, "domain '%s' is owned by the host '%s' now",
			outgoing->op.row.name, outgoing->op.row.owner);
	if (!rc)
		rc = peer_check(outgoing, peer, err);
	if (!rc)
		rc = mode_check(outgoing, live, err);
	outgoing->live = live;
	outgoing->paused = outgoing->op.paused;
	outgoing->keeps_token = true;
	migration_id_draw(outgoing->id);
	token_draw(outgoing->token, outgoing->token_hash);
	if (!rc)
		rc = outgoing_flag_path(host, outgoing->op.row.uuid, &outgoing->flag, err);
	if (!rc) {
		files_forget(&outgoing->op);
		rc = row_open(outgoing, err);
	}
	CRASH_POINT("outgoing:begun");
	return rc;
}

/* ---- offer ---- */

/* Its newest version that the destination has; "" for none. */
static int have_ask(struct outgoing *outgoing, struct json **answer, struct dd_error *err)
{
	struct json *request = ask_request("have", outgoing->id, outgoing->op.row.uuid);

	return peer_call(
		outgoing->channel, outgoing->peer.name, request, PEER_ANSWER_MS, answer, err);
}

int outgoing_offer(struct outgoing *outgoing, const struct json *wishes, struct dd_error *err)
{
	struct operation *op = &outgoing->op;
	CLEANUP(json) struct json *offer = NULL;
	CLEANUP(json) struct json *has = NULL;
	CLEANUP(json) struct json *request = ask_request("offer", outgoing->id, op->row.uuid);
	const char *have;
	int rc = outgoing_connect(outgoing, err);

	if (!rc)
		rc = offer_new(op, outgoing->id, outgoing->token_hash,
			outgoing->live ? op->live : NULL, &offer, err);
	if (!rc)
		json_put_bool(offer, "stays", outgoing->stays);
	if (!rc)
		rc = have_ask(outgoing, &has, err);
	if (wishes)
		json_put(request, "wishes", json_copy(wishes));
	if (!rc)
		rc = peer_send(outgoing->channel, request, err);
	if (rc)
		return rc;
	have = json_get_string(has, "head");
	rc = pack_send(
		outgoing->channel, op->host->book, op->row.uuid, have ? have : "", offer, err);
	if (!rc)
		snprintf(outgoing->head, sizeof outgoing->head, "%s",
			json_get_string(offer, "head"));
	return rc;
}

int outgoing_offered(
	struct outgoing *outgoing, int wait_ms, struct json **answer, struct dd_error *err)
{
	int rc = peer_answer(outgoing->channel, outgoing->peer.name, wait_ms, answer, err);

	CRASH_POINT("outgoing:offered");
	return rc;
}

/* ---- perform ---- */

int outgoing_prepared(struct outgoing *outgoing, const struct json *disks, struct dd_error *err)
{
	if (!disks)
		return 0;
	if (!json_put(outgoing->detail, "disks", json_copy(disks)))
		return error_no_memory(err);
	outgoing->disks = json_get(outgoing->detail, "disks");
	/* whoever finds the row has to know which jobs there may be */
	return mirrors_needed(outgoing->disks)
		       ? migration_row_write(
				 &outgoing->op, outgoing->detail, source_word(outgoing->state), err)
		       : 0;
}

/* From here on a crash leaves the question to the destination. */
static int row_switch(struct outgoing *outgoing, struct dd_error *err)
{
	enum source_state state = outgoing->state;
	int rc = source_move(&state, SOURCE_SWITCH, err);

	json_put_bool(outgoing->detail, "postcopy", outgoing->postcopy);
	if (!rc)
		rc = migration_row_write(&outgoing->op, outgoing->detail, source_word(state), err);
	if (!rc)
		outgoing->state = state;
	CRASH_POINT("outgoing:switched");
	return rc;
}

static struct stream_source stream_source_of(const struct outgoing *outgoing)
{
	return (struct stream_source){
		.host = outgoing->op.host,
		.guest = outgoing->op.guest,
		.peer = &outgoing->peer,
		.id = outgoing->id,
		.uuid = outgoing->op.row.uuid,
		.flag = outgoing->flag,
		.stop = outgoing->stop,
	};
}

int outgoing_ready(
	struct outgoing *outgoing, const struct stream_options *options, struct dd_error *err)
{
	struct stream_source source = stream_source_of(outgoing);
	enum guest_status status = GUEST_OTHER;
	int rc = outgoing->live ? guest_status(outgoing->op.guest, &status, err) : 0;

	source.troubled = status == GUEST_IO_ERROR;
	return rc || !outgoing->live ? rc : stream_new(&outgoing->stream, &source, options, err);
}

static int door(struct outgoing *outgoing, const struct stream_options *options, int *fd,
	struct dd_error *err)
{
	struct dd_error reason = {0};
	int rc = door_open(outgoing, options, fd, &reason, err);

	if (rc)
		return rc;
	outgoing->tls = *fd >= 0;
	if (!outgoing->tls)
		host_warn(outgoing->op.host,
			"no connection for QEMU's TLS to the host '%s', and so by the relay: %s",
			outgoing->peer.name,
			*reason.message ? reason.message : "it has no TLS there");
	return 0;
}

/*
 * While the row is written QEMU sends the rest already, unless that is post-copy's: nobody can use
 * it without the token.
 */
static int perform_live(struct outgoing *outgoing, const struct stream_options *options,
	struct stream_counts *counts, struct dd_error *err)
{
	CLEANUP(mirrors) struct mirrors *mirrors = NULL;
	const struct stream_source source = stream_source_of(outgoing);
	int rc = 0, direct = -1;

	if (mirrors_needed(outgoing->disks))
		rc = mirrors_begin(&mirrors, &source, outgoing->disks, options, err);
	if (!rc && options->tls)
		rc = door(outgoing, options, &direct, err);
	if (!rc)
		rc = stream_begin(outgoing->stream, direct, counts, err);
	CRASH_POINT("outgoing:stopped");
	if (!rc)
		rc = mirrors_finish(mirrors, err);
	outgoing->postcopy = !rc && stream_is_postcopy(outgoing->stream);
	if (!rc && !outgoing->postcopy)
		rc = stream_go(outgoing->stream, err);
	CRASH_POINT("outgoing:going");
	if (!rc)
		rc = row_switch(outgoing, err);
	if (!rc && !outgoing->postcopy)
		rc = stream_finish(outgoing->stream, counts, err);
	CRASH_POINT("outgoing:sent");
	return rc;
}

int outgoing_perform(struct outgoing *outgoing, const struct stream_options *options,
	struct stream_counts *counts, struct dd_error *err)
{
	int rc = outgoing->live ? perform_live(outgoing, options, counts, err)
				: row_switch(outgoing, err);

	if (!rc)
		outgoing->keeps_token = false;
	return rc;
}

/* ---- post-copy ---- */

int outgoing_release(struct outgoing *outgoing, struct stream_counts *counts, struct dd_error *err)
{
	int rc = stream_release(outgoing->stream, counts, err);

	CRASH_POINT("outgoing:released");
	return rc;
}

int outgoing_drain(struct outgoing *outgoing, const struct stream_options *options,
	struct stream_counts *counts, struct dd_error *err)
{
	static const struct stream_options usual = {.bandwidth = 0};
	struct stream_counts own;
	int rc;

	/* a QEMU that has died has nothing left to send */
	if (!guest_alive(outgoing->op.folder, NULL))
		return 0;
	rc = operation_connect(&outgoing->op, err);
	if (!rc) {
		const struct stream_source source = stream_source_of(outgoing);

		rc = stream_drain(outgoing->stream, &source, options ? options : &usual,
			counts ? counts : &own, err);
	}
	stream_free(TAKE(outgoing->stream));
	return rc && !guest_alive(outgoing->op.folder, NULL) ? 0 : rc;
}

/* ---- how it ends ---- */

/* The guest goes on here, where there is one, as its user had it. */
static int resume(struct outgoing *outgoing, struct dd_error *err)
{
	struct operation *op = &outgoing->op;
	struct dd_error reason = {0};
	int rc;

	guest_migration_remove_key(op->folder);
	stream_free(TAKE(outgoing->stream));
	if (!outgoing->live || !guest_alive(op->folder, NULL))
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
	if (!rc || !guest_alive(op->folder, NULL))
		return 0;
	return error_set(
		err, rc, "the guest of '%s' does not go on: %s", op->row.name, reason.message);
}

static int row_close(struct outgoing *outgoing, struct dd_error *err)
{
	int rc = journal_undo(outgoing->op.host->book, outgoing->op.journal, err);

	if (rc)
		return rc;
	outgoing->op.journal = 0;
	files_forget(&outgoing->op);
	return 0;
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

/* Gone: the history ends here with the version with which the destination took it. */
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
	mark_remove(op->folder); /* of when it came */
	rc = guest_destroy_met(op->folder, TAKE(op->guest), err);
	CRASH_POINT("outgoing:gone");
	if (!rc)
		rc = book_parcel_take(outgoing->receipt, op->journal, NULL, NULL, err);
	/* with what lay there of it */
	parcel_release(TAKE(outgoing->receipt));
	CRASH_POINT("outgoing:given");
	if (rc)
		return rc;
	op->journal = 0;
	outgoing->state = state;
	files_forget(op);
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
	rc = operation_commit(op, &outcome, NULL, err);
	if (rc)
		return rc;
	outgoing->state = state;
	files_forget(op);
	owner_keep(op);
	tell_over(outgoing);
	return 0;
}

int outgoing_confirm(struct outgoing *outgoing, enum destination_state state, struct dd_error *err)
{
	switch (state) {
	case DESTINATION_RUNNING:
		return leave(outgoing, err);
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

	/* it is certain then, and nobody has to say it */
	if (!rc && outgoing.state == SOURCE_BEGUN)
		rc = outgoing_give_up(&outgoing, err);
	else if (!rc)
		rc = here ? resolve_here(&outgoing, err) : resolve_there(&outgoing, err);
	if (!rc)
		files_forget(&outgoing.op);
	*op = outgoing.op;
	return rc;
}

/* ---- called off ---- */

int outgoing_flag_path(struct dd_host *host, const char *uuid, char **out, struct dd_error *err)
{
	return file_path(host, uuid, FLAG, out, err);
}

int outgoing_check_flag(const struct outgoing *outgoing, struct dd_error *err)
{
	return outgoing->flag && access(outgoing->flag, F_OK) == 0
		       ? error_set(err, DD_REFUSED, "the migration was called off")
		       : 0;
}

static int file_make(struct dd_host *host, const char *uuid, const char *file, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	CLEANUP(free) char *path = NULL;
	int rc = host_run_folder(host, uuid, &folder, err);

	if (!rc)
		rc = directory_make(folder, 0700, err);
	if (!rc)
		rc = file_path(host, uuid, file, &path, err);
	return rc ? rc : file_touch(path, 0600, err);
}

int outgoing_call_off(struct dd_host *host, const char *uuid, struct dd_error *err)
{
	return file_make(host, uuid, FLAG, err);
}

int outgoing_rest(const struct outgoing *outgoing, struct dd_error *err)
{
	return file_make(outgoing->op.host, outgoing->op.row.uuid, RESTS, err);
}

void outgoing_wake(const struct outgoing *outgoing)
{
	file_remove(&outgoing->op, RESTS);
}

bool outgoing_rests(struct dd_host *host, const char *uuid)
{
	CLEANUP(free) char *path = NULL;

	return file_path(host, uuid, RESTS, &path, NULL) == 0 && access(path, F_OK) == 0;
}
