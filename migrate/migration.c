/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A migration that the source drives: phase by phase, each with what the one before gave. What goes
 * wrong before the token is out is undone; what goes wrong afterwards is the destination's to say.
 */
#include <domesday/migrate.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "migrate/ask.h"
#include "migrate/outgoing.h"
#include "migrate/wishes.h"

#define PREPARE_MS 120000 /* for a QEMU to be started there */
#define DECIDE_MS 60000   /* for the last of the stream, and a disk that is slow to sync */

struct driving {
	struct outgoing outgoing;
	const struct dd_migrate_options *options;
	struct stream_options stream;
	struct stream_counts counts;
	struct dd_migrated *result;
	struct timespec began;
	struct dd_error failure; /* of finish */
	struct dd_error *err;
};

static void cleanup_driving(struct driving *driving)
{
	outgoing_end(&driving->outgoing);
}

static int64_t elapsed_ms(const struct driving *driving)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - driving->began.tv_sec) * 1000 +
	       (now.tv_nsec - driving->began.tv_nsec) / 1000000;
}

static int tell(struct driving *driving, const char *phase)
{
	const struct dd_migration_progress told = {
		.phase = phase, .elapsed_ms = elapsed_ms(driving), .estimate_ms = -1};

	if (driving->stream.progress && driving->stream.progress(&told, driving->stream.context))
		return error_set(driving->err, DD_REFUSED, "the migration was called off");
	return 0;
}

/* ---- what the destination is asked for ---- */

static int call(struct driving *driving, struct json *request, int wait_ms, struct json **answer)
{
	struct outgoing *outgoing = &driving->outgoing;

	return peer_call(
		outgoing->channel, outgoing->peer.name, request, wait_ms, answer, driving->err);
}

/* A QEMU is being started there: time enough for what ours has to be told. */
static int prepare(struct driving *driving)
{
	struct outgoing *outgoing = &driving->outgoing;
	CLEANUP(json)
	struct json *request = ask_request("prepare", outgoing->id, outgoing->op.row.uuid);
	CLEANUP(json) struct json *answer = NULL;
	struct dd_error own = {0};
	int rc, failed = 0;

	json_put(request, "wishes", wishes_new(driving->options));
	rc = peer_send(outgoing->channel, request, driving->err);
	if (!rc && outgoing->live)
		failed = stream_prepare(outgoing->op.guest, &driving->stream, &own);
	if (!rc)
		rc = peer_answer(
			outgoing->channel, outgoing->peer.name, PREPARE_MS, &answer, driving->err);
	if (!rc && failed)
		*driving->err = own;
	if (!rc)
		rc = failed;
	return rc ? rc
		  : outgoing_prepared(outgoing, json_copy(json_get(answer, "disks")), driving->err);
}

static struct json *statistics(const struct driving *driving)
{
	struct json *out = json_object();

	if (!driving->outgoing.live)
		return out;
	json_put_number(out, "sent", (int64_t)driving->counts.last.transferred);
	json_put_number(out, "total_ms", elapsed_ms(driving));
	json_put_number(out, "downtime_ms", driving->counts.stopped_ms);
	json_put_number(out, "iterations", (int64_t)driving->counts.last.iterations);
	json_put_number(out, "throttle", driving->counts.last.throttle);
	return out;
}

static int finish(struct driving *driving, enum destination_state *state)
{
	CLEANUP(json) struct json *answer = NULL;
	struct outgoing *outgoing = &driving->outgoing;
	struct json *request = ask_request("finish", outgoing->id, outgoing->op.row.uuid);
	int rc;

	json_put_string(request, "token", outgoing->token);
	json_put(request, "statistics", statistics(driving));
	rc = call(driving, request, DECIDE_MS, &answer);
	return rc || destination_read(json_get_string(answer, "state"), state)
		       ? rc
		       : error_set(driving->err, DD_CORRUPT, "the host '%s' gave no answer",
				 outgoing->peer.name);
}

/* ---- the phases ---- */

static int begin(struct driving *driving, struct dd_host *host, const struct dd_change *change)
{
	const struct dd_migrate_options *options = driving->options;
	bool live = options->mode == DD_MIGRATE_LIVE;

	if (options->mode == DD_MIGRATE_AUTO) {
		CLEANUP(domain_row) struct domain_row row = {.name = NULL};
		int rc = book_find(host->book, options->domain, &row, driving->err);

		if (rc)
			return rc;
		live = row.state == STATE_RUNNING;
	}
	return outgoing_begin(&driving->outgoing, host, options->domain, options->peer, live,
		change, driving->err);
}

/* What waits for the next start is what the source's user wanted, and would be lost in silence. */
static void warn_pending(const struct driving *driving)
{
	const struct operation *op = &driving->outgoing.op;

	if (!driving->outgoing.live || !op->live_text.size || driving->options->persistent_xml)
		return;
	host_warn(op->host,
		"'%s' will start there as it runs now: what waits here for its next start does not "
		"come along (see: domesday diff %s --pending)",
		op->row.name, op->row.name);
}

/* Until the token may go out. */
static int advance(struct driving *driving)
{
	struct outgoing *outgoing = &driving->outgoing;
	int rc = tell(driving, "offer");

	if (!rc)
		rc = outgoing_offer(outgoing, driving->err);
	if (!rc)
		rc = tell(driving, "prepare");
	if (!rc)
		rc = prepare(driving);
	if (!rc)
		rc = tell(driving, "copy");
	return rc ? rc
		  : outgoing_perform(outgoing, &driving->stream, &driving->counts, driving->err);
}

/* After it: whatever is said or not said, the destination's word ends it. */
static int conclude(struct driving *driving)
{
	struct outgoing *outgoing = &driving->outgoing;
	enum destination_state state = DESTINATION_NONE;
	int rc = finish(driving, &state);

	if (!rc)
		rc = outgoing_confirm(outgoing, state, driving->err);
	if (!rc)
		return 0;
	driving->failure = *driving->err;
	/* on another connection: an answer may still come over this one */
	channel_close(TAKE(outgoing->channel));
	return outgoing_ask(outgoing, driving->err);
}

static int stays(const struct driving *driving)
{
	const struct outgoing *outgoing = &driving->outgoing;
	const struct dd_error *failure = &driving->failure;

	error_set(driving->err, failure->code ? failure->code : DD_REFUSED,
		"the domain '%s' stays here: %s", outgoing->op.row.name,
		failure->code ? failure->message : "it could not be made to run there");
	return error_hint(driving->err, "%s", failure->hint);
}

static int result_fill(struct driving *driving)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct outgoing *outgoing = &driving->outgoing;
	int rc = book_find(outgoing->op.host->book, outgoing->op.row.uuid, &row, driving->err);

	if (rc)
		return rc;
	if (!row.owner)
		return stays(driving);
	if (!driving->result)
		return 0;
	*driving->result = (struct dd_migrated){
		.version = row.version,
		.live = outgoing->live,
		.total_ms = elapsed_ms(driving),
		.downtime_ms = driving->counts.stopped_ms,
		.sent = driving->counts.last.transferred,
	};
	memcpy(driving->result->uuid, row.uuid, UUID_SIZE);
	return 0;
}

int dd_migrate(struct dd_host *host, const struct dd_migrate_options *options,
	const struct dd_change *change, dd_migration_fn progress, void *context,
	struct dd_migrated *result, struct dd_error *err)
{
	struct dd_error own = {0};
	CLEANUP(driving)
	struct driving driving = {
		.options = options,
		.stream =
			{
				.bandwidth = options->bandwidth,
				.timeout_s = options->timeout_s,
				.timeout_suspends = options->timeout_suspends,
				.progress = progress,
				.context = context,
			},
		.result = result,
		.err = err ? err : &own,
	};
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &driving.began);
	rc = begin(&driving, host, change);
	if (rc)
		return rc;
	warn_pending(&driving);
	rc = advance(&driving);
	if (rc) {
		struct dd_error undone = {0};

		if (outgoing_give_up(&driving.outgoing, &undone))
			host_warn(
				host, "what was begun could not be undone yet: %s", undone.message);
		return rc;
	}
	rc = conclude(&driving);
	return rc ? rc : result_fill(&driving);
}
