/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/channel/channel_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "qmp/deadline.h"

/* A message has so long to be taken: as much as a slow line needs, and some time for a stall. */
#define SEND_MS CHANNEL_LINK_MS
#define SEND_BYTES_MS 64 /* at least so many each millisecond */

/* ---- making and ending one ---- */

static void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	if (channel->link.fd >= 0)
		close(channel->link.fd);
	frame_key_release(&channel->send);
	frame_key_release(&channel->receive);
	if (channel->partial.data)
		sodium_memzero(channel->partial.data, channel->partial.size);
	text_release(&channel->partial);
	sodium_memzero(channel->in, sizeof channel->in);
	free(channel);
}
CLEANUP_DEFINE(made, struct channel *, channel_free)

/* The link is the channel's once this has succeeded. */
static int channel_new(const struct link *link, const struct handshake *handshake,
	struct channel **out, struct dd_error *err)
{
	CLEANUP(made) struct channel *channel = malloc(sizeof *channel);
	int rc;

	if (!channel)
		return error_no_memory(err);
	channel->link = (struct link){.fd = -1};
	channel->broken = false;
	channel->partial = (struct text)TEXT_INIT;
	channel->in_begin = channel->in_end = channel->out_begin = channel->out_end = 0;
	channel->send = channel->receive = (struct frame_key){.context = NULL};
	rc = handshake_keys(handshake, &channel->send, &channel->receive, err);
	if (rc)
		return rc;
	memcpy(channel->peer, handshake_peer(handshake), sizeof channel->peer);
	channel->link = *link;
	*out = TAKE(channel);
	return 0;
}

void channel_close(struct channel *channel)
{
	unsigned char last[FRAME_EXTRA];

	if (!channel)
		return;
	if (!channel->broken && channel->out_begin == channel->out_end) {
		size_t size = frame_seal(&channel->send, FRAME_CLOSE, NULL, 0, last);

		(void)send(channel->link.fd, last, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	channel_free(channel);
}

const unsigned char *channel_peer(const struct channel *channel)
{
	return channel->peer;
}

const char *channel_cipher(const struct channel *channel)
{
	return channel->send.cipher == CIPHER_AES256 ? "AES-256-GCM" : "ChaCha20-Poly1305";
}

int channel_sound(const struct channel *channel, struct dd_error *err)
{
	return channel->broken ? error_set(err, DD_SYSTEM, "the link was broken before") : 0;
}

/* ---- the handshake ---- */

static int in_time(int rc, struct dd_error *err)
{
	return rc == DD_BUSY ? error_set(err, DD_SYSTEM,
				       "the other side did not finish the handshake in time")
			     : rc;
}

static int hear(const struct link *link, struct handshake *handshake, int64_t deadline,
	struct handshake_bytes *out, struct dd_error *err)
{
	unsigned char bytes[HANDSHAKE_MOST];
	int rc = link_read_all(link, bytes, handshake_wants(handshake), deadline, err);

	out->size = 0;
	if (rc == DD_BUSY)
		return in_time(rc, err);
	if (!rc)
		return handshake_hear(handshake, bytes, out, err);
	error_wrap(err, "in the middle of the handshake");
	return rc;
}

static int say(const struct link *link, const struct handshake_bytes *out, int64_t deadline,
	struct dd_error *err)
{
	return in_time(link_write_all(link, out->data, out->size, deadline, err), err);
}

/* Until it is done, or failed; out is what is to be said first. judge: NULL for the caller. */
static int shake(const struct link *link, struct handshake *handshake, struct handshake_bytes *out,
	int64_t deadline, channel_judge judge, void *context, struct dd_error *err)
{
	for (;;) {
		enum handshake_state state = handshake_state(handshake);
		int rc = say(link, out, deadline, err);

		if (rc || state == HANDSHAKE_DONE || state == HANDSHAKE_NO_CALLER)
			return rc;
		if (state == HANDSHAKE_JUDGES)
			rc = handshake_judge(
				handshake, judge(context, handshake_peer(handshake)), out, err);
		else
			rc = hear(link, handshake, deadline, out, err);
		if (!rc)
			continue;
		/* what the other side is to know of why */
		if (out->size && say(link, out, deadline, NULL) == 0)
			link_farewell(link);
		return rc;
	}
}

static int call(struct link *link, const char *address, int wait_ms,
	const struct handshake_self *self, const unsigned char *expected,
	struct handshake **handshake, struct dd_error *err)
{
	struct handshake_bytes out;
	int64_t deadline = deadline_in(wait_ms ? wait_ms : CHANNEL_HANDSHAKE_MS);
	int rc = handshake_call(self, expected, CIPHERS_KNOWN, handshake, &out, err);

	if (!rc)
		rc = link_open(link, address, deadline_left(deadline), err);
	if (rc)
		return rc;
	rc = shake(link, *handshake, &out, deadline, NULL, NULL, err);
	if (rc && rc != DD_REFUSED)
		error_wrap(err, "%s", address);
	return rc;
}

int channel_connect(const struct channel_self *self, const char *address,
	const unsigned char expected[KEY_PUBLIC_SIZE], int wait_ms, struct channel **out,
	struct dd_error *err)
{
	CLEANUP(handshake) struct handshake *handshake = NULL;
	struct link link = {.fd = -1, .stop = self->stop};
	int rc = call(&link, address, wait_ms, &self->who, expected, &handshake, err);

	if (!rc)
		rc = channel_new(&link, handshake, out, err);
	if (rc && link.fd >= 0)
		close(link.fd);
	return rc;
}

int channel_ask_key(
	const char *address, int wait_ms, unsigned char key[KEY_PUBLIC_SIZE], struct dd_error *err)
{
	CLEANUP(handshake) struct handshake *handshake = NULL;
	struct link link = {.fd = -1};
	int rc = call(&link, address, wait_ms, NULL, NULL, &handshake, err);

	if (link.fd >= 0)
		close(link.fd);
	if (!rc)
		memcpy(key, handshake_peer(handshake), KEY_PUBLIC_SIZE);
	return rc;
}

int channel_accept(int fd, const struct channel_self *self, channel_judge judge, void *context,
	struct channel **out, struct dd_error *err)
{
	CLEANUP(handshake) struct handshake *handshake = NULL;
	const struct link link = {.fd = fd, .stop = self->stop};
	int64_t deadline = deadline_in(CHANNEL_HANDSHAKE_MS);
	struct handshake_bytes nothing = {.size = 0};
	int rc = link_prepare(&link, err);

	if (!rc)
		rc = handshake_answer(&self->who, CIPHERS_KNOWN, &handshake, err);
	if (!rc)
		rc = shake(&link, handshake, &nothing, deadline, judge, context, err);
	if (!rc)
		rc = channel_new(&link, handshake, out, err);
	if (rc)
		close(fd);
	return rc;
}

/* ---- sending ---- */

static int flush(struct channel *channel, int64_t deadline, struct dd_error *err)
{
	int rc = link_write_all(&channel->link, channel->out, channel->out_end, deadline, err);

	channel->out_end = 0;
	if (!rc)
		return 0;
	channel->broken = true;
	return rc == DD_BUSY ? error_set(err, DD_SYSTEM, "the other side takes nothing any more")
			     : rc;
}

int channel_send(struct channel *channel, const void *data, size_t size, struct dd_error *err)
{
	int64_t deadline = deadline_in((int)(SEND_MS + size / SEND_BYTES_MS));
	const unsigned char *at = data;
	int rc = channel_sound(channel, err);

	if (rc)
		return rc;
	if (size > CHANNEL_MESSAGE_MAX)
		return error_set(err, DD_INVALID, "a message of %zu bytes is too long", size);
	for (bool whole = false; !rc && !whole;) {
		size_t piece = size < FRAME_DATA_MAX ? size : FRAME_DATA_MAX;

		whole = piece == size;
		channel->out_end += frame_seal(&channel->send, whole ? FRAME_END : FRAME_PART, at,
			piece, channel->out + channel->out_end);
		at += piece;
		size -= piece;
		if (whole || channel->out_end > CHANNEL_ROOM - FRAME_MAX)
			rc = flush(channel, deadline, err);
	}
	return rc;
}

/* ---- receiving ---- */

size_t channel_room(struct channel *channel)
{
	size_t size = channel->in_end - channel->in_begin;

	memmove(channel->in, channel->in + channel->in_begin, size);
	channel->in_begin = 0;
	channel->in_end = size;
	return CHANNEL_ROOM - size;
}

int channel_frame(struct channel *channel, bool *there, enum frame_kind *kind, unsigned char **data,
	size_t *size, struct dd_error *err)
{
	unsigned char *frame = channel->in + channel->in_begin;
	size_t have = channel->in_end - channel->in_begin;
	size_t whole = 0;
	int rc = 0;

	*there = false;
	if (have >= FRAME_HEAD_SIZE)
		rc = frame_measure(frame, &whole, err);
	if (!rc && whole && have >= whole) {
		rc = frame_open(&channel->receive, frame, kind, size, err);
		*there = !rc;
		*data = frame + FRAME_HEAD_SIZE;
		channel->in_begin += whole;
	}
	if (rc)
		channel->broken = true;
	return rc;
}

/* Adds a frame to the message that is under way; *whole: that was its last. */
static int gather(struct channel *channel, enum frame_kind kind, const unsigned char *data,
	size_t size, size_t most, bool *whole, struct dd_error *err)
{
	if (kind == FRAME_CLOSE) {
		channel->broken = true;
		return channel->partial.size
			       ? error_set(err, DD_CORRUPT, "the other side broke off a message")
			       : error_set(err, DD_NOT_FOUND, "the other side has closed the link");
	}
	if (kind != FRAME_PART && kind != FRAME_END) {
		channel->broken = true;
		return error_set(err, DD_CORRUPT, "a message was to come, and not a stream");
	}
	if (size > most - channel->partial.size) {
		channel->broken = true;
		return error_set(err, DD_CORRUPT, "a message of more than %zu bytes came", most);
	}
	text_add(&channel->partial, data, size);
	if (text_failed(&channel->partial)) {
		channel->broken = true;
		return error_no_memory(err);
	}
	*whole = kind == FRAME_END;
	return 0;
}

/* The next frame of a message, or more of what is to be one. */
static int advance(
	struct channel *channel, size_t most, int64_t deadline, bool *whole, struct dd_error *err)
{
	enum frame_kind kind;
	unsigned char *data;
	size_t size, room, got;
	bool there;
	int rc = channel_frame(channel, &there, &kind, &data, &size, err);

	if (rc)
		return rc;
	if (there)
		return gather(channel, kind, data, size, most, whole, err);
	room = channel_room(channel);
	rc = link_read(&channel->link, channel->in + channel->in_end, room, deadline, &got, err);
	if (!rc)
		channel->in_end += got;
	else if (rc != DD_BUSY)
		channel->broken = true;
	return rc;
}

int channel_receive(
	struct channel *channel, size_t most, int wait_ms, struct text *out, struct dd_error *err)
{
	int64_t deadline = deadline_in(wait_ms);
	bool whole = false;
	int rc = channel_sound(channel, err);

	while (!rc && !whole)
		rc = advance(channel, most, deadline, &whole, err);
	if (rc)
		return rc;
	text_add(out, channel->partial.data, channel->partial.size);
	text_clear(&channel->partial);
	return text_failed(out) ? error_no_memory(err) : 0;
}
