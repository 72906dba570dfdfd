/* SPDX-License-Identifier: Apache-2.0 */
/* A guest goes on in another QEMU of this host. The states, and how it ends, are in local.h. */
#include "migrate/local.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "domain/crash.h"
#include "domain/secret.h"
#include "migrate/flag.h"
#include "migrate/incoming_internal.h"
#include "migrate/mark.h"
#include "migrate/outgoing.h"
#include "migrate/progress.h"
#include "migrate/stream.h"
#include "migrate/viewers.h"
#include "qmp/deadline.h"
#include "qmp/migration.h"
#include "qmp/viewers.h"
#include "schema/alias.h"

#define ARRIVAL_MS 10000 /* for the end of the stream, once all is sent */

struct moving {
	struct local local;
	struct operation op;
	struct document *live;     /* as it will be */
	struct document *revealed; /* the same with its secrets */
	struct stream_options stream;
	struct stream_counts counts;
	char *flag;             /* file that calls it off */
	char *notice;           /* and by which others see how far it is */
	bool troubled;          /* an I/O error had stopped it before: it is moved so */
	int64_t began, stopped; /* ms */
};

static void cleanup_moving(struct moving *moving)
{
	if (moving->flag)
		(void)unlink(moving->flag);
	free(moving->flag);
	if (moving->notice)
		progress_forget(moving->op.host, moving->op.row.uuid);
	free(moving->notice);
	document_free(moving->live);
	document_free(moving->revealed);
	local_release(&moving->local);
	operation_end(&moving->op);
}

static int64_t ms_of(const struct timespec *time)
{
	return time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

/* ---- what is asked for ---- */

static int options_check(const struct dd_migrate_options *options, struct dd_error *err)
{
	const struct {
		bool given;
		const char *what;
	} others[] = {
		{options->peer != NULL, "another host"},
		{options->name != NULL, "another name"},
		{options->xml != NULL, "another definition"},
		{options->persistent_xml != NULL, "another definition"},
		{options->maps && options->maps[0], "other names of resources"},
		{options->copy_storage || options->overwrite_storage, "a copy of its disks"},
		{options->keep, "a domain that stays listed"},
		{options->unsafe, "unsafe storage"},
		{options->postcopy, "post-copy"},
		{options->transport != DD_TRANSPORT_RELAY, "another transport"},
	};

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (others[i].given)
			return error_set(err, DD_INVALID,
				"a migration within the host does not go with %s", others[i].what);
	return 0;
}

/* ---- what it will be ---- */

/* Of two documents with the same devices: the ports stay, although the QEMU is another one. */
static int keep_ports(const struct document *before, struct document *after, struct dd_error *err)
{
	const xmlNode *from = node_child(document_devices(before), "graphics");
	xmlNode *to = node_child(document_devices(after), "graphics");
	int rc = 0;

	for (; from && to && !rc; from = node_next(from), to = node_next(to))
		if (node_attr(from, "port"))
			rc = node_set_attr(to, "port", node_attr(from, "port"), err);
	return rc;
}

/* The QEMU that its next start would use. */
static int take_emulator(const struct document *config, struct document *live, struct dd_error *err)
{
	xmlNode *emulator = node_child(document_devices(live), "emulator");
	const char *path = document_emulator(config);

	return emulator && path ? node_set_text(emulator, path, err) : 0;
}

int local_document(const struct operation *op, struct document **out, struct dd_error *err)
{
	CLEANUP(document) struct document *live = NULL;
	int rc = document_copy(op->live, &live, err);

	if (!rc)
		rc = document_strip_place(live, err);
	if (!rc)
		rc = keep_ports(op->live, live, err);
	if (!rc)
		rc = take_emulator(op->config, live, err);
	if (!rc)
		*out = TAKE(live);
	return rc;
}

int local_begin(struct operation *op, struct dd_host *host,
	const struct dd_migrate_options *options, const char *name, const struct dd_change *change,
	struct dd_error *err)
{
	int rc = options_check(options, err);

	if (!rc)
		rc = operation_begin(op, host, options->domain, name, change, err);
	if (!rc && op->row.owner)
		rc = error_set(err, DD_REFUSED, "domain '%s' is owned by the host '%s' now",
			op->row.name, op->row.owner);
	return rc ? rc : outgoing_guest(op, err);
}

/* ---- begin and prepare ---- */

static int row_open(struct moving *moving, struct dd_error *err)
{
	struct local *local = &moving->local;
	struct operation *op = &moving->op;
	int rc = destination_move(&local->state, DESTINATION_PREPARE, err);

	local->detail =
		migration_detail(op, local->id, book_host_name(op->host->book), false, true);
	json_put_string(local->detail, "side", MIGRATION_LOCAL);
	json_put_number(local->detail, "old", local->old.instance);
	json_put_number(local->detail, "next", local->next.instance);
	json_put_bool(local->detail, "was_paused", local->was_paused);
	json_put_bool(local->detail, "paused", local->paused);
	if (!rc)
		rc = mark_put_boot(local->detail, err);
	if (!rc)
		rc = detail_put_document(local->detail, "before", op->live, err);
	if (!rc)
		rc = migration_row_write(op, local->detail, destination_word(local->state), err);
	if (!rc)
		rc = detail_open(op, local->detail, op->live, moving->live, err);
	CRASH_POINT("local:begun");
	return rc;
}

static int moving_begin(
	struct moving *moving, const struct dd_migrate_options *options, struct dd_error *err)
{
	struct local *local = &moving->local;
	struct operation *op = &moving->op;
	enum guest_status status = GUEST_OTHER;
	int rc = guest_status(op->guest, &status, err);

	if (!rc)
		rc = local_document(op, &moving->live, err);
	moving->troubled = status == GUEST_IO_ERROR;
	local->op = op;
	local->old.guest = TAKE(op->guest);
	local->was_paused = op->paused;
	local->paused = op->paused || options->paused;
	migration_id_draw(local->id);
	moving->stream.bandwidth = options->bandwidth;
	moving->stream.timeout_s = options->timeout_s;
	moving->stream.began = moving->began;
	moving->stream.timeout_suspends = options->timeout_suspends;
	moving->stream.memory_shared = !rc && guest_memory_in_common(moving->live);
	if (!rc)
		rc = local_sides(local, op->instance, op->instance + 1, err);
	if (!rc)
		rc = incoming_place_check(op, moving->live, op->folder, err);
	if (!rc)
		rc = local_room_check(op, moving->live, err);
	if (!rc)
		rc = secret_reveal(op->host, op->row.uuid, moving->live, &moving->revealed, err);
	if (!rc)
		rc = flag_path(op->host, op->row.uuid, &moving->flag, err);
	if (!rc)
		(void)unlink(moving->flag);
	if (!rc)
		rc = progress_path(op->host, op->row.uuid, &moving->notice, err);
	if (!rc)
		progress_forget(op->host, op->row.uuid);
	moving->stream.notice = moving->notice;
	return rc ? rc : row_open(moving, err);
}

/* The new QEMU, and one end of a connection to it. */
static int next_start(struct moving *moving, int *end, struct dd_error *err)
{
	const struct migration_parameters parameters = {
		.ignore_shared = moving->stream.memory_shared};
	struct local *local = &moving->local;
	struct operation *op = &moving->op;
	const struct capabilities *caps = NULL;
	int ends[2] = {-1, -1};
	int rc = host_capabilities(op->host, moving->live, &caps, err);

	instance_clean(op->host, op->row.uuid, local->old.instance);
	if (!rc)
		rc = guest_start_incoming(local->next.folder, moving->revealed, caps,
			local->old.folder, &local->next.guest, err);
	CRASH_POINT("local:spawned");
	if (!rc)
		rc = guest_migration_prepare(local->next.guest, false, &parameters, err);
	if (!rc && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		rc = error_errno(err, errno, "cannot make a pair of sockets");
	*end = ends[0];
	if (!rc)
		rc = guest_migrate_receive(local->next.guest, ends[1], err);
	if (ends[1] >= 0)
		close(ends[1]);
	if (!rc)
		rc = node_set_attr_format(document_root(moving->live), "id", err, "%d", op->id);
	return rc ? rc : guest_fill_runtime(local->next.guest, moving->live, err);
}

/* ---- perform and finish ---- */

/* In the new QEMU, as viewers reach it; NULL: it has none of that type (NULL: of any). */
static const char *find_screen(
	const struct moving *moving, const char *type, struct address *screen)
{
	CLEANUP(json) struct json *screens = screens_of(moving->live);

	return screen_find(screens, type, book_host_name(moving->op.host->book), screen);
}

static int viewers_there(void *context, unsigned *count)
{
	return guest_viewers_count(context, count, NULL);
}

static void tell_viewers(struct moving *moving)
{
	struct local *local = &moving->local;
	struct address screen;

	if (find_screen(moving, SCREEN_SPICE, &screen))
		local->viewers_told = viewers_tell(moving->op.host, local->old.guest, &screen,
			viewers_there, local->next.guest);
}

static int send_all(struct moving *moving, int *end, struct dd_error *err)
{
	struct local *local = &moving->local;
	CLEANUP(stream) struct stream *stream = NULL;
	const struct stream_source source = {
		.host = moving->op.host,
		.guest = local->old.guest,
		.id = local->id,
		.uuid = moving->op.row.uuid,
		.flag = moving->flag,
		.troubled = moving->troubled,
	};
	int rc = stream_new(&stream, &source, &moving->stream, err);

	if (!rc) {
		tell_viewers(moving);
		rc = stream_begin(stream, *end, &moving->counts, err);
		*end = -1;
	}
	moving->stopped = rc ? deadline_now() : stream_stopped(stream);
	CRASH_POINT("local:stopped");
	if (!rc)
		rc = flag_check(moving->flag, err);
	if (!rc)
		rc = stream_go(stream, err);
	if (!rc)
		rc = stream_finish(stream, &moving->counts, err);
	CRASH_POINT("local:sent");
	if (!rc)
		rc = guest_migration_arrived(local->next.guest, ARRIVAL_MS, err);
	if (!rc)
		rc = guest_settle_arrived(local->next.guest, moving->revealed, err);
	CRASH_POINT("local:arrived");
	return rc;
}

static struct json *statistics(const struct moving *moving)
{
	struct json *out = json_object();

	json_put_number(out, "sent", (int64_t)moving->counts.last.transferred);
	json_put_number(out, "total_ms", deadline_now() - moving->began);
	json_put_number(out, "downtime_ms", deadline_now() - moving->stopped);
	return out;
}

/* The decision. */
static int decide(struct moving *moving, struct dd_result *result, struct dd_error *err)
{
	struct local *local = &moving->local;
	struct operation *op = &moving->op;
	CLEANUP(free) char *subject = NULL;
	CLEANUP(text) struct text detail = TEXT_INIT;
	CLEANUP(json) struct json *counts = statistics(moving);
	char values[STATISTICS][NUMBER_SIZE];
	char instance[NUMBER_SIZE];
	struct trailer trailers[4 + STATISTICS] = {
		{"Migration", local->id},
		{"Migration-Mode", MIGRATION_LOCAL},
		{"Migration-Memory", moving->stream.memory_shared ? "shared" : "copied"},
		{"Migration-Instance", number_digits(instance, local->next.instance, 10, 1)},
	};
	struct outcome outcome = {
		.live = moving->live,
		.told = true,
		.trailers = trailers,
		.trailer_count = 4 + statistics_put(counts, trailers + 4, values),
	};
	enum destination_state state = local->state;
	int rc = destination_move(&state, DESTINATION_COMMIT, err);

	if (!rc)
		rc = string_format(
			&subject, err, "migrate within %s", book_host_name(op->host->book));
	if (!json_put_string(local->detail, "state", destination_word(state)))
		rc = error_no_memory(err);
	if (!rc)
		rc = json_write(local->detail, &detail, err);
	if (rc)
		return rc;
	outcome.subject = subject;
	outcome.journal_detail = text_string(&detail);
	op->instance = local->next.instance;
	op->paused = local->paused;
	rc = operation_commit(op, &outcome, result, err);
	if (!rc)
		local->state = state;
	return rc;
}

/* Whether it was decided although it failed, says the book. */
static bool is_decided(struct moving *moving)
{
	CLEANUP(migration_row) struct migration_row row = {.detail = NULL};
	struct local *local = &moving->local;

	if (local->state == DESTINATION_PREPARED &&
		migration_row_find(moving->op.host, moving->op.row.uuid, local->id, &row, NULL) ==
			0)
		local->state = row.destination;
	return local->state == DESTINATION_COMMITTED;
}

/* ---- all of it ---- */

static int tell(struct moving *moving, const char *phase, struct dd_error *err)
{
	const struct dd_migration_progress told = {
		.phase = phase, .elapsed_ms = deadline_now() - moving->began, .estimate_ms = -1};

	return stream_tell(&moving->stream, &told, err);
}

/* Until it is decided. */
static int advance(struct moving *moving, struct dd_result *result, struct dd_error *err)
{
	int end = -1;
	int rc = tell(moving, "prepare", err);

	if (!rc)
		rc = next_start(moving, &end, err);
	CRASH_POINT("local:prepared");
	if (!rc)
		rc = tell(moving, "copy", err);
	if (!rc)
		rc = send_all(moving, &end, err);
	if (end >= 0)
		close(end);
	return rc ? rc : decide(moving, result, err);
}

/* After that: in the new QEMU, or in the old one. */
static int conclude(struct moving *moving, struct dd_error *err)
{
	struct local *local = &moving->local;
	struct operation *op = &moving->op;
	struct dd_error reason = {0};
	int rc;

	CRASH_POINT("local:committed");
	local->live = moving->live;
	rc = local_go_on(local, &reason, err);
	if (local->ran)
		moving->counts.stopped_ms = ms_of(&local->since) - moving->stopped;
	if (rc || local->state != DESTINATION_RETURNED)
		return rc;
	return error_set(err, DD_HYPERVISOR,
		"the guest of '%s' goes on in the QEMU that it had: %s", op->row.name,
		reason.message);
}

static void undo(struct moving *moving)
{
	struct dd_error undone = {0};

	if (local_stay(&moving->local, &undone))
		host_warn(moving->op.host, "what was begun could not be undone yet: %s",
			undone.message);
}

static void place_screen(const struct moving *moving, struct dd_migrated *result)
{
	struct address screen;
	const char *type = find_screen(moving, NULL, &screen);

	result->screen_type = type ? type : "";
	if (type)
		address_format(&screen, result->screen);
}

int local_migrate(struct dd_host *host, const struct dd_migrate_options *options,
	const struct dd_change *change, dd_migration_fn progress, void *context,
	struct dd_migrated *result, struct dd_error *err)
{
	CLEANUP(moving)
	struct moving moving = {
		.stream = {.progress = progress, .context = context}, .began = deadline_now()};
	struct dd_result version = {.version = 0};
	int rc = local_begin(&moving.op, host, options, OPERATION_MIGRATE, change, err);

	if (!rc)
		rc = moving_begin(&moving, options, err);
	if (rc)
		return rc;
	rc = advance(&moving, &version, err);
	if (rc && !is_decided(&moving)) {
		undo(&moving);
		return rc;
	}
	rc = conclude(&moving, err);
	if (rc || !result)
		return rc;
	*result = (struct dd_migrated){
		.version = version.version,
		.live = true,
		.paused = moving.local.paused,
		.total_ms = deadline_now() - moving.began,
		.downtime_ms = moving.counts.stopped_ms,
		.sent = moving.counts.last.transferred,
		.transport = "",
		.instance = moving.local.next.instance,
		.memory_shared = moving.stream.memory_shared,
	};
	memcpy(result->uuid, moving.op.row.uuid, UUID_SIZE);
	place_screen(&moving, result);
	return 0;
}
