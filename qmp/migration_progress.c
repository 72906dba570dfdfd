/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How far a migration is. QEMU says "completed" or "failed" some moments before it has done what
 * belongs to it: the guest still stands in "finish-migrate", and the times are still 0. So the end
 * of one is believed only when the guest has left that state; as long as it has not, the last part
 * is still under way. The guest's status is asked for first, or the two answers could not be put
 * together.
 *
 * While the last part is sent QEMU's main thread waits for the connection and for nothing else, and
 * a question would hang with it. So after the switchover its events are waited for first.
 */
#include "qmp/deadline.h"
#include "qmp/guest_internal.h"
#include "qmp/migration.h"

#include <stdio.h>
#include <string.h>

#define POLL_MS 100 /* events come at once; this is for those that were missed */
#define POLL_SETTLING_MS 1

/* That it comes to these is no reason to ask how far it is. */
#define ON_ITS_WAY (MIGRATION_IN(MIGRATION_SETUP) | MIGRATION_IN(MIGRATION_ACTIVE))

static const struct {
	const char *name;
	enum migration_state state;
} states[] = {
	{"none", MIGRATION_NONE},
	{"setup", MIGRATION_SETUP},
	{"wait-unplug", MIGRATION_SETUP},
	{"active", MIGRATION_ACTIVE},
	{"pre-switchover", MIGRATION_PRE_SWITCHOVER},
	{"device", MIGRATION_DEVICE},
	{"postcopy-active", MIGRATION_POSTCOPY},
	{"postcopy-paused", MIGRATION_POSTCOPY_PAUSED},
	{"postcopy-recover", MIGRATION_POSTCOPY},
	{"completed", MIGRATION_COMPLETED},
	{"failed", MIGRATION_FAILED},
	{"cancelling", MIGRATION_CANCELLING},
	{"cancelled", MIGRATION_CANCELLED},
};

#define STATE_COUNT (sizeof states / sizeof *states)

const char *migration_state_name(enum migration_state state)
{
	for (size_t i = 0; i < STATE_COUNT; i++)
		if (states[i].state == state)
			return states[i].name;
	return "unknown";
}

static int read_state(const struct json *reply, enum migration_state *out, struct dd_error *err)
{
	const char *word = json_get_string(reply, "status");

	if (!word) {
		*out = MIGRATION_NONE;
		return 0;
	}
	for (size_t i = 0; i < STATE_COUNT; i++)
		if (strcmp(states[i].name, word) == 0) {
			*out = states[i].state;
			return 0;
		}
	return error_set(err, DD_HYPERVISOR, "QEMU's migration is '%s', which is not known", word);
}

static void read_ram(const struct json *ram, struct migration_progress *out)
{
	out->total = json_get_unsigned(ram, "total", 0);
	out->remaining = json_get_unsigned(ram, "remaining", 0);
	out->transferred = json_get_unsigned(ram, "transferred", 0);
	out->dirty_rate = json_get_unsigned(ram, "dirty-pages-rate", 0);
	out->page_size = json_get_unsigned(ram, "page-size", 4096);
	out->iterations = json_get_unsigned(ram, "dirty-sync-count", 0);
	out->postcopy_requests = json_get_unsigned(ram, "postcopy-requests", 0);
}

int guest_migration_progress(
	struct guest *guest, struct migration_progress *out, struct dd_error *err)
{
	struct migration_progress made = {.state = MIGRATION_NONE};
	CLEANUP(json) struct json *reply = NULL;
	int code = guest_status(guest, &made.status, err);

	if (!code)
		code = monitor_call(guest->monitor, "query-migrate", NULL, &reply, err);
	if (!code)
		code = read_state(reply, &made.state, err);
	if (code)
		return code;
	if (MIGRATION_IN(made.state) & MIGRATION_ENDED && made.status == GUEST_SWITCHING)
		made.state = MIGRATION_DEVICE;
	read_ram(json_get(reply, "ram"), &made);
	made.throttle = (unsigned)json_get_unsigned(reply, "cpu-throttle-percentage", 0);
	made.expected_downtime_ms = json_get_number(reply, "expected-downtime", 0);
	made.downtime_ms = json_get_number(reply, "downtime", 0);
	made.setup_ms = json_get_number(reply, "setup-time", 0);
	made.total_ms = json_get_number(reply, "total-time", 0);
	if (json_get_string(reply, "error-desc"))
		snprintf(made.error, sizeof made.error, "%s", json_get_string(reply, "error-desc"));
	*out = made;
	return 0;
}

/* What may change what one has to do who waits for *(unsigned *)context: a set of states. */
static bool is_news(const char *name, const struct json *data, void *context)
{
	const unsigned *wanted = context;
	enum migration_state state = MIGRATION_NONE;

	if (name && strcmp(name, "MIGRATION") == 0)
		return read_state(data, &state, NULL) ||
		       MIGRATION_IN(state) & (*wanted | ~ON_ITS_WAY);
	return name && (strcmp(name, "STOP") == 0 || strcmp(name, "RESUME") == 0 ||
			       strncmp(name, "BLOCK_JOB_", 10) == 0);
}

/* Of the news, those that are none of the migration's own. */
static bool is_foreign(const struct json *event, const struct migration_progress *now)
{
	const char *name = json_get_string(event, "event");

	if (!name || strcmp(name, "MIGRATION") == 0)
		return false;
	return strncmp(name, "BLOCK_JOB_", 10) == 0 || now->status != GUEST_SWITCHING;
}

/* Does the event end the time in which QEMU may not answer? */
static bool ends_last_part(const struct json *event)
{
	const char *name = json_get_string(event, "event");
	const char *status = json_get_string(json_get(event, "data"), "status");

	return name && strcmp(name, "MIGRATION") == 0 && status && strcmp(status, "device") != 0;
}

static bool is_stop(const struct json *event)
{
	const char *name = json_get_string(event, "event");

	return name && strcmp(name, "STOP") == 0;
}

/* The guest stands still when QEMU says this, so that there is nothing more to be asked. */
static bool is_pre_switchover(const struct json *event)
{
	const char *name = json_get_string(event, "event");
	const char *status = json_get_string(json_get(event, "data"), "status");

	return name && strcmp(name, "MIGRATION") == 0 && status &&
	       strcmp(status, "pre-switchover") == 0;
}

/*
 * The next of the news, if one comes. That the guest stops for the switchover is two of them, and
 * its time is too dear for the first to be looked into.
 */
static int await_news(struct guest *guest, unsigned wanted, int wait_ms, struct json **event,
	struct dd_error *err)
{
	CLEANUP(json) struct json *next = NULL;
	int code = monitor_await(guest->monitor, is_news, &wanted, wait_ms, event, err);

	if (code || !is_stop(*event))
		return code;
	code = monitor_await(guest->monitor, is_news, &wanted, POLL_SETTLING_MS, &next, err);
	if (!code && next) {
		json_free(*event);
		*event = TAKE(next);
	}
	return code;
}

static int await_last_part(
	struct guest *guest, unsigned wanted, int64_t deadline, struct dd_error *err)
{
	while (guest->last_part) {
		CLEANUP(json) struct json *event = NULL;
		int code = monitor_await(
			guest->monitor, is_news, &wanted, deadline_left(deadline), &event, err);

		if (code)
			return code;
		if (ends_last_part(event))
			guest->last_part = false;
		if (!event)
			return 0;
	}
	return 0;
}

int guest_migration_await_progress(struct guest *guest, unsigned wanted, int wait_ms,
	struct migration_progress *out, struct dd_error *err)
{
	int64_t deadline = deadline_in(wait_ms);
	CLEANUP(json) struct json *event = NULL;
	int code = await_last_part(guest, wanted, deadline, err);

	*out = (struct migration_progress){.state = MIGRATION_DEVICE};
	while (!code && !guest->last_part) {
		int left = deadline_left(deadline);
		int turn = POLL_MS;

		code = guest_migration_progress(guest, out, err);
		if (code)
			return code;
		if (MIGRATION_IN(out->state) & wanted || !left || is_foreign(event, out))
			return 0;
		if (out->state == MIGRATION_DEVICE)
			turn = POLL_SETTLING_MS;
		json_free(TAKE(event));
		code = await_news(guest, wanted, left < turn ? left : turn, &event, err);
		if (!code && wanted & MIGRATION_IN(MIGRATION_PRE_SWITCHOVER) &&
			is_pre_switchover(event)) {
			out->state = MIGRATION_PRE_SWITCHOVER;
			return 0;
		}
	}
	return code;
}

int guest_migration_await(struct guest *guest, unsigned wanted, int wait_ms,
	enum migration_state *state, struct dd_error *err)
{
	struct migration_progress now;
	int code = guest_migration_await_progress(guest, wanted, wait_ms, &now, err);

	if (!code)
		*state = now.state;
	return code;
}
