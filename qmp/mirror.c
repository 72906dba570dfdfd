/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The source's side of disks that are copied: a node for the other's export, and a job that copies
 * to it and then writes every write of the guest to both before the guest is told that it is done
 * (write-blocking). Cancelled when it is ready, such a job leaves two equal images.
 *
 * One that fails stands still, for guest_disk_mirror_abandon(), and does not end by itself:
 * QEMU 7.2 frees what the job knows of requests in flight before it has waited for those of the
 * guest, and one that comes back later writes into memory that is somebody else's.
 */
#include "qmp/mirror.h"

#include "qmp/deadline.h"
#include "qmp/guest_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define JOB_SIZE 160
#define POLL_MS 100
#define END_MS 30000       /* for a job to end */
#define STRIDE (16u << 20) /* what it copies at a time if it is not told otherwise */

static void job_id(const char *alias, char out[JOB_SIZE])
{
	snprintf(out, JOB_SIZE, "mirror-%s", alias);
}

static int call_with(struct guest *guest, const char *command, const char *key, const char *value,
	struct dd_error *err)
{
	struct json *args = json_object();

	json_put_string(args, key, value);
	return monitor_call(guest->monitor, command, args, NULL, err);
}

static int add_target(
	struct guest *guest, const char *alias, const char *path, struct dd_error *err)
{
	char node[NODE_NAME_SIZE], name[GUEST_SOCKET_SIZE];
	struct json *server, *args;
	int code = guest_socket_name(guest, path, name, err);

	if (code)
		return code;
	server = json_object();
	args = json_object();
	block_node_name(node, alias, "-mirror");
	json_put_string(server, "type", "unix");
	json_put_string(server, "path", name);
	json_put_string(args, "driver", "nbd");
	json_put_string(args, "node-name", node);
	json_put_string(args, "export", alias);
	json_put_string(args, "discard", "unmap");
	json_put(args, "server", server);
	return monitor_call(guest->monitor, "blockdev-add", args, NULL, err);
}

static int remove_target(struct guest *guest, const char *alias, struct dd_error *err)
{
	struct dd_error failure = {.code = 0};
	char node[NODE_NAME_SIZE];

	block_node_name(node, alias, "-mirror");

	int code = call_with(guest, "blockdev-del", "node-name", node, &failure);

	if (!code || hotplug_says_absent(&failure))
		return 0;
	if (err)
		*err = failure;
	return code;
}

static int begin_job(
	struct guest *guest, const char *alias, bool top, uint64_t bandwidth, struct dd_error *err)
{
	struct json *args = json_object();
	char source[NODE_NAME_SIZE];
	char target[NODE_NAME_SIZE];
	char id[JOB_SIZE];

	job_id(alias, id);
	block_node_name(source, alias, "-format");
	block_node_name(target, alias, "-mirror");
	json_put_string(args, "job-id", id);
	json_put_string(args, "device", source);
	json_put_string(args, "target", target);
	json_put_string(args, "sync", top ? "top" : "full");
	json_put_string(args, "copy-mode", "write-blocking");
	json_put_string(args, "on-source-error", "stop");
	json_put_string(args, "on-target-error", "stop");
	json_put_bool(args, "auto-dismiss", false);
	json_put(args, "speed", json_unsigned(bandwidth));
	/* it would take one stride and rest, for longer than a link may be silent */
	if (bandwidth && bandwidth < STRIDE)
		json_put(args, "buf-size", json_unsigned(bandwidth));
	return monitor_call(guest->monitor, "blockdev-mirror", args, NULL, err);
}

int guest_disk_mirror(struct guest *guest, const char *alias, const char *path, bool top,
	uint64_t bandwidth, struct dd_error *err)
{
	int code = add_target(guest, alias, path, err);

	if (code)
		return code;
	code = begin_job(guest, alias, top, bandwidth, err);
	if (code)
		remove_target(guest, alias, NULL);
	return code;
}

/* ---- while it copies ---- */

struct job {
	bool there;
	bool ready;
	bool concluded;
	uint64_t done;
	uint64_t total;
	bool failed;     /* whether or not it is concluded */
	char error[256]; /* where it failed */
};

static void say_error(const struct json *job, struct job *out)
{
	const char *error = json_get_string(job, "error");
	const char *io = json_get_string(job, "io-status");

	if (!error && io && strcmp(io, "nospace") == 0)
		error = strerror(ENOSPC);
	else if (!error && io && strcmp(io, "failed") == 0)
		error = strerror(EIO);
	out->failed = error;
	snprintf(out->error, sizeof out->error, "%s", error ? error : "it was ended");
}

static int look_up(struct guest *guest, const char *alias, struct job *out, struct dd_error *err)
{
	CLEANUP(json) struct json *jobs = NULL;
	int code = monitor_call(guest->monitor, "query-block-jobs", NULL, &jobs, err);
	char id[JOB_SIZE];

	job_id(alias, id);
	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < json_count(jobs); i++) {
		const struct json *job = json_at(jobs, i);
		const char *name = json_get_string(job, "device");
		const char *status = json_get_string(job, "status");

		if (!name || strcmp(name, id) != 0)
			continue;
		out->there = true;
		out->ready = json_get_bool(job, "ready", false);
		out->concluded = status && strcmp(status, "concluded") == 0;
		out->done = json_get_unsigned(job, "offset", 0);
		out->total = json_get_unsigned(job, "len", 0);
		say_error(job, out);
	}
	return code;
}

static int find(struct guest *guest, const char *alias, struct job *out, struct dd_error *err)
{
	int code = look_up(guest, alias, out, err);

	return code || out->there ? code
				  : error_set(err, DD_NOT_FOUND, "%s is not being copied", alias);
}

/* It copies nothing any more, and nobody has told it so. */
static bool over(const struct job *job)
{
	return job->concluded || job->failed;
}

int guest_disk_mirror_progress(
	struct guest *guest, const char *alias, struct mirror_progress *out, struct dd_error *err)
{
	struct job job;
	int code = find(guest, alias, &job, err);

	if (code)
		return code;
	out->done = job.done;
	out->total = job.total;
	out->ready = job.ready && !over(&job);
	snprintf(out->error, sizeof out->error, "%s", over(&job) ? job.error : "");
	return 0;
}

static bool is_of_job(const char *name, const struct json *data, void *context)
{
	(void)data;
	(void)context;
	return name &&
	       (strncmp(name, "BLOCK_JOB_", 10) == 0 || strcmp(name, "JOB_STATUS_CHANGE") == 0);
}

/* Waits for news of any job; a part of wait_ms at most. */
static int nap(struct guest *guest, int wait_ms, struct dd_error *err)
{
	CLEANUP(json) struct json *event = NULL;

	return monitor_await(guest->monitor, is_of_job, NULL, wait_ms < POLL_MS ? wait_ms : POLL_MS,
		&event, err);
}

static int failed(const char *alias, const struct job *job, struct dd_error *err)
{
	return error_set(err, DD_HYPERVISOR, "copying %s has failed: %s", alias, job->error);
}

int guest_disk_mirror_await(
	struct guest *guest, const char *alias, int wait_ms, struct dd_error *err)
{
	int64_t deadline = deadline_in(wait_ms);

	for (;;) {
		struct job job;
		int code = find(guest, alias, &job, err);

		if (code)
			return code;
		if (over(&job))
			return failed(alias, &job, err);
		if (job.ready)
			return 0;
		if (!deadline_left(deadline))
			return error_set(err, DD_BUSY, "%s is not copied yet", alias);
		code = nap(guest, deadline_left(deadline), err);
		if (code)
			return code;
	}
}

/* ---- its end ---- */

static int cancel(struct guest *guest, const char *alias, bool force, struct dd_error *err)
{
	struct json *args = json_object();
	char id[JOB_SIZE];

	job_id(alias, id);
	json_put_string(args, "device", id);
	json_put_bool(args, "force", force);
	return monitor_call(guest->monitor, "block-job-cancel", args, NULL, err);
}

/* *job says how it ended. One that was not forced to can fail instead, and go on standing there. */
static int await_end(
	struct guest *guest, const char *alias, bool force, struct job *job, struct dd_error *err)
{
	int64_t deadline = deadline_in(END_MS);
	int code = find(guest, alias, job, err);

	while (!code && !job->concluded && (force || !job->failed) && deadline_left(deadline)) {
		code = nap(guest, deadline_left(deadline), err);
		if (!code)
			code = find(guest, alias, job, err);
	}
	if (!code && !job->concluded && (force || !job->failed))
		return error_set(err, DD_HYPERVISOR, "QEMU does not end the copying of %s", alias);
	return code;
}

static int dismiss(struct guest *guest, const char *alias, struct dd_error *err)
{
	char id[JOB_SIZE];

	job_id(alias, id);

	int code = call_with(guest, "job-dismiss", "id", id, err);

	return code ? code : remove_target(guest, alias, err);
}

int guest_disk_mirror_finish(struct guest *guest, const char *alias, struct dd_error *err)
{
	struct job job;
	int code = find(guest, alias, &job, err);

	if (code)
		return code;
	if (over(&job))
		return failed(alias, &job, err);
	if (!job.ready)
		return error_set(err, DD_BUSY, "%s is not copied yet", alias);
	code = cancel(guest, alias, false, err);
	if (!code)
		code = await_end(guest, alias, false, &job, err);
	if (!code && job.failed)
		return failed(alias, &job, err);
	return code ? code : dismiss(guest, alias, err);
}

/*
 * The other side may be one that does not answer: the job would wait for its requests, and QEMU's
 * main thread, when the node goes, for a last one. Without a connection all of them fail.
 */
static void cut_target(struct guest *guest, const char *alias)
{
	struct json *instance = json_object();
	struct json *instances = json_array();
	struct json *args = json_object();
	char node[NODE_NAME_SIZE];

	block_node_name(node, alias, "-mirror");
	json_put_string(instance, "type", "block-node");
	json_put_string(instance, "node-name", node);
	json_push(instances, instance);
	json_put(args, "instances", instances);
	monitor_call(guest->monitor, "yank", args, NULL, NULL);
}

static int end_by_force(struct guest *guest, const char *alias, struct dd_error *err)
{
	struct job job;
	int code = find(guest, alias, &job, err);

	if (code)
		return code;
	if (!job.concluded) {
		/* it may end by itself at this very moment: what counts is that it does */
		cancel(guest, alias, true, NULL);
		code = await_end(guest, alias, true, &job, err);
	}
	return code ? code : dismiss(guest, alias, err);
}

int guest_disk_mirror_abandon(struct guest *guest, const char *alias, struct dd_error *err)
{
	enum guest_status status;
	struct job job;
	int code;

	cut_target(guest, alias);
	code = look_up(guest, alias, &job, err);
	if (code)
		return code;
	if (!job.there)
		return remove_target(guest, alias, err);
	code = guest_status(guest, &status, err);
	if (code || status != GUEST_RUNNING)
		return code ? code : end_by_force(guest, alias, err);
	/* none of its requests is in flight then */
	code = guest_stop(guest, err);
	if (!code)
		code = end_by_force(guest, alias, err);

	int gone_on = guest_continue(guest, code ? NULL : err);

	return code ? code : gone_on;
}
