/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of definitions that a git repository kept, as versions of records.
 *
 * Each domain is taken by itself: what became of its file (domain/kept.h) is turned into versions,
 * those that the book has already are dropped, and the rest is made in one transaction. So whatever
 * ends a run leaves each domain with all of its history or with none of it, and never at a version
 * that is long past; and running it again takes what is missing.
 *
 * An old version need not be fit to start: a machine type may be unknown here by now. It is kept as
 * it was written then. The newest has to be frozen as any other record.
 */
#include <string.h>

#include "base/line.h"
#include "domain/create.h"
#include "domain/existing.h"
#include "domain/importing.h"
#include "domain/kept.h"
#include "domain/reason.h"
#include "domain/record.h"
#include "domain/transition.h"
#include "schema/diff.h"
#include "store/digest.h"

#define SENTENCE_MAX 120
#define SKIPPED_MAX 20 /* versions that are named */
#define OWN_TRAILERS 6
#define SHORT_ID 12

/* A version to be made. */
struct past {
	const struct kept_event *event;
	char *subject;
	char *origin; /* PATH in the repository */
	struct text config;
	char hash[DIGEST_SIZE]; /* "" where it is gone */
	char when[UTC_SIZE];    /* "" where that is not known */
	struct trailer trailers[OPERATION_TRAILERS + OWN_TRAILERS];
	size_t trailer_count;
	struct tree_file file;
};

struct history {
	struct past *items;
	size_t count, room;
	struct document *last; /* the newest definition */
	struct text last_xml;  /* as it is in the repository */
	size_t skipped;
};

struct git_import {
	struct importing importing;
	struct foreign *repository;
	struct kept kept;
	char *path;          /* of the repository, in full and visible */
	char *folder;        /* in it, "" for its top */
	char *operator_name; /* "Name <email>" */
	xmlHashTable *autostart;
	struct operation_trailers standard;
};

static void past_release(struct past *past)
{
	free(past->subject);
	free(past->origin);
	text_release(&past->config);
}

static void cleanup_history(struct history *history)
{
	for (size_t i = 0; i < history->count; i++)
		past_release(&history->items[i]);
	free(history->items);
	document_free(history->last);
	text_release(&history->last_xml);
}

static void cleanup_git_import(struct git_import *import)
{
	kept_release(&import->kept);
	foreign_close(import->repository);
	if (import->autostart)
		xmlHashFree(import->autostart, NULL);
	free(import->path);
	free(import->folder);
	free(import->operator_name);
	importing_end(&import->importing);
}

/* ---- from events to versions ---- */

static int path_of(
	const struct git_import *import, const char *file, char **out, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = string_format(
		&path, err, "%s%s%s", import->folder, *import->folder ? "/" : "", file);

	return rc ? rc : line_visible(out, path, err);
}

static int add_sentence(
	struct text *words, const char *before, const struct change *change, struct dd_error *err)
{
	CLEANUP(free) char *sentence = NULL;
	CLEANUP(free) char *what = NULL;
	int rc = line_visible(&sentence, change->sentence, err);

	if (!rc)
		rc = line_visible(&what, change->device ? change->device : change->path, err);
	if (rc)
		return rc;
	if (strlen(sentence) <= SENTENCE_MAX)
		text_printf(words, "%s%s", before, sentence);
	else if (strlen(what) <= SENTENCE_MAX)
		text_printf(words, "%s%s changed", before, what);
	else
		text_printf(words, "%ssomething changed", before);
	return 0;
}

/* What a person would say that has changed; before may be NULL. */
static int make_subject(const struct document *before, const struct document *after, char **out,
	struct dd_error *err)
{
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	CLEANUP(text) struct text words = TEXT_INIT;
	int rc = before ? document_diff(before, after, &changes, err) : 0;
	size_t i;

	for (i = 0; !rc && i < changes.count && words.size < SUBJECT_MAX; i++)
		rc = add_sentence(&words, i ? ", " : "", &changes.items[i], err);
	if (rc)
		return rc;
	if (i < changes.count)
		text_printf(&words, " and %zu more", changes.count - i);
	if (!changes.count)
		text_printf(&words, "import %s", document_name(after));
	*out = text_take(&words);
	return *out ? 0 : error_no_memory(err);
}

static int add_past(const struct git_import *import, struct history *history,
	const struct kept_event *event, struct past **out, struct dd_error *err)
{
	struct past past = {.event = event};

	if (history->count == history->room) {
		size_t room = history->room ? 2 * history->room : 16;
		struct past *items = reallocarray(history->items, room, sizeof *items);

		if (!items)
			return error_no_memory(err);
		history->items = items;
		history->room = room;
	}
	if (event->commit->when)
		utc_format(event->commit->when, past.when);
	if (path_of(import, event->file, &past.origin, err))
		return DD_NO_MEMORY;
	*out = &history->items[history->count++];
	**out = past;
	return 0;
}

static bool is_gone(const struct history *history)
{
	return history->count && history->items[history->count - 1].event->kind == KEPT_GONE;
}

static int add_gone(const struct git_import *import, struct history *history,
	const struct kept_event *event, struct dd_error *err)
{
	struct past *past = NULL;
	int rc;

	if (!history->count || is_gone(history))
		return 0;
	rc = add_past(import, history, event, &past, err);
	if (!rc)
		rc = string_copy(&past->subject, "undefine", err);
	return rc ? rc : document_write(history->last, &past->config, err);
}

static bool means_last(const struct history *history, const struct text *config)
{
	const struct past *last = &history->items[history->count - 1];

	return strcmp(text_string(&last->config), text_string(config)) == 0;
}

/* Adds a version, unless it means the same as the one before it. */
static int add_set(const struct git_import *import, struct history *history,
	const struct kept_event *event, struct document **document, struct text *xml,
	struct dd_error *err)
{
	CLEANUP(text) struct text config = TEXT_INIT;
	const struct document *before = is_gone(history) ? NULL : history->last;
	struct past *past = NULL;
	int rc = document_write(*document, &config, err);

	if (!rc && !(before && means_last(history, &config))) {
		rc = add_past(import, history, event, &past, err);
		if (!rc)
			rc = make_subject(before, *document, &past->subject, err);
		if (!rc) {
			past->config = config;
			config = (struct text)TEXT_INIT;
			digest_hex(xml->data, xml->size, past->hash);
		}
	}
	if (rc)
		return rc;
	document_free(history->last);
	history->last = TAKE(*document);
	text_release(&history->last_xml);
	history->last_xml = *xml;
	*xml = (struct text)TEXT_INIT;
	return 0;
}

/* An old version that cannot be frozen here is kept as it was written. */
static int freeze_old(struct importing *importing, struct document **document,
	struct import_report *report, const struct kept_event *event, struct dd_error *err)
{
	CLEANUP(document) struct document *frozen = NULL;
	struct dd_error why = {0};
	int rc = document_copy(*document, &frozen, err);

	if (rc)
		return rc;
	rc = import_complete(importing, frozen, &why);
	if (rc == DD_NO_MEMORY)
		return error_no_memory(err);
	if (rc) {
		report_note(report, "commit %.*s is kept as it was written: %s", SHORT_ID,
			event->commit->id, why.message);
		return 0;
	}
	document_free(*document);
	*document = TAKE(frozen);
	return 0;
}

static int read_event(struct git_import *import, struct history *history,
	const struct kept_event *event, bool newest, struct import_report *report,
	struct dd_error *err)
{
	CLEANUP(document) struct document *document = NULL;
	CLEANUP(text) struct text xml = TEXT_INIT;
	int rc;

	if (event->kind == KEPT_GONE)
		return add_gone(import, history, event, err);
	if (event->kind == KEPT_BROKEN)
		return error_set(err, DD_INVALID, "%s", event->why);
	rc = kept_xml(&import->kept, event, &xml, err);
	if (!rc)
		rc = import_parse(newest ? report : NULL, &xml, &document, err);
	if (!rc)
		rc = import_admit(document, err);
	if (!rc)
		rc = newest ? import_freeze(&import->importing, report, document, err)
			    : freeze_old(&import->importing, &document, report, event, err);
	return rc ? rc : add_set(import, history, event, &document, &xml, err);
}

/* The newest event has to be good; of the others, what is not is named. */
static int read_events(struct git_import *import, const struct kept_domain *domain,
	struct history *history, struct import_report *report, struct dd_error *err)
{
	for (size_t i = 0; i < domain->count; i++) {
		const struct kept_event *event = &domain->events[i];
		struct dd_error why = {0};
		char line[sizeof why + 64];
		int rc = read_event(import, history, event, i + 1 == domain->count, report, &why);

		if (rc && (rc == DD_NO_MEMORY || i + 1 == domain->count)) {
			if (err)
				*err = why;
			return rc;
		}
		if (rc && history->skipped++ < SKIPPED_MAX) {
			dd_error_format(&why, line, sizeof line);
			report_note(report, "commit %.*s is left out: %s", SHORT_ID,
				event->commit->id, line);
		}
	}
	if (history->skipped > SKIPPED_MAX)
		report_note(
			report, "%zu more commits are left out", history->skipped - SKIPPED_MAX);
	return history->count
		       ? 0
		       : error_set(err, DD_INVALID, "it never was a definition, and is gone");
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
static void drop_known(struct history *history, const struct known *known)
{
	size_t kept = 0;

	for (size_t i = 0; i < history->count; i++) {
		struct past *past = &history->items[i];

		if (is_known(known, past) && !(kept && i + 1 == history->count))
			past_release(past);
		else
			history->items[kept++] = *past;
	}
	history->count = kept;
}

static int refuse_changed(const struct git_import *import, const struct domain_row *row,
	const struct history *history, struct dd_error *err)
{
	error_set(err, DD_EXISTS, "domain '%s' has been changed here since, and in %zu %s there",
		row->name, history->count, history->count == 1 ? "commit" : "commits");
	return error_hint(err, "see: git -C %s log %s -- %s, and: domesday log %s", import->path,
		foreign_head(import->repository), *import->folder ? import->folder : ".",
		row->name);
}

/* Sets the outcome where there is nothing to be made. */
static int against_record(struct git_import *import, const struct domain_row *row,
	struct history *history, struct import_report *report, struct dd_error *err)
{
	CLEANUP(known) struct known known = {.commits = xmlHashCreate(64)};
	bool gone = is_gone(history);
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
			&import->importing, history->last, &history->last_xml, row, report, err);
	drop_known(history, &known);
	if (!history->count) {
		report->imported.outcome = "unchanged";
		report_forget_notes(report);
		return 0;
	}
	return known.newest ? 0 : refuse_changed(import, row, history, err);
}

/* *row stays empty where the domain is new. */
static int look_up(struct git_import *import, struct history *history, struct import_report *report,
	struct domain_row *row, struct dd_error *err)
{
	CLEANUP(domain_row) struct domain_row other = {.name = NULL};
	struct dd_host *host = import->importing.host;
	bool gone = is_gone(history);
	int rc = gone ? 0 : import_claim(&import->importing, report, history->last, err);

	if (rc || !host)
		return rc;
	rc = book_find(host->book, document_uuid(history->last), row, err);
	if (!rc)
		rc = against_record(import, row, history, report, err);
	if (rc && rc != DD_NOT_FOUND)
		return rc;
	if (gone || report->imported.outcome)
		return 0;
	rc = existing_find(host, history->last, &other, err);
	if (rc == DD_NOT_FOUND || (!rc && strcmp(other.uuid, document_uuid(history->last)) == 0))
		return 0;
	return rc ? rc : existing_check(history->last, &other, err);
}

/* ---- making them ---- */

static void add_trailer(struct past *past, const char *key, const char *value)
{
	if (value && *value)
		past->trailers[past->trailer_count++] = (struct trailer){key, value};
}

/* first: where an operation's own trailers are put in front by itself. */
static int make_trailers(
	const struct git_import *import, struct past *past, bool operation, struct dd_error *err)
{
	const struct dd_host *host = import->importing.host;
	CLEANUP(free) char *path = TAKE(past->origin);
	int rc = string_format(
		&past->origin, err, "%s:%s:%s", book_host_name(host->book), import->path, path);

	if (rc)
		return rc;
	for (size_t i = 0; operation && i < import->standard.count; i++)
		add_trailer(past, import->standard.list[i].key, import->standard.list[i].value);
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
static int make_versions(struct git_import *import, struct history *history, uint32_t base,
	struct dd_result *result, struct dd_error *err)
{
	size_t earlier = history->count - 1;
	CLEANUP(free) struct version_draft *drafts = calloc(earlier + 1, sizeof *drafts);
	struct past *newest = &history->items[earlier];
	const struct dd_change change = {.if_version = base, .reason = import->importing.reason};
	struct person author = author_of(newest);
	bool autostart = !is_gone(history) &&
			 xmlHashLookup(import->autostart, (const xmlChar *)newest->event->file);
	int rc = drafts ? 0 : error_no_memory(err);

	for (size_t i = 0; !rc && i < history->count; i++) {
		struct past *past = &history->items[i];

		past->file = (struct tree_file){
			FILE_CONFIG, text_string(&past->config), past->config.size};
		rc = make_trailers(import, past, i < earlier, err);
		drafts[i] = draft_of(past);
	}
	if (rc)
		return rc;

	const struct outcome outcome = {
		.subject = newest->subject,
		.config = history->last,
		.gone = is_gone(history),
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
		import->importing.host, IMPORT_OPERATION, &outcome, &change, result, err);
}

static int take_history(struct git_import *import, const struct kept_domain *domain,
	struct import_report *report, struct dd_error *err)
{
	CLEANUP(history) struct history history = {.items = NULL};
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	struct dd_result result = {.version = 0};
	int rc = read_events(import, domain, &history, report, err);

	if (history.last)
		report_domain(report, document_name(history.last), NULL, NULL);
	if (!rc && domain->files > 1)
		rc = error_set(
			err, DD_EXISTS, "the UUID %s is in %zu files", domain->uuid, domain->files);
	if (!rc)
		rc = look_up(import, &history, report, &row, err);
	if (rc || report->imported.outcome)
		return rc;
	if (!is_gone(&history))
		rc = import_sharing(&import->importing, report, history.last, err);
	if (!rc && !import->importing.options->dry_run)
		rc = make_versions(import, &history, row.name ? row.version : 0, &result, err);
	if (rc)
		return rc;
	report->imported.outcome = "imported";
	report->imported.versions = (uint32_t)history.count;
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
	rc = path_of(import, newest->file, &path, err);
	if (!rc)
		rc = string_format(&report.origin, err, "%s@%.*s:%s", import->path, SHORT_ID,
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
	rc = path_of(listing->import, file->name, &path, listing->err);
	if (!rc)
		rc = string_format(&what, listing->err, "%s@%.*s:%s", listing->import->path,
			SHORT_ID, foreign_head(listing->import->repository), path);
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
	int rc = path_of(import, IMPORT_AUTOSTART, &folder, err);

	import->autostart = xmlHashCreate(64);
	if (!rc && !import->autostart)
		rc = error_no_memory(err);
	if (!rc)
		rc = foreign_list(import->repository, folder, add_autostart, &listing, err);
	return rc == DD_NOT_FOUND ? 0 : rc;
}

static int read_folder(struct git_import *import, const char *folder, struct dd_error *err)
{
	size_t length = strlen(folder);

	while (length && folder[length - 1] == '/')
		length--;
	kept_release(&import->kept);
	free(TAKE(import->folder));
	import->folder = strndup(folder, length);
	return import->folder ? kept_read(&import->kept, import->repository, import->folder, err)
			      : error_no_memory(err);
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
		IMPORT_OPERATION, "shut off", &host->caller, host->program, &import->standard);
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
			import->folder);
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
	rc = foreign_list(import->repository, import->folder, leave_out, &listing, err);
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
