/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "migrate/ask.h"
#include "qmp/socket.h"

#define TELL_MS 200     /* between two words on how far it is */
#define STALL_MS 15000  /* without a byte on the wire, and it is given up */
#define FINISH_MS 60000 /* for the last part, which is small */
#define PATIENCE_MS \
	5000 /* of a guest that changes faster than it is sent, before it is slowed more */

struct stream {
	struct stream_source source;
	struct stream_options options;
	struct channel *channel;
	int ends[2]; /* QEMU's, and ours */
	pthread_t thread;
	bool carrying; /* there is a thread */
	atomic_bool stop;
	atomic_bool broken;
	struct dd_error error;         /* of the thread, once broken */
	int64_t began, moved, stopped; /* ms */
	uint64_t sent;
	int64_t told; /* ms */
	uint64_t told_sent;
	bool pressed; /* the guest is slowed down more */
};

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the thread that carries the bytes ---- */

static void *carry(void *context)
{
	struct stream *stream = context;

	if (channel_relay(stream->channel, stream->ends[1], &stream->stop, 0, NULL, &stream->error))
		atomic_store(&stream->broken, true);
	/* QEMU is to notice at once */
	(void)shutdown(stream->ends[1], SHUT_RDWR);
	return NULL;
}

static int carry_begin(struct stream *stream, struct dd_error *err)
{
	int code = pthread_create(&stream->thread, NULL, carry, stream);

	stream->carrying = !code;
	return code ? error_errno(err, code, "cannot make a thread") : 0;
}

static void carry_end(struct stream *stream, bool now)
{
	if (!stream->carrying)
		return;
	if (now)
		atomic_store(&stream->stop, true);
	pthread_join(stream->thread, NULL);
	stream->carrying = false;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	carry_end(stream, true);
	channel_close(stream->channel);
	for (size_t i = 0; i < 2; i++)
		if (stream->ends[i] >= 0)
			close(stream->ends[i]);
	free(stream);
}

/* ---- looking on ---- */

/* Bytes a second since it was told last. */
static uint64_t rate(struct stream *stream, const struct migration_progress *progress, int64_t now)
{
	uint64_t sent = progress->transferred - stream->told_sent;
	int64_t time = now - stream->told;

	stream->told_sent = progress->transferred;
	stream->told = now;
	return time > 0 ? sent * 1000 / (uint64_t)time : 0;
}

/* The time that what remains takes, where it becomes less at all. */
static int64_t estimate(uint64_t remaining, uint64_t bandwidth, uint64_t dirty)
{
	return dirty < bandwidth ? (int64_t)(remaining * 1000 / (bandwidth - dirty)) : -1;
}

static int tell(struct stream *stream, const struct migration_progress *progress, const char *phase,
	struct dd_error *err)
{
	int64_t now = clock_ms();
	uint64_t dirty = progress->dirty_rate * progress->page_size;
	uint64_t bandwidth = rate(stream, progress, now);
	const struct dd_migration_progress told = {
		.phase = phase,
		.total = progress->total,
		.remaining = progress->remaining,
		.sent = progress->transferred,
		.dirty_rate = dirty,
		.bandwidth = bandwidth,
		.throttle = progress->throttle,
		.elapsed_ms = now - stream->began,
		.estimate_ms = estimate(progress->remaining, bandwidth, dirty),
		.downtime_ms = progress->expected_downtime_ms,
	};

	if (stream->options.progress && stream->options.progress(&told, stream->options.context))
		return error_set(err, DD_REFUSED, "the migration was called off");
	return 0;
}

static int broken(struct stream *stream, const char *words, struct dd_error *err)
{
	return error_set(err, DD_SYSTEM, "the guest's memory did not reach the host '%s': %s",
		stream->source.peer->name,
		atomic_load(&stream->broken) ? stream->error.message : words);
}

/* A link that is dead shows only in that nothing moves. */
static int watch(
	struct stream *stream, const struct migration_progress *progress, struct dd_error *err)
{
	int64_t now = clock_ms();

	if (progress->transferred != stream->sent || !progress->remaining)
		stream->moved = now;
	stream->sent = progress->transferred;
	if ((stream->source.stop && atomic_load(stream->source.stop)) ||
		access(stream->source.flag, F_OK) == 0)
		return error_set(err, DD_REFUSED, "the migration was called off");
	if (atomic_load(&stream->broken))
		return broken(stream, "", err);
	if (now - stream->moved > STALL_MS)
		return broken(stream, "nothing has moved for 15 s", err);
	return 0;
}

/* One that does not converge by itself is slowed down, by more and more. */
static int press(struct stream *stream, struct dd_error *err)
{
	static const struct migration_parameters harder = {
		.throttle_initial = 50, .throttle_increment = 20};

	if (stream->pressed || clock_ms() - stream->began < PATIENCE_MS)
		return 0;
	stream->pressed = true;
	return guest_migration_set(stream->source.guest, &harder, err);
}

static int timeout(struct stream *stream, struct dd_error *err)
{
	unsigned limit = stream->options.timeout_s;

	if (!limit || clock_ms() - stream->began < (int64_t)limit * 1000)
		return 0;
	stream->options.timeout_s = 0;
	if (stream->options.timeout_suspends)
		return guest_stop(stream->source.guest, err);
	error_set(err, DD_REFUSED, "the migration was not done within %u s", limit);
	return error_hint(err, "give it more time, or let it stop the guest: --timeout-suspend");
}

static int failed(
	const struct migration_progress *progress, struct stream *stream, struct dd_error *err)
{
	if (atomic_load(&stream->broken))
		return broken(stream, "", err);
	return error_set(err, DD_HYPERVISOR, "QEMU gave the migration up: %s",
		*progress->error ? progress->error : "the other side went away");
}

static int copy(struct stream *stream, struct stream_counts *counts, struct dd_error *err)
{
	struct guest *guest = stream->source.guest;
	unsigned wanted = MIGRATION_IN(MIGRATION_PRE_SWITCHOVER) | MIGRATION_ENDED;
	enum migration_state state = MIGRATION_NONE;
	int rc = 0;

	while (!rc) {
		rc = guest_migration_await(guest, wanted, TELL_MS, &state, err);
		stream->stopped = clock_ms();
		if (!rc && state == MIGRATION_PRE_SWITCHOVER)
			return 0;
		if (!rc)
			rc = guest_migration_progress(guest, &counts->last, err);
		if (!rc && (MIGRATION_IN(counts->last.state) & MIGRATION_ENDED))
			return failed(&counts->last, stream, err);
		if (!rc)
			rc = tell(stream, &counts->last, "copy", err);
		if (!rc)
			rc = watch(stream, &counts->last, err);
		if (!rc)
			rc = press(stream, err);
		if (!rc)
			rc = timeout(stream, err);
	}
	return rc;
}

/* ---- beginning and end ---- */

static int connect_ends(struct stream *stream, struct dd_error *err)
{
	const struct stream_source *source = &stream->source;
	CLEANUP(json) struct json *answer = NULL;
	int rc = peer_connect(
		source->host, source->peer->name, source->stop, 0, &stream->channel, err);

	if (!rc)
		rc = peer_call(stream->channel, source->peer->name,
			ask_request("stream", source->id, source->uuid), PEER_ANSWER_MS, &answer,
			err);
	if (!rc && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream->ends))
		rc = error_errno(err, errno, "cannot make a pair of sockets");
	return rc ? rc : carry_begin(stream, err);
}

int stream_prepare(struct guest *guest, const struct stream_options *options, struct dd_error *err)
{
	const struct migration_parameters parameters = {
		.bandwidth = options->bandwidth,
		.auto_converge = true,
	};

	return guest_migration_prepare(guest, true, &parameters, err);
}

static int send_begin(struct stream *stream, struct dd_error *err)
{
	int rc = guest_migrate_send(stream->source.guest, stream->ends[0], err);

	close(stream->ends[0]);
	stream->ends[0] = -1;
	return rc;
}

int stream_begin(struct stream **out, const struct stream_source *source,
	const struct stream_options *options, struct stream_counts *counts, struct dd_error *err)
{
	CLEANUP(stream) struct stream *stream = calloc(1, sizeof *stream);
	int rc;

	if (!stream)
		return error_no_memory(err);
	stream->source = *source;
	stream->options = *options;
	stream->ends[0] = stream->ends[1] = -1;
	stream->began = stream->moved = stream->told = clock_ms();
	rc = connect_ends(stream, err);
	if (!rc)
		rc = send_begin(stream, err);
	if (!rc)
		rc = copy(stream, counts, err);
	if (!rc)
		*out = TAKE(stream);
	return rc;
}

int stream_finish(struct stream *stream, struct stream_counts *counts, struct dd_error *err)
{
	struct guest *guest = stream->source.guest;
	enum migration_state state = MIGRATION_NONE;
	int64_t until = clock_ms() + FINISH_MS;
	int rc = guest_migration_go(guest, err);

	while (!rc && !(MIGRATION_IN(state) & MIGRATION_ENDED)) {
		rc = guest_migration_await(guest, MIGRATION_ENDED, TELL_MS, &state, err);
		if (!rc && !(MIGRATION_IN(state) & MIGRATION_ENDED) &&
			(atomic_load(&stream->broken) || clock_ms() > until))
			rc = broken(stream, "the last part does not arrive", err);
	}
	if (rc)
		return rc;
	counts->stopped_ms = clock_ms() - stream->stopped;
	if (state == MIGRATION_COMPLETED)
		return 0;
	rc = guest_migration_progress(guest, &counts->last, err);
	return rc ? rc : failed(&counts->last, stream, err);
}

int stream_carry(
	struct channel *channel, const char *path, const atomic_bool *stop, struct dd_error *err)
{
	CLEANUP(close) int fd = -1;
	int rc = socket_connect(path, &fd, err);

	return rc ? rc : channel_relay(channel, fd, stop, 0, NULL, err);
}
