/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/serve.h"

#include <stdio.h>
#include <string.h>

#include "migrate/answers.h"
#include "migrate/incoming.h"

#define REFUSALS_MAX 20 /* of a connection that are told of */

CLEANUP_DEFINE(host, struct dd_host *, dd_host_close)

/* ---- what a peer can ask for ---- */

/* That a request comes here and its answer goes back. */
static int op_check(struct peer_session *session, const struct json *request, struct json **answer,
	struct dd_error *err)
{
	(void)request;
	(void)err;
	*answer = peer_greeting(session->host);
	return 0;
}

static const struct peer_op ops[] = {
	{"check", op_check},
	{NULL, NULL},
};

static const struct peer_op *op_find(const char *name)
{
	static const struct peer_op *const tables[] = {ops, migration_ops};

	for (size_t i = 0; name && i < sizeof tables / sizeof tables[0]; i++)
		for (const struct peer_op *op = tables[i]; op->name; op++)
			if (strcmp(op->name, name) == 0)
				return op;
	return NULL;
}

/* ---- one connection ---- */

struct serving {
	const struct dd_host_options *options;
	const atomic_bool *stop;
	serve_log log;
	void *log_context;
	struct dd_host *host;    /* NULL until somebody has said something sensible */
	struct peer peer;        /* who it is */
	unsigned refusals;       /* that were told of */
	struct dd_error trouble; /* of the book's, in the middle of a handshake */
};

static void PRINTF_LIKE(3, 4)
	tell(const struct serving *serving, enum serve_event event, const char *format, ...)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	va_list args;

	va_start(args, format);
	text_vprintf(&words, format, args);
	va_end(args);
	serving->log(event, text_string(&words), serving->log_context);
}

static void tell_error(const struct serving *serving, enum serve_event event, const char *what,
	const struct dd_error *error)
{
	char line[sizeof *error + 64];

	dd_error_format(error, line, sizeof line);
	tell(serving, event, "%s: %s", what, line);
}

/* The book is opened for who speaks the protocol, and not for noise. */
static int serving_identity(void *context, unsigned char key[KEY_PUBLIC_SIZE], struct dd_error *err)
{
	struct serving *serving = context;
	int rc = serving->host ? 0 : dd_host_open(serving->options, &serving->host, err);

	return rc ? rc : book_identity(serving->host->book, key, err);
}

static int serving_vouch(void *context, const void *data, size_t size,
	unsigned char signature[KEY_SIGNATURE_SIZE], struct dd_error *err)
{
	const struct serving *serving = context;

	return book_vouch(serving->host->book, data, size, signature, err);
}

static enum handshake_verdict serving_judge(void *context, const unsigned char key[KEY_PUBLIC_SIZE])
{
	struct serving *serving = context;
	int rc = peer_find_key(serving->host, key, &serving->peer, &serving->trouble);

	if (rc == DD_NOT_FOUND)
		serving->trouble = (struct dd_error){0};
	if (rc)
		return VERDICT_UNKNOWN;
	return serving->peer.revoked ? VERDICT_REVOKED : VERDICT_KNOWN;
}

static bool stopped(const struct serving *serving)
{
	return serving->stop && atomic_load(serving->stop);
}

static void tell_refusal(const struct serving *serving, int rc, const struct dd_error *error)
{
	if (stopped(serving))
		return;
	if (serving->trouble.code)
		tell_error(serving, SERVE_TROUBLE, "cannot look up its key", &serving->trouble);
	else if (rc == DD_REFUSED && serving->peer.revoked)
		tell(serving, SERVE_TROUBLE, "the peer '%s' is revoked, and was refused: %s",
			serving->peer.name, error->message);
	else
		tell_error(serving, rc == DD_REFUSED ? SERVE_TROUBLE : SERVE_NOTE, "not let in",
			error);
}

/* A peer that was revoked, or has got another key, since it was let in has nothing more to ask. */
static int still_known(const struct serving *serving, struct dd_error *err)
{
	const struct peer *peer = &serving->peer;
	struct peer now;
	int rc = peer_find(serving->host, peer->name, &now, err);

	if (!rc && (now.revoked || memcmp(now.key, peer->key, sizeof now.key) != 0))
		return error_set(err, DD_REFUSED, "your key is revoked");
	return rc;
}

/* Of one that asks for this and that without end only the first are told. */
static void tell_failure(
	struct serving *serving, const struct peer_op *op, const struct dd_error *failure)
{
	CLEANUP(text) struct text what = TEXT_INIT;

	if (serving->refusals++ >= REFUSALS_MAX)
		return;
	text_printf(&what, "the peer '%s' asked for '%s', which failed%s", serving->peer.name,
		op->name,
		serving->refusals < REFUSALS_MAX ? "" : " (no more of this connection is told)");
	tell_error(serving, SERVE_NOTE, text_string(&what), failure);
}

static int answer_one(struct peer_session *session, struct serving *serving,
	const struct json *request, struct dd_error *err)
{
	CLEANUP(json) struct json *answer = NULL;
	const char *name = json_get_string(request, "op");
	const struct peer_op *op = op_find(name);
	struct dd_error failure = {0};
	int rc = still_known(serving, &failure);

	if (!rc && !op)
		rc = error_set(&failure, DD_UNSUPPORTED,
			"this host cannot do '%s' for others (its version is %s)", name ? name : "",
			dd_version());
	if (!rc) {
		rc = op->run(session, request, &answer, &failure);
		if (rc)
			tell_failure(serving, op, &failure);
	}
	if (!rc && !answer)
		return 0;
	if (rc) {
		json_free(answer);
		answer = peer_error(&failure);
	}
	rc = peer_send(session->channel, answer, err);
	migration_answered(session);
	return rc;
}

/* The caller says first what it is called. */
static int greet(struct serving *serving, struct channel *channel, struct dd_error *err)
{
	CLEANUP(json) struct json *theirs = NULL;
	CLEANUP(json) struct json *ours = NULL;
	int refused, rc = peer_receive(channel, CHANNEL_HANDSHAKE_MS, &theirs, err);

	if (rc)
		return rc;
	refused = peer_greeted(theirs, serving->peer.name, err);
	ours = refused && err ? peer_error(err) : peer_greeting(serving->host);
	rc = peer_send(channel, ours, refused ? NULL : err);
	return refused ? refused : rc;
}

/*
 * What is prepared may be long in coming, by other connections; a source that is gone is noticed by
 * the kernel.
 */
static bool is_idle(const struct peer_session *session)
{
	return !session->incoming || !incoming_is_prepared(session->incoming);
}

/* Who keeps something here for its next word does so no longer than nobody else asks for it. */
static int request_receive(struct peer_session *session, struct json **out, struct dd_error *err)
{
	int rc = DD_BUSY;

	for (int waited = 0; rc == DD_BUSY && waited < SERVE_IDLE_MS;) {
		rc = peer_receive(session->channel, SERVE_LOOK_MS, out, err);
		if (rc == DD_BUSY && session->incoming && incoming_is_wanted(session->incoming))
			incoming_free(TAKE(session->incoming));
		waited += is_idle(session) ? SERVE_LOOK_MS : 0;
	}
	return rc;
}

static int converse(struct serving *serving, struct channel *channel, struct dd_error *err)
{
	struct peer_session session = {
		.host = serving->host,
		.peer = &serving->peer,
		.channel = channel,
		.stop = serving->stop,
		.log = serving->log,
		.log_context = serving->log_context,
	};
	int rc = greet(serving, channel, err);

	while (!rc) {
		CLEANUP(json) struct json *request = NULL;

		rc = request_receive(&session, &request, err);
		if (!rc)
			rc = answer_one(&session, serving, request, err);
	}
	incoming_leave(session.incoming);
	/* it has closed it, or has nothing to ask */
	return rc == DD_NOT_FOUND || rc == DD_BUSY ? 0 : rc;
}

void peer_serve(const struct dd_host_options *options, int fd, const atomic_bool *stop,
	serve_log log, void *log_context)
{
	struct serving serving = {
		.options = options, .stop = stop, .log = log, .log_context = log_context};
	const struct channel_self self = {
		.who = {.identity = serving_identity, .vouch = serving_vouch, .context = &serving},
		.stop = stop,
	};
	CLEANUP(host) struct dd_host *host = NULL;
	CLEANUP(channel) struct channel *channel = NULL;
	struct dd_error err = {0};
	int rc = channel_accept(fd, &self, serving_judge, &serving, &channel, &err);

	host = serving.host;
	if (rc) {
		tell_refusal(&serving, rc, &err);
		return;
	}
	tell(&serving, SERVE_KNOWN, "%s", serving.peer.name);
	rc = converse(&serving, channel, &err);
	if (rc && !stopped(&serving))
		tell_error(&serving, SERVE_TROUBLE, serving.peer.name, &err);
}
