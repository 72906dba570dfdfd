/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes both ways at once, on one thread. Each direction holds one load: what was read from the
 * one end has all gone to the other before more is read. A load is up to CHANNEL_FRAMES frames, so
 * that the kernel is called seldom; it is sealed and opened where it lies.
 *
 * Whatever can be done is tried without asking first, and poll(2) comes when nothing could.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "migrate/channel/channel_internal.h"
#include "qmp/deadline.h"

#define PIECES 64 /* frames that are written together; small ones come in numbers */

enum way { OUT, IN };

struct relay {
	struct channel *channel;
	int fd;
	const atomic_bool *stop;
	int stall_ms;
	_Atomic uint64_t *counts;
	bool ending[2];   /* the end of the stream was seen, and may be behind what waits */
	bool ended[2];    /* and was passed on */
	int64_t moved[2]; /* when something last did */
	size_t load;      /* OUT: bytes of the stream in what waits */
	/* IN: what was opened and is not written yet */
	struct iovec pieces[PIECES];
	size_t piece, piece_count;
	bool any; /* something was done in this turn */
};

static void count(const struct relay *relay, enum way way, size_t size)
{
	if (relay->counts)
		atomic_fetch_add_explicit(&relay->counts[way], size, memory_order_relaxed);
}

static bool out_waits(const struct relay *relay)
{
	return relay->channel->out_begin < relay->channel->out_end;
}

static bool in_waits(const struct relay *relay)
{
	return relay->piece < relay->piece_count;
}

static int stream_broken(int number, struct dd_error *err)
{
	return error_errno(err, number, "the stream that is relayed is broken");
}

static void moved(struct relay *relay, enum way way)
{
	relay->any = true;
	relay->moved[way] = deadline_now();
}

/* ---- from the stream to the link ---- */

/* Seals what was read into the places that frames have, one after the other. */
static void seal_load(struct relay *relay, size_t size)
{
	struct channel *channel = relay->channel;

	relay->load = size;
	channel->out_begin = channel->out_end = 0;
	while (size) {
		size_t piece = size < FRAME_DATA_MAX ? size : FRAME_DATA_MAX;
		unsigned char *frame = channel->out + channel->out_end;

		channel->out_end += frame_seal(
			&channel->send, FRAME_BYTES, frame + FRAME_HEAD_SIZE, piece, frame);
		size -= piece;
	}
}

static int read_stream(struct relay *relay, struct dd_error *err)
{
	struct channel *channel = relay->channel;
	struct iovec places[CHANNEL_FRAMES];
	ssize_t got;

	for (size_t i = 0; i < CHANNEL_FRAMES; i++) {
		places[i].iov_base = channel->out + i * FRAME_MAX + FRAME_HEAD_SIZE;
		places[i].iov_len = FRAME_DATA_MAX;
	}
	got = readv(relay->fd, places, CHANNEL_FRAMES);
	if (got < 0)
		return link_later(errno) ? 0 : stream_broken(errno, err);
	moved(relay, OUT);
	seal_load(relay, (size_t)got);
	if (got == 0) {
		channel->out_end =
			frame_seal(&channel->send, FRAME_BYTES_END, NULL, 0, channel->out);
		relay->ending[OUT] = true;
	}
	return 0;
}

static int write_link(struct relay *relay, struct dd_error *err)
{
	struct channel *channel = relay->channel;
	ssize_t sent = send(channel->link.fd, channel->out + channel->out_begin,
		channel->out_end - channel->out_begin, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0)
		return link_later(errno)
			       ? 0
			       : error_errno(err, errno, "the link to the other side is broken");
	channel->out_begin += (size_t)sent;
	moved(relay, OUT);
	if (out_waits(relay))
		return 0;
	channel->out_begin = channel->out_end = 0;
	count(relay, OUT, relay->load);
	relay->ended[OUT] = relay->ending[OUT];
	return 0;
}

/* ---- from the link to the stream ---- */

/* The other side's stream has ended: whoever reads ours is told. */
static int end_stream(struct relay *relay, struct dd_error *err)
{
	if (shutdown(relay->fd, SHUT_WR) < 0 && errno != ENOTCONN)
		return stream_broken(errno, err);
	relay->ended[IN] = true;
	relay->any = true;
	return 0;
}

/* Opens as many frames as are there. */
static int open_load(struct relay *relay, struct dd_error *err)
{
	enum frame_kind kind;
	unsigned char *data;
	size_t size;
	bool there = true;

	relay->piece = relay->piece_count = 0;
	while (relay->piece_count < PIECES) {
		int rc = channel_frame(relay->channel, &there, &kind, &data, &size, err);

		if (rc || !there)
			return rc;
		if (kind == FRAME_BYTES_END) {
			relay->ending[IN] = true;
			return 0;
		}
		if (kind != FRAME_BYTES)
			return error_set(
				err, DD_CORRUPT, "a stream was to come, and not a message");
		relay->pieces[relay->piece_count].iov_base = data;
		relay->pieces[relay->piece_count++].iov_len = size;
		count(relay, IN, size);
	}
	return 0;
}

static int read_link(struct relay *relay, struct dd_error *err)
{
	struct channel *channel = relay->channel;
	size_t room = channel_room(channel);
	ssize_t got = recv(channel->link.fd, channel->in + channel->in_end, room, MSG_DONTWAIT);

	if (got < 0)
		return link_later(errno)
			       ? 0
			       : error_errno(err, errno, "the link to the other side is broken");
	if (got == 0)
		return error_set(
			err, DD_SYSTEM, "the other side has hung up in the middle of a stream");
	channel->in_end += (size_t)got;
	moved(relay, IN);
	return 0;
}

static int write_stream(struct relay *relay, struct dd_error *err)
{
	const struct msghdr message = {
		.msg_iov = relay->pieces + relay->piece,
		.msg_iovlen = relay->piece_count - relay->piece,
	};
	ssize_t sent = sendmsg(relay->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0)
		return link_later(errno) ? 0 : stream_broken(errno, err);
	moved(relay, IN);
	for (size_t left = (size_t)sent; left;) {
		struct iovec *piece = &relay->pieces[relay->piece];
		size_t part = left < piece->iov_len ? left : piece->iov_len;

		piece->iov_base = (char *)piece->iov_base + part;
		piece->iov_len -= part;
		left -= part;
		relay->piece += piece->iov_len == 0;
	}
	return 0;
}

/* ---- both ---- */

static int turn_out(struct relay *relay, struct dd_error *err)
{
	int rc = 0;

	if (!relay->ending[OUT] && !out_waits(relay))
		rc = read_stream(relay, err);
	if (!rc && out_waits(relay))
		rc = write_link(relay, err);
	return rc;
}

static int turn_in(struct relay *relay, struct dd_error *err)
{
	int rc = 0;

	if (relay->ended[IN])
		return 0;
	if (!in_waits(relay) && !relay->ending[IN])
		rc = open_load(relay, err);
	if (rc)
		return rc;
	if (in_waits(relay))
		return write_stream(relay, err);
	return relay->ending[IN] ? end_stream(relay, err) : read_link(relay, err);
}

static int stalled(const struct relay *relay, struct dd_error *err)
{
	int64_t now = deadline_now();

	if (!relay->stall_ms)
		return 0;
	if (out_waits(relay) && now - relay->moved[OUT] > relay->stall_ms)
		return error_set(err, DD_SYSTEM, "the other side has taken nothing for %d s",
			relay->stall_ms / 1000);
	if (in_waits(relay) && now - relay->moved[IN] > relay->stall_ms)
		return error_set(err, DD_SYSTEM,
			"the stream that is relayed has taken nothing for %d s",
			relay->stall_ms / 1000);
	return 0;
}

/* Until something can be done. */
static int rest(struct relay *relay, struct dd_error *err)
{
	/* with nothing to do there but to hear that it broke */
	bool idle = relay->ended[IN] && !out_waits(relay);
	bool reads = !relay->ended[IN] && !in_waits(relay);
	short link = (short)((reads ? POLLIN : 0) | (out_waits(relay) ? POLLOUT : 0));
	short stream = (short)((!relay->ending[OUT] && !out_waits(relay) ? POLLIN : 0) |
			       (in_waits(relay) ? POLLOUT : 0));
	struct pollfd both[] = {
		{.fd = link || idle ? relay->channel->link.fd : -1, .events = link},
		{.fd = stream ? relay->fd : -1, .events = stream},
	};

	if (poll(both, 2, CHANNEL_STOP_MS) < 0 && errno != EINTR)
		return error_errno(err, errno, "cannot wait for a stream");
	if (idle && both[0].revents)
		return error_set(err, DD_SYSTEM, "the link to the other side is broken");
	return 0;
}

static int carry(struct relay *relay, struct dd_error *err)
{
	int rc = 0;

	while (!rc && !(relay->ended[OUT] && relay->ended[IN])) {
		relay->any = false;
		rc = link_stopped(relay->stop, err);
		if (!rc)
			rc = link_stopped(relay->channel->link.stop, err);
		if (!rc)
			rc = turn_out(relay, err);
		if (!rc)
			rc = turn_in(relay, err);
		if (!rc)
			rc = stalled(relay, err);
		if (!rc && !relay->any)
			rc = rest(relay, err);
	}
	return rc;
}

int channel_relay(struct channel *channel, int fd, const atomic_bool *stop, int stall_ms,
	_Atomic uint64_t counts[2], struct dd_error *err)
{
	struct relay relay = {
		.channel = channel,
		.fd = fd,
		.stop = stop,
		.stall_ms = stall_ms,
		.counts = counts,
	};
	int flags = fcntl(fd, F_GETFL);
	int rc = channel_sound(channel, err);

	if (!rc && (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return stream_broken(errno, err);
	if (!rc)
		rc = carry(&relay, err);
	if (rc)
		channel->broken = true;
	return rc;
}
