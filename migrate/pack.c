/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/pack.h"

#include "migrate/offer.h"

#define PIECE_SIZE ((size_t)64 << 10)  /* bytes of one message: the receiver is at work on it */
#define DRAIN_MAX ((uint64_t)64 << 20) /* bytes that are listened to for nothing */

struct sending {
	struct channel *channel;
	struct json *first;
	struct parcel_heads heads;
	struct text piece;
	bool begun;
	struct dd_error *err;
};

static int piece_send(struct sending *sending)
{
	int rc = 0;

	if (!sending->begun)
		rc = offer_put_heads(sending->first, &sending->heads)
			     ? peer_send(sending->channel, sending->first, sending->err)
			     : error_no_memory(sending->err);
	sending->begun = true;
	if (!rc && sending->piece.size)
		rc = channel_send(
			sending->channel, sending->piece.data, sending->piece.size, sending->err);
	text_clear(&sending->piece);
	return rc;
}

static int piece_add(const void *data, size_t size, void *context)
{
	struct sending *sending = context;

	text_add(&sending->piece, data, size);
	if (text_failed(&sending->piece))
		return error_no_memory(sending->err);
	return sending->piece.size >= PIECE_SIZE ? piece_send(sending) : 0;
}

int pack_send(struct channel *channel, struct book *book, const char *uuid, const char *have,
	struct json *first, struct dd_error *err)
{
	struct sending sending = {
		.channel = channel, .first = first, .piece = TEXT_INIT, .err = err};
	int rc = book_parcel_write(book, uuid, have, &sending.heads, piece_add, &sending, err);

	if (!rc)
		rc = piece_send(&sending);
	if (!rc)
		rc = channel_send(channel, "", 0, err);
	text_release(&sending.piece);
	return rc;
}

void pack_drain(struct channel *channel)
{
	CLEANUP(text) struct text piece = TEXT_INIT;
	uint64_t bytes = 0;
	int rc;

	do {
		text_clear(&piece);
		rc = channel_receive(channel, CHANNEL_MESSAGE_MAX, PEER_ANSWER_MS, &piece, NULL);
		bytes += piece.size;
	} while (!rc && piece.size && bytes < DRAIN_MAX);
}

int pack_receive(struct channel *channel, struct parcel *parcel, struct dd_error *err)
{
	CLEANUP(text) struct text piece = TEXT_INIT;
	int rc;

	do {
		text_clear(&piece);
		rc = channel_receive(channel, CHANNEL_MESSAGE_MAX, PEER_ANSWER_MS, &piece, err);
		if (rc || !piece.size)
			return rc;
		rc = book_parcel_put(parcel, piece.data, piece.size, err);
	} while (!rc);
	pack_drain(channel);
	return rc;
}
