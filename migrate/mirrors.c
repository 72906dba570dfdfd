/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/mirrors.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "domain/crash.h"
#include "migrate/ask.h"
#include "qmp/deadline.h"
#include "qmp/mirror.h"
#include "qmp/socket.h"

#define TELL_MS 200    /* between two words on how far it is */
#define STALL_MS 15000 /* without a byte on the wire, and it is given up */
#define DRAIN_S 1      /* for channels that have nothing to carry any more to end */
#define ACCEPT_MS 100  /* after which a thread sees that it is to stop */

struct mirror {
	const struct mirrors *all;
	const char *alias;
	bool top;
	char *path;   /* of the socket that QEMU connects to */
	int listener; /* there */
	struct channel *channel;
	pthread_t thread;
	bool carrying; /* there is a thread */
	atomic_bool broken;
	_Atomic uint64_t counts[2]; /* bytes over the link */
	struct dd_error error;      /* of the thread, once broken */
};

struct mirrors {
	struct stream_source source;
	struct stream_options options;
	struct mirror *list;
	size_t count;
	atomic_bool stop;
	int64_t began, moved, told; /* ms */
	uint64_t carried, told_carried;
};

/* ---- the threads that carry the bytes ---- */

/* -1: it was stopped before anybody came. */
static int accept_one(struct mirror *mirror)
{
	struct pollfd wait = {.fd = mirror->listener, .events = POLLIN};

	while (!atomic_load(&mirror->all->stop))
		if (poll(&wait, 1, ACCEPT_MS) > 0)
			return accept4(mirror->listener, NULL, NULL, SOCK_CLOEXEC);
	return -1;
}

static void *carry(void *context)
{
	struct mirror *mirror = context;
	CLEANUP(close) int fd = accept_one(mirror);

	if (fd < 0)
		return NULL;
	if (channel_relay(
		    mirror->channel, fd, &mirror->all->stop, 0, mirror->counts, &mirror->error))
		atomic_store(&mirror->broken, true);
	/* QEMU is to notice at once */
	(void)shutdown(fd, SHUT_RDWR);
	return NULL;
}

void mirrors_free(struct mirrors *mirrors)
{
	if (!mirrors)
		return;
	atomic_store(&mirrors->stop, true);
	for (size_t i = 0; i < mirrors->count; i++) {
		struct mirror *mirror = &mirrors->list[i];

		if (mirror->carrying)
			pthread_join(mirror->thread, NULL);
		channel_close(mirror->channel);
		if (mirror->listener >= 0)
			close(mirror->listener);
		if (mirror->path)
			(void)unlink(mirror->path);
		free(mirror->path);
	}
	free(mirrors->list);
	free(mirrors);
}

/* ---- beginning ---- */

bool mirrors_copy(const struct json *disk)
{
	const char *verdict = json_get_string(disk, "verdict");

	return verdict && strcmp(verdict, "copy") == 0 && json_get_string(disk, "alias");
}

unsigned mirrors_count(const struct json *disks)
{
	unsigned count = 0;

	for (size_t i = 0; i < json_count(disks); i++)
		count += mirrors_copy(json_at(disks, i));
	return count;
}

bool mirrors_needed(const struct json *disks)
{
	return mirrors_count(disks) > 0;
}

static int mirrors_new(struct mirrors **out, const struct stream_source *source,
	const struct json *disks, const struct stream_options *options, struct dd_error *err)
{
	CLEANUP(mirrors) struct mirrors *mirrors = calloc(1, sizeof *mirrors);

	if (!mirrors)
		return error_no_memory(err);
	mirrors->source = *source;
	mirrors->options = *options;
	mirrors->began = mirrors->moved = mirrors->told = deadline_now();
	mirrors->list = calloc(json_count(disks), sizeof *mirrors->list);
	if (!mirrors->list)
		return error_no_memory(err);
	for (size_t i = 0; i < json_count(disks); i++) {
		const struct json *disk = json_at(disks, i);
		struct mirror *mirror = &mirrors->list[mirrors->count];

		if (!mirrors_copy(disk))
			continue;
		mirrors->count++;
		mirror->all = mirrors;
		mirror->listener = -1;
		mirror->alias = json_get_string(disk, "alias");
		mirror->top = json_get_bool(disk, "top", false);
	}
	*out = TAKE(mirrors);
	return 0;
}

static int connect_one(struct mirror *mirror, size_t number, struct dd_error *err)
{
	const struct stream_source *source = &mirror->all->source;
	CLEANUP(free) char *folder = NULL;
	CLEANUP(json) struct json *answer = NULL;
	int code, rc = host_run_folder(source->host, source->uuid, &folder, err);

	if (!rc)
		rc = string_format(&mirror->path, err, "%s/disk-%zu.sock", folder, number);
	if (!rc)
		rc = socket_listen(mirror->path, &mirror->listener, err);
	if (!rc)
		rc = peer_connect(
			source->host, source->peer->name, source->stop, 0, &mirror->channel, err);
	if (!rc)
		rc = peer_call(mirror->channel, source->peer->name,
			ask_request("disk", source->id, source->uuid), PEER_ANSWER_MS, &answer,
			err);
	if (rc)
		return rc;
	code = pthread_create(&mirror->thread, NULL, carry, mirror);
	mirror->carrying = !code;
	return code ? error_errno(err, code, "cannot make a thread") : 0;
}

static int begin_one(struct mirrors *mirrors, size_t number, struct dd_error *err)
{
	struct mirror *mirror = &mirrors->list[number];
	int rc = connect_one(mirror, number, err);

	return rc ? rc
		  : guest_disk_mirror(mirrors->source.guest, mirror->alias, mirror->path,
			    mirror->top, mirrors->options.bandwidth, err);
}

/* ---- looking on ---- */

static uint64_t rate(struct mirrors *mirrors, int64_t now)
{
	uint64_t sent = mirrors->carried - mirrors->told_carried;
	int64_t time = now - mirrors->told;

	mirrors->told_carried = mirrors->carried;
	mirrors->told = now;
	return time > 0 ? sent * 1000 / (uint64_t)time : 0;
}

static int tell(struct mirrors *mirrors, uint64_t done, uint64_t total, struct dd_error *err)
{
	int64_t now = deadline_now();
	uint64_t bandwidth = rate(mirrors, now);
	uint64_t remaining = total > done ? total - done : 0;
	const struct dd_migration_progress told = {
		.phase = "disks",
		.total = total,
		.remaining = remaining,
		.sent = mirrors->carried,
		.bandwidth = bandwidth,
		.elapsed_ms = now - mirrors->began,
		.estimate_ms = bandwidth ? (int64_t)(remaining * 1000 / bandwidth) : -1,
	};

	return stream_tell(&mirrors->options, &told, err);
}

static int broken(const struct mirrors *mirrors, const char *words, struct dd_error *err)
{
	return error_set(err, DD_SYSTEM, "the guest's disks did not reach the host '%s': %s",
		mirrors->source.peer->name, words);
}

uint64_t mirrors_sent(const struct mirrors *mirrors)
{
	uint64_t sent = 0;

	for (size_t i = 0; mirrors && i < mirrors->count; i++)
		sent += atomic_load(&mirrors->list[i].counts[0]) +
			atomic_load(&mirrors->list[i].counts[1]);
	return sent;
}

/* A link that is dead shows only in that nothing moves. */
static int watch(struct mirrors *mirrors, struct dd_error *err)
{
	int64_t now = deadline_now();
	uint64_t carried = mirrors_sent(mirrors);
	int rc;

	for (size_t i = 0; i < mirrors->count; i++)
		if (atomic_load(&mirrors->list[i].broken))
			return broken(mirrors, mirrors->list[i].error.message, err);
	if (carried != mirrors->carried)
		mirrors->moved = now;
	mirrors->carried = carried;
	rc = stream_check(&mirrors->source, err);
	if (rc)
		return rc;
	if (now - mirrors->moved > STALL_MS)
		return broken(mirrors, "nothing has moved for 15 s", err);
	return stream_late_check(&mirrors->options, err);
}

/* *ready: how many are. */
static int look(struct mirrors *mirrors, size_t *ready, struct dd_error *err)
{
	uint64_t done = 0, total = 0;
	int rc = watch(mirrors, err);

	*ready = 0;
	for (size_t i = 0; !rc && i < mirrors->count; i++) {
		struct mirror_progress progress;

		rc = guest_disk_mirror_progress(
			mirrors->source.guest, mirrors->list[i].alias, &progress, err);
		if (rc)
			return rc;
		if (*progress.error)
			return broken(mirrors,
				atomic_load(&mirrors->list[i].broken)
					? mirrors->list[i].error.message
					: progress.error,
				err);
		done += progress.done;
		total += progress.total;
		*ready += progress.ready;
	}
	return rc ? rc : tell(mirrors, done, total, err);
}

static int await(struct mirrors *mirrors, struct dd_error *err)
{
	size_t ready = 0;
	int rc = look(mirrors, &ready, err);

	while (!rc && ready < mirrors->count) {
		struct dd_error reason = {0};

		/* how it failed is told by the next look */
		for (size_t i = 0; i < mirrors->count; i++)
			if (guest_disk_mirror_await(mirrors->source.guest, mirrors->list[i].alias,
				    TELL_MS, &reason))
				break;
		rc = look(mirrors, &ready, err);
	}
	return rc;
}

int mirrors_begin(struct mirrors **out, const struct stream_source *source,
	const struct json *disks, const struct stream_options *options, struct dd_error *err)
{
	CLEANUP(mirrors) struct mirrors *mirrors = NULL;
	int rc = mirrors_new(&mirrors, source, disks, options, err);

	for (size_t i = 0; !rc && i < mirrors->count; i++)
		rc = begin_one(mirrors, i, err);
	CRASH_POINT("outgoing:mirroring");
	if (!rc)
		rc = await(mirrors, err);
	CRASH_POINT("outgoing:mirrored");
	if (!rc)
		*out = TAKE(mirrors);
	return rc;
}

int mirrors_finish(struct mirrors *mirrors, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && mirrors && i < mirrors->count; i++)
		rc = guest_disk_mirror_finish(mirrors->source.guest, mirrors->list[i].alias, err);
	return rc;
}

void mirrors_drain(struct mirrors *mirrors)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DRAIN_S;
	for (size_t i = 0; i < mirrors->count; i++)
		if (mirrors->list[i].carrying &&
			pthread_timedjoin_np(mirrors->list[i].thread, NULL, &until) == 0)
			mirrors->list[i].carrying = false;
}

int mirrors_abandon(struct guest *guest, const struct json *disks, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < json_count(disks); i++)
		if (mirrors_copy(json_at(disks, i)))
			rc = guest_disk_mirror_abandon(
				guest, json_get_string(json_at(disks, i), "alias"), err);
	return rc;
}
