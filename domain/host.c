/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/host.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/line.h"

#define DEFAULT_WAIT_MS 30000
#define EMULATOR_64 "/usr/bin/qemu-system-x86_64"
#define EMULATOR_32 "/usr/bin/qemu-system-i386"
#define PROBE_LOCK "00000000-0000-0000-0000-000000000000" /* the job lock of no domain */

void dd_free(void *pointer)
{
	free(pointer);
}

const char *dd_version(void)
{
	return DOMESDAY_VERSION;
}

void host_warn(struct dd_host *host, const char *format, ...)
{
	CLEANUP(text) struct text message = TEXT_INIT;
	va_list args;

	if (!host || !host->warn)
		return;
	va_start(args, format);
	text_vprintf(&message, format, args);
	va_end(args);
	host->warn(text_string(&message), host->warn_context);
}

int host_read_definition(struct dd_host *host, const char *xml, size_t size, const char *file,
	struct document **out, struct dd_error *err)
{
	CLEANUP(text) struct text left_out = TEXT_INIT;
	int rc = document_parse_given(xml, size, file, &left_out, out, err);
	const char *line = rc ? "" : text_string(&left_out);

	while (*line) {
		int length = (int)strcspn(line, "\n");

		host_warn(host, "%.*s", length, line);
		line += length + 1;
	}
	return rc;
}

/* $DOMESDAY_BOOK, else the state folder of the system for root, else the user's (XDG). */
static int default_book(char **out, struct dd_error *err)
{
	const char *book = getenv("DOMESDAY_BOOK");
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (book && book[0])
		return string_copy(out, book, err);
	if (geteuid() == 0)
		return string_copy(out, "/var/lib/domesday", err);
	if (state && state[0] == '/')
		return string_format(out, err, "%s/domesday", state);
	if (home && home[0] == '/')
		return string_format(out, err, "%s/.local/state/domesday", home);
	error_set(err, DD_INVALID,
		"there is no book to open: neither --book, $DOMESDAY_BOOK nor $HOME is set");
	return error_hint(err, "name the book's folder");
}

int host_book_folder(const struct dd_host_options *options, char **out, struct dd_error *err)
{
	return options->book ? string_copy(out, options->book, err) : default_book(out, err);
}

static int author_of_caller(struct dd_host *host, struct dd_error *err)
{
	int rc = caller_name(host->caller.uid, &host->author_name, err);

	return rc ? rc
		  : string_format(&host->author_email, err, "%s@%s", host->author_name,
			    book_host_name(host->book));
}

/* "Name <email>" taken apart; an email alone, or a name alone, serves as both. */
static int author_given(struct dd_host *host, const char *author, struct dd_error *err)
{
	const char *open = strchr(author, '<');
	const char *close = open ? strchr(open, '>') : NULL;
	int rc = line_check(author, PERSON_WORDS_LIMIT, "the author", err);

	if (rc)
		return rc;
	if (!close) {
		rc = string_copy(&host->author_name, author, err);
		return rc ? rc : string_copy(&host->author_email, author, err);
	}

	size_t name = (size_t)(open - author);

	while (name && author[name - 1] == ' ')
		name--;
	rc = string_format(&host->author_name, err, "%.*s", (int)name, author);
	return rc ? rc
		  : string_format(
			    &host->author_email, err, "%.*s", (int)(close - open - 1), open + 1);
}

/* Who acts, with what and why. */
static int host_introduce(
	struct dd_host *host, const struct dd_host_options *options, struct dd_error *err)
{
	const char *reason = options->reason ? options->reason : getenv("DOMESDAY_REASON");
	int rc = 0;

	host->caller = caller_find();
	if (options->program)
		rc = line_check(options->program, PROGRAM_LIMIT, "the program's name", err);
	if (!rc)
		rc = options->program ? string_copy(&host->program, options->program, err)
				      : caller_program(&host->program, err);
	if (!rc && reason && (reason[0] || options->reason))
		rc = string_copy(&host->reason, reason, err);
	if (rc)
		return rc;
	return options->author ? author_given(host, options->author, err)
			       : author_of_caller(host, err);
}

static int host_fill(
	struct dd_host *host, const struct dd_host_options *options, struct dd_error *err)
{
	CLEANUP(free) char *folder = NULL;
	struct dd_error doubt = {0};
	struct book_options book_options = {
		.create = options->create,
		.host_name = options->host_name,
		.wait_ms = options->wait_ms,
	};
	int rc = host_book_folder(options, &folder, err);

	host->wait_ms = options->wait_ms ? options->wait_ms : DEFAULT_WAIT_MS;
	host->warn = options->warn;
	host->warn_context = options->warn_context;
	if (!rc)
		rc = book_open(folder, &book_options, &host->book, err);
	if (!rc && options->warn && book_log_check(host->book, &doubt) == DD_CORRUPT)
		options->warn(doubt.message, options->warn_context);
	return rc ? rc : host_introduce(host, options, err);
}

int dd_host_open(const struct dd_host_options *options, struct dd_host **out, struct dd_error *err)
{
	struct dd_host *host = calloc(1, sizeof *host);

	if (!host)
		return error_no_memory(err);

	int rc = host_fill(host, options, err);

	if (rc)
		dd_host_close(host);
	else
		*out = host;
	return rc;
}

void dd_host_close(struct dd_host *host)
{
	if (!host)
		return;
	if (host->book)
		book_checkpoint_due(host->book);
	book_close(host->book);
	capabilities_free(host->caps);
	free(host->author_name);
	free(host->author_email);
	free(host->program);
	free(host->reason);
	free(host);
}

const char *dd_host_book(const struct dd_host *host)
{
	return book_folder(host->book);
}

int dd_sync(struct dd_host *host, struct dd_error *err)
{
	return book_checkpoint(host->book, err);
}

int dd_gc(struct dd_host *host, struct dd_error *err)
{
	return book_gc(host->book, err);
}

int host_run_folder(struct dd_host *host, const char *uuid, char **out, struct dd_error *err)
{
	return string_format(out, err, "%s/run/%s", book_folder(host->book), uuid);
}

/* From the book, or by a probe whose answer the book then keeps. One process probes at a time. */
static int capabilities_through_book(
	struct dd_host *host, const char *emulator, struct capabilities **out, struct dd_error *err)
{
	CLEANUP(text) struct text key = TEXT_INIT;
	CLEANUP(text) struct text saved = TEXT_INIT;
	CLEANUP(job_lock) struct job_lock *lock = NULL;
	int rc = capabilities_key(emulator, &key, err);

	if (!rc)
		rc = book_cache_get(host->book, text_string(&key), &saved, err);
	if (rc == DD_NOT_FOUND && key.size) {
		rc = job_lock_take(
			host->book, PROBE_LOCK, "capabilities", host->wait_ms, &lock, err);
		if (!rc)
			rc = book_cache_get(host->book, text_string(&key), &saved, err);
	}
	if (!rc)
		return capabilities_from_json(saved.data, saved.size, out, err);
	if (rc != DD_NOT_FOUND || !key.size)
		return rc;
	rc = capabilities_probe(emulator, out, err);
	if (rc)
		return rc;
	rc = capabilities_to_json(*out, &saved, err);
	if (!rc)
		rc = book_cache_put(host->book, text_string(&key), text_string(&saved), err);
	if (rc) {
		capabilities_free(*out);
		*out = NULL;
	}
	return rc;
}

/* Which program runs guests of which architecture; either can do the other's work in a pinch. */
static const struct {
	const char *arch;
	const char *emulator;
	const char *otherwise;
} emulators[] = {
	{"x86_64", EMULATOR_64, EMULATOR_32},
	{"i686", EMULATOR_32, EMULATOR_64},
};

static const char *emulator_for(const char *arch)
{
	size_t row = 0;

	for (size_t i = 0; i < sizeof emulators / sizeof *emulators; i++)
		if (arch && strcmp(emulators[i].arch, arch) == 0)
			row = i;
	if (access(emulators[row].emulator, X_OK) && !access(emulators[row].otherwise, X_OK))
		return emulators[row].otherwise;
	return emulators[row].emulator;
}

int host_emulator_capabilities(struct dd_host *host, const char *emulator,
	const struct capabilities **out, struct dd_error *err)
{
	struct capabilities *caps = NULL;

	if (!emulator)
		emulator = emulator_for(NULL);
	if (host && host->caps && strcmp(host->caps->emulator, emulator) == 0) {
		*out = host->caps;
		return 0;
	}

	int rc = host ? capabilities_through_book(host, emulator, &caps, err)
		      : capabilities_probe(emulator, &caps, err);

	if (rc)
		return rc;
	if (host) {
		capabilities_free(host->caps);
		host->caps = caps;
	}
	*out = caps;
	return 0;
}

int host_capabilities(struct dd_host *host, const struct document *document,
	const struct capabilities **out, struct dd_error *err)
{
	const char *emulator = document_emulator(document);
	const xmlNode *type = node_descend(document_root(document), "os/type");

	if (!emulator)
		emulator = emulator_for(node_attr(type, "arch"));
	return host_emulator_capabilities(host, emulator, out, err);
}

int dd_capabilities(struct dd_host *host, const char *emulator, char **json, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	const struct capabilities *caps = NULL;
	int rc = host_emulator_capabilities(host, emulator, &caps, err);

	if (!rc)
		rc = capabilities_to_json(caps, &text, err);
	if (!host)
		capabilities_free((struct capabilities *)(uintptr_t)caps);
	if (rc)
		return rc;
	*json = text_take(&text);
	return *json ? 0 : error_no_memory(err);
}
