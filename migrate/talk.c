/* SPDX-License-Identifier: Apache-2.0 */
/* What peers say to each other, and the side that calls. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "migrate/peer.h"
#include "qmp/deadline.h"

#define WANTED_MS 200

/* ---- messages ---- */

int peer_send(struct channel *channel, const struct json *message, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = json_write(message, &text, err);

	return rc ? rc : channel_send(channel, text.data, text.size, err);
}

int peer_receive(struct channel *channel, int wait_ms, struct json **out, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(json) struct json *json = NULL;
	int rc = channel_receive(channel, PEER_MESSAGE_MAX, wait_ms, &text, err);

	if (rc)
		return rc;
	rc = json_parse(text_string(&text), text.size, &json, err);
	if (rc == DD_NO_MEMORY)
		return rc;
	if (rc)
		return error_set(err, DD_CORRUPT, "the other side said what is no JSON");
	*out = TAKE(json);
	return 0;
}

struct json *peer_error(const struct dd_error *error)
{
	struct json *message = json_object();
	struct json *inner = json_object();

	json_put_number(inner, "code", error->code);
	json_put_string(inner, "message", error->message);
	json_put_string(inner, "hint", error->hint);
	if (*error->path)
		json_put_string(inner, "path", error->path);
	json_put(message, "error", inner);
	return message;
}

int peer_error_in(const struct json *message, const char *name, struct dd_error *err)
{
	const struct json *inner = json_get(message, "error");
	const char *words = json_get_string(inner, "message");
	const char *hint = json_get_string(inner, "hint");
	int64_t code = json_get_number(inner, "code", DD_SYSTEM);

	if (!inner)
		return 0;
	if (code > DD_INVALID || code < DD_NO_MEMORY)
		code = DD_SYSTEM;
	error_set(err, (int)code, "%s: %s", name, words ? words : "it failed");
	if (hint && *hint)
		error_hint(err, "%s", hint);
	error_place(err, NULL, 0, 0, json_get_string(inner, "path"));
	return (int)code;
}

struct json *peer_request(const char *op)
{
	struct json *request = json_object();

	json_put_string(request, "op", op);
	return request;
}

/* What the channel says of an answer that did not come. */
static int no_answer(int rc, const char *name, struct dd_error *err)
{
	if (rc == DD_BUSY)
		return error_set(err, DD_SYSTEM, "%s did not answer in time", name);
	if (rc == DD_NOT_FOUND)
		return error_set(err, DD_SYSTEM, "%s has closed the connection", name);
	error_wrap(err, "%s", name);
	return rc;
}

int peer_answer(struct channel *channel, const char *name, int wait_ms, struct json **answer,
	struct dd_error *err)
{
	CLEANUP(json) struct json *came = NULL;
	int rc = peer_receive(channel, wait_ms ? wait_ms : PEER_ANSWER_MS, &came, err);

	if (rc)
		return no_answer(rc, name, err);
	rc = peer_error_in(came, name, err);
	if (!rc && answer)
		*answer = TAKE(came);
	return rc;
}

int peer_answer_while(struct channel *channel, const char *name, int wait_ms, peer_wanted_fn wanted,
	void *context, struct json **answer, struct dd_error *err)
{
	CLEANUP(json) struct json *came = NULL;
	int64_t end = deadline_in(wait_ms);
	int rc = DD_BUSY;

	while (rc == DD_BUSY && deadline_left(end)) {
		struct dd_error unwanted = {0};

		rc = wanted(context, &unwanted);
		if (rc) {
			if (err)
				*err = unwanted;
			return rc;
		}
		rc = peer_receive(channel, WANTED_MS, &came, err);
	}
	if (rc)
		return no_answer(rc, name, err);
	rc = peer_error_in(came, name, err);
	if (!rc && answer)
		*answer = TAKE(came);
	return rc;
}

int peer_call(struct channel *channel, const char *name, struct json *request, int wait_ms,
	struct json **answer, struct dd_error *err)
{
	CLEANUP(json) struct json *own = request;
	int rc = peer_send(channel, own, err);

	return rc ? no_answer(rc, name, err) : peer_answer(channel, name, wait_ms, answer, err);
}

/* ---- greeting ---- */

struct json *peer_greeting(struct dd_host *host)
{
	struct json *greeting = json_object();

	json_put_string(greeting, "name", book_host_name(host->book));
	json_put_string(greeting, "version", dd_version());
	return greeting;
}

int peer_greeted(const struct json *greeting, const char *name, struct dd_error *err)
{
	const char *own = json_get_string(greeting, "name");

	if (!own)
		return error_set(err, DD_CORRUPT, "%s does not say what it is called", name);
	if (strcmp(own, name) == 0)
		return 0;
	error_set(err, DD_REFUSED, "the host that is pinned as '%s' goes by the name '%s'", name,
		own);
	return error_hint(err,
		"a peer is pinned under its own name, with a key that no other name has here: "
		"there domesday key rotate, and then here domesday peer add %s with that key",
		own);
}

/* ---- calling ---- */

static int own_identity(void *context, unsigned char key[KEY_PUBLIC_SIZE], struct dd_error *err)
{
	const struct dd_host *host = context;

	return book_identity(host->book, key, err);
}

static int own_vouch(void *context, const void *data, size_t size,
	unsigned char signature[KEY_SIGNATURE_SIZE], struct dd_error *err)
{
	const struct dd_host *host = context;

	return book_vouch(host->book, data, size, signature, err);
}

struct channel_self peer_self(struct dd_host *host, const atomic_bool *stop)
{
	return (struct channel_self){
		.who = {.identity = own_identity,
			.vouch = own_vouch,
			.context = host,
			.name = book_host_name(host->book)},
		.stop = stop,
	};
}

/* A key that is another one may have followed the pinned one there, or be somebody else's. */
static int open_channel(struct dd_host *host, const struct peer *peer, const atomic_bool *stop,
	int wait_ms, struct channel **out, struct dd_error *err)
{
	const struct channel_self self = peer_self(host, stop);
	struct dd_error own = {0};
	int rc = channel_connect(&self, peer->address, peer->key, wait_ms, out, &own);

	if (!rc)
		return 0;
	if (rc == DD_REFUSED && !*own.hint)
		error_hint(&own,
			"if its key was changed (key rotate), compare what 'domesday identity' "
			"says there, and: domesday peer add %s %s 'KEY'",
			peer->name, peer->address);
	error_wrap(&own, "%s", peer->name);
	if (err)
		*err = own;
	return rc;
}

int peer_connect(struct dd_host *host, const char *name, const atomic_bool *stop, int wait_ms,
	struct channel **out, struct dd_error *err)
{
	CLEANUP(channel) struct channel *channel = NULL;
	CLEANUP(json) struct json *greeting = NULL;
	struct peer peer;
	int rc = peer_find(host, name, &peer, err);

	if (!rc)
		rc = peer_trusted(&peer, err);
	if (!rc)
		rc = open_channel(host, &peer, stop, wait_ms, &channel, err);
	if (!rc)
		rc = peer_call(
			channel, name, peer_greeting(host), CHANNEL_HANDSHAKE_MS, &greeting, err);
	if (!rc)
		rc = peer_greeted(greeting, name, err);
	if (!rc)
		*out = TAKE(channel);
	return rc;
}

/* ---- what anybody may ask ---- */

int dd_peer_key(const char *address, char key[DD_KEY_SIZE], char fingerprint[DD_KEY_SIZE],
	struct dd_error *err)
{
	unsigned char found[KEY_PUBLIC_SIZE];
	int rc = channel_ask_key(address, 0, found, err);

	if (rc)
		return rc;
	key_words(found, key);
	key_fingerprint(found, fingerprint);
	return 0;
}

static int64_t microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int dd_peer_check(
	struct dd_host *host, const char *name, struct dd_peer_health *out, struct dd_error *err)
{
	CLEANUP(channel) struct channel *channel = NULL;
	CLEANUP(json) struct json *answer = NULL;
	struct peer peer;
	int64_t began = microseconds(), met, answered;
	const char *version;
	int rc = peer_connect(host, name, NULL, 0, &channel, err);

	met = microseconds();
	if (!rc)
		rc = peer_call(channel, name, peer_request("check"), 0, &answer, err);
	answered = microseconds();
	if (!rc)
		rc = peer_find(host, name, &peer, err);
	if (rc)
		return rc;
	version = json_get_string(answer, "version");
	snprintf(out->address, sizeof out->address, "%s", peer.address);
	snprintf(out->version, sizeof out->version, "%s", version ? version : "");
	snprintf(out->cipher, sizeof out->cipher, "%s", channel_cipher(channel));
	out->connect_us = (uint32_t)(met - began);
	out->round_trip_us = (uint32_t)(answered - met);
	return 0;
}
