/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions as a libvirt host keeps them in /etc/libvirt/qemu: one file NAME.xml a domain, frozen
 * already, under a comment that it is made by a program. Beside them lie folders for other things;
 * autostart/ holds links to the definitions of those that start with the host.
 *
 * Each file is taken by itself, in one transaction, so that whatever ends a run leaves whole
 * domains only, and running it again takes the rest.
 */
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/line.h"
#include "domain/create.h"
#include "domain/existing.h"
#include "domain/importing.h"
#include "store/git/digest.h"

/* What else libvirt keeps of a domain, that a record does not hold; below the same root. */
static const struct {
	const char *folder, *what;
} not_taken[] = {
	{"/var/lib/libvirt/qemu/snapshot", "snapshots"},
	{"/var/lib/libvirt/qemu/checkpoint", "checkpoints"},
};

struct file {
	const char *path; /* as it was named */
	struct text xml;
	struct document *document;
	bool in_folder; /* one of many: what is no domain is left out */
	bool autostart;
	struct stat status;
};

static void cleanup_file(struct file *file)
{
	text_release(&file->xml);
	document_free(file->document);
}

/* ---- what a file is ---- */

static int read_file(struct file *file, struct import_report *report, struct dd_error *err)
{
	int rc;

	if (stat(file->path, &file->status))
		return errno == ENOENT
			       ? error_set(err, DD_NOT_FOUND, "there is no file %s", file->path)
			       : error_errno(err, errno, "cannot look at %s", file->path);
	if (!S_ISREG(file->status.st_mode))
		return error_set(err, DD_INVALID, "it is no regular file");
	rc = file_read(file->path, DOCUMENT_SIZE_MAX, &file->xml, err);
	if (!rc)
		rc = import_check_root(report, text_string(&file->xml), file->in_folder, err);
	if (!rc)
		rc = import_parse(report, &file->xml, &file->document, err);
	if (!rc)
		rc = report_domain(
			report, document_name(file->document), document_uuid(file->document), err);
	return rc ? rc : import_admit(file->document, err);
}

static int read_autostart(struct file *file, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	CLEANUP(free) char *name = NULL;
	CLEANUP(free) char *link = NULL;
	struct stat status;
	int rc = string_copy(&folder, file->path, err);

	if (!rc)
		rc = string_copy(&name, file->path, err);
	if (!rc)
		rc = string_format(
			&link, err, "%s/" IMPORT_AUTOSTART "/%s", dirname(folder), basename(name));
	/* where it points to is of no interest: the folder may be a copy */
	if (!rc)
		file->autostart = lstat(link, &status) == 0;
	return rc;
}

/* ---- one that it has not ---- */

static int create(struct importing *importing, const struct file *file,
	struct import_report *report, struct dd_error *err)
{
	CLEANUP(free) char *subject = NULL;
	CLEANUP(free) char *origin = NULL;
	char hash[DIGEST_SIZE], when[UTC_SIZE];
	struct dd_result result;
	struct dd_change change = {.reason = importing->reason};
	int rc = string_format(&subject, err, "import %s", document_name(file->document));

	if (!rc)
		rc = string_format(&origin, err, "%s:%s", book_host_name(importing->host->book),
			report->origin);
	if (rc)
		return rc;
	digest_hex(file->xml.data, file->xml.size, hash);
	utc_format(file->status.st_mtime, when);

	const struct trailer trailers[] = {
		{"Origin", origin},
		{"Origin-Hash", hash},
		{"Origin-Time", when},
	};
	const struct outcome outcome = {
		.subject = subject,
		.config = file->document,
		.autostart = &file->autostart,
		.trailers = trailers,
		.trailer_count = sizeof trailers / sizeof trailers[0],
	};

	rc = domain_create(importing->host, IMPORT_OPERATION, &outcome, &change, &result, err);
	if (!rc)
		report->imported.version = result.version;
	return rc;
}

/* What lies of this domain where libvirt keeps it and is not taken. */
static int note_not_taken(
	const struct file *file, struct import_report *report, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	int rc = string_copy(&folder, report->origin, err);
	size_t root = rc ? 0 : strlen(dirname(folder));

	if (rc || root < strlen(IMPORT_DEFINITIONS) ||
		strcmp(folder + root - strlen(IMPORT_DEFINITIONS), IMPORT_DEFINITIONS) != 0)
		return rc;
	root -= strlen(IMPORT_DEFINITIONS);
	for (size_t i = 0; !rc && i < sizeof not_taken / sizeof not_taken[0]; i++) {
		CLEANUP(free) char *path = NULL;

		rc = string_format(&path, err, "%.*s%s/%s", (int)root, folder, not_taken[i].folder,
			document_name(file->document));
		if (!rc && access(path, F_OK) == 0)
			report_note(report, "its %s are not taken: %s", not_taken[i].what, path);
	}
	return rc;
}

static int take_new(struct importing *importing, struct file *file, struct import_report *report,
	struct dd_error *err)
{
	int rc = import_freeze(importing, report, file->document, err);

	if (!rc)
		rc = report_domain(report, NULL, document_uuid(file->document), err);
	if (!rc)
		rc = import_sharing(importing, report, file->document, err);
	if (!rc)
		rc = read_autostart(file, err);
	if (!rc)
		rc = note_not_taken(file, report, err);
	if (!rc && !importing->options->dry_run)
		rc = create(importing, file, report, err);
	if (rc)
		return rc;
	report->imported.outcome = "imported";
	report->imported.versions = 1;
	return 0;
}

static int compare(struct importing *importing, const struct file *file,
	const struct domain_row *row, struct import_report *report, struct dd_error *err)
{
	int rc = import_compare(importing, file->document, &file->xml, row, report, err);

	if (rc != DD_EXISTS || !report->differing)
		return rc;
	return error_hint(err, "see: domesday diff %s %s; to bring it there: domesday apply %s",
		row->name, report->origin, report->origin);
}

/* ---- files and folders ---- */

/* Where it is, in full; what it is a link to is not asked. */
static int origin_of(const char *path, char **out, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	CLEANUP(free) char *name = NULL;
	CLEANUP(free) char *whole = NULL;
	CLEANUP(free) char *real = NULL;
	int rc = string_copy(&folder, path, err);

	if (!rc)
		rc = string_copy(&name, path, err);
	if (rc)
		return rc;
	real = realpath(dirname(folder), NULL);
	rc = real ? string_format(&whole, err, "%s/%s", strcmp(real, "/") == 0 ? "" : real,
			    basename(name))
		  : string_copy(&whole, path, err);
	return rc ? rc : line_visible(out, whole, err);
}

static int take_file(
	struct importing *importing, const char *path, bool in_folder, struct dd_error *err)
{
	CLEANUP(import_report) struct import_report report = {.origin = NULL};
	CLEANUP(file) struct file file = {.path = path, .in_folder = in_folder};
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};
	int rc = origin_of(path, &report.origin, &report.error);

	report_listen(&report, importing);
	if (!rc)
		rc = read_file(&file, &report, &report.error);
	if (!rc)
		rc = import_claim(importing, &report, file.document, &report.error);
	if (!rc) {
		rc = importing->host
			     ? existing_find(importing->host, file.document, &row, &report.error)
			     : DD_NOT_FOUND;
		if (rc == DD_NOT_FOUND)
			rc = take_new(importing, &file, &report, &report.error);
		else if (!rc)
			rc = compare(importing, &file, &row, &report, &report.error);
	}
	return report_tell(&report, importing, rc, err);
}

static int take_entry(
	struct importing *importing, const char *folder, const char *name, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	size_t length = strlen(name), suffix = strlen(IMPORT_SUFFIX);
	struct stat status;
	int rc;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	rc = string_format(&path, err, "%s/%s", folder, name);
	if (rc)
		return rc;
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return strcmp(name, IMPORT_AUTOSTART) == 0
			       ? 0
			       : import_leave_out(importing, path,
					 "it is a folder: definitions are looked for beside it",
					 err);
	if (length <= suffix || strcmp(name + length - suffix, IMPORT_SUFFIX) != 0)
		return import_leave_out(
			importing, path, "its name does not end in " IMPORT_SUFFIX, err);
	return take_file(importing, path, true, err);
}

/* By the bytes of their names, whatever language is chosen. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int take_folder(struct importing *importing, const char *path, struct dd_error *err)
{
	CLEANUP(free) char *folder = realpath(path, NULL);
	struct dirent **entries = NULL;
	int count = folder ? scandir(folder, &entries, NULL, by_name) : -1;
	int rc = 0;

	if (count < 0) {
		CLEANUP(import_report) struct import_report report = {.origin = NULL};

		rc = error_errno(&report.error, errno, "cannot list the folder %s", path);
		if (line_visible(&report.origin, path, err))
			return DD_NO_MEMORY;
		return report_tell(&report, importing, rc, err);
	}
	for (int i = 0; i < count; i++) {
		if (!rc)
			rc = take_entry(importing, folder, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

int dd_import(struct dd_host *host, const char *const *paths, size_t count,
	const struct dd_import_options *options, dd_imported_fn imported, void *context,
	struct dd_error *err)
{
	CLEANUP(importing) struct importing importing = {.host = NULL};
	int rc = importing_begin(&importing, host, options, imported, context, err);

	for (size_t i = 0; !rc && i < count; i++) {
		struct stat status;

		rc = stat(paths[i], &status) == 0 && S_ISDIR(status.st_mode)
			     ? take_folder(&importing, paths[i], err)
			     : take_file(&importing, paths[i], false, err);
	}
	return rc;
}
