/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checkpoint/loose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/commit/chain.h"
#include "store/folder.h"

#define REF_LIMIT 4096 /* bytes of a file that may be a ref */

/* ---- what is there ---- */

/* Is the commit a version of the domain that is the newest, or was when nothing was staged? */
static int is_head(
	struct book *book, const char *uuid, const git_oid *oid, bool *head, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"SELECT 1 FROM domain d WHERE d.uuid = ?1 AND (d.head = ?2"
		" OR EXISTS (SELECT 1 FROM staged s WHERE s.domain = d.id AND s.type = 1))");

	statement_text(&statement, uuid);
	statement_blob(&statement, oid->id, sizeof oid->id);
	*head = statement_row(&statement);
	return statement_end(&statement, err);
}

static int branch_agrees(
	struct book *book, const char *folder, const char *uuid, bool *agrees, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	CLEANUP(free) char *path = NULL;
	git_oid oid;
	int rc = string_format(&path, err, "%s/%s", folder, uuid);

	*agrees = false;
	if (rc || !uuid_valid(uuid))
		return rc;
	/* what cannot be read is no ref of ours */
	if (file_read(path, REF_LIMIT, &text, NULL) || text.size != GIT_OID_HEXSZ + 1 ||
		git_oid_fromstrn(&oid, text.data, GIT_OID_HEXSZ))
		return 0;
	return is_head(book, uuid, &oid, agrees, err);
}

/* Packed-refs has those of tags and of the branch "book": as files of their own they are others'.
 */
static int others_wrote(struct book *book, bool *wrote, struct dd_error *err)
{
	CLEANUP(free) char *branch = NULL;
	CLEANUP(free) char *tags = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = book_path(book, "book.git/" BOOK_REF, &branch, err);

	if (!rc)
		rc = book_path(book, "book.git/" TAG_REFS, &tags, err);
	if (!rc)
		rc = folder_open(tags, &folder, err);
	if (!rc)
		*wrote = access(branch, F_OK) == 0;
	while (!rc && folder && (entry = folder_next(folder, tags, &rc, err)))
		*wrote |= entry->d_name[0] != '.';
	return rc;
}

int loose_agree(struct book *book, size_t limit, bool *agree, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	bool others = false;
	int rc = others_wrote(book, &others, err);

	if (!rc)
		rc = book_path(book, "book.git/" DOMAIN_REFS, &path, err);
	if (!rc)
		rc = folder_open(path, &folder, err);
	*agree = !others;
	while (!rc && *agree && folder && (entry = folder_next(folder, path, &rc, err))) {
		if (entry->d_name[0] == '.')
			continue;
		*agree = limit-- > 0;
		if (*agree)
			rc = branch_agrees(book, path, entry->d_name, agree, err);
	}
	return rc;
}

/* ---- writing ---- */

static int ref_write(
	struct book *book, const char *oid, const char *name, size_t length, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	char line[GIT_OID_HEXSZ + 2];
	int rc = string_format(&path, err, "%s/book.git/%.*s", book->folder, (int)length, name);

	snprintf(line, sizeof line, "%.*s\n", GIT_OID_HEXSZ, oid);
	return rc ? rc : file_replace(path, 0644, line, sizeof line - 1, err);
}

/* And what somebody left there who died. */
static int folder_need(struct book *book, const char *name, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = book_path(book, name, &path, err);

	if (!rc)
		rc = directory_make(book->folder, path, 0700, err);
	return rc ? rc : folder_clean(path, "", ".new", err);
}

int loose_write(struct book *book, const char *lines, struct dd_error *err)
{
	int rc = folder_need(book, "book.git/refs/book", err);

	if (!rc)
		rc = folder_need(book, "book.git/" DOMAIN_REFS, err);
	while (!rc && *lines) {
		const char *name = lines + GIT_OID_HEXSZ + 1;
		size_t length = strcspn(name, "\n");

		/* packed-refs has that one */
		if (strncmp(name, BOOK_REF "\n", sizeof BOOK_REF) != 0)
			rc = ref_write(book, lines, name, length, err);
		lines = name + length + (name[length] == '\n');
	}
	return rc;
}

/* ---- removing ---- */

/* Those of tags are in one folder a domain. */
static int tags_remove(struct book *book, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc = book_path(book, "book.git/" TAG_REFS, &path, err);

	if (!rc)
		rc = folder_open(path, &folder, err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, err))) {
		CLEANUP(free) char *domain = NULL;

		if (!uuid_valid(entry->d_name))
			continue;
		rc = string_format(&domain, err, "%s%s", path, entry->d_name);
		if (!rc)
			rc = folder_clean(domain, "", "", err);
		if (!rc)
			(void)rmdir(domain);
	}
	return rc;
}

int loose_remove(struct book *book, struct dd_error *err)
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
		rc = book_path(book, "book.git/" DOMAIN_REFS, &domains, err);
	if (!rc)
		rc = folder_clean(domains, "", "", err);
	return rc ? rc : tags_remove(book, err);
}
