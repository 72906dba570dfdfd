/* SPDX-License-Identifier: Apache-2.0 */
#include "store/refs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "store/chain.h"
#include "store/folder.h"

#define REFS_LIMIT ((size_t)1 << 30)
#define NAME_COLUMN (GIT_OID_HEXSZ + 1) /* of a line "OID NAME" */

int refs_lost(struct book *book, bool *lost, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = book_path(book, "book.git/packed-refs", &path, err);

	if (!rc)
		*lost = access(path, F_OK) < 0 && errno == ENOENT;
	return rc;
}

/* What a column of object names says, in hexadecimal. */
static void put_oid(struct text *out, struct statement *statement, int column)
{
	const void *raw = sqlite3_column_blob(statement->handle, column);
	char hex[GIT_OID_HEXSZ + 1];
	git_oid oid;

	if (!raw || sqlite3_column_bytes(statement->handle, column) != GIT_OID_RAWSZ) {
		statement->code = SQLITE_CORRUPT;
		return;
	}
	git_oid_fromraw(&oid, raw);
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

int refs_read(struct book *book, struct text *out, struct dd_error *err)
{
	struct statement chain = statement_begin(&book->database,
		"SELECT oid FROM version WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1");
	struct statement head = statement_begin(
		&book->database, "SELECT value FROM setting WHERE key = 'book-head'");
	struct statement domains =
		statement_begin(&book->database, "SELECT head, uuid FROM domain ORDER BY uuid");
	int rc;

	if (statement_row(&chain))
		refs_add(out, &chain, CHAIN_REF, "");
	rc = statement_end(&chain, err);
	if (!rc && statement_row(&head))
		refs_add(out, &head, BOOK_REF, "");
	if (rc)
		statement_drop(&head);
	else
		rc = statement_end(&head, err);
	while (!rc && statement_row(&domains))
		refs_add(out, &domains, DOMAIN_REFS, statement_string(&domains, 1));
	if (rc)
		statement_drop(&domains);
	else
		rc = statement_end(&domains, err);
	if (!rc)
		rc = tags_read(book, out, err);
	return !rc && text_failed(out) ? error_no_memory(err) : rc;
}

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

static void cleanup_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

/* Those of tags are in one folder a domain. */
static int remove_loose_tags(struct book *book, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = book_path(book, "book.git/" TAG_REFS, &path, err);

	if (rc)
		return rc;

	CLEANUP(folder) DIR *folder = opendir(path);
	const struct dirent *entry;

	if (!folder && errno == ENOENT)
		return 0;
	if (!folder)
		return error_errno(err, errno, "cannot open %s", path);
	while (!rc && (entry = readdir(folder))) {
		CLEANUP(free) char *domain = NULL;

		if (!uuid_valid(entry->d_name))
			continue;
		rc = string_format(&domain, err, "%s%s", path, entry->d_name);
		if (!rc)
			rc = folder_clean(domain, "", "", err);
	}
	return rc;
}

static int remove_loose(struct book *book, struct dd_error *err)
{
	static const char *const names[] = {"book.git/" CHAIN_REF, "book.git/" BOOK_REF};
	CLEANUP(free) char *domains = NULL;
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof names / sizeof names[0]; i++) {
		CLEANUP(free) char *path = NULL;

		rc = book_path(book, names[i], &path, err);
		if (!rc && unlink(path) < 0 && errno != ENOENT)
			rc = error_errno(err, errno, "cannot remove %s", path);
	}
	if (!rc)
		rc = book_path(book, "book.git/refs/heads/domains", &domains, err);
	if (!rc)
		rc = folder_clean(domains, "", "", err);
	return rc ? rc : remove_loose_tags(book, err);
}

int refs_write(struct book *book, const struct text *refs, struct dd_error *err)
{
	CLEANUP(free) char *repository = NULL;
	int rc = book_path(book, "book.git", &repository, err);

	if (!rc)
		rc = folder_clean(repository, "packed-refs.", ".new", err);
	if (!rc)
		rc = packed_refs_write(book, refs, err);
	return rc ? rc : remove_loose(book, err);
}
