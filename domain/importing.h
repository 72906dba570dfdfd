/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOMAIN_IMPORTING_H
#define DOMAIN_IMPORTING_H

/* What importing files and importing a repository share: one run, and what is told of each. */

#include <libxml/hash.h>

#include "domain/host.h"

struct importing {
	struct dd_host *host; /* NULL: a dry run without a book */
	const struct dd_import_options *options;
	dd_imported_fn told;
	void *context;
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

/* Is the definition one that may come in: with a name, and without secrets? */
int import_admit(const struct document *document, struct dd_error *err);

/* Freezes in place and notes what that added. */
int import_freeze(struct importing *importing, struct import_report *report,
	struct document *document, struct dd_error *err);

/* DD_EXISTS where another of this run has its name or UUID; from now on report has them. */
int import_claim(struct importing *importing, const struct import_report *report,
	const struct document *document, struct dd_error *err);

/* Notes what it and others of a dry run would both use. */
int import_sharing(struct importing *importing, struct import_report *report,
	const struct document *document, struct dd_error *err);

/* A name fit for a line of text: what is a control character or no UTF-8 is spelt out. */
int string_visible(char **out, const char *string, struct dd_error *err);

/* Says which domain it is about. */
int report_domain(
	struct import_report *report, const char *name, const char *uuid, struct dd_error *err);

void report_note(struct import_report *report, const char *format, ...) PRINTF_LIKE(2, 3);
/* From now on the host's warnings are notes of this report. */
void report_listen(struct import_report *report, struct importing *importing);

/*
 * Tells it: refused where rc is an error (left out where that is the outcome already). Gives what
 * ends the run: what the caller's function says, or rc where going on makes no sense.
 */
int report_tell(
	struct import_report *report, struct importing *importing, int rc, struct dd_error *err);

void import_report_release(struct import_report *report);
static inline void cleanup_import_report(struct import_report *report)
{
	import_report_release(report);
}

#endif
