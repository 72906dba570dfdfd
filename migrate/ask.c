/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/ask.h"

#include "migrate/offer.h"
#include "migrate/pack.h"

struct json *ask_request(const char *op, const char *id, const char *uuid)
{
	struct json *request = peer_request(op);

	json_put_string(request, "id", id);
	json_put_string(request, "uuid", uuid);
	return request;
}

static int malformed(const char *peer, struct dd_error *err)
{
	return error_set(err, DD_CORRUPT, "the host '%s' gave an answer that is none", peer);
}

int ask_owned(struct channel *channel, const char *peer, const char *uuid, uint32_t *epoch,
	struct dd_error *err)
{
	CLEANUP(json) struct json *answer = NULL;
	struct json *request = peer_request("owned");
	int rc;

	json_put_string(request, "uuid", uuid);
	rc = peer_call(channel, peer, request, PEER_ANSWER_MS, &answer, err);
	if (!rc)
		*epoch = (uint32_t)json_get_unsigned(answer, "epoch", 0);
	return rc;
}

int ask_row(struct dd_host *host, const char *peer, const char *uuid, const char *id, bool *open,
	struct dd_error *err)
{
	CLEANUP(channel) struct channel *channel = NULL;
	CLEANUP(json) struct json *answer = NULL;
	enum source_state state;
	int rc = peer_connect(host, peer, NULL, 0, &channel, err);

	if (!rc)
		rc = peer_call(
			channel, peer, ask_request("row", id, uuid), PEER_ANSWER_MS, &answer, err);
	if (!rc && !source_read(json_get_string(answer, "state"), &state))
		rc = malformed(peer, err);
	if (!rc)
		*open = state != SOURCE_NONE;
	return rc;
}

int ask_end(struct channel *channel, const char *peer, const char *uuid, const char *id,
	enum destination_state *state, struct dd_error *err)
{
	CLEANUP(json) struct json *answer = NULL;
	int rc = peer_call(
		channel, peer, ask_request("ask", id, uuid), PEER_ANSWER_MS, &answer, err);

	return rc || destination_read(json_get_string(answer, "state"), state)
		       ? rc
		       : malformed(peer, err);
}

int ask_viewers(struct channel *channel, const char *peer, const char *uuid, const char *id,
	unsigned *count, struct dd_error *err)
{
	CLEANUP(json) struct json *answer = NULL;
	int rc = peer_call(
		channel, peer, ask_request("viewers", id, uuid), PEER_ANSWER_MS, &answer, err);

	if (!rc)
		*count = (unsigned)json_get_unsigned(answer, "count", 0);
	return rc;
}

int ask_over(struct channel *channel, const char *peer, const char *uuid, const char *id,
	struct dd_error *err)
{
	CLEANUP(json) struct json *answer = NULL;

	return peer_call(
		channel, peer, ask_request("over", id, uuid), PEER_ANSWER_MS, &answer, err);
}

int ask_receipt_receive(struct dd_host *host, struct channel *channel, const struct peer *peer,
	const char *uuid, const struct json *answer, struct parcel **parcel,
	struct book_taken *taken, struct dd_error *err)
{
	CLEANUP(parcel) struct parcel *coming = NULL;
	struct parcel_heads heads;
	int rc = offer_heads(answer, &heads, err);

	if (!rc)
		rc = book_parcel_begin(host->book, uuid, NULL, &coming, err);
	if (!rc)
		rc = pack_receive(channel, coming, err);
	if (!rc)
		rc = book_parcel_end(coming, peer->name, peer->key, &heads, taken, err);
	if (!rc)
		*parcel = TAKE(coming);
	return rc;
}

int ask_receipt(struct dd_host *host, struct channel *channel, const struct peer *peer,
	const char *uuid, const char *id, const char *have, struct parcel **parcel,
	struct book_taken *taken, struct dd_error *err)
{
	CLEANUP(json) struct json *answer = NULL;
	struct json *request = ask_request("receipt", id, uuid);
	int rc;

	json_put_string(request, "have", have);
	rc = peer_call(channel, peer->name, request, PEER_ANSWER_MS, &answer, err);
	return rc ? rc : ask_receipt_receive(host, channel, peer, uuid, answer, parcel, taken, err);
}
