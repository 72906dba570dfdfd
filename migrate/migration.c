/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A migration that the source drives: phase by phase, each with what the one before gave. What goes
 * wrong before the token is out is undone; what goes wrong afterwards is the destination's to say.
 */
#include <domesday/migrate.h>

#include "migrate/ask.h"
#include "migrate/departure.h"
#include "migrate/wishes.h"

#define PREPARE_MS 120000 /* for a QEMU to be started there */
#define DECIDE_MS 60000   /* for the last of the stream, and a disk that is slow to sync */

struct driving {
	struct departure departure;
	const struct dd_migrate_options *options;
	struct dd_error failure; /* of finish */
	struct dd_error *err;
};

static void cleanup_driving(struct driving *driving)
{
	departure_end(&driving->departure);
}

/* ---- what the destination is asked for ---- */

/* A QEMU is being started there: time enough for what ours has to be told. */
static int prepare(struct driving *driving, struct json **disks)
{
	struct outgoing *outgoing = &driving->departure.outgoing;
	CLEANUP(json)
	struct json *request = ask_request("prepare", outgoing->id, outgoing->op.row.uuid);
	CLEANUP(json) struct json *answer = NULL;
	struct dd_error own = {0};
	int rc, failed = 0;

	json_put(request, "wishes", wishes_new(driving->options));
	rc = peer_send(outgoing->channel, request, driving->err);
	if (!rc && outgoing->live)
		failed = stream_prepare(outgoing->op.guest, &driving->departure.stream, &own);
	if (!rc)
		rc = peer_answer(
			outgoing->channel, outgoing->peer.name, PREPARE_MS, &answer, driving->err);
	if (!rc && failed)
		*driving->err = own;
	if (!rc)
		rc = failed;
	if (!rc)
		*disks = json_copy(json_get(answer, "disks"));
	return rc;
}

static int finish(struct driving *driving, enum destination_state *state)
{
	CLEANUP(json) struct json *answer = NULL;
	struct outgoing *outgoing = &driving->departure.outgoing;
	struct json *request = ask_request("finish", outgoing->id, outgoing->op.row.uuid);
	int rc;

	json_put_string(request, "token", outgoing->token);
	json_put(request, "statistics", departure_statistics(&driving->departure));
	rc = peer_call(
		outgoing->channel, outgoing->peer.name, request, DECIDE_MS, &answer, driving->err);
	return rc || destination_read(json_get_string(answer, "state"), state)
		       ? rc
		       : error_set(driving->err, DD_CORRUPT, "the host '%s' gave no answer",
				 outgoing->peer.name);
}

/* ---- the phases ---- */

/* Until the token may go out. */
static int advance(struct driving *driving)
{
	struct departure *departure = &driving->departure;
	CLEANUP(json) struct json *disks = NULL;
	int rc = departure_tell(departure, "offer", driving->err);

	if (!rc)
		rc = outgoing_offer(&departure->outgoing, driving->err);
	if (!rc)
		rc = departure_tell(departure, "prepare", driving->err);
	if (!rc)
		rc = prepare(driving, &disks);
	return rc ? rc : departure_perform(departure, disks, driving->err);
}

/* After it: whatever is said or not said, the destination's word ends it. */
static int conclude(struct driving *driving)
{
	struct outgoing *outgoing = &driving->departure.outgoing;
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

int dd_migrate(struct dd_host *host, const struct dd_migrate_options *options,
	const struct dd_change *change, dd_migration_fn progress, void *context,
	struct dd_migrated *result, struct dd_error *err)
{
	struct dd_error own = {0};
	CLEANUP(driving)
	struct driving driving = {
		.departure = {.stream = {.progress = progress, .context = context}},
		.options = options,
		.err = err ? err : &own,
	};
	int rc = departure_begin(&driving.departure, host, options, change, driving.err);

	if (rc)
		return rc;
	rc = advance(&driving);
	if (rc) {
		struct dd_error undone = {0};

		if (outgoing_give_up(&driving.departure.outgoing, &undone))
			host_warn(
				host, "what was begun could not be undone yet: %s", undone.message);
		return rc;
	}
	rc = conclude(&driving);
	return rc ? rc
		  : departure_result(&driving.departure, &driving.failure, result, driving.err);
}
