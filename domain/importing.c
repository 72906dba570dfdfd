/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/importing.h"

#include <string.h>

#include "domain/record.h"
#include "domain/secret.h"
#include "schema/diff.h"

#define SEEN_GUESS 1024

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
	return host || importing->options->dry_run
		       ? 0
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

int import_admit(const struct document *document, struct dd_error *err)
{
	if (!document_name(document))
		return node_error(document_root(document), err, DD_INVALID, "there is no <name>");
	return secret_refuse(document, err);
}

int import_freeze(struct importing *importing, struct import_report *report,
	struct document *document, struct dd_error *err)
{
	CLEANUP(document) struct document *before = NULL;
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	struct freeze_options options = {.keep_host_model = importing->options->keep_host_model};
	int rc = importing_capabilities(importing, document, &options.capabilities, err);

	if (!rc)
		rc = document_copy(document, &before, err);
	if (!rc)
		rc = document_freeze(document, &options, err);
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

/* ---- what is told ---- */

/* Reads one character at text: its length, 0 where it is none that can be shown. */
static int visible_length(const char *text)
{
	int length = (int)strnlen(text, 4);
	int c = xmlGetUTF8Char((const unsigned char *)text, &length);

	return c < 0x20 || (c >= 0x7f && c < 0xa0) ? 0 : length;
}

int string_visible(char **out, const char *string, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;

	while (*string) {
		int length = visible_length(string);

		if (length)
			text_add(&text, string, (size_t)length);
		else
			text_printf(&text, "%%%02x", (unsigned char)*string);
		string += length ? length : 1;
	}
	*out = text_take(&text);
	return *out ? 0 : error_no_memory(err);
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

void import_report_release(struct import_report *report)
{
	for (size_t i = 0; i < report->note_count; i++)
		free(report->notes[i]);
	free(report->notes);
	free(report->origin);
	free(report->name);
	free(report->uuid);
}
