/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A migration that the source drives: phase by phase, each with what the one before gave. What goes
 * wrong before the token is out is undone; what goes wrong afterwards is the destination's to say.
 */
#include <domesday/migrate.h>
#include <pthread.h>

#include "migrate/ask.h"
#include "migrate/channel/frame.h"
#include "migrate/departure.h"
#include "migrate/flag.h"
#include "migrate/local.h"
#include "migrate/wishes.h"

#define PREPARE_MS 120000 /* for a QEMU to be started there */
#define MEET_MS 1000      /* for a host that is called early */
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

/* Its caller and whoever calls it off are heard while a hook there thinks it over, say. */
static int still_wanted(void *context, struct dd_error *err)
{
	struct departure *departure = context;
	int rc = flag_check(departure->outgoing.flag, err);

	if (!rc)
		rc = stream_late_check(&departure->stream, err);
	return rc ? rc : departure_tell(departure, "prepare", err);
}

/* Offers, and has it prepared: a QEMU is started there, time enough for what is to be done here. */
static int offer(struct driving *driving, struct json **prepared)
{
	struct departure *departure = &driving->departure;
	struct outgoing *outgoing = &departure->outgoing;
	CLEANUP(json) struct json *wishes = wishes_new(driving->options);
	CLEANUP(json) struct json *answer = NULL;
	struct dd_error own = {0};
	int rc = departure_tell(departure, "offer", driving->err), failed;

	if (!rc)
		rc = outgoing_offer(outgoing, wishes, driving->err);
	if (rc)
		return rc;
	failed = outgoing_ready(outgoing, &departure->stream, &own);
	rc = outgoing_offered_while(
		outgoing, PREPARE_MS, still_wanted, departure, &answer, driving->err);
	if (!rc && failed)
		*driving->err = own;
	if (!rc)
		rc = failed;
	if (!rc)
		*prepared = TAKE(answer);
	return rc;
}

/* The guest can only run there, and no longer here, when it has been decided that it does. */
static int finish_postcopy(struct driving *driving, enum destination_state *state)
{
	struct departure *departure = &driving->departure;
	struct outgoing *outgoing = &departure->outgoing;
	CLEANUP(json) struct json *answer = NULL;
	struct dd_error drained = {0};
	int rc = outgoing_release(outgoing, &departure->counts, driving->err);

	if (!rc)
		rc = peer_answer(
			outgoing->channel, outgoing->peer.name, DECIDE_MS, &answer, driving->err);
	if (!rc && !destination_read(json_get_string(answer, "state"), state))
		rc = error_set(driving->err, DD_CORRUPT, "the host '%s' gave no answer",
			outgoing->peer.name);
	/* what went wrong is met again by who confirms it */
	if (!rc && *state == DESTINATION_RUNNING)
		(void)outgoing_drain(outgoing, &departure->stream, &departure->counts, &drained);
	return rc;
}

/* What the destination has made comes with its answer, where that is all that is left. */
static int finish(struct driving *driving, enum destination_state *state)
{
	CLEANUP(json) struct json *answer = NULL;
	struct outgoing *outgoing = &driving->departure.outgoing;
	struct operation *op = &outgoing->op;
	struct json *request = ask_request("finish", outgoing->id, op->row.uuid);
	int rc;

	if (!outgoing->postcopy)
		json_put_string(request, "have", outgoing->head);
	json_put_string(request, "token", outgoing->token);
	json_put(request, "statistics", departure_statistics(&driving->departure));
	json_put_bool(request, "postcopy", outgoing->postcopy);
	rc = peer_call(
		outgoing->channel, outgoing->peer.name, request, DECIDE_MS, &answer, driving->err);
	if (!rc && json_get_bool(answer, "decided", false))
		return finish_postcopy(driving, state);
	if (!rc && !destination_read(json_get_string(answer, "state"), state))
		rc = error_set(driving->err, DD_CORRUPT, "the host '%s' gave no answer",
			outgoing->peer.name);
	if (rc || !json_get(answer, "head"))
		return rc;
	return ask_receipt_receive(op->host, outgoing->channel, &outgoing->peer, op->row.uuid,
		answer, &outgoing->receipt, &outgoing->taken, driving->err);
}

/* ---- the phases ---- */

/* Until the token may go out. */
static int advance(struct driving *driving)
{
	struct departure *departure = &driving->departure;
	CLEANUP(json) struct json *prepared = NULL;
	int rc = offer(driving, &prepared);

	return rc ? rc
		  : departure_perform(departure, json_get(prepared, "disks"),
			    json_get(prepared, "screens"), driving->err);
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
	return outgoing_ask(outgoing, OUTGOING_ASK_MS, driving->err);
}

static void *libraries_start(void *context)
{
	(void)context;
	(void)libgit2_need(NULL);
	ciphers_start();
	return NULL;
}

/*
 * What takes its time and nothing depends on: the other host is called while libraries start. If it
 * does not answer, that is found again, and told, when there is something to say to it.
 */
static void meet(struct driving *driving, struct dd_host *host)
{
	pthread_t thread;
	int failed = pthread_create(&thread, NULL, libraries_start, NULL);

	(void)peer_connect(host, driving->options->peer, NULL, MEET_MS,
		&driving->departure.outgoing.channel, NULL);
	if (!failed)
		pthread_join(thread, NULL);
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
	int rc;

	if (options->mode == DD_MIGRATE_LOCAL)
		return local_migrate(host, options, change, progress, context, result, err);
	meet(&driving, host);
	rc = departure_begin(&driving.departure, host, options, change, driving.err);
	if (rc)
		return rc;
	rc = advance(&driving);
	if (rc) {
		struct dd_error undone = {0};

		if (outgoing_give_up(&driving.departure.outgoing, &undone))
			host_warn(
				host, "what was begun could not be undone yet: %s", undone.message);
		else if (driving.departure.outgoing.ended)
			return outgoing_tell_ended(&driving.departure.outgoing, driving.err);
		return rc;
	}
	rc = conclude(&driving);
	return rc ? rc
		  : departure_result(&driving.departure, &driving.failure, result, driving.err);
}
