/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole book from a remote. What was pushed is fetched into a repository that is made for it, in
 * a folder beside (growing.h), and book.db is made from that as reindex makes it. Nothing that a
 * remote says becomes configuration, and nothing counts that is not signed.
 */
#include <stdlib.h>

#include "store/git/ref.h"
#include "store/recovery/growing.h"
#include "store/remote/remote.h"

/* Where staged objects are looked for meanwhile; the new index takes its place. */
#define SCRATCH "book.db.new"

struct restored_book {
	struct growing growing;
};

static int scratch_fill(void *context, struct dd_error *err)
{
	return layout_tables_make(context, err);
}

static int scratch_open(const struct growing *growing, const struct book_options *options,
	struct book **out, struct dd_error *err)
{
	CLEANUP(book) struct book *book = NULL;
	int rc = book_prepare(growing->folder, options, SCRATCH, &book, err);

	if (!rc)
		rc = layout_database_make(book, err);
	if (!rc)
		rc = database_transaction(&book->database, scratch_fill, &book->database, err);
	if (!rc)
		*out = TAKE(book);
	return rc;
}

/* The key that the book had: an ssh server may know it, too. */
static int key_bring(struct book *book, const char *file, struct dd_error *err)
{
	CLEANUP(key) struct key *key = NULL;
	CLEANUP(free) char *path = NULL;
	int rc = key_load(file, &key, err);

	if (!rc)
		rc = book_path(book, "keys/host", &path, err);
	return rc ? rc : key_save(key, path, book->committer_email, err);
}

static int fetch(const struct growing *growing, const struct book_options *options,
	const struct restore_source *source, struct dd_error *err)
{
	CLEANUP(book) struct book *book = NULL;
	const char *host = source->host;
	int rc = host && !host_name_valid(host)
			 ? error_set(err, DD_INVALID, "'%.100s' is no host name", host)
			 : libgit2_need(err);

	if (!rc)
		rc = repository_make(growing->folder, err);
	if (!rc)
		rc = scratch_open(growing, options, &book, err);
	if (!rc && source->key)
		rc = key_bring(book, source->key, err);
	if (!rc)
		rc = book_remote_add(book, &source->remote, err);
	return rc ? rc
		  : remote_fetch_host(
			    book, source->remote.name, host ? host : book->host_name, err);
}

/* ---- what the branches say beside what is signed ---- */

struct comparing {
	struct book *book;
	const struct reindex_calls *calls;
	struct reindex_counts *counts;
	struct dd_error *err;
};

/* The newest version that counts; number 0: there is none. */
static int newest_read(
	struct comparing *comparing, const char *uuid, uint32_t *number, git_oid *head)
{
	struct statement statement = statement_begin(
		&comparing->book->database, "SELECT version, head FROM domain WHERE uuid = ?");

	*number = 0;
	statement_text(&statement, uuid);
	if (statement_row(&statement)) {
		*number = (uint32_t)statement_integer(&statement, 0);
		(void)statement_oid(&statement, 1, head);
	}
	return statement_end(&statement, comparing->err);
}

/* "version 3 (commit 5be0…, by x <x@x>)" */
static int end_describe(struct comparing *comparing, const git_oid *oid, struct text *out)
{
	CLEANUP(version_info) struct version_info info = {0};
	struct dd_error reason = {0};
	const char *number;
	char hex[COMMIT_SIZE];

	git_oid_tostr(hex, sizeof hex, oid);
	int rc = version_read(comparing->book, 0, oid, &info, &reason);

	if (rc && rc != DD_CORRUPT)
		return error_set(comparing->err, rc, "%s", reason.message);
	if (rc) {
		text_printf(out, "commit %s, which cannot be read", hex);
		return 0;
	}
	number = version_trailer(&info, "Version");
	text_printf(out, "version %s (commit %s, by %s), which no key of the book has signed there",
		number ? number : "-", hex, info.author);
	return 0;
}

static int branch_compare(const char *name, void *context)
{
	struct comparing *comparing = context;
	const char *uuid = name + sizeof DOMAIN_REFS - 1;
	CLEANUP(text) struct text sentence = TEXT_INIT;
	git_oid end, head;
	uint32_t number;
	int rc = newest_read(comparing, uuid, &number, &head);
	int code = rc ? 0 : git_reference_name_to_id(&end, comparing->book->whole, name);

	if (code)
		return repository_failure(
			comparing->book, code, "cannot read a branch", comparing->err);
	if (rc || (number && git_oid_equal(&end, &head)))
		return rc;
	text_printf(&sentence, "the branch of the domain %s ends in ", uuid);
	rc = end_describe(comparing, &end, &sentence);
	if (rc)
		return rc;
	if (number)
		text_printf(&sentence, "; up to version %u it is sound", number);
	else
		text_puts(&sentence, "; no version of it is sound");
	comparing->counts->losses++;
	comparing->calls->lost(text_string(&sentence), comparing->calls->context);
	return 0;
}

/* What the index left out, it left out because it is not signed. */
static int branches_compare(const struct growing *growing, const struct book_options *options,
	const struct reindex_calls *calls, struct reindex_counts *counts, struct dd_error *err)
{
	CLEANUP(book) struct book *book = NULL;
	struct comparing comparing = {.calls = calls, .counts = counts, .err = err};
	int rc = book_open(growing->folder, options, &book, err);

	if (!rc)
		rc = repository_need_whole(book, err);
	comparing.book = book;
	return rc ? rc : refs_visit(book, DOMAIN_REFS, branch_compare, &comparing, err);
}

int book_restore_begin(const char *folder, const struct book_options *options,
	const struct restore_source *source, const struct reindex_calls *calls,
	struct reindex_counts *counts, struct restored_book **out, struct dd_error *err)
{
	CLEANUP(restored_book) struct restored_book *restored = calloc(1, sizeof *restored);
	struct reindex_calls own = *calls;
	int rc = restored ? growing_begin(folder, &restored->growing, err) : error_no_memory(err);

	own.only_history = true;
	if (!rc)
		rc = fetch(&restored->growing, options, source, err);
	if (!rc)
		rc = book_reindex(restored->growing.folder, options, &own, counts, err);
	if (!rc)
		rc = branches_compare(&restored->growing, options, calls, counts, err);
	if (!rc)
		*out = TAKE(restored);
	return rc;
}

const char *restored_folder(const struct restored_book *restored)
{
	return restored->growing.folder;
}

int restored_finish(struct restored_book *restored, struct dd_error *err)
{
	return growing_finish(&restored->growing, err);
}

void restored_release(struct restored_book *restored)
{
	if (restored)
		growing_release(&restored->growing);
	free(restored);
}
