/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checkpoint/refs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/checkpoint/loose.h"
#include "store/commit/chain.h"
#include "store/folder.h"

#define REFS_LIMIT ((size_t)1 << 30)
#define MARK "packed-refs"              /* in the cache */
#define NAME_COLUMN (GIT_OID_HEXSZ + 1) /* of a line "OID NAME" */

/* What a column of object names says, in hexadecimal. */
static void put_oid(struct text *out, struct statement *statement, int column)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_oid oid;

	if (statement_oid(statement, column, &oid))
		text_puts(out, git_oid_tostr(hex, sizeof hex, &oid));
}

static void refs_add(
	struct text *out, struct statement *statement, const char *prefix, const char *name)
{
	put_oid(out, statement, 0);
	text_printf(out, " %s%s\n", prefix, name);
}

/* With what each points to in the end, in a line of its own. */
static int tags_read(struct book *book, struct text *out, struct dd_error *err)
{
	struct statement tags = statement_begin(&book->database,
		"SELECT t.oid, d.uuid || '/' || t.label, v.oid FROM tag t"
		" JOIN domain d ON d.id = t.domain"
		" JOIN version v ON v.domain = t.domain AND v.number = t.number"
		" ORDER BY d.uuid, t.label");

	while (statement_row(&tags)) {
		refs_add(out, &tags, TAG_REFS, statement_string(&tags, 1));
		text_putc(out, '^');
		put_oid(out, &tags, 2);
		text_putc(out, '\n');
	}
	return statement_end(&tags, err);
}

/* The end of the chain and the branch "book". */
static int book_refs_read(struct book *book, struct text *out, struct dd_error *err)
{
	struct statement chain = statement_begin(&book->database,
		"SELECT oid FROM version WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1");
	struct statement head;
	int rc;

	if (statement_row(&chain))
		refs_add(out, &chain, CHAIN_REF, "");
	rc = statement_end(&chain, err);
	if (rc)
		return rc;
	head = statement_begin(
		&book->database, "SELECT value FROM setting WHERE key = 'book-head'");
	if (statement_row(&head))
		refs_add(out, &head, BOOK_REF, "");
	return statement_end(&head, err);
}

static int domain_refs_read(struct book *book, struct text *out, struct dd_error *err)
{
	struct statement domains =
		statement_begin(&book->database, "SELECT head, uuid FROM domain ORDER BY uuid");

	while (statement_row(&domains))
		refs_add(out, &domains, DOMAIN_REFS, statement_string(&domains, 1));
	return statement_end(&domains, err);
}

static int refs_read(struct book *book, struct text *out, struct dd_error *err)
{
	int rc = book_refs_read(book, out, err);

	if (!rc)
		rc = domain_refs_read(book, out, err);
	if (!rc)
		rc = tags_read(book, out, err);
	return !rc && text_failed(out) ? error_no_memory(err) : rc;
}

/* ---- which way ---- */

/* How many heads are as dear to write anew, in one file, as one file of its own to sync. */
#define LINES_A_FILE 256

/*
 * What packed-refs was when we wrote it: another's is not to be trusted. The branch "book" changes
 * so rarely that it is only in there.
 */
static int mark_make(struct book *book, struct text *out, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	struct statement head;
	struct stat status = {0};
	int rc = book_path(book, "book.git/packed-refs", &path, err);

	if (rc)
		return rc;
	if (stat(path, &status) < 0 && errno != ENOENT)
		return error_errno(err, errno, "cannot read %s", path);
	text_printf(out, "%llu %lld %lld.%09ld ", (unsigned long long)status.st_ino,
		(long long)status.st_size, (long long)status.st_mtim.tv_sec,
		status.st_mtim.tv_nsec);
	head = statement_begin(
		&book->database, "SELECT value FROM setting WHERE key = 'book-head'");
	if (statement_row(&head))
		put_oid(out, &head, 0);
	rc = statement_end(&head, err);
	return !rc && text_failed(out) ? error_no_memory(err) : rc;
}

static int mark_holds(struct book *book, bool *holds, struct dd_error *err)
{
	CLEANUP(text) struct text kept = TEXT_INIT;
	CLEANUP(text) struct text now = TEXT_INIT;
	struct dd_error reason = {0};
	int rc = book_cache_get(book, MARK, &kept, &reason);

	*holds = false;
	if (rc == DD_NOT_FOUND)
		return 0;
	if (rc)
		return error_set(err, rc, "%s", reason.message);
	rc = mark_make(book, &now, err);
	*holds = !rc && strcmp(text_string(&kept), text_string(&now)) == 0;
	return rc;
}

/* Appends the heads of the domains that have something staged, and counts them. */
static int changed_read(struct book *book, int64_t last, struct text *out, int64_t *count,
	bool *tags, struct dd_error *err)
{
	struct statement changed = statement_begin(&book->database,
		"SELECT d.head, d.uuid, s.tags FROM (SELECT domain, max(type = 4) AS tags"
		" FROM staged WHERE id <= ? GROUP BY domain) s JOIN domain d ON d.id = s.domain");

	statement_number(&changed, last);
	for (*count = 0; statement_row(&changed); ++*count) {
		refs_add(out, &changed, DOMAIN_REFS, statement_string(&changed, 1));
		*tags |= statement_integer(&changed, 2) != 0;
	}
	return statement_end(&changed, err);
}

static int domains_most(struct book *book, int64_t *count, struct dd_error *err)
{
	struct statement statement =
		statement_begin(&book->database, "SELECT coalesce(max(id), 0) FROM domain");

	if (statement_row(&statement))
		*count = statement_integer(&statement, 0);
	return statement_end(&statement, err);
}

/* What has changed, where that is little. Leaves plan->whole where it is not. */
static int plan_loose(struct book *book, int64_t last, struct refs_plan *plan, struct dd_error *err)
{
	int64_t domains = 0, changed = 0;
	bool tags = false, agree = false;
	int rc = domains_most(book, &domains, err);

	if (!rc)
		rc = book_refs_read(book, &plan->lines, err);
	if (!rc && domains > LINES_A_FILE)
		rc = changed_read(book, last, &plan->lines, &changed, &tags, err);
	if (rc || tags || (changed + 1) * LINES_A_FILE >= domains)
		return rc;
	rc = loose_agree(book, (size_t)(domains / LINES_A_FILE) * 4, &agree, err);
	plan->whole = !agree;
	return rc;
}

int refs_plan(struct book *book, int64_t last, struct refs_plan *plan, struct dd_error *err)
{
	bool holds;
	int rc = mark_holds(book, &holds, err);

	plan->whole = true;
	if (rc || (holds && !last))
		return rc;
	if (holds)
		rc = plan_loose(book, last, plan, err);
	if (rc || !plan->whole)
		return !rc && text_failed(&plan->lines) ? error_no_memory(err) : rc;
	text_clear(&plan->lines);
	return refs_read(book, &plan->lines, err);
}

/* ---- all in one file ---- */

static bool ours(const char *name)
{
	return strncmp(name, CHAIN_REF "\n", sizeof CHAIN_REF) == 0 ||
	       strncmp(name, BOOK_REF "\n", sizeof BOOK_REF) == 0 ||
	       strncmp(name, DOMAIN_REFS, sizeof DOMAIN_REFS - 1) == 0 ||
	       strncmp(name, TAG_REFS, sizeof TAG_REFS - 1) == 0;
}

static size_t line_length(const char *line)
{
	size_t length = strcspn(line, "\n");

	return length + (line[length] == '\n');
}

/* Appends both in git's order, of the old ones those that are not ours. */
static void merge_others(struct text *out, const char *refs, const char *old)
{
	bool kept = false;

	for (const char *line = old; *line; line += line_length(line)) {
		const char *name = line + NAME_COLUMN;

		/* a line with ^ says what the tag in the line before points to */
		if (*line != '^')
			kept = *line != '#' && line_length(line) > NAME_COLUMN && !ours(name);
		if (!kept)
			continue;
		/* the end of a line is smaller than what a name may have */
		while (*line != '^' && *refs && strcmp(refs + NAME_COLUMN, name) < 0) {
			text_add(out, refs, line_length(refs));
			refs += line_length(refs);
		}
		text_add(out, line, line_length(line));
	}
	text_puts(out, refs);
}

static int packed_refs_read(const char *path, struct text *old, struct dd_error *err)
{
	struct dd_error reason = {0};
	int rc = file_read(path, REFS_LIMIT, old, &reason);

	if (!rc || rc == DD_NOT_FOUND)
		return 0;
	return error_set(err, rc, "%s", reason.message);
}

static int packed_refs_write(struct book *book, const struct text *refs, struct dd_error *err)
{
	CLEANUP(text) struct text old = TEXT_INIT;
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	int rc = book_path(book, "book.git/packed-refs", &path, err);

	if (!rc)
		rc = packed_refs_read(path, &old, err);
	if (rc)
		return rc;
	text_puts(&text, "# pack-refs with: peeled fully-peeled sorted \n");
	merge_others(&text, text_string(refs), text_string(&old));
	if (text_failed(&text))
		return error_no_memory(err);
	return file_replace(path, 0644, text.data, text.size, err);
}

int refs_write(struct book *book, const struct refs_plan *plan, struct dd_error *err)
{
	CLEANUP(free) char *repository = NULL;
	CLEANUP(text) struct text mark = TEXT_INIT;
	int rc;

	if (!plan->whole)
		return loose_write(book, text_string(&plan->lines), err);
	rc = book_path(book, "book.git", &repository, err);
	if (!rc)
		rc = folder_clean(repository, "packed-refs.", ".new", err);
	if (!rc)
		rc = packed_refs_write(book, &plan->lines, err);
	if (!rc)
		rc = loose_remove(book, err);
	if (!rc)
		rc = mark_make(book, &mark, err);
	return rc ? rc : book_cache_put(book, MARK, text_string(&mark), err);
}
