/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_IMPORTING_H
#define DOMAIN_IMPORTING_H

/* What importing files and importing a repository share: one run, and what is told of each. */

#include <libxml/hash.h>

#include "domain/host.h"

#define IMPORT_OPERATION "import"
#define IMPORT_DEFINITIONS "/etc/libvirt/qemu"
#define IMPORT_SUFFIX ".xml"
#define IMPORT_AUTOSTART "autostart"
#define UTC_SIZE 32

struct importing {
	struct dd_host *host; /* NULL: a dry run without a book */
	const struct dd_import_options *options;
	dd_imported_fn told;
	void *context;
	const char *reason; /* NULL: none, or a dry run */
	/* of the emulator last asked for, where there is no host to keep them */
	struct capabilities *caps;
	char *emulator;
	xmlHashTable *seen; /* "name", "uuid" or a kind of use, and its value: whose it is */
	void (*warn)(const char *message, void *context); /* the host's own, while it is lent */
	void *warn_context;
};

/* What is told of one; its notes are gathered while it is worked on. */
struct import_report {
	struct dd_imported imported;
	char *origin, *name, *uuid;
	char **notes;
	size_t note_count, note_room;
	size_t differing; /* places, from a record */
	struct dd_error error;
};

int importing_begin(struct importing *importing, struct dd_host *host,
	const struct dd_import_options *options, dd_imported_fn told, void *context,
	struct dd_error *err);
void importing_end(struct importing *importing);
static inline void cleanup_importing(struct importing *importing)
{
	importing_end(importing);
}

/* What the document's emulator can do. *out belongs to importing until the next call. */
int importing_capabilities(struct importing *importing, const struct document *document,
	const struct capabilities **out, struct dd_error *err);

/*
 * Is it the text of a domain? What else libvirt keeps is left out where may_be_other, and otherwise
 * left to the parser to refuse.
 */
int import_check_root(
	struct import_report *report, const char *text, bool may_be_other, struct dd_error *err);

/*
 * As document_parse_given() of xml, called as report has it; what was left out is noted, unless
 * report is NULL.
 */
int import_parse(struct import_report *report, const struct text *xml, struct document **out,
	struct dd_error *err);

/* Is the definition one that may come in: with a name, and secrets that can be? */
int import_admit(const struct document *document, struct dd_error *err);

/* Freezes in place. */
int import_complete(struct importing *importing, struct document *document, struct dd_error *err);

/* Freezes in place and notes what that added. */
int import_freeze(struct importing *importing, struct import_report *report,
	struct document *document, struct dd_error *err);

/*
 * Against the record of a domain that exists: unchanged, or DD_EXISTS with the differences noted.
 * xml is what document was parsed from.
 */
int import_compare(struct importing *importing, const struct document *document,
	const struct text *xml, const struct domain_row *row, struct import_report *report,
	struct dd_error *err);

/* DD_EXISTS where another of this run has its name or UUID; from now on report has them. */
int import_claim(struct importing *importing, const struct import_report *report,
	const struct document *document, struct dd_error *err);

/* Notes what it and others of a dry run would both use. */
int import_sharing(struct importing *importing, struct import_report *report,
	const struct document *document, struct dd_error *err);

/* "2026-11-21T09:50:00Z" */
void utc_format(int64_t when, char out[UTC_SIZE]);

/* Says which domain it is about. */
int report_domain(
	struct import_report *report, const char *name, const char *uuid, struct dd_error *err);

void report_note(struct import_report *report, const char *format, ...) PRINTF_LIKE(2, 3);
void report_forget_notes(struct import_report *report);
/* From now on the host's warnings are notes of this report. */
void report_listen(struct import_report *report, struct importing *importing);

/*
 * Tells it: refused where rc is an error (left out where that is the outcome already). Gives what
 * ends the run: what the caller's function says, or rc where going on makes no sense.
 */
int report_tell(
	struct import_report *report, struct importing *importing, int rc, struct dd_error *err);

/* Tells of something that is not taken, and why. */
int import_leave_out(
	struct importing *importing, const char *what, const char *why, struct dd_error *err);

void import_report_release(struct import_report *report);
static inline void cleanup_import_report(struct import_report *report)
{
	import_report_release(report);
}

#endif
