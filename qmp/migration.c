/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The steps of a migration, as QEMU 7.2 needs them to be told.
 *
 * Both sides: a return path, or the source says that it has completed although the destination has
 * died. The source: a pause before the switchover. The destination: no activation of its images
 * before the guest is told to run (late-block-activate); or the source, whose connection breaks
 * when all has arrived, would run its guest again and find its images locked by a destination that
 * does not know.
 */
#include "qmp/migration.h"

#include "qmp/deadline.h"
#include "qmp/guest_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FD_NAME "migration"
#define UNIX_URI "unix:"
#define DOWNTIME_MS 300
#define THROTTLE_INITIAL 20
#define THROTTLE_INCREMENT 10
#define GO_MS 1000        /* for QEMU to say yes to the last part: it may be at it by then */
#define LAST_PART_MS 2000 /* that it may take, where it is to be given up */
#define ARRIVAL_POLL_NS 2000000L

#define UNDER_WAY                                                                            \
	(MIGRATION_IN(MIGRATION_SETUP) | MIGRATION_IN(MIGRATION_ACTIVE) |                    \
		MIGRATION_IN(MIGRATION_PRE_SWITCHOVER) | MIGRATION_IN(MIGRATION_DEVICE) |    \
		MIGRATION_IN(MIGRATION_POSTCOPY) | MIGRATION_IN(MIGRATION_POSTCOPY_PAUSED) | \
		MIGRATION_IN(MIGRATION_CANCELLING))
#define POSTCOPY (MIGRATION_IN(MIGRATION_POSTCOPY) | MIGRATION_IN(MIGRATION_POSTCOPY_PAUSED))

/* ---- before ---- */

int guest_migration_check(struct guest *guest, struct dd_error *err)
{
	CLEANUP(json) struct json *jobs = NULL;
	int code = monitor_call(guest->monitor, "query-block-jobs", NULL, &jobs, err);

	for (size_t i = 0; !code && i < json_count(jobs); i++) {
		const char *name = json_get_string(json_at(jobs, i), "device");
		const char *status = json_get_string(json_at(jobs, i), "status");

		if (status && strcmp(status, "concluded") == 0)
			continue;
		error_set(err, DD_REFUSED, "a block job of its QEMU's, '%s', is under way",
			name ? name : "");
		return error_hint(err, "wait for its end, or cancel it, and move the guest then");
	}
	return code;
}

int guest_emulated(struct guest *guest, bool *out, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	int code = monitor_call(guest->monitor, "query-kvm", NULL, &reply, err);

	if (!code)
		*out = !json_get_bool(reply, "enabled", false);
	return code;
}

static bool slows_down(const struct migration_parameters *parameters)
{
	return parameters->auto_converge && !parameters->one_pass;
}

/*
 * QEMU reads a command byte by byte, some 4 µs each. So a destination, which came into being as one
 * and says no where it is told nothing, is told only what it is to do; a source is told what it is
 * not to do, too, as an earlier try may have said otherwise.
 */
static void put_capability(struct json *list, bool source, const char *name, bool state)
{
	struct json *one;

	if (!source && !state)
		return;
	one = json_object();
	json_put_string(one, "capability", name);
	json_put_bool(one, "state", state);
	json_push(list, one);
}

static int set_capabilities(struct guest *guest, bool source,
	const struct migration_parameters *parameters, struct dd_error *err)
{
	struct json *args = json_object();
	struct json *list = json_array();

	put_capability(list, source, "events", true);
	put_capability(list, source, "return-path", true);
	put_capability(list, source, "pause-before-switchover", source);
	put_capability(list, source, "late-block-activate", !source);
	put_capability(list, source, "auto-converge", source && slows_down(parameters));
	put_capability(list, source, "postcopy-ram", parameters->postcopy);
	put_capability(list, source, "x-ignore-shared", parameters->ignore_shared);
	put_capability(list, source, "multifd", parameters->multifd);
	json_put(args, "capabilities", list);
	return monitor_call(guest->monitor, "migrate-set-capabilities", args, NULL, err);
}

/* How the source sends. */
static void put_pace(struct json *args, const struct migration_parameters *parameters)
{
	uint64_t bandwidth = parameters->bandwidth ? parameters->bandwidth : MIGRATION_BANDWIDTH;
	unsigned downtime = parameters->downtime_ms ? parameters->downtime_ms : DOWNTIME_MS;
	unsigned initial = parameters->throttle_initial;
	unsigned increment = parameters->throttle_increment;

	json_put(args, "max-bandwidth", json_unsigned(bandwidth));
	json_put_number(args, "downtime-limit", parameters->one_pass ? 0 : downtime);
	/* of what nobody waits for; 0: all there is */
	if (parameters->postcopy)
		json_put(args, "max-postcopy-bandwidth", json_unsigned(parameters->bandwidth));
	if (slows_down(parameters)) {
		json_put_number(args, "cpu-throttle-initial", initial ? initial : THROTTLE_INITIAL);
		json_put_number(
			args, "cpu-throttle-increment", increment ? increment : THROTTLE_INCREMENT);
	}
}

static int set_parameters(struct guest *guest, bool source,
	const struct migration_parameters *parameters, struct dd_error *err)
{
	struct json *args = json_object();

	if (source)
		put_pace(args, parameters);
	if (parameters->multifd)
		json_put_number(args, "multifd-channels", parameters->multifd);
	json_put_string(args, "tls-creds", parameters->tls ? MIGRATION_KEY_OBJECT : "");
	return monitor_call(guest->monitor, "migrate-set-parameters", args, NULL, err);
}

/*
 * A guest that came here paused has not got its images yet, and a QEMU that is to let go of them
 * then ends with an assertion: only running the guest, for a millisecond or so, has them opened.
 */
static int have_images(
	struct guest *guest, const struct migration_progress *now, struct dd_error *err)
{
	bool came = now->state == MIGRATION_COMPLETED && now->status == GUEST_PAUSED;

	return came ? monitor_call_both(guest->monitor, "cont", "stop", err) : 0;
}

static int prepare_source(struct guest *guest, struct dd_error *err)
{
	struct migration_progress now;
	int code = guest_migration_progress(guest, &now, err);

	if (code)
		return code;
	if (MIGRATION_IN(now.state) & UNDER_WAY)
		return error_set(err, DD_BUSY, "a migration is under way: %s",
			migration_state_name(now.state));
	return have_images(guest, &now, err);
}

int guest_migration_prepare(struct guest *guest, bool source,
	const struct migration_parameters *parameters, struct dd_error *err)
{
	int code = source ? prepare_source(guest, err) : 0;

	if (!code)
		code = set_capabilities(guest, source, parameters, err);
	return code ? code : set_parameters(guest, source, parameters, err);
}

int guest_migration_set(
	struct guest *guest, const struct migration_parameters *parameters, struct dd_error *err)
{
	struct json *args = json_object();

	if (parameters->bandwidth)
		json_put(args, "max-bandwidth", json_unsigned(parameters->bandwidth));
	if (parameters->downtime_ms)
		json_put_number(args, "downtime-limit", parameters->downtime_ms);
	if (parameters->throttle_initial)
		json_put_number(args, "cpu-throttle-initial", parameters->throttle_initial);
	if (parameters->throttle_increment)
		json_put_number(args, "cpu-throttle-increment", parameters->throttle_increment);
	return monitor_call(guest->monitor, "migrate-set-parameters", args, NULL, err);
}

/* ---- the stream ---- */

static int tell(struct guest *guest, const char *command, const char *uri, bool resume,
	struct dd_error *err)
{
	struct json *args = json_object();

	json_put_string(args, "uri", uri);
	if (resume)
		json_put_bool(args, "resume", true);
	return monitor_call(guest->monitor, command, args, NULL, err);
}

/* uri: also that of a Unix socket with a path of any length. */
static int tell_at(struct guest *guest, const char *command, const char *uri, struct dd_error *err)
{
	char name[GUEST_SOCKET_SIZE], unix_uri[GUEST_SOCKET_SIZE + sizeof UNIX_URI];
	int code;

	if (strncmp(uri, UNIX_URI, strlen(UNIX_URI)) != 0)
		return tell(guest, command, uri, false, err);
	code = guest_socket_name(guest, uri + strlen(UNIX_URI), name, err);
	if (code)
		return code;
	snprintf(unix_uri, sizeof unix_uri, UNIX_URI "%s", name);
	return tell(guest, command, unix_uri, false, err);
}

static int tell_fd(
	struct guest *guest, const char *command, int fd, bool resume, struct dd_error *err)
{
	int code = monitor_send_fd(guest->monitor, FD_NAME, fd, err);

	if (code)
		return code;
	code = tell(guest, command, "fd:" FD_NAME, resume, err);
	if (code) {
		struct json *args = json_object();

		json_put_string(args, "fdname", FD_NAME);
		monitor_call(guest->monitor, "closefd", args, NULL, NULL);
	}
	return code;
}

/* What an earlier try still has to say is not of this one. */
int guest_migrate_send(struct guest *guest, int fd, struct dd_error *err)
{
	monitor_drop_events(guest->monitor);
	return tell_fd(guest, "migrate", fd, false, err);
}

int guest_migrate_send_to(struct guest *guest, const char *uri, struct dd_error *err)
{
	monitor_drop_events(guest->monitor);
	return tell(guest, "migrate", uri, false, err);
}

int guest_migrate_receive(struct guest *guest, int fd, struct dd_error *err)
{
	return tell_fd(guest, "migrate-incoming", fd, false, err);
}

int guest_migrate_receive_at(struct guest *guest, const char *uri, struct dd_error *err)
{
	return tell_at(guest, "migrate-incoming", uri, err);
}

int guest_migration_port(struct guest *guest, unsigned *port, struct dd_error *err)
{
	CLEANUP(json) struct json *reply = NULL;
	int code = monitor_call(guest->monitor, "query-migrate", NULL, &reply, err);
	const struct json *address = json_at(json_get(reply, "socket-address"), 0);
	const char *text = json_get_string(address, "port");

	if (code)
		return code;
	if (!text)
		return error_set(err, DD_NOT_FOUND, "QEMU does not listen on a port");
	*port = (unsigned)strtoul(text, NULL, 10);
	return 0;
}

/* ---- the source ---- */

int guest_migration_go(struct guest *guest, struct dd_error *err)
{
	struct json *args = json_object();
	struct dd_error failure = {.code = 0};
	struct migration_progress now;

	json_put_string(args, "state", "pre-switchover");

	monitor_drop_events(guest->monitor);

	int code = monitor_tell(guest->monitor, "migrate-continue", args, GO_MS, &failure);

	guest->last_part = !code;
	if (!code)
		return 0;
	if (guest_migration_progress(guest, &now, NULL) == 0 &&
		now.state != MIGRATION_PRE_SWITCHOVER)
		return error_set(err, DD_CONFLICT, "the migration does not wait: it is '%s'%s%s",
			migration_state_name(now.state), now.error[0] ? ": " : "", now.error);
	if (err)
		*err = failure;
	return code;
}

int guest_migration_postcopy(struct guest *guest, struct dd_error *err)
{
	return monitor_call(guest->monitor, "migrate-start-postcopy", NULL, NULL, err);
}

int guest_migration_recover(struct guest *guest, int fd, struct dd_error *err)
{
	return tell_fd(guest, "migrate", fd, true, err);
}

static int refuse_postcopy(struct dd_error *err)
{
	return error_set(err, DD_REFUSED,
		"the guest runs at the destination already, and has a part of its memory here: "
		"there is no way back");
}

/* Tells QEMU, and waits; other news wake the waiting one, too. */
static int give_up(struct guest *guest, enum migration_state *state, struct dd_error *err)
{
	int64_t deadline = deadline_in(MIGRATION_CANCEL_MS);
	int code = monitor_call(guest->monitor, "migrate_cancel", NULL, NULL, err);

	while (!code && MIGRATION_IN(*state) & UNDER_WAY && deadline_left(deadline))
		code = guest_migration_await(
			guest, MIGRATION_ENDED, deadline_left(deadline), state, err);
	if (!code && MIGRATION_IN(*state) & UNDER_WAY)
		return error_set(err, DD_HYPERVISOR,
			"QEMU has not given the migration up for %d seconds: it is '%s'",
			MIGRATION_CANCEL_MS / 1000, migration_state_name(*state));
	return code;
}

int guest_migration_cancel(struct guest *guest, struct dd_error *err)
{
	enum migration_state state;
	int code =
		guest_migration_await(guest, ~0u, guest->last_part ? LAST_PART_MS : 0, &state, err);

	if (code)
		return code;
	if (guest->last_part)
		return error_set(err, DD_BUSY,
			"QEMU sends the last part of the guest and answers nobody: the connection "
			"must be cut first");
	if (MIGRATION_IN(state) & POSTCOPY)
		return refuse_postcopy(err);
	if (MIGRATION_IN(state) & UNDER_WAY)
		code = give_up(guest, &state, err);
	if (!code && state == MIGRATION_COMPLETED)
		return error_set(err, DD_CONFLICT, "all of the guest has been sent already");
	return code;
}

/*
 * QEMU has a guest that was paused stay in "postmigrate", with its images given up, and cannot send
 * it a second time; the only way out is to run. So it runs for a moment, a millisecond or so.
 */
static int pause_again(struct guest *guest, struct dd_error *err)
{
	enum guest_status status;
	int code = monitor_call_both(guest->monitor, "cont", "stop", err);

	if (!code)
		code = guest_status(guest, &status, err);
	if (!code && status == GUEST_MOVED_AWAY)
		/* for the reason why */
		return guest_continue(guest, err);
	return code;
}

int guest_migration_resume_source(struct guest *guest, bool paused, struct dd_error *err)
{
	enum guest_status status;
	int code = guest_migration_cancel(guest, err);

	if (code && code != DD_CONFLICT)
		return code;
	code = guest_status(guest, &status, err);
	if (code)
		return code;
	if (status == GUEST_MOVED_AWAY)
		return paused ? pause_again(guest, err) : guest_continue(guest, err);
	return status == GUEST_PAUSED && !paused ? guest_continue(guest, err) : 0;
}

/* ---- the destination ---- */

int guest_migration_arrived(struct guest *guest, int wait_ms, struct dd_error *err)
{
	static const unsigned wanted =
		MIGRATION_IN(MIGRATION_COMPLETED) | MIGRATION_IN(MIGRATION_FAILED);
	int64_t deadline = deadline_in(wait_ms);
	enum migration_state state;
	int left;

	do {
		left = deadline_left(deadline);

		int code = guest_migration_await(guest, wanted, left, &state, err);

		if (code)
			return code;
	} while (!(MIGRATION_IN(state) & wanted) && left);
	if (state == MIGRATION_COMPLETED)
		return 0;
	if (state == MIGRATION_FAILED)
		return error_set(err, DD_HYPERVISOR, "QEMU could not take the guest");
	return error_set(err, DD_BUSY, "the guest has not arrived yet: its migration is '%s'",
		migration_state_name(state));
}

int guest_migration_runnable(struct guest *guest, int wait_ms, struct dd_error *err)
{
	static const struct timespec pause = {.tv_nsec = ARRIVAL_POLL_NS};
	int64_t deadline = deadline_in(wait_ms);
	struct migration_progress now;

	for (;;) {
		int code = guest_migration_progress(guest, &now, err);

		if (code)
			return code;
		if (now.state == MIGRATION_COMPLETED ||
			(MIGRATION_IN(now.state) & POSTCOPY && now.status != GUEST_INCOMING))
			return 0;
		if (now.state == MIGRATION_FAILED)
			return error_set(err, DD_HYPERVISOR, "QEMU could not take the guest");
		if (!deadline_left(deadline))
			return error_set(err, DD_BUSY,
				"the guest has not arrived yet: its migration is '%s'",
				migration_state_name(now.state));
		nanosleep(&pause, NULL);
	}
}

int guest_migration_recover_at(struct guest *guest, const char *uri, struct dd_error *err)
{
	struct migration_progress now;
	int code = guest_migration_progress(guest, &now, err);

	if (!code && now.state != MIGRATION_POSTCOPY_PAUSED)
		code = error_set(err, DD_BUSY, "its connection has not broken: it is '%s'",
			migration_state_name(now.state));
	return code ? code : tell_at(guest, "migrate-recover", uri, err);
}

int guest_announce(struct guest *guest, struct dd_error *err)
{
	struct json *args = json_object();

	json_put_number(args, "initial", 50); /* ms */
	json_put_number(args, "max", 550);
	json_put_number(args, "rounds", 5);
	json_put_number(args, "step", 100);
	return monitor_call(guest->monitor, "announce-self", args, NULL, err);
}
