/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole book from a remote: fetched and indexed by the store, in a folder beside; opened there,
 * given its key, and looked at as verify looks at any book. Then it gets its name, or is removed.
 */
#include <stdio.h>
#include <string.h>

#include "domain/record.h"
#include "domain/reindex.h"

struct returning {
	const struct dd_restore_source *source;
	const struct dd_restore_calls *calls;
	struct dd_host *host; /* over the unfinished book */
	struct dd_error *err;
	uint64_t findings;
	char first[sizeof((struct dd_error *)0)->message]; /* of them, in words */
};

static int tell_finding(const struct dd_finding *finding, void *context)
{
	struct returning *returning = context;

	if (!returning->first[0])
		snprintf(returning->first, sizeof returning->first, "%s", finding->sentence);
	return returning->calls->finding
		       ? returning->calls->finding(finding, returning->calls->context)
		       : 0;
}

static void tell_lost(const char *sentence, void *context)
{
	struct returning *returning = context;
	struct dd_finding finding = {.kind = "lost", .where = "book.git", .sentence = sentence};

	if (returning->findings++ < DD_FINDINGS_LIMIT)
		(void)tell_finding(&finding, context);
}

/* ---- keys ---- */

static int keep_first(const struct dd_key *key, void *context)
{
	struct text *first = context;

	text_puts(first, key->fingerprint);
	return 1;
}

static int fingerprint_check(struct returning *returning, struct dd_error *err)
{
	CLEANUP(text) struct text first = TEXT_INIT;
	const char *wanted = returning->source->fingerprint;
	int rc = wanted ? dd_keys(returning->host, keep_first, &first, err) : 0;

	if (rc < 0 || !wanted || strcmp(wanted, text_string(&first)) == 0)
		return rc < 0 ? rc : 0;
	error_set(err, DD_REFUSED, "the first key of the book on %s is %s, not %s",
		returning->source->remote.url, text_string(&first), wanted);
	return error_hint(err, "it is another book, or somebody made one that looks like it");
}

static int key_settle(struct returning *returning, struct dd_error *err)
{
	const struct dd_restore_source *source = returning->source;
	const struct dd_host *host = returning->host;
	struct person author = {host->author_name, host->author_email};
	const char *from = source->host ? source->host : book_host_name(host->book);
	CLEANUP(free) char *why = NULL;
	int rc;

	if (source->key)
		return book_take_key(host->book, source->key, err);
	rc = string_format(&why, err, "restored from %s, host %s", source->remote.url, from);
	return rc ? rc : book_adopt_key(host->book, &author, why, err);
}

/* ---- what is not in it ---- */

static int tell_owner(const struct branch_report *branch, void *context)
{
	const struct returning *returning = context;
	CLEANUP(domain_row) struct domain_row row = {.name = NULL};

	if (branch->outcome == BRANCH_LOST &&
		book_find(returning->host->book, branch->uuid, &row, NULL) == 0)
		host_warn(returning->host, "%s is owned by %s now, which took it over", row.name,
			branch->host);
	return 0;
}

static int passwords_check(const struct domain_row *row, void *context)
{
	struct returning *returning = context;
	CLEANUP(text) struct text secrets = TEXT_INIT;
	int rc = record_read_text(
		returning->host->book, row->uuid, 0, FILE_SECRETS, &secrets, returning->err);

	/* a version that cannot be read was told */
	if (rc == DD_CORRUPT) {
		*returning->err = (struct dd_error){0};
		return 0;
	}
	if (rc || !secrets.size)
		return rc;
	return returning->calls->no_passwords(row->name, returning->calls->context);
}

static int judge(struct returning *returning, struct dd_verified *result, struct dd_error *err)
{
	const struct dd_restore_calls *calls = returning->calls;
	int rc = dd_verify(returning->host, NULL, tell_finding, returning, result, err);

	if (!rc && calls->key)
		rc = dd_keys(returning->host, calls->key, calls->context, err);
	if (!rc && calls->no_passwords)
		rc = book_list(returning->host->book, false, passwords_check, returning, err);
	if (rc)
		return rc;
	result->findings += returning->findings;
	if (!result->findings || returning->source->incomplete)
		return 0;
	error_set(err, DD_CORRUPT, "of the book on %s not all is there as it was signed: %s",
		returning->source->remote.url, returning->first);
	return error_hint(err, "nothing was restored; with --incomplete what is left is");
}

static void other_name_warn(const struct returning *returning)
{
	const char *from = returning->source->host, *own = book_host_name(returning->host->book);

	if (from && strcmp(from, own) != 0)
		host_warn(returning->host,
			"the book of %s goes on as that of this machine, %s: a push makes new "
			"branches, and leaves those of %s where they end",
			from, own, from);
}

/* Open in the folder beside. */
static int settle(struct returning *returning, const struct dd_host_options *options,
	const char *folder, struct dd_verified *result, struct dd_error *err)
{
	struct dd_host_options open = *options;
	int rc;

	open.book = folder;
	open.create = false;
	rc = dd_host_open(&open, &returning->host, err);
	if (!rc)
		rc = fingerprint_check(returning, err);
	if (!rc)
		rc = key_settle(returning, err);
	/* one that runs elsewhere must not be started here */
	if (!rc)
		rc = book_ask_owners(returning->host->book, returning->source->remote.name,
			tell_owner, returning, err);
	if (!rc)
		rc = dd_sync(returning->host, err);
	if (!rc)
		rc = judge(returning, result, err);
	if (!rc)
		other_name_warn(returning);
	dd_host_close(returning->host);
	return rc;
}

int dd_restore_from(const struct dd_host_options *options, const struct dd_restore_source *source,
	const struct dd_restore_calls *calls, struct dd_verified *result, struct dd_error *err)
{
	CLEANUP(restored_book) struct restored_book *restored = NULL;
	CLEANUP(free) char *folder = NULL;
	struct dd_error own = {0};
	struct returning returning = {.source = source, .calls = calls, .err = err ? err : &own};
	CLEANUP(indexing) struct indexing indexing = {.lost = tell_lost, .context = &returning};
	struct reindex_calls reindex = indexing_calls(&indexing);
	struct book_options book_options = {
		.host_name = options->host_name, .wait_ms = options->wait_ms};
	struct restore_source from = {
		.remote = {source->remote.name, source->remote.url, source->remote.identity},
		.host = source->host,
		.key = source->key,
	};
	struct reindex_counts counts;
	struct dd_verified verified;
	int rc = host_book_folder(options, &folder, err);

	if (!rc)
		rc = book_restore_begin(
			folder, &book_options, &from, &reindex, &counts, &restored, err);
	if (!rc)
		rc = settle(&returning, options, restored_folder(restored), &verified, err);
	if (!rc)
		rc = restored_finish(restored, err);
	if (!rc)
		*result = verified;
	return rc;
}
