/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A migration that a client drives, with a half on either side in its process. What is durable, and
 * so all that is true, is what outgoing.c and incoming.c write; a half adds the order of the calls,
 * and that a cookie is of this very migration. Nobody has to trust a cookie: the destination
 * decides by the token, and at the end the source asks the destination itself.
 *
 * The destination's half does not keep the domain's job lock, as its row keeps others off; so a
 * client that sleeps keeps no source from asking.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/ask.h"
#include "migrate/cookie.h"
#include "migrate/departure.h"
#include "migrate/flag.h"
#include "migrate/incoming.h"
#include "migrate/wishes.h"
#include "qmp/deadline.h"

struct dd_migration {
	struct dd_host *host;
	char id[MIGRATION_ID_SIZE], uuid[UUID_SIZE];
	char from[PEER_NAME_MAX], to[PEER_NAME_MAX];
	bool is_source, over;
	enum cookie_phase last; /* that this side has done */
	bool has_token;
	struct departure departure; /* of a source */
	struct incoming *incoming;  /* of a destination; NULL: is found when it is needed */
};

void dd_migration_free(struct dd_migration *half)
{
	if (!half)
		return;
	departure_end(&half->departure);
	incoming_free(half->incoming);
	free(half);
}

CLEANUP_DEFINE(half, struct dd_migration *, dd_migration_free)

static int half_new(struct dd_host *host, bool is_source, enum cookie_phase last,
	struct dd_migration **out, struct dd_error *err)
{
	struct dd_migration *half = calloc(1, sizeof *half);

	if (!half)
		return error_no_memory(err);
	half->host = host;
	half->is_source = is_source;
	half->last = last;
	*out = half;
	return 0;
}

static void half_name(struct dd_migration *half, const struct cookie *names)
{
	snprintf(half->id, sizeof half->id, "%s", names->id);
	snprintf(half->uuid, sizeof half->uuid, "%s", names->uuid);
	snprintf(half->from, sizeof half->from, "%s", names->from);
	snprintf(half->to, sizeof half->to, "%s", names->to);
}

static void half_over(struct dd_migration *half)
{
	half->over = true;
	departure_end(&half->departure);
	incoming_free(TAKE(half->incoming));
}

/* ---- cookies ---- */

static struct cookie half_cookie(const struct dd_migration *half, enum cookie_phase phase)
{
	return (struct cookie){
		.phase = phase,
		.id = half->id,
		.uuid = half->uuid,
		.from = half->from,
		.to = half->to,
	};
}

static int phase_check(const struct cookie *cookie, enum cookie_phase wanted, struct dd_error *err)
{
	return cookie->phase == wanted
		       ? 0
		       : error_set(err, DD_INVALID,
				 "that is the cookie of '%s', and the one of '%s' is wanted",
				 cookie_phase_word(cookie->phase), cookie_phase_word(wanted));
}

/* Who calls one before another, or after it has failed, has none. */
static int half_check(const struct dd_migration *half, struct dd_error *err)
{
	if (half)
		return 0;
	error_set(err, DD_INVALID, "there is no migration that this call could go on with");
	return error_hint(err, "a source's begins with begin, a destination's with prepare");
}

/* A cookie of wanted, which fits this half, whose own last call was that of last. */
static int half_read(struct dd_migration *half, const char *text, bool is_source,
	enum cookie_phase last, enum cookie_phase wanted, struct cookie *out, struct dd_error *err)
{
	CLEANUP(cookie) struct cookie cookie = {.json = NULL};
	int rc;

	rc = half_check(half, err);
	if (rc)
		return rc;
	if (half->is_source != is_source)
		return error_set(err, DD_REFUSED, "that is the %s's to do, and this is the %s",
			is_source ? "source" : "destination",
			half->is_source ? "source" : "destination");
	if (half->over)
		return error_set(err, DD_REFUSED, "the migration %s is over", half->id);
	if (half->last != last)
		return error_set(err, DD_REFUSED,
			"the migration %s has come to the end of '%s' here: that of '%s' is wanted",
			half->id, cookie_phase_word(half->last), cookie_phase_word(last));
	rc = cookie_read(text, &cookie, err);
	if (!rc)
		rc = phase_check(&cookie, wanted, err);
	if (rc)
		return rc;
	if (strcmp(cookie.id, half->id) != 0 || strcmp(cookie.uuid, half->uuid) != 0 ||
		strcmp(cookie.from, half->from) != 0 || strcmp(cookie.to, half->to) != 0)
		return error_set(err, DD_REFUSED,
			"the cookie is of the migration %s from '%s' to '%s', and this is %s",
			cookie.id, cookie.from, cookie.to, half->id);
	*out = cookie;
	cookie.json = NULL;
	return 0;
}

/* ---- begin ---- */

/*
 * Nothing of it is left here; the destination is told afterwards, as the guest is not to wait.
 * ended (may be NULL) says so where the guest has ended on the way.
 */
static int give_up(struct dd_migration *half, struct dd_error *ended, struct dd_error *err)
{
	struct outgoing *outgoing = &half->departure.outgoing;
	int rc;

	channel_close(TAKE(outgoing->channel));
	rc = outgoing_give_up(outgoing, err);
	if (!rc && outgoing->ended && ended)
		(void)outgoing_tell_ended(outgoing, ended);
	if (!rc && outgoing_connect(outgoing, NULL) == 0)
		(void)ask_over(outgoing->channel, outgoing->peer.name, half->uuid, half->id, NULL);
	half_over(half);
	return rc;
}

/* After the failure rc, which is told already; that its guest has ended explains it better. */
static int undo(struct dd_migration *half, int rc, struct dd_error *err)
{
	struct dd_error undone = {0}, ended = {0};

	if (give_up(half, &ended, &undone))
		host_warn(half->host, "what was begun could not be undone yet: %s", undone.message);
	if (!ended.code)
		return rc;
	if (err)
		*err = ended;
	return ended.code;
}

static int begin_cookie(struct dd_migration *half, const struct dd_migrate_options *options,
	char **out, struct dd_error *err)
{
	CLEANUP(json) struct json *wishes = wishes_new(options);
	const struct outgoing *outgoing = &half->departure.outgoing;
	struct cookie cookie = {
		.phase = COOKIE_BEGIN,
		.id = outgoing->id,
		.uuid = outgoing->op.row.uuid,
		.from = book_host_name(half->host->book),
		.to = outgoing->peer.name,
		.wishes = wishes,
	};

	half_name(half, &cookie);
	return cookie_write(&cookie, out, err);
}

/* Until the client's next call. */
static int rests(const struct dd_migration *half, struct dd_error *err)
{
	const struct operation *op = &half->departure.outgoing.op;

	return flag_rest(op->host, op->row.uuid, err);
}

int dd_migration_begin(struct dd_host *host, const struct dd_migrate_options *options,
	const struct dd_change *change, struct dd_migration **out, char **cookie,
	struct dd_error *err)
{
	CLEANUP(half) struct dd_migration *half = NULL;
	CLEANUP(free) char *made = NULL;
	int rc = half_new(host, true, COOKIE_BEGIN, &half, err);

	if (!rc && options->postcopy)
		rc = error_set(err, DD_UNSUPPORTED,
			"post-copy is for migrations that the source drives: its guest would have "
			"to wait for a client");
	if (!rc)
		rc = departure_begin(&half->departure, host, options, change, err);
	if (rc)
		return rc;
	half->has_token = true;
	half->departure.outgoing.stays = true;
	rc = begin_cookie(half, options, &made, err);
	if (!rc)
		rc = outgoing_offer(&half->departure.outgoing, NULL, err);
	if (!rc)
		rc = outgoing_offered(&half->departure.outgoing, PEER_ANSWER_MS, NULL, err);
	if (rc)
		return undo(half, rc, err);
	/* it may be long until there is more to say */
	channel_close(TAKE(half->departure.outgoing.channel));
	rc = rests(half, err);
	if (rc)
		return undo(half, rc, err);
	*out = TAKE(half);
	*cookie = TAKE(made);
	return 0;
}

/* ---- prepare ---- */

/* Is it for this host, from one that it trusts? */
static int destination_check(
	struct dd_host *host, const struct cookie *cookie, struct dd_error *err)
{
	struct peer peer;
	int rc;

	if (strcmp(cookie->to, book_host_name(host->book)) != 0)
		return error_set(err, DD_REFUSED,
			"the cookie is of a migration to the host '%s', and this is '%s'",
			cookie->to, book_host_name(host->book));
	rc = peer_find(host, cookie->from, &peer, err);
	return rc ? rc : peer_trusted(&peer, err);
}

/* What the source has offered. */
static int incoming_need(struct dd_migration *half, struct dd_error *err)
{
	CLEANUP(incoming) struct incoming *incoming = NULL;
	int rc = half->incoming ? 0
				: incoming_find(half->host, half->uuid, half->id, &incoming, err);

	if (rc || half->incoming)
		return rc;
	if (strcmp(incoming->peer, half->from) != 0)
		return error_set(
			err, DD_REFUSED, "the migration %s comes from another host", half->id);
	half->incoming = TAKE(incoming);
	return 0;
}

static int row_need_none(const struct dd_migration *half, struct dd_error *err)
{
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	struct dd_error reason = {0};
	int rc = migration_row_find(half->host, half->uuid, half->id, &row, &reason);

	if (rc == DD_NOT_FOUND)
		return 0;
	return rc ? error_set(err, rc, "%s", reason.message)
		  : error_set(err, DD_REFUSED, "the migration %s is prepared already", half->id);
}

/* What is not there is no fault of the caller's host, but of the cookie. */
static int refused(struct dd_error *err)
{
	if (err)
		err->code = DD_REFUSED;
	return DD_REFUSED;
}

int dd_migration_prepare(struct dd_host *host, const char *cookie, struct dd_migration **out,
	char **cookie_out, struct dd_error *err)
{
	CLEANUP(half) struct dd_migration *half = NULL;
	CLEANUP(cookie) struct cookie from = {.json = NULL};
	CLEANUP(free) char *made = NULL;
	struct cookie next;
	int rc = cookie_read(cookie, &from, err);

	if (!rc)
		rc = phase_check(&from, COOKIE_BEGIN, err);
	if (!rc)
		rc = destination_check(host, &from, err);
	if (!rc)
		rc = half_new(host, false, COOKIE_PREPARE, &half, err);
	if (rc)
		return rc;
	half_name(half, &from);
	rc = row_need_none(half, err);
	if (!rc)
		rc = incoming_need(half, err);
	if (rc == DD_NOT_FOUND)
		rc = refused(err);
	if (!rc)
		rc = incoming_prepare(half->incoming, from.wishes, err);
	if (!rc)
		rc = incoming_land(half->incoming, err);
	if (rc)
		return rc;
	next = half_cookie(half, COOKIE_PREPARE);
	next.disks = half->incoming->disks;
	next.screens = half->incoming->screens;
	rc = cookie_write(&next, &made, err);
	incoming_free(TAKE(half->incoming));
	if (rc)
		return rc;
	*out = TAKE(half);
	*cookie_out = TAKE(made);
	return 0;
}

/* ---- perform ---- */

static int perform_cookie(struct dd_migration *half, char **out, struct dd_error *err)
{
	CLEANUP(json) struct json *statistics = departure_statistics(&half->departure);
	struct cookie cookie = half_cookie(half, COOKIE_PERFORM);

	cookie.token = half->departure.outgoing.token;
	cookie.statistics = statistics;
	return cookie_write(&cookie, out, err);
}

int dd_migration_perform(struct dd_migration *source, const char *cookie, dd_migration_fn progress,
	void *context, char **cookie_out, struct dd_error *err)
{
	CLEANUP(cookie) struct cookie from = {.json = NULL};
	int rc = half_read(source, cookie, true, COOKIE_BEGIN, COOKIE_PREPARE, &from, err);

	if (!rc && !source->has_token) {
		error_set(err, DD_REFUSED,
			"the migration %s was begun by another process, and only that one could go "
			"on",
			source->id);
		rc = error_hint(err, "cancel it, and begin another");
	}
	if (rc)
		return rc;
	source->departure.stream.progress = progress;
	source->departure.stream.context = context;
	/* what the client has taken since it began is its own affair */
	source->departure.stream.began = deadline_now();
	flag_wake(source->host, from.uuid);
	rc = flag_check(source->departure.outgoing.flag, err);
	if (!rc)
		rc = outgoing_ready(&source->departure.outgoing, &source->departure.stream, err);
	if (!rc)
		rc = departure_perform(&source->departure, from.disks, from.screens, err);
	if (!rc)
		rc = perform_cookie(source, cookie_out, err);
	if (rc) {
		/* nobody has seen the token */
		source->departure.outgoing.keeps_token = true;
		return undo(source, rc, err);
	}
	source->last = COOKIE_PERFORM;
	(void)rests(source, NULL);
	return 0;
}

/* ---- finish ---- */

int dd_migration_finish(struct dd_migration *destination, const char *cookie, char **cookie_out,
	struct dd_error *err)
{
	CLEANUP(cookie) struct cookie from = {.json = NULL};
	CLEANUP(incoming) struct incoming *incoming = NULL;
	struct cookie next;
	int rc = half_read(destination, cookie, false, COOKIE_PREPARE, COOKIE_PERFORM, &from, err);

	if (!rc)
		rc = incoming_need(destination, err);
	if (rc)
		return rc;
	next = half_cookie(destination, COOKIE_FINISH);
	incoming = TAKE(destination->incoming);
	rc = incoming_finish(incoming, from.token, from.statistics, NULL, NULL, &next.state, err);
	if (rc)
		return rc;
	half_over(destination);
	return cookie_write(&next, cookie_out, err);
}

/* ---- confirm ---- */

int dd_migration_confirm(struct dd_migration *source, const char *cookie,
	struct dd_migrated *result, struct dd_error *err)
{
	static const struct dd_error none = {0};
	CLEANUP(cookie) struct cookie from = {.json = NULL};
	int rc = half_read(source, cookie, true, COOKIE_PERFORM, COOKIE_FINISH, &from, err);

	if (!rc)
		rc = outgoing_ask(&source->departure.outgoing, OUTGOING_ASK_MS, err);
	if (rc)
		return rc;
	rc = departure_result(&source->departure, &none, result, err);
	half_over(source);
	return rc;
}

/* ---- otherwise ---- */

static int cancel_by_asking(struct dd_migration *half, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	int rc = outgoing_ask(&half->departure.outgoing, OUTGOING_ASK_MS, err);

	if (rc)
		return rc;
	half_over(half);
	rc = book_find(half->host->book, half->uuid, &row, err);
	if (!rc && row.owner)
		rc = error_set(err, DD_REFUSED, "too late: the host '%s' has the domain '%s'",
			row.owner, row.name);
	return rc;
}

int dd_migration_cancel(struct dd_migration *source, struct dd_error *err)
{
	int rc = half_check(source, err);

	if (rc)
		return rc;
	if (!source->is_source) {
		error_set(err, DD_REFUSED, "the migration %s comes from the host '%s'", source->id,
			source->from);
		return error_hint(err, "cancel the source's half");
	}
	if (source->over)
		return error_set(err, DD_REFUSED, "the migration %s is over", source->id);
	return source->last == COOKIE_BEGIN ? give_up(source, NULL, err)
					    : cancel_by_asking(source, err);
}

static int source_find(struct dd_migration *half, struct dd_error *err)
{
	struct outgoing *outgoing = &half->departure.outgoing;
	int rc = outgoing_find(outgoing, half->host, half->uuid, half->id, err);

	clock_gettime(CLOCK_MONOTONIC, &half->departure.began);
	if (!rc && outgoing->state == SOURCE_SWITCHED)
		half->last = COOKIE_PERFORM;
	return rc;
}

static int destination_find(
	struct dd_migration *half, const struct cookie *cookie, struct dd_error *err)
{
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	int rc = destination_check(half->host, cookie, err);

	if (!rc)
		rc = migration_row_find(half->host, half->uuid, half->id, &row, err);
	if (!rc && (row.outgoing || row.destination != DESTINATION_PREPARED))
		rc = error_set(err, DD_NOT_FOUND, "the migration %s is decided", half->id);
	return rc ? rc : incoming_need(half, err);
}

int dd_migration_find(
	struct dd_host *host, const char *cookie, struct dd_migration **out, struct dd_error *err)
{
	CLEANUP(half) struct dd_migration *half = NULL;
	CLEANUP(cookie) struct cookie from = {.json = NULL};
	bool is_source;
	int rc = cookie_read(cookie, &from, err);

	if (rc)
		return rc;
	is_source = strcmp(from.from, book_host_name(host->book)) == 0;
	rc = half_new(host, is_source, is_source ? COOKIE_BEGIN : COOKIE_PREPARE, &half, err);
	if (rc)
		return rc;
	half_name(half, &from);
	rc = is_source ? source_find(half, err) : destination_find(half, &from, err);
	if (!rc)
		*out = TAKE(half);
	return rc;
}
