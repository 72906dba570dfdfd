/* SPDX-License-Identifier: Apache-2.0 */
/* Looking: what domains there are, what they are now, what they use. Readers take no lock. */

#include <string.h>

#include "domain/existing.h"
#include "domain/journal_detail.h"
#include "domain/operation.h"
#include "domain/record.h"
#include "domain/runtime.h"
#include "domain/secret.h"
#include "qmp/guest.h"

struct visit {
	struct dd_host *host;
	bool all;
	dd_domain_fn domain;
	dd_use_fn use;
	void *context;
	struct dd_error *err;
};

/* The index says what ran; whether it still does, its QEMU's lock says. */
static int describe(struct dd_host *host, const struct domain_row *row, struct dd_domain_info *info,
	struct dd_error *err)
{
	CLEANUP(runtime) struct runtime runtime = {.id = 0};
	CLEANUP(free) char *folder = NULL;
	pid_t pid = 0;
	int rc;

	memcpy(info->uuid, row->uuid, UUID_SIZE);
	info->name = row->name;
	info->title = row->title;
	info->state = "shut off";
	info->autostart = row->autostart;
	info->version = row->version;
	info->claimed = row->owner && strcmp(row->owner, book_host_name(host->book)) == 0;
	info->owner = info->claimed ? NULL : row->owner;
	info->epoch = row->epoch;
	if (row->state != STATE_RUNNING || !row->runtime)
		return 0;
	rc = runtime_read(row, &runtime, err);
	if (!rc)
		rc = instance_folder(host, row->uuid, runtime.instance, &folder, err);
	if (rc || !guest_alive(folder, &pid))
		return rc;
	info->state = runtime.paused ? "paused" : "running";
	info->id = runtime.id;
	info->pid = (int)pid;
	return 0;
}

static int visit_domain(const struct domain_row *row, void *context)
{
	struct visit *visit = context;
	struct dd_domain_info info = {.id = 0};
	int rc = describe(visit->host, row, &info, visit->err);

	if (rc || (!visit->all && !info.id))
		return rc;
	return visit->domain(&info, visit->context);
}

int dd_list(struct dd_host *host, bool all, dd_domain_fn visit, void *context, struct dd_error *err)
{
	struct visit own = {
		.host = host, .all = all, .domain = visit, .context = context, .err = err};

	return all ? book_list(host->book, false, visit_domain, &own, err)
		   : book_list_running(host->book, visit_domain, &own, err);
}

static int find_present(
	struct dd_host *host, const char *domain, struct domain_row *row, struct dd_error *err)
{
	int rc = existing_named(host, domain, row, err);

	if (!rc && row->state == STATE_GONE) {
		domain_row_release(row);
		rc = error_set(err, DD_NOT_FOUND, "domain '%s' was undefined", domain);
		error_hint(err, "its history is still there: domesday log %s", domain);
	}
	return rc;
}

/* QEMU's own word, where it can be had at once. */
static void ask_state(
	struct dd_host *host, const struct domain_row *row, struct dd_domain_info *info)
{
	CLEANUP(job_lock) struct job_lock *lock = NULL;
	CLEANUP(guest) struct guest *guest = NULL;
	CLEANUP(free) char *folder = NULL;
	enum guest_status status;
	unsigned instance;

	if (info->id && job_lock_take(host->book, info->uuid, "dominfo", 0, &lock, NULL) == 0 &&
		instance_find(host, row, &instance, &folder, NULL) == 0 &&
		guest_connect(folder, &guest, NULL) == 0 && guest_status(guest, &status, NULL) == 0)
		info->state = guest_status_name(status);
}

int dd_info(struct dd_host *host, const char *domain, dd_domain_fn visit, void *context,
	struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct dd_domain_info info = {.id = 0};
	int rc = find_present(host, domain, &row, err);

	if (!rc)
		rc = describe(host, &row, &info, err);
	if (rc)
		return rc;
	ask_state(host, &row, &info);
	return visit(&info, context);
}

static int visit_use(const struct domain_row *row, const struct use_row *use, void *context)
{
	struct visit *visit = context;
	struct dd_domain_info info = {.id = 0};
	int rc = describe(visit->host, row, &info, visit->err);

	if (rc)
		return rc;
	return visit->use(&info,
		&(struct dd_use){
			.kind = use->kind,
			.value = use->value,
			.mode = use->mode == 'w'   ? "exclusive"
				: use->mode == 's' ? "shared"
						   : "read",
			.config = use->scope & USE_CONFIG,
			.live = (use->scope & USE_LIVE) && info.id,
		},
		visit->context);
}

int dd_who_uses(struct dd_host *host, const char *value, dd_use_fn visit, void *context,
	struct dd_error *err)
{
	struct visit own = {.host = host, .use = visit, .context = context, .err = err};
	CLEANUP(text) struct text meant = TEXT_INIT;
	int rc = use_normalise(value, &meant, err);

	return rc ? rc : book_who_uses(host->book, NULL, text_string(&meant), visit_use, &own, err);
}

struct job_visit {
	struct dd_host *host;
	dd_job_fn visit;
	void *context;
};

static int visit_job(const struct job_row *row, void *context)
{
	const struct job_visit *own = context;
	CLEANUP(domain_row) struct domain_row domain = {.name = NULL};
	CLEANUP(journal_row) struct journal_row journal = {.id = 0};

	/* a domain that is being defined, or comes, is not there yet */
	if (book_find(own->host->book, row->uuid, &domain, NULL) &&
		journal_find(own->host->book, row->uuid, &journal, NULL) == 0)
		domain.name = detail_name(&journal);
	return own->visit(
		&(struct dd_job){
			.domain = domain.name,
			.uuid = row->uuid,
			.operation = row->operation,
			.since = row->since,
			.pid = row->pid,
			.program = row->program,
		},
		own->context);
}

int dd_jobs(struct dd_host *host, dd_job_fn visit, void *context, struct dd_error *err)
{
	struct job_visit own = {.host = host, .visit = visit, .context = context};

	return job_list(host->book, visit_job, &own, err);
}

static int take_text(struct text *text, char **out, struct dd_error *err)
{
	*out = text_take(text);
	return *out ? 0 : error_no_memory(err);
}

/* With or without secrets. */
static int show_document(struct dd_host *host, const char *uuid, const struct document *document,
	bool security_info, char **out, struct dd_error *err)
{
	CLEANUP(document) struct document *revealed = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc = security_info ? secret_reveal(host, uuid, document, &revealed, err) : 0;

	if (!rc)
		rc = security_info ? document_write(revealed, &text, err)
				   : secret_write(document, &text, NULL, err);
	return rc ? rc : take_text(&text, out, err);
}

static int show_running(struct dd_host *host, const struct domain_row *row, bool security_info,
	char **out, struct dd_error *err)
{
	CLEANUP(runtime) struct runtime runtime = {.id = 0};
	CLEANUP(document) struct document *live = NULL;
	int rc = runtime_read(row, &runtime, err);

	if (!rc)
		rc = document_parse(runtime.live, strlen(runtime.live), NULL, &live, err);
	return rc ? rc : show_document(host, row->uuid, live, security_info, out, err);
}

static int show_version(struct dd_host *host, const struct domain_row *row,
	const struct dd_dumpxml_options *options, char **out, struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(text) struct text text = TEXT_INIT;
	int rc;

	if (!options->security_info) {
		rc = book_read(host->book, row->uuid, options->version, FILE_CONFIG, &text, err);
		return rc ? rc : take_text(&text, out, err);
	}
	rc = record_read(host->book, row->uuid, options->version, &document, err);
	return rc ? rc : show_document(host, row->uuid, document, true, out, err);
}

int dd_dumpxml_with(struct dd_host *host, const char *domain,
	const struct dd_dumpxml_options *options, char **out, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	CLEANUP(free) char *folder = NULL;
	unsigned instance;
	int rc;

	if (options->live && options->version)
		return error_set(err, DD_INVALID, "only the newest version can be live");
	rc = options->version ? existing_named(host, domain, &row, err)
			      : find_present(host, domain, &row, err);
	if (!rc)
		rc = instance_find(host, &row, &instance, &folder, err);
	if (rc)
		return rc;
	if (options->live && row.state == STATE_RUNNING && row.runtime && guest_alive(folder, NULL))
		return show_running(host, &row, options->security_info, out, err);
	return show_version(host, &row, options, out, err);
}

int dd_dumpxml(struct dd_host *host, const char *domain, uint32_t version, bool live, char **out,
	struct dd_error *err)
{
	const struct dd_dumpxml_options options = {.version = version, .live = live};

	return dd_dumpxml_with(host, domain, &options, out, err);
}
