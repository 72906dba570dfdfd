/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/lifecycle.h"

#include "base/file.h"
#include "domain/cpu_seen.h"
#include "domain/crash.h"
#include "domain/secret.h"
#include "schema/alias.h"
#include "schema/cpu.h"

/* ---- start ---- */

/* Records a guest that runs as live. */
static int record_start(
	struct operation *op, struct document *live, struct dd_result *result, struct dd_error *err)
{
	struct outcome outcome = {
		.subject = cpu_seen_changes(op) ? "start, on another CPU" : "start",
		.live = live,
	};
	int64_t id = 0;
	int rc = book_count(op->host->book, "domain-id", &id, err);

	op->id = (int)id;
	if (!rc)
		rc = node_set_attr_format(document_root(live), "id", err, "%d", op->id);
	if (!rc)
		rc = document_canonicalise(live, err);
	if (!rc)
		rc = guest_fill_runtime(op->guest, live, err);
	return rc ? rc : operation_commit(op, &outcome, result, err);
}

static void start_undo(struct operation *op)
{
	guest_free(TAKE(op->guest));
	if (guest_destroy(op->folder, NULL) == 0 &&
		journal_undo(op->host->book, op->journal, NULL) == 0)
		op->journal = 0;
}

static int start_journal(struct operation *op, const struct document *live, struct dd_error *err)
{
	CLEANUP(json) struct json *detail = detail_new(op, DETAIL_START);
	int rc;

	if (!detail)
		return error_no_memory(err);
	if (!json_put_bool(detail, "paused", op->paused))
		return error_no_memory(err);
	if (op->cpu_decided && !json_put_string(detail, "cpu", text_string(&op->cpu_next)))
		return error_no_memory(err);
	rc = detail_put_document(detail, "live", live, err);
	return rc ? rc : detail_open(op, detail, NULL, live, err);
}

/* Runs live, a document with aliases. The domain is shut off and locked. */
static int start_live(
	struct operation *op, struct document *live, bool accept_cpu, struct dd_error *err)
{
	const struct capabilities *caps = NULL;
	CLEANUP(document) struct document *revealed = NULL;
	int rc = operation_refuse_stray(op, err);

	if (!rc)
		rc = host_capabilities(op->host, live, &caps, err);
	if (!rc)
		rc = cpu_settle(live, caps, err);
	if (!rc)
		rc = cpu_seen_check(op, live, caps, accept_cpu, err);
	if (!rc)
		rc = guest_check(live, caps, err);
	if (!rc)
		rc = secret_reveal(op->host, op->row.uuid, live, &revealed, err);
	if (!rc)
		rc = directory_make(book_folder(op->host->book), op->folder, 0700, err);
	if (!rc)
		rc = start_journal(op, live, err);
	if (rc)
		return rc;
	instance_clean(op->host, op->row.uuid, INSTANCE_FIRST);
	rc = guest_start(op->folder, revealed, caps, &op->guest, err);
	CRASH_POINT("start:spawned");
	if (!rc && !op->paused)
		rc = guest_continue(op->guest, err);
	CRASH_POINT("start:running");
	if (!rc)
		rc = record_start(op, live, NULL, err);
	if (rc)
		start_undo(op);
	return rc;
}

static int start_settle_cpu(struct operation *op, const char *cpu, struct dd_error *err)
{
	if (!cpu)
		return 0;
	text_clear(&op->cpu_next);
	text_puts(&op->cpu_next, cpu);
	op->cpu_decided = true;
	return text_failed(&op->cpu_next) ? error_no_memory(err) : 0;
}

static int settle_prelaunch(struct operation *op, const struct document *live, struct dd_error *err)
{
	CLEANUP(document) struct document *revealed = NULL;
	int rc = secret_reveal(op->host, op->row.uuid, live, &revealed, err);

	return rc ? rc : guest_settle(op->guest, revealed, err);
}

int start_settle(struct operation *op, const struct json *detail, struct dd_error *err)
{
	CLEANUP(document) struct document *live = NULL;
	enum guest_status status = GUEST_OTHER;
	int rc = detail_get_document(detail, "live", &live, err);

	if (rc)
		return rc;
	op->paused = json_get_bool(detail, "paused", false);
	rc = start_settle_cpu(op, json_get_string(detail, "cpu"), err);
	if (rc)
		return rc;
	rc = guest_connect(op->folder, &op->guest, err);
	if (!rc)
		rc = guest_status(op->guest, &status, err);
	if (!rc && status == GUEST_PRELAUNCH)
		rc = settle_prelaunch(op, live, err);
	if (!rc && status == GUEST_PRELAUNCH && !op->paused)
		rc = guest_continue(op->guest, err);
	if (!rc)
		rc = record_start(op, live, NULL, err);
	if (!rc)
		return 0;
	guest_free(TAKE(op->guest));
	rc = guest_destroy(op->folder, err);
	return rc ? rc : journal_undo(op->host->book, op->journal, err);
}

int dd_start(struct dd_host *host, const char *domain, bool paused, struct dd_error *err)
{
	const struct dd_start_options options = {.paused = paused};

	return dd_start_with(host, domain, &options, err);
}

int dd_start_with(struct dd_host *host, const char *domain, const struct dd_start_options *options,
	struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(document) struct document *live = NULL;
	int rc = operation_begin(&op, host, domain, "start", NULL, err);

	if (rc)
		return rc;
	if (operation_running(&op)) {
		error_set(err, DD_REFUSED, "domain '%s' is running already", op.row.name);
		return error_hint(err, "see: domesday dominfo %s", op.row.name);
	}
	rc = document_copy(op.config, &live, err);
	if (!rc)
		rc = document_assign_aliases(live, err);
	op.paused = options->paused;
	return rc ? rc : start_live(&op, live, options->accept_cpu, err);
}

/* ---- stop ---- */

static int record_stop(struct operation *op, struct dd_error *err)
{
	struct outcome outcome = {.subject = "guest stopped, live-only changes ended"};

	return operation_commit(op, &outcome, NULL, err);
}

int dd_destroy(struct dd_host *host, const char *domain, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	bool ended;
	int rc = operation_begin_destroy(&op, host, domain, &ended, err);

	if (rc || ended)
		return rc;
	rc = operation_require_running(&op, err);
	if (!rc)
		rc = guest_destroy(op.folder, err);
	CRASH_POINT("destroy:gone");
	return rc ? rc : record_stop(&op, err);
}

/* A paused guest would never notice its power button. */
static int require_awake(struct operation *op, struct dd_error *err)
{
	int rc = operation_guest(op, err);

	if (rc || !op->paused)
		return rc;
	error_set(
		err, DD_REFUSED, "domain '%s' is paused and cannot shut itself down", op->row.name);
	return error_hint(
		err, "resume it first, or end it with: domesday destroy %s", op->row.name);
}

static int await_end(const char *folder, const char *name, int wait_ms, struct dd_error *err)
{
	int rc = guest_await_exit(folder, wait_ms, err);

	if (rc != DD_BUSY)
		return rc;
	error_set(err, DD_BUSY, "domain '%s' was asked to shut down and still runs after %d s",
		name, wait_ms / 1000);
	return error_hint(err, "give it more time, or end it with: domesday destroy %s", name);
}

static int shutdown_ask(
	struct dd_host *host, const char *domain, char **folder, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	int rc = operation_begin(&op, host, domain, "shutdown", NULL, err);

	if (!rc)
		rc = require_awake(&op, err);
	if (!rc)
		rc = guest_powerdown(op.guest, err);
	if (!rc)
		*folder = TAKE(op.folder);
	return rc;
}

/* The lock is not held while the guest takes its time, so that destroy can come in between. */
int dd_shutdown(struct dd_host *host, const char *domain, int wait_ms, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	CLEANUP(free) char *folder = NULL;
	int rc = shutdown_ask(host, domain, &folder, err);

	if (rc || wait_ms <= 0)
		return rc;
	rc = await_end(folder, domain, wait_ms, err);
	return rc ? rc : operation_begin(&op, host, domain, "shutdown", NULL, err);
}

/* ---- in between ---- */

static int record_pause(struct operation *op, bool paused, struct dd_error *err)
{
	struct outcome outcome = {.subject = op->name, .live = op->live};

	op->paused = paused;
	return operation_commit(op, &outcome, NULL, err);
}

static int journal_alone(struct operation *op, const char *kind, struct dd_error *err)
{
	CLEANUP(json) struct json *detail = detail_new(op, kind);

	return detail ? detail_open(op, detail, op->live, op->live, err) : error_no_memory(err);
}

static int pause_or_resume(struct dd_host *host, const char *domain, const char *name, bool pause,
	struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	int rc = operation_begin(&op, host, domain, name, NULL, err);

	if (!rc)
		rc = operation_guest(&op, err);
	if (!rc)
		rc = journal_alone(&op, DETAIL_PAUSE, err);
	if (rc)
		return rc;
	rc = pause ? guest_stop(op.guest, err) : guest_continue(op.guest, err);
	if (!rc)
		return record_pause(&op, pause, err);
	(void)journal_undo(host->book, op.journal, NULL);
	return rc;
}

int pause_settle(struct operation *op, struct dd_error *err)
{
	enum guest_status status = GUEST_OTHER;
	int rc = 0;

	if (!guest_alive(op->folder, NULL))
		return journal_undo(op->host->book, op->journal, err);
	rc = operation_guest(op, err);
	if (!rc)
		rc = guest_status(op->guest, &status, err);
	return rc ? rc : record_pause(op, status != GUEST_RUNNING, err);
}

int dd_suspend(struct dd_host *host, const char *domain, struct dd_error *err)
{
	return pause_or_resume(host, domain, "suspend", true, err);
}

int dd_resume(struct dd_host *host, const char *domain, struct dd_error *err)
{
	return pause_or_resume(host, domain, "resume", false, err);
}

int dd_reboot(struct dd_host *host, const char *domain, int wait_ms, struct dd_error *err)
{
	CLEANUP(operation) struct operation op = OPERATION_INIT;
	int rc = operation_begin(&op, host, domain, "reboot", NULL, err);

	if (!rc)
		rc = require_awake(&op, err);
	if (!rc)
		rc = journal_alone(&op, DETAIL_REBOOT, err);
	if (rc)
		return rc;
	rc = guest_reboot(op.guest, wait_ms, err);
	CRASH_POINT("reboot:done");
	/* the row says only that QEMU was told to pause at a power-off: there is nothing to record
	 */
	if (!rc)
		return journal_undo(host->book, op.journal, err);
	(void)journal_undo(host->book, op.journal, NULL);
	if (rc == DD_BUSY)
		error_hint(err, "is it booted? end it with: domesday destroy %s", op.row.name);
	return rc;
}

int reboot_settle(struct operation *op, struct dd_error *err)
{
	int rc = guest_alive(op->folder, NULL) ? operation_guest(op, err) : 0;

	if (!rc && op->guest)
		rc = guest_reboot_settle(op->guest, err);
	return rc ? rc : journal_undo(op->host->book, op->journal, err);
}
