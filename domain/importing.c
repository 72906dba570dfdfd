/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/importing.h"

#include <ctype.h>
#include <string.h>

#include "base/line.h"
#include "domain/difference.h"
#include "domain/existing.h"
#include "domain/reason.h"
#include "domain/record.h"
#include "domain/secret.h"
#include "schema/diff.h"

#define SEEN_GUESS 1024
#define SHOWN_MAX 5 /* differences that a refusal names */
#define ROOT_SIZE 64

/* ---- one run ---- */

int importing_begin(struct importing *importing, struct dd_host *host,
	const struct dd_import_options *options, dd_imported_fn told, void *context,
	struct dd_error *err)
{
	static const struct dd_import_options none;

	*importing = (struct importing){
		.host = host,
		.options = options ? options : &none,
		.told = told,
		.context = context,
		.seen = xmlHashCreate(SEEN_GUESS),
	};
	if (!importing->seen)
		return error_no_memory(err);
	if (host) {
		importing->warn = host->warn;
		importing->warn_context = host->warn_context;
	}
	if (importing->options->dry_run)
		return 0;
	return host ? reason_find(host, IMPORT_OPERATION, importing->options->reason,
			      &importing->reason, err)
		    : error_set(err, DD_INVALID, "there is no book to import into");
}

static void free_seen(void *payload, const xmlChar *name)
{
	(void)name;
	free(payload);
}

void importing_end(struct importing *importing)
{
	if (importing->host) {
		importing->host->warn = importing->warn;
		importing->host->warn_context = importing->warn_context;
	}
	if (importing->seen)
		xmlHashFree(importing->seen, free_seen);
	capabilities_free(importing->caps);
	free(importing->emulator);
	*importing = (struct importing){.host = NULL};
}

int importing_capabilities(struct importing *importing, const struct document *document,
	const struct capabilities **out, struct dd_error *err)
{
	const char *emulator = document_emulator(document);
	const struct capabilities *caps = NULL;
	char *copy = NULL;
	int rc;

	if (importing->host)
		return host_capabilities(importing->host, document, out, err);
	if (importing->caps && strcmp(emulator ? emulator : "", importing->emulator) == 0) {
		*out = importing->caps;
		return 0;
	}
	rc = string_copy(&copy, emulator ? emulator : "", err);
	if (!rc)
		rc = host_capabilities(NULL, document, &caps, err);
	if (rc) {
		free(copy);
		return rc;
	}
	capabilities_free(importing->caps);
	free(importing->emulator);
	importing->caps = (struct capabilities *)(uintptr_t)caps;
	importing->emulator = copy;
	*out = caps;
	return 0;
}

/* ---- a definition ---- */

/* The name of the root element, as far as it can be told without parsing; "" where not. */
static void root_name(const char *text, char out[ROOT_SIZE])
{
	size_t length = 0;

	for (;;) {
		text += strspn(text, " \t\r\n");

		const char *end = strncmp(text, "<?", 2) == 0     ? "?>"
				  : strncmp(text, "<!--", 4) == 0 ? "-->"
								  : NULL;
		const char *at = end ? strstr(text, end) : NULL;

		if (!at)
			break;
		text = at + strlen(end);
	}
	if (*text == '<')
		while (length < ROOT_SIZE - 1 && isalnum((unsigned char)text[length + 1]))
			length++;
	memcpy(out, text + 1, length);
	out[length] = '\0';
}

int import_check_root(
	struct import_report *report, const char *text, bool may_be_other, struct dd_error *err)
{
	char root[ROOT_SIZE];

	root_name(text, root);
	if (strcmp(root, "domstatus") == 0) {
		error_set(err, DD_REFUSED, "it is the state of a running guest, not a definition");
		error_place(err, report->origin, 0, 0, "/domstatus");
		return error_hint(
			err, "the definitions are in %s, one NAME.xml each", IMPORT_DEFINITIONS);
	}
	if (!may_be_other || !*root || strcmp(root, "domain") == 0)
		return 0;
	report->imported.outcome = "left-out";
	return error_set(err, DD_INVALID, "it is a <%s>, not a <domain>", root);
}

int import_parse(struct import_report *report, const struct text *xml, struct document **out,
	struct dd_error *err)
{
	CLEANUP(text) struct text left_out = TEXT_INIT;
	int rc = document_parse_given(
		text_string(xml), xml->size, report ? report->origin : NULL, &left_out, out, err);
	const char *line = rc || !report ? "" : text_string(&left_out);

	while (*line) {
		int length = (int)strcspn(line, "\n");

		report_note(report, "%.*s", length, line);
		line += length + (line[length] == '\n');
	}
	return rc;
}

int import_admit(const struct document *document, struct dd_error *err)
{
	if (!document_name(document))
		return node_error(document_root(document), err, DD_INVALID, "there is no <name>");
	return secrets_check(document, err);
}

int import_complete(struct importing *importing, struct document *document, struct dd_error *err)
{
	struct freeze_options options = {.keep_host_model = importing->options->keep_host_model};
	int rc = importing_capabilities(importing, document, &options.capabilities, err);

	return rc ? rc : document_freeze(document, &options, err);
}

int import_freeze(struct importing *importing, struct import_report *report,
	struct document *document, struct dd_error *err)
{
	CLEANUP(document) struct document *before = NULL;
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	int rc = document_copy(document, &before, err);

	if (!rc)
		rc = import_complete(importing, document, err);
	if (!rc)
		rc = document_diff(before, document, &changes, err);
	for (size_t i = 0; !rc && i < changes.count; i++)
		report_note(report, "frozen: %s", changes.items[i].sentence);
	return rc;
}

/* *whose is the one of this run that has it; NULL: from now on report has it. */
static int claim(struct importing *importing, const struct import_report *report, const char *kind,
	const char *value, const char **whose, struct dd_error *err)
{
	char *mine = NULL;
	int rc;

	*whose = xmlHashLookup2(importing->seen, (const xmlChar *)kind, (const xmlChar *)value);
	if (*whose)
		return 0;
	rc = string_copy(&mine, report->origin, err);
	if (!rc && xmlHashAddEntry2(
			   importing->seen, (const xmlChar *)kind, (const xmlChar *)value, mine)) {
		free(mine);
		rc = error_no_memory(err);
	}
	return rc;
}

static int claim_own(struct importing *importing, const struct import_report *report,
	const char *kind, const char *value, struct dd_error *err)
{
	const char *whose = NULL;
	int rc = claim(importing, report, kind, value, &whose, err);

	if (rc || !whose)
		return rc;
	return error_set(err, DD_EXISTS, "the %s %s is that of %s too", kind, value, whose);
}

int import_claim(struct importing *importing, const struct import_report *report,
	const struct document *document, struct dd_error *err)
{
	const char *uuid = document_uuid(document);
	int rc = uuid ? claim_own(importing, report, "UUID", uuid, err) : 0;

	return rc ? rc : claim_own(importing, report, "name", document_name(document), err);
}

int import_sharing(struct importing *importing, struct import_report *report,
	const struct document *document, struct dd_error *err)
{
	CLEANUP(use_rows) struct use_rows uses = {.items = NULL};
	/* of what is written the book tells */
	int rc = importing->options->dry_run ? record_uses(document, NULL, &uses, err) : 0;

	for (size_t i = 0; !rc && i < uses.count; i++) {
		const struct use_row *use = &uses.items[i];
		const char *whose = NULL;

		if (use->mode != 'w')
			continue;
		rc = claim(importing, report, use->kind, use->value, &whose, err);
		if (whose)
			report_note(report, "%s is used by %s too", use->value, whose);
	}
	return rc;
}

/* ---- one that the book has ---- */

static int note_difference(const struct dd_difference *difference, void *context)
{
	struct import_report *report = context;

	if (report->differing++ < SHOWN_MAX)
		report_note(report, "differs: %s", difference->sentence);
	return 0;
}

int import_compare(struct importing *importing, const struct document *document,
	const struct text *xml, const struct domain_row *row, struct import_report *report,
	struct dd_error *err)
{
	CLEANUP(document) struct document *record = NULL;
	CLEANUP(document) struct document *meant = NULL;
	struct dd_host *host = importing->host;
	size_t count = 0;
	int rc = existing_check(document, row, err);

	if (!rc)
		rc = record_read(host->book, row->uuid, 0, &record, err);
	if (!rc)
		rc = definition_for_record(
			host, text_string(xml), xml->size, report->origin, record, &meant, err);
	if (!rc)
		rc = differences_tell(record, meant, note_difference, report, &count, err);
	if (rc)
		return rc;
	report->imported.version = row->version;
	if (!count) {
		report->imported.outcome = "unchanged";
		return report_domain(report, row->name, row->uuid, err);
	}
	if (count > SHOWN_MAX)
		report_note(report, "and %zu more", count - SHOWN_MAX);
	return error_set(err, DD_EXISTS, "domain '%s' exists and differs in %zu %s", row->name,
		count, count == 1 ? "place" : "places");
}

/* ---- what is told ---- */

void utc_format(int64_t when, char out[UTC_SIZE])
{
	time_t seconds = (time_t)when;
	struct tm parts;

	gmtime_r(&seconds, &parts);
	strftime(out, UTC_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

int report_domain(
	struct import_report *report, const char *name, const char *uuid, struct dd_error *err)
{
	int rc = 0;

	if (name && !report->name)
		rc = string_copy(&report->name, name, err);
	if (!rc && uuid && !report->uuid)
		rc = string_copy(&report->uuid, uuid, err);
	return rc;
}

static void add_note(struct import_report *report, const char *words)
{
	char *note = strdup(words);

	if (note && report->note_count == report->note_room) {
		size_t room = report->note_room ? 2 * report->note_room : 8;
		char **notes = reallocarray(report->notes, room, sizeof *notes);

		if (notes) {
			report->notes = notes;
			report->note_room = room;
		}
	}
	if (note && report->note_count < report->note_room)
		report->notes[report->note_count++] = note;
	else
		free(note);
}

void report_note(struct import_report *report, const char *format, ...)
{
	CLEANUP(text) struct text words = TEXT_INIT;
	va_list args;

	va_start(args, format);
	text_vprintf(&words, format, args);
	va_end(args);
	add_note(report, text_string(&words));
}

void report_forget_notes(struct import_report *report)
{
	while (report->note_count)
		free(report->notes[--report->note_count]);
}

static void listen(const char *message, void *context)
{
	add_note(context, message);
}

void report_listen(struct import_report *report, struct importing *importing)
{
	if (!importing->host)
		return;
	importing->host->warn = listen;
	importing->host->warn_context = report;
}

int report_tell(
	struct import_report *report, struct importing *importing, int rc, struct dd_error *err)
{
	struct dd_imported *imported = &report->imported;

	if (rc == DD_NO_MEMORY) {
		if (err)
			*err = report->error;
		return rc;
	}
	if (rc) {
		imported->error = &report->error;
		if (!imported->outcome)
			imported->outcome = "refused";
	}
	imported->origin = report->origin;
	imported->name = report->name;
	imported->uuid = report->uuid;
	imported->notes = (const char *const *)report->notes;
	imported->note_count = report->note_count;
	return importing->told ? importing->told(imported, importing->context) : 0;
}

int import_leave_out(
	struct importing *importing, const char *what, const char *why, struct dd_error *err)
{
	CLEANUP(import_report) struct import_report report = {.origin = NULL};
	int rc = line_visible(&report.origin, what, &report.error);

	report.imported.outcome = "left-out";
	if (!rc)
		rc = error_set(&report.error, DD_INVALID, "%s", why);
	return report_tell(&report, importing, rc, err);
}

void import_report_release(struct import_report *report)
{
	report_forget_notes(report);
	free(report->notes);
	free(report->origin);
	free(report->name);
	free(report->uuid);
}
