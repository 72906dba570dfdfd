/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as such: each pack and index ends with the SHA-1 of itself, book.db is checked by SQLite,
 * and the few others must say what was written into them. So a changed bit is found also where
 * nothing reads it.
 */
#include "store/verify/verification.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/sha1.h"
#include "store/database/log_sum.h"
#include "store/database/page_sum.h"
#include "store/folder.h"
#include "store/git/configuration.h"
#include "store/git/pack.h"

#define PACKS "book.git/objects/pack"
#define BLOCK ((size_t)1 << 16)
#define SMALL_LIMIT ((size_t)1 << 20)

static int file_tell(struct verification *verification, const char *where, const char *what)
{
	struct finding finding = {.kind = "file", .where = where};

	return finding_tell(verification, &finding, "%s %s", where, what);
}

/* ---- packs ---- */

/* Does the file end with the SHA-1 of all before? */
static int sum_check(int fd, bool *whole)
{
	unsigned char block[BLOCK], sum[SHA1_SIZE], last[SHA1_SIZE];
	struct sha1 sha1;
	struct stat status;
	off_t at = 0;
	ssize_t end;

	*whole = false;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EBADF;
	if (status.st_size < SHA1_SIZE)
		return 0;
	sha1_init(&sha1);
	while (at < status.st_size - SHA1_SIZE) {
		size_t left = (size_t)(status.st_size - SHA1_SIZE - at);
		ssize_t got = pread(fd, block, left < sizeof block ? left : sizeof block, at);

		if (got <= 0)
			return got < 0 ? -errno : 0;
		sha1_add(&sha1, block, (size_t)got);
		at += got;
	}
	sha1_end(&sha1, sum);
	end = pread(fd, last, sizeof last, at);
	*whole = end == SHA1_SIZE && memcmp(sum, last, sizeof last) == 0;
	return end < 0 ? -errno : 0;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), tail = strlen(suffix);

	return length > tail && strcmp(name + length - tail, suffix) == 0;
}

static int pack_file_check(struct verification *verification, DIR *folder, const char *name)
{
	CLEANUP(free) char *where = NULL;
	CLEANUP(close) int fd = openat(dirfd(folder), name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool whole = false;
	int rc = string_format(&where, verification->err, PACKS "/%s", name);
	int number = fd < 0 ? -errno : 0;

	if (!rc && !number)
		number = sum_check(fd, &whole);
	if (rc || whole)
		return rc;
	/* one wrong offset, and libgit2 takes anything for an object and its size, and may crash */
	if (has_suffix(name, ".idx") && (fd < 0 || !number || number == -EBADF)) {
		struct text *unsound = &verification->book->unsound;

		text_printf(unsound, "%s\n", name);
		if (text_failed(unsound))
			return error_no_memory(verification->err);
	}
	return file_tell(verification, where,
		number == -EIO     ? "cannot be read: the disk has an error there"
		: number == -EBADF ? "is no file"
		: number < 0       ? "cannot be read"
		: has_suffix(name, ".idx")
			? "is damaged: it is not what its checksum says, and is not followed ('git "
			  "index-pack' makes it anew from its pack)"
			: "is damaged: it is not what its checksum says");
}

/* A pack without its index is as good as gone; see verify_indices() for the other way. */
static int pair_check(struct verification *verification, DIR *folder, const char *name,
	const char *own, const char *other)
{
	CLEANUP(free) char *partner = NULL;
	CLEANUP(free) char *where = NULL;
	int rc = string_format(&partner, verification->err, "%.*s%s",
		(int)(strlen(name) - strlen(own)), name, other);

	if (!rc)
		rc = string_format(&where, verification->err, PACKS "/%s", partner);
	if (rc || faccessat(dirfd(folder), partner, F_OK, 0) == 0)
		return rc;
	return file_tell(verification, where,
		errno == ENOENT ? "is missing" : "cannot be read: the disk has an error there");
}

/* It comes or goes, and that was cut short: the next checkpoint removes it. */
static bool being_removed(DIR *folder, const char *pack)
{
	char gone[NAME_MAX + sizeof PACK_GONE];

	snprintf(gone, sizeof gone, "%.*s" PACK_GONE, (int)(strlen(pack) - strlen(".pack")), pack);
	return faccessat(dirfd(folder), gone, F_OK, 0) == 0;
}

int verify_packs(struct verification *verification)
{
	static const char *const sums[] = {
		".idx", ".pack", ".rev", ".bitmap", ".mtimes", "multi-pack-index"};
	/* of one domain what its objects say is enough, once libgit2 is not led astray */
	const size_t count = verification->uuid ? 1 : sizeof sums / sizeof sums[0];
	CLEANUP(free) char *path = NULL;
	int rc = book_path(verification->book, PACKS, &path, verification->err);

	if (rc)
		return rc;

	CLEANUP(folder) DIR *folder = opendir(path);
	const struct dirent *entry;

	if (!folder && errno == ENOMEM)
		return error_no_memory(verification->err);
	if (!folder)
		return file_tell(verification, PACKS, "cannot be opened");
	while (!rc && (entry = folder_next(folder, path, &rc, verification->err))) {
		for (size_t i = 0; !rc && i < count; i++)
			if (has_suffix(entry->d_name, sums[i]))
				rc = pack_file_check(verification, folder, entry->d_name);
		if (!rc && !verification->uuid && has_suffix(entry->d_name, ".pack") &&
			!being_removed(folder, entry->d_name))
			rc = pair_check(verification, folder, entry->d_name, ".pack", ".idx");
	}
	return rc;
}

/*
 * An index without its pack is a promise. Where nothing is wrong, it is of a fetch that was cut
 * short: libgit2 gives the index its name before the pack, and the next fetch brings both.
 */
int verify_indices(struct verification *verification)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(folder) DIR *folder = NULL;
	const struct dirent *entry;
	int rc;

	if (verification->uuid || !verification->counts->findings)
		return 0;
	rc = book_path(verification->book, PACKS, &path, verification->err);
	if (!rc)
		rc = folder_open(path, &folder, verification->err);
	while (!rc && folder && (entry = folder_next(folder, path, &rc, verification->err)))
		if (has_suffix(entry->d_name, ".idx"))
			rc = pair_check(verification, folder, entry->d_name, ".idx", ".pack");
	return rc;
}

/* ---- small files ---- */

/* The file's content; a finding, and *found false, where it cannot be read. */
static int small_read(
	struct verification *verification, const char *where, struct text *out, bool *found)
{
	CLEANUP(free) char *path = NULL;
	struct dd_error reason = {0};
	struct finding finding = {.kind = "file", .where = where};
	int rc = book_path(verification->book, where, &path, verification->err);

	*found = false;
	if (rc)
		return rc;
	rc = file_read(path, SMALL_LIMIT, out, &reason);
	*found = rc == 0;
	return rc == DD_NO_MEMORY ? error_no_memory(verification->err)
	       : rc               ? finding_tell(verification, &finding, "%s", reason.message)
				  : 0;
}

/* A file of whose content nothing may differ. */
static int fixed_check(struct verification *verification, const char *where, const char *content,
	const char *otherwise)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	bool found;
	int rc = small_read(verification, where, &text, &found);

	if (rc || !found ||
		(text.size == strlen(content) && memcmp(text.data, content, text.size) == 0))
		return rc;
	return file_tell(verification, where, otherwise);
}

static int folders_check(struct verification *verification)
{
	CLEANUP(free) char *path = NULL;
	int rc = book_path(verification->book, "book.git/refs", &path, verification->err);

	if (rc || access(path, F_OK) == 0)
		return rc;
	return file_tell(verification, "book.git/refs",
		errno == ENOENT ? "is missing: git takes the folder for no repository. 'domesday "
				  "sync' makes it"
				: "cannot be read: the disk has an error there");
}

static int head_check(struct verification *verification)
{
	return fixed_check(verification, "book.git/HEAD", "ref: " BOOK_REF "\n",
		"does not name the branch \"book\"");
}

static int description_check(struct verification *verification)
{
	return fixed_check(verification, "book.git/description", REPOSITORY_DESCRIPTION,
		"has been changed: it does not describe a book");
}

static int seal_check(struct verification *verification)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	bool found, whole = true;
	int rc = small_read(verification, "book.git/config", &text, &found);

	if (!rc && found)
		rc = configuration_check(&text, &whole, verification->err);
	if (rc || whole)
		return rc;
	return file_tell(verification, "book.git/config",
		"is not as Domesday wrote it; 'domesday remote add' and 'remove' take over what it "
		"says now");
}

/* What libgit2 says of it: one that is not there, or says nothing, is a finding. */
static int config_unread(struct verification *verification)
{
	const git_error *last = git_error_last();

	return last && last->klass == GIT_ERROR_NOMEMORY
		       ? error_no_memory(verification->err)
		       : file_tell(verification, "book.git/config", "cannot be read");
}

/* Without these the book does not work as it should, whoever has changed them. */
static int config_check(struct verification *verification)
{
	static const char *const ours[][2] = {
		{"core.repositoryformatversion", "0"},
		{"core.bare", "true"},
		{"core.filemode", "true"},
		{"core.logallrefupdates", "false"},
		{"gc.auto", "0"},
		{"gpg.ssh.allowedsignersfile", "../keys/allowed_signers"},
	};
	CLEANUP(free) char *path = NULL;
	git_config *config = NULL;
	struct stat status;
	int rc = book_path(verification->book, "book.git/config", &path, verification->err);

	if (rc)
		return rc;
	if (access(path, R_OK) < 0 || stat(path, &status) < 0 || !S_ISREG(status.st_mode))
		return file_tell(verification, "book.git/config", "cannot be read");
	if (git_config_open_ondisk(&config, path) < 0)
		return config_unread(verification);
	for (size_t i = 0; !rc && i < sizeof ours / sizeof ours[0]; i++) {
		git_config_entry *entry = NULL;
		CLEANUP(free) char *what = NULL;
		int code = git_config_get_entry(&entry, config, ours[i][0]);

		if (code && code != GIT_ENOTFOUND)
			rc = config_unread(verification);
		else if (code || !entry->value || strcmp(entry->value, ours[i][1]) != 0)
			rc = string_format(&what, verification->err, "does not say %s = %s",
				ours[i][0], ours[i][1]);
		git_config_entry_free(entry);
		if (!rc && what)
			rc = file_tell(verification, "book.git/config", what);
	}
	git_config_free(config);
	return rc;
}

/* ---- book.db ---- */

static int page_tell(uint32_t page, void *context)
{
	struct finding finding = {.kind = "file", .where = "book.db"};

	if (!page)
		return finding_tell(context, &finding, "book.db has a header that cannot be");
	return finding_tell(context, &finding,
		"book.db is damaged: page %u is not what its checksum says", page);
}

static int pages_check(struct verification *verification)
{
	struct database *database = &verification->book->database;
	int code = 0;
	int rc = page_sum_check(database->sqlite, page_tell, verification, &code);

	if (!rc && code)
		rc = damage_tell(verification, database_failure(database, code, verification->err),
			"file", "book.db");
	return rc;
}

/* Tells what it finds, or, where sound is not NULL, says there whether it finds nothing. */
static int integrity_check(struct verification *verification, bool *sound)
{
	struct statement statement =
		statement_begin(&verification->book->database, "PRAGMA integrity_check(100)");
	int rc = 0;

	while (!rc && statement_row(&statement)) {
		const char *words = statement_string(&statement, 0);
		struct finding finding = {.kind = "file", .where = "book.db"};

		if (strcmp(words, "ok") == 0)
			continue;
		if (sound)
			*sound = false;
		else
			rc = finding_tell(
				verification, &finding, "book.db is damaged: %.900s", words);
	}
	if (rc) {
		statement_drop(&statement);
		return rc;
	}
	return damage_tell(
		verification, statement_end(&statement, verification->err), "file", "book.db");
}

/*
 * SQLite also takes a page for damaged for which it has no memory, or which the disk did not give
 * it once. What is damaged it finds again.
 */
static int database_check(struct verification *verification)
{
	bool sound = true;
	int rc = integrity_check(verification, &sound);

	return rc || sound ? rc : integrity_check(verification, NULL);
}

int verify_log(struct verification *verification)
{
	struct database *database = &verification->book->database;
	struct finding finding = {.kind = "file", .where = "book.db-wal"};
	uint32_t frame = 0;
	bool damaged;
	int code = log_sum_check(database->sqlite, &damaged, &frame);

	if (code)
		return damage_tell(verification,
			database_failure(database, code, verification->err), "file", "book.db-wal");
	if (!damaged)
		return 0;
	if (!frame)
		return finding_tell(verification, &finding,
			"book.db-wal is damaged: its header is not what its checksum says, so "
			"nothing in it counts any more");
	return finding_tell(verification, &finding,
		"book.db-wal is damaged: frame %u is not what its checksum says, so neither it "
		"nor what was committed after it counts any more",
		frame);
}

int verify_files(struct verification *verification)
{
	static int (*const parts[])(struct verification * verification) = {pages_check,
		database_check, verify_schema, verify_packs, folders_check, head_check,
		description_check, seal_check, config_check, verify_beside};
	int rc = 0;

	if (verification->uuid)
		return verify_packs(verification);
	for (size_t i = 0; !rc && i < sizeof parts / sizeof parts[0]; i++)
		rc = parts[i](verification);
	return rc;
}
