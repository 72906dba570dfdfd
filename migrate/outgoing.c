/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/outgoing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/crash.h"
#include "migrate/ask.h"
#include "migrate/door.h"
#include "migrate/flag.h"
#include "migrate/idle.h"
#include "migrate/mirrors.h"
#include "migrate/pack.h"
#include "migrate/viewers.h"

void outgoing_end(struct outgoing *outgoing)
{
	stream_free(outgoing->stream);
	idle_free(outgoing->idle);
	parcel_release(outgoing->receipt);
	channel_close(outgoing->channel);
	json_free(outgoing->detail);
	if (outgoing->flag)
		flag_forget(outgoing->op.host, outgoing->op.row.uuid);
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

int outgoing_guest(struct operation *op, struct dd_error *err)
{
	enum guest_status status = GUEST_OTHER;
	int rc = operation_guest(op, err);

	if (!rc)
		rc = guest_migration_check(op->guest, err);
	if (!rc)
		rc = guest_status(op->guest, &status, err);
	op->paused |= status == GUEST_PAUSED || status == GUEST_WATCHDOG || status == GUEST_CRASHED;
	return rc;
}

int outgoing_mode_check(struct operation *op, bool live, struct dd_error *err)
{
	int rc;

	if (live)
		return outgoing_guest(op, err);
	rc = operation_require_shut_off(op, err);
	return rc == DD_REFUSED ? error_hint(err, "or move it as it runs: leave out --offline")
				: rc;
}

static int peer_check(struct outgoing *outgoing, const char *name, struct dd_error *err)
{
	struct dd_host *host = outgoing->op.host;
	int rc = peer_find(host, name, &outgoing->peer, err);

	return rc ? rc : peer_trusted(&outgoing->peer, err);
}

static int row_open(struct outgoing *outgoing, struct dd_error *err)
{
	struct operation *op = &outgoing->op;
	enum source_state state = SOURCE_NONE;
	int rc = source_move(&state, SOURCE_BEGIN, err);

	outgoing->detail =
		migration_detail(op, outgoing->id, outgoing->peer.name, true, outgoing->live);
	json_put_bool(outgoing->detail, "paused", outgoing->paused);
	json_put_bool(outgoing->detail, "keep", outgoing->keep);
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
		rc = outgoing_mode_check(&outgoing->op, live, err);
	outgoing->live = live;
	outgoing->paused = outgoing->op.paused;
	outgoing->keeps_token = true;
	migration_id_draw(outgoing->id);
	token_draw(outgoing->token, outgoing->token_hash);
	if (!rc)
		rc = flag_path(host, outgoing->op.row.uuid, &outgoing->flag, err);
	if (!rc) {
		flag_forget(host, outgoing->op.row.uuid);
		rc = row_open(outgoing, err);
	}
	CRASH_POINT("outgoing:begun");
	return rc;
}

int outgoing_hold(struct outgoing *outgoing, struct dd_error *err)
{
	return idle_hold(outgoing->op.config, &outgoing->idle, err);
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
	if (rc) {
		/* the other waits for the rest of it, and would answer to nothing else meanwhile */
		channel_close(TAKE(outgoing->channel));
		return rc;
	}
	snprintf(outgoing->head, sizeof outgoing->head, "%s", json_get_string(offer, "head"));
	return 0;
}

int outgoing_offered(
	struct outgoing *outgoing, int wait_ms, struct json **answer, struct dd_error *err)
{
	int rc = peer_answer(outgoing->channel, outgoing->peer.name, wait_ms, answer, err);

	CRASH_POINT("outgoing:offered");
	return rc;
}

int outgoing_offered_while(struct outgoing *outgoing, int wait_ms, peer_wanted_fn wanted,
	void *context, struct json **answer, struct dd_error *err)
{
	int rc = peer_answer_while(
		outgoing->channel, outgoing->peer.name, wait_ms, wanted, context, answer, err);

	/* what is still to come over it would be taken for another answer */
	if (rc && wanted(context, NULL))
		channel_close(TAKE(outgoing->channel));
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

static int viewers_there(void *context, unsigned *count)
{
	struct outgoing *outgoing = context;
	int rc = outgoing->channel ? flag_check(outgoing->flag, NULL) : DD_NOT_FOUND;

	return rc ? rc
		  : ask_viewers(outgoing->channel, outgoing->peer.name, outgoing->op.row.uuid,
			    outgoing->id, count, NULL);
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
	if (!rc && *outgoing->spice.host)
		outgoing->viewers_told = viewers_tell(outgoing->op.host, outgoing->op.guest,
			&outgoing->spice, viewers_there, outgoing);
	if (!rc)
		rc = stream_begin(outgoing->stream, direct, counts, err);
	CRASH_POINT("outgoing:stopped");
	if (!rc)
		rc = mirrors_finish(mirrors, err);
	/* where all went so fast that nobody has looked: the last moment that is only ours */
	if (!rc)
		rc = flag_check(outgoing->flag, err);
	outgoing->postcopy = !rc && stream_is_postcopy(outgoing->stream);
	if (!rc && !outgoing->postcopy)
		rc = stream_go(outgoing->stream, err);
	CRASH_POINT("outgoing:going");
	if (!rc)
		rc = row_switch(outgoing, err);
	if (!rc && !outgoing->postcopy)
		rc = stream_finish(outgoing->stream, counts, err);
	CRASH_POINT("outgoing:sent");
	counts->disks = mirrors_sent(mirrors);
	return rc;
}

/* With nothing but disks, and often without these. */
static int perform_idle(struct outgoing *outgoing, const struct stream_options *options,
	struct stream_counts *counts, struct dd_error *err)
{
	const struct stream_source source = stream_source_of(outgoing);
	int rc = mirrors_needed(outgoing->disks)
			 ? idle_copy(outgoing->idle, &source, outgoing->disks, options,
				   &counts->disks, err)
			 : 0;

	/* the last moment that is only ours */
	if (!rc)
		rc = flag_check(outgoing->flag, err);
	return rc ? rc : row_switch(outgoing, err);
}

int outgoing_perform(struct outgoing *outgoing, const struct stream_options *options,
	struct stream_counts *counts, struct dd_error *err)
{
	int rc = outgoing->live ? perform_live(outgoing, options, counts, err)
				: perform_idle(outgoing, options, counts, err);

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
