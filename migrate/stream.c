/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "migrate/ask.h"
#include "migrate/flag.h"
#include "migrate/progress.h"
#include "qmp/deadline.h"
#include "qmp/socket.h"

#define POSTCOPY_MS 10000  /* of one that does not come to an end */
#define NOTICE_MS 5000     /* for QEMU to see that a connection has gone */
#define RECONNECT_MS 60000 /* in which a connection is tried for anew */
#define RECONNECT_PAUSE_MS 500
#define UNUSED_MS 60000 /* of a connection, which the other side closes some day */
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
	int64_t halted;                /* by us, as it took too long; 0: it runs meanwhile */
	uint64_t sent;
	int64_t told; /* ms */
	uint64_t told_sent;
	bool pressed;  /* the guest is slowed down more */
	bool one_pass; /* nothing is sent twice while it runs */
	bool direct;   /* by QEMU's own connection: nobody carries it */
	bool postcopy; /* it goes on without having been sent */
};

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
	if (stream->direct && stream->ends[1] >= 0)
		(void)shutdown(stream->ends[1], SHUT_RDWR);
	for (size_t i = 0; i < 2; i++)
		if (stream->ends[i] >= 0)
			close(stream->ends[i]);
	free(stream);
}

/* ---- looking on ---- */

int stream_tell(const struct stream_options *options, const struct dd_migration_progress *told,
	struct dd_error *err)
{
	progress_write(options->notice, told);
	return options->progress && options->progress(told, options->context) ? flag_called_off(err)
									      : 0;
}

bool stream_is_late(const struct stream_options *options)
{
	return options->timeout_s &&
	       deadline_now() - options->began >= (int64_t)options->timeout_s * 1000;
}

int stream_late_check(const struct stream_options *options, struct dd_error *err)
{
	if (options->timeout_suspends || !stream_is_late(options))
		return 0;
	return error_set(
		err, DD_REFUSED, "the migration was not done within %u s", options->timeout_s);
}

int stream_check(const struct stream_source *source, struct dd_error *err)
{
	return source->stop && atomic_load(source->stop) ? flag_called_off(err)
							 : flag_check(source->flag, err);
}

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
	int64_t now = deadline_now();
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
		.transport = !stream->source.peer ? NULL
			     : stream->direct     ? "tls"
						  : "relay",
	};

	return stream_tell(&stream->options, &told, err);
}

static int broken(struct stream *stream, const char *words, struct dd_error *err)
{
	return error_set(err, DD_SYSTEM, "the guest's memory did not reach the %s%s%s: %s",
		stream->source.peer ? "host '" : "new QEMU",
		stream->source.peer ? stream->source.peer->name : "",
		stream->source.peer ? "'" : "",
		atomic_load(&stream->broken) ? stream->error.message : words);
}

/* A link that is dead shows only in that nothing moves. */
static int watch_bytes(
	struct stream *stream, const struct migration_progress *progress, struct dd_error *err)
{
	int64_t now = deadline_now();

	if (progress->transferred != stream->sent || !progress->remaining)
		stream->moved = now;
	stream->sent = progress->transferred;
	if (atomic_load(&stream->broken))
		return broken(stream, "", err);
	if (now - stream->moved > STALL_MS)
		return broken(stream, "nothing has moved for 15 s", err);
	return 0;
}

static int watch(
	struct stream *stream, const struct migration_progress *progress, struct dd_error *err)
{
	int rc = stream_check(&stream->source, err);

	return rc ? rc : watch_bytes(stream, progress, err);
}

/* One that does not converge by itself is slowed down, by more and more. */
static int press(struct stream *stream, struct dd_error *err)
{
	static const struct migration_parameters harder = {
		.throttle_initial = 50, .throttle_increment = 20};

	if (stream->pressed || stream->one_pass || deadline_now() - stream->began < PATIENCE_MS)
		return 0;
	stream->pressed = true;
	return guest_migration_set(stream->source.guest, &harder, err);
}

/* Where that was of no use either, and all of it has been sent once if it ever is. */
static int let_go(struct stream *stream, const struct stream_counts *counts, struct dd_error *err)
{
	if (!stream->options.postcopy || stream->postcopy ||
		(counts->last.iterations < 2 && !stream->one_pass) ||
		deadline_now() - stream->began < POSTCOPY_MS)
		return 0;
	stream->postcopy = true;
	return guest_migration_postcopy(stream->source.guest, err);
}

static int timeout(struct stream *stream, struct dd_error *err)
{
	int rc = stream_late_check(&stream->options, err);

	if (rc)
		return error_hint(
			err, "give it more time, or let it stop the guest: --timeout-suspend");
	if (!stream_is_late(&stream->options))
		return 0;
	stream->options.timeout_s = 0;
	stream->halted = deadline_now();
	return guest_stop(stream->source.guest, err);
}

static int failed(
	const struct migration_progress *progress, struct stream *stream, struct dd_error *err)
{
	if (atomic_load(&stream->broken))
		return broken(stream, "", err);
	return error_set(err, DD_HYPERVISOR, "QEMU gave the migration up: %s",
		*progress->error ? progress->error : "the other side went away");
}

/* One that an I/O error stops on the way is left for its user to look at, where its disk is. */
static int trouble(
	const struct stream *stream, const struct stream_counts *counts, struct dd_error *err)
{
	if (stream->source.troubled || counts->last.status != GUEST_IO_ERROR)
		return 0;
	error_set(err, DD_REFUSED, "an I/O error of one of its disks has stopped the guest here");
	return error_hint(
		err, "mend that and resume it, or move it as it is: the same command again");
}

static int copy(struct stream *stream, struct stream_counts *counts, struct dd_error *err)
{
	struct guest *guest = stream->source.guest;
	unsigned wanted = MIGRATION_IN(MIGRATION_PRE_SWITCHOVER) | MIGRATION_ENDED;
	enum migration_state state = MIGRATION_NONE;
	int rc = 0;

	while (!rc) {
		rc = guest_migration_await(guest, wanted, TELL_MS, &state, err);
		stream->stopped = stream->halted ? stream->halted : deadline_now();
		if (!rc && state == MIGRATION_PRE_SWITCHOVER)
			return 0;
		if (!rc)
			rc = guest_migration_progress(guest, &counts->last, err);
		if (!rc && (MIGRATION_IN(counts->last.state) & MIGRATION_ENDED))
			return failed(&counts->last, stream, err);
		if (!rc)
			rc = trouble(stream, counts, err);
		if (!rc)
			rc = tell(stream, &counts->last, "copy", err);
		if (!rc)
			rc = watch(stream, &counts->last, err);
		if (!rc)
			rc = press(stream, err);
		if (!rc)
			rc = let_go(stream, counts, err);
		if (!rc)
			rc = timeout(stream, err);
	}
	return rc;
}

/* ---- beginning and end ---- */

static int connect_ends(
	struct stream *stream, const char *op, struct json **answer, struct dd_error *err)
{
	const struct stream_source *source = &stream->source;
	int rc = 0;

	/* its disks went before it, and may have taken their time */
	if (stream->channel && deadline_now() - stream->began > UNUSED_MS)
		channel_close(TAKE(stream->channel));
	if (!stream->channel)
		rc = peer_connect(
			source->host, source->peer->name, source->stop, 0, &stream->channel, err);

	if (!rc)
		rc = peer_call(stream->channel, source->peer->name,
			ask_request(op, source->id, source->uuid), PEER_ANSWER_MS, answer, err);
	if (!rc && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream->ends))
		rc = error_errno(err, errno, "cannot make a pair of sockets");
	return rc;
}

static int send_begin(struct stream *stream,
	int (*send)(struct guest *guest, int fd, struct dd_error *err), struct dd_error *err)
{
	int rc = stream->direct ? 0 : carry_begin(stream, err);

	if (!rc)
		rc = send(stream->source.guest, stream->ends[0], err);
	close(stream->ends[0]);
	stream->ends[0] = -1;
	return rc;
}

static int stream_make(struct stream **out, const struct stream_source *source,
	const struct stream_options *options, struct dd_error *err)
{
	struct stream *stream = calloc(1, sizeof *stream);

	if (!stream)
		return error_no_memory(err);
	stream->source = *source;
	stream->options = *options;
	stream->ends[0] = stream->ends[1] = -1;
	stream->began = stream->moved = stream->told = deadline_now();
	*out = stream;
	return 0;
}

/* One for QEMU, and one to cut it with. */
static int direct_ends(struct stream *stream, int direct, struct dd_error *err)
{
	stream->ends[0] = direct;
	stream->ends[1] = fcntl(direct, F_DUPFD_CLOEXEC, 0);
	return stream->ends[1] < 0 ? error_errno(err, errno, "cannot keep a connection") : 0;
}

int stream_prepare(struct guest *guest, const struct stream_options *options, bool tls,
	bool *one_pass, struct dd_error *err)
{
	struct migration_parameters parameters = {
		.bandwidth = options->bandwidth,
		.auto_converge = true,
		.ignore_shared = options->memory_shared,
		.postcopy = options->postcopy && !tls,
		.tls = tls,
	};
	int rc = guest_emulated(guest, &parameters.one_pass, err);

	if (one_pass)
		*one_pass = parameters.one_pass;
	return rc ? rc : guest_migration_prepare(guest, true, &parameters, err);
}

int stream_new(struct stream **out, const struct stream_source *source,
	const struct stream_options *options, struct dd_error *err)
{
	CLEANUP(stream) struct stream *stream = NULL;
	int rc = stream_make(&stream, source, options, err);

	if (!rc)
		rc = stream_prepare(source->guest, options, false, &stream->one_pass, err);
	if (!rc && source->peer && !options->tls)
		rc = peer_connect(
			source->host, source->peer->name, source->stop, 0, &stream->channel, err);
	if (!rc)
		*out = TAKE(stream);
	return rc;
}

int stream_begin(
	struct stream *stream, int direct, struct stream_counts *counts, struct dd_error *err)
{
	int rc = direct >= 0 ? direct_ends(stream, direct, err)
			     : connect_ends(stream, "stream", NULL, err);

	stream->direct = direct >= 0;
	stream->began = stream->moved = stream->told = deadline_now();
	if (!rc)
		rc = send_begin(stream, guest_migrate_send, err);
	return rc ? rc : copy(stream, counts, err);
}

int stream_go(struct stream *stream, struct dd_error *err)
{
	return guest_migration_go(stream->source.guest, err);
}

int stream_finish(struct stream *stream, struct stream_counts *counts, struct dd_error *err)
{
	struct guest *guest = stream->source.guest;
	struct migration_progress now = {.state = MIGRATION_NONE};
	int64_t until = deadline_now() + FINISH_MS;
	int rc = 0;

	while (!rc && !(MIGRATION_IN(now.state) & MIGRATION_ENDED)) {
		rc = guest_migration_await_progress(guest, MIGRATION_ENDED, TELL_MS, &now, err);
		if (!rc && !(MIGRATION_IN(now.state) & MIGRATION_ENDED) &&
			(atomic_load(&stream->broken) || deadline_now() > until))
			rc = broken(stream, "the last part does not arrive", err);
	}
	if (rc)
		return rc;
	counts->stopped_ms = deadline_now() - stream->stopped;
	counts->last = now;
	return now.state == MIGRATION_COMPLETED ? 0 : failed(&now, stream, err);
}

/* ---- post-copy ---- */

int64_t stream_stopped(const struct stream *stream)
{
	return stream->stopped;
}

bool stream_is_postcopy(const struct stream *stream)
{
	return stream->postcopy;
}

int stream_release(struct stream *stream, struct stream_counts *counts, struct dd_error *err)
{
	unsigned wanted = MIGRATION_IN(MIGRATION_POSTCOPY) |
			  MIGRATION_IN(MIGRATION_POSTCOPY_PAUSED) | MIGRATION_ENDED;
	enum migration_state state = MIGRATION_NONE;
	int rc = guest_migration_go(stream->source.guest, err);

	if (!rc)
		rc = guest_migration_await(stream->source.guest, wanted, FINISH_MS, &state, err);
	stream->moved = deadline_now();
	counts->stopped_ms = stream->moved - stream->stopped;
	if (rc || (MIGRATION_IN(state) & wanted))
		return rc;
	return broken(stream, "the last part does not arrive", err);
}

/* Over the connection that there is, until it breaks. */
static int drain_one(struct stream *stream, struct stream_counts *counts, struct dd_error *err)
{
	unsigned wanted = MIGRATION_IN(MIGRATION_POSTCOPY_PAUSED) | MIGRATION_ENDED;
	enum migration_state state = MIGRATION_NONE;
	int rc = 0;

	while (!rc) {
		rc = guest_migration_await(stream->source.guest, wanted, TELL_MS, &state, err);
		if (!rc)
			rc = guest_migration_progress(stream->source.guest, &counts->last, err);
		if (!rc && (MIGRATION_IN(state) & wanted))
			return 0;
		/* it cannot be called off any more */
		(void)tell(stream, &counts->last, "postcopy", NULL);
		if (!rc)
			rc = watch_bytes(stream, &counts->last, err);
	}
	return rc;
}

/* *stream is NULL where the destination has no use for more. */
static int reconnect(struct stream **out, const struct stream_source *source,
	const struct stream_options *options, struct dd_error *err)
{
	CLEANUP(stream) struct stream *stream = NULL;
	CLEANUP(json) struct json *answer = NULL;
	int rc = stream_make(&stream, source, options, err);

	if (!rc)
		rc = connect_ends(stream, "recover", &answer, err);
	if (rc || json_get_bool(answer, "over", false))
		return rc;
	rc = send_begin(stream, guest_migration_recover, err);
	if (!rc)
		*out = TAKE(stream);
	return rc;
}

/* QEMU notices by itself that its connection has gone, with whoever carried it. */
static int drain_state(
	const struct stream_source *source, enum migration_state *state, struct dd_error *err)
{
	unsigned wanted = MIGRATION_IN(MIGRATION_POSTCOPY_PAUSED) | MIGRATION_ENDED;

	return guest_migration_await(source->guest, wanted, NOTICE_MS, state, err);
}

int stream_drain(struct stream *stream, const struct stream_source *source,
	const struct stream_options *options, struct stream_counts *counts, struct dd_error *err)
{
	CLEANUP(stream) struct stream *own = NULL;
	enum migration_state state = MIGRATION_POSTCOPY;
	struct dd_error reason = {0};
	/* who has sent it so far is patient; another comes again anyway */
	int64_t until = deadline_now() + (stream ? RECONNECT_MS : 0);
	int rc = 0;

	while (!rc) {
		if (stream && drain_one(stream, counts, &reason) == 0)
			until = deadline_now() + RECONNECT_MS;
		if (stream)
			carry_end(stream, true);
		rc = drain_state(source, &state, err);
		if (rc || MIGRATION_IN(state) & MIGRATION_ENDED)
			return rc;
		if (state != MIGRATION_POSTCOPY_PAUSED)
			break;
		stream_free(TAKE(own));
		rc = reconnect(&own, source, options, &reason);
		stream = own;
		if (!rc && !stream)
			return 0;
		if (rc && deadline_now() < until) {
			deadline_nap(RECONNECT_PAUSE_MS);
			rc = 0;
		}
	}
	error_set(err, DD_BUSY,
		"the guest runs on the host '%s', and a part of its memory is still here: %s",
		source->peer->name,
		*reason.message ? reason.message : "its QEMU sends to nobody any more");
	return error_hint(err,
		"it goes on as soon as that host answers; if it never will: domesday migrate "
		"--resolve there");
}

int stream_carry(
	struct channel *channel, const char *path, const atomic_bool *stop, struct dd_error *err)
{
	CLEANUP(close) int fd = -1;
	int rc = socket_connect(path, &fd, err);

	return rc ? rc : channel_relay(channel, fd, stop, 0, NULL, err);
}
