/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of definitions that a git repository kept, as versions of records.
 *
 * Each domain is taken by itself: what became of its file (domain/kept.h) is turned into versions
 * (domain/past.h), those that the book has already are dropped, and the rest is made in one
 * transaction. So whatever ends a run leaves each domain with all of its history or with none of
 * it, and never at a version that is long past; and running it again takes what is missing.
 */
#include <string.h>

#include "base/line.h"
#include "domain/create.h"
#include "domain/existing.h"
#include "domain/past.h"
#include "domain/reason.h"
#include "domain/record.h"

struct git_import {
	struct importing importing;
	struct foreign *repository;
	struct kept kept;
	char *path;          /* of the repository, in full and visible */
	char *operator_name; /* "Name <email>" */
	xmlHashTable *autostart;
	struct operation_trailers taken, ended; /* of a version, and of one that undefines */
};

static void cleanup_git_import(struct git_import *import)
{
	kept_release(&import->kept);
	foreign_close(import->repository);
	if (import->autostart)
		xmlHashFree(import->autostart, NULL);
	free(import->path);
	free(import->operator_name);
	importing_end(&import->importing);
}

/* ---- what the book has of them ---- */

struct known {
	xmlHashTable *commits; /* that versions came from */
	bool newest;           /* the newest version came from one */
	size_t versions;
	size_t found; /* those that did */
};

static void cleanup_known(struct known *known)
{
	if (known->commits)
		xmlHashFree(known->commits, NULL);
}

static int see_version(const struct version_info *info, void *context)
{
	struct known *known = context;
	const char *commit = version_trailer(info, "Origin-Commit");

	if (!known->versions++)
		known->newest = commit != NULL;
	known->found += commit != NULL;
	/* one commit may have made two versions */
	if (commit && !xmlHashLookup(known->commits, (const xmlChar *)commit) &&
		xmlHashAddEntry(known->commits, (const xmlChar *)commit, known))
		return DD_NO_MEMORY;
	return 0;
}

static bool is_known(const struct known *known, const struct past *past)
{
	return xmlHashLookup(known->commits, (const xmlChar *)past->event->commit->id) != NULL;
}

/* Drops what is known; but after something new the newest has to be the newest here, too. */
static void drop_known(struct pasts *pasts, const struct known *known)
{
	size_t kept = 0;

	for (size_t i = 0; i < pasts->count; i++) {
		struct past *past = &pasts->items[i];

		if (is_known(known, past) && !(kept && i + 1 == pasts->count))
			past_release(past);
		else
			pasts->items[kept++] = *past;
	}
	pasts->count = kept;
}

static int refuse_changed(const struct git_import *import, const struct domain_row *row,
	const struct pasts *pasts, struct dd_error *err)
{
	error_set(err, DD_EXISTS, "domain '%s' has been changed here since, and in %zu %s there",
		row->name, pasts->count, pasts->count == 1 ? "commit" : "commits");
	return error_hint(err, "see: git -C %s log %s -- %s, and: domesday log %s", import->path,
		foreign_head(import->repository), *import->kept.folder ? import->kept.folder : ".",
		row->name);
}

/* Sets the outcome where there is nothing to be made. */
static int against_record(struct git_import *import, const struct domain_row *row,
	struct pasts *pasts, struct import_report *report, struct dd_error *err)
{
	CLEANUP(known) struct known known = {.commits = xmlHashCreate(64)};
	bool gone = pasts_gone(pasts);
	int rc = known.commits ? book_log(import->importing.host->book, row->uuid, 0, 0,
					 see_version, &known, err)
			       : error_no_memory(err);

	if (rc == DD_NO_MEMORY)
		error_no_memory(err);
	if (rc)
		return rc;
	report->imported.version = row->version;
	if (!known.found && row->state == STATE_GONE)
		return 0;
	if (!known.found && gone)
		return error_set(
			err, DD_EXISTS, "domain '%s' is undefined there, and not here", row->name);
	if (!known.found)
		return import_compare(
			&import->importing, pasts->last, &pasts->last_xml, row, report, err);
	drop_known(pasts, &known);
	if (!pasts->count) {
		report->imported.outcome = "unchanged";
		report_forget_notes(report);
		return 0;
	}
	return known.newest ? 0 : refuse_changed(import, row, pasts, err);
}

/* *row stays empty where the domain is new. */
static int look_up(struct git_import *import, struct pasts *pasts, struct import_report *report,
	struct domain_row *row, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row other = {.name = NULL};
	struct dd_host *host = import->importing.host;
	bool gone = pasts_gone(pasts);
	int rc = gone ? 0 : import_claim(&import->importing, report, pasts->last, err);

	if (rc || !host)
		return rc;
	rc = book_find(host->book, document_uuid(pasts->last), row, err);
	if (!rc)
		rc = against_record(import, row, pasts, report, err);
	if (rc && rc != DD_NOT_FOUND)
		return rc;
	if (gone || report->imported.outcome)
		return 0;
	rc = existing_find(host, pasts->last, &other, err);
	if (rc == DD_NOT_FOUND || (!rc && strcmp(other.uuid, document_uuid(pasts->last)) == 0))
		return 0;
	return rc ? rc : existing_check(pasts->last, &other, err);
}

/* ---- making them ---- */

static void add_trailer(struct past *past, const char *key, const char *value)
{
	if (value && *value)
		past->trailers[past->trailer_count++] = (struct trailer){key, value};
}

/* It is by this that a version says that the domain is gone. */
static const char *operation_of(const struct past *past)
{
	return past->event->kind == KEPT_GONE ? OPERATION_UNDEFINE : IMPORT_OPERATION;
}

/* first: where an operation's own trailers are put in front by itself. */
static int make_trailers(
	const struct git_import *import, struct past *past, bool operation, struct dd_error *err)
{
	const struct dd_host *host = import->importing.host;
	const struct operation_trailers *own =
		past->event->kind == KEPT_GONE ? &import->ended : &import->taken;
	CLEANUP(free) char *path = TAKE(past->origin);
	int rc = string_format(
		&past->origin, err, "%s:%s:%s", book_host_name(host->book), import->path, path);

	if (rc)
		return rc;
	for (size_t i = 0; operation && i < own->count; i++)
		add_trailer(past, own->list[i].key, own->list[i].value);
	add_trailer(past, "Origin", past->origin);
	add_trailer(past, "Origin-Commit", past->event->commit->id);
	add_trailer(past, "Origin-Hash", past->hash);
	add_trailer(past, "Origin-Time", past->when);
	add_trailer(past, "Imported-By", import->operator_name);
	add_trailer(past, "Import-Reason", import->importing.reason);
	return 0;
}

static struct person author_of(const struct past *past)
{
	return (struct person){past->event->commit->author_name, past->event->commit->author_email};
}

/* What the commit says, where that could be said here. */
static const char *reason_of(const struct past *past)
{
	const char *message = past->event->commit->message;

	return reason_check(message, NULL) == 0 ? message : NULL;
}

static struct version_draft draft_of(const struct past *past)
{
	return (struct version_draft){
		.subject = past->subject,
		.body = reason_of(past),
		.author = author_of(past),
		.authored = past->event->commit->when,
		.trailers = past->trailers,
		.trailer_count = past->trailer_count,
		.files = &past->file,
		.file_count = 1,
	};
}

/* The newest as the outcome of an operation, those before it as they are. */
static int make_versions(struct git_import *import, struct pasts *pasts, uint32_t base,
	struct dd_result *result, struct dd_error *err)
{
	size_t earlier = pasts->count - 1;
	CLEANUP(free) struct version_draft *drafts = calloc(earlier + 1, sizeof *drafts);
	struct past *newest = &pasts->items[earlier];
	const struct dd_change change = {.if_version = base, .reason = import->importing.reason};
	struct person author = author_of(newest);
	bool autostart = !pasts_gone(pasts) &&
			 xmlHashLookup(import->autostart, (const xmlChar *)newest->event->file);
	int rc = drafts ? 0 : error_no_memory(err);

	for (size_t i = 0; !rc && i < pasts->count; i++) {
		struct past *past = &pasts->items[i];

		past->file = (struct tree_file){
			FILE_CONFIG, text_string(&past->config), past->config.size};
		rc = make_trailers(import, past, i < earlier, err);
		drafts[i] = draft_of(past);
	}
	if (rc)
		return rc;

	const struct outcome outcome = {
		.subject = newest->subject,
		.config = pasts->last,
		.gone = pasts_gone(pasts),
		.autostart = &autostart,
		.trailers = newest->trailers,
		.trailer_count = newest->trailer_count,
		.earlier = drafts,
		.earlier_count = earlier,
		.author = &author,
		.body = reason_of(newest),
		.authored = newest->event->commit->when,
	};

	return domain_create(
		import->importing.host, operation_of(newest), &outcome, &change, result, err);
}

static int take_history(struct git_import *import, const struct kept_domain *domain,
	struct import_report *report, struct dd_error *err)
{
	CLEANUP(pasts) struct pasts pasts = {.items = NULL};
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct dd_result result = {.version = 0};
	int rc = pasts_read(&import->importing, &import->kept, domain, &pasts, report, err);

	if (pasts.last)
		report_domain(report, document_name(pasts.last), NULL, NULL);
	if (!rc && domain->files > 1)
		rc = error_set(
			err, DD_EXISTS, "the UUID %s is in %zu files", domain->uuid, domain->files);
	if (!rc)
		rc = look_up(import, &pasts, report, &row, err);
	if (rc || report->imported.outcome)
		return rc;
	if (!pasts_gone(&pasts))
		rc = import_sharing(&import->importing, report, pasts.last, err);
	if (!rc && !import->importing.options->dry_run)
		rc = make_versions(import, &pasts, row.name ? row.version : 0, &result, err);
	if (rc)
		return rc;
	report->imported.outcome = "imported";
	report->imported.versions = (uint32_t)pasts.count;
	if (result.version)
		report->imported.version = result.version;
	return 0;
}

/* ---- the repository ---- */

static int take_domain(
	struct git_import *import, const struct kept_domain *domain, struct dd_error *err)
{
	CLEANUP(import_report) struct import_report report = {.origin = NULL};
	CLEANUP(free) char *path = NULL;
	const struct kept_event *newest;
	int rc;

	if (!domain->count || (!domain->uuid[0] && !domain->files))
		return 0;
	newest = &domain->events[domain->count - 1];
	rc = kept_path(&import->kept, newest->file, &path, err);
	if (!rc)
		rc = string_format(&report.origin, err, "%s@%.*s:%s", import->path, KEPT_SHORT_ID,
			newest->commit->id, path);
	if (!rc && domain->uuid[0])
		rc = report_domain(&report, NULL, domain->uuid, err);
	if (rc)
		return rc;
	report_listen(&report, &import->importing);
	if (!domain->uuid[0]) {
		if (newest->other)
			report.imported.outcome = "left-out";
		rc = error_set(&report.error, DD_INVALID, "%s", newest->why);
	} else if (domain->too_many) {
		rc = error_set(&report.error, DD_REFUSED, "more than %d commits changed it",
			KEPT_EVENTS_MAX);
	} else {
		rc = take_history(import, domain, &report, &report.error);
	}
	return report_tell(&report, &import->importing, rc, err);
}

struct listing {
	struct git_import *import;
	struct dd_error *err;
};

static int leave_out(const struct foreign_file *file, void *context)
{
	struct listing *listing = context;
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *what = NULL;
	int rc;

	if (kept_name(file->name) || strcmp(file->name, IMPORT_AUTOSTART) == 0)
		return 0;
	rc = kept_path(&listing->import->kept, file->name, &path, listing->err);
	if (!rc)
		rc = string_format(&what, listing->err, "%s@%.*s:%s", listing->import->path,
			KEPT_SHORT_ID, foreign_head(listing->import->repository), path);
	return rc ? rc
		  : import_leave_out(&listing->import->importing, what,
			    "its name does not end in " IMPORT_SUFFIX, listing->err);
}

static int add_autostart(const struct foreign_file *file, void *context)
{
	struct listing *listing = context;

	return xmlHashAddEntry(
		       listing->import->autostart, (const xmlChar *)file->name, listing->import)
		       ? error_no_memory(listing->err)
		       : 0;
}

static int read_autostart(struct git_import *import, struct dd_error *err)
{
	struct listing listing = {import, err};
	CLEANUP(free) char *folder = NULL;
	int rc = kept_path(&import->kept, IMPORT_AUTOSTART, &folder, err);

	import->autostart = xmlHashCreate(64);
	if (!rc && !import->autostart)
		rc = error_no_memory(err);
	if (!rc)
		rc = foreign_list(import->repository, folder, add_autostart, &listing, err);
	return rc == DD_NOT_FOUND ? 0 : rc;
}

static int read_folder(struct git_import *import, const char *folder, struct dd_error *err)
{
	CLEANUP(free) char *name = NULL;
	size_t length = strlen(folder);
	int rc;

	while (length && folder[length - 1] == '/')
		length--;
	kept_release(&import->kept);
	rc = string_format(&name, err, "%.*s", (int)length, folder);
	return rc ? rc : kept_read(&import->kept, import->repository, name, err);
}

/* Where definitions are, or have been, in a repository of /etc, of /, of /etc/libvirt, of them. */
static int read_usual(struct git_import *import, struct dd_error *err)
{
	static const char *const usual[] = {"libvirt/qemu", "etc/libvirt/qemu", "qemu", ""};
	int rc = 0;

	for (size_t i = 0; !rc && !import->kept.domain_count && i < sizeof usual / sizeof usual[0];
		i++)
		rc = read_folder(import, usual[i], err);
	return rc;
}

/* Who does it. */
static int name_operator(struct git_import *import, struct dd_error *err)
{
	const struct dd_host *host = import->importing.host;
	CLEANUP(free) char *name = NULL;
	int rc;

	if (!host)
		return 0;
	operation_trailers(
		IMPORT_OPERATION, "shut off", 0, &host->caller, host->program, &import->taken);
	operation_trailers(
		OPERATION_UNDEFINE, "shut off", 0, &host->caller, host->program, &import->ended);
	rc = string_format(&name, err, "%s <%s>", host->author_name, host->author_email);
	return rc ? rc : line_visible(&import->operator_name, name, err);
}

static int read_repository(
	struct git_import *import, const char *path, const char *folder, struct dd_error *err)
{
	CLEANUP(free) char *real = realpath(path, NULL);
	int rc = line_visible(&import->path, real ? real : path, err);

	if (!rc)
		rc = foreign_open(path, &import->repository, err);
	if (!rc)
		rc = folder ? read_folder(import, strcmp(folder, ".") == 0 ? "" : folder, err)
			    : read_usual(import, err);
	if (rc)
		return rc;
	if (!import->kept.domain_count) {
		error_set(err, DD_NOT_FOUND, "there never was a definition in %s/%s", import->path,
			import->kept.folder);
		return error_hint(err, "--path says in which folder they are");
	}
	rc = read_autostart(import, err);
	return rc ? rc : name_operator(import, err);
}

static int take_all(struct git_import *import, struct dd_error *err)
{
	struct listing listing = {import, err};
	int rc = 0;

	for (size_t i = 0; !rc && i < import->kept.domain_count; i++)
		rc = take_domain(import, import->kept.domains[i], err);
	if (rc)
		return rc;
	rc = foreign_list(import->repository, import->kept.folder, leave_out, &listing, err);
	/* the last definition may have taken the folder with it */
	return rc == DD_NOT_FOUND ? 0 : rc;
}

int dd_import_git(struct dd_host *host, const char *repository, const char *folder,
	const struct dd_import_options *options, dd_imported_fn imported, void *context,
	struct dd_error *err)
{
	CLEANUP(git_import) struct git_import import = {.path = NULL};
	int rc = importing_begin(&import.importing, host, options, imported, context, err);

	if (!rc)
		rc = read_repository(&import, repository, folder, err);
	return rc ? rc : take_all(&import, err);
}
