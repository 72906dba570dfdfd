/* SPDX-License-Identifier: Apache-2.0 */
/* The files of keys/ beside what the branch "book" says, and what is signed besides versions. */
#include "store/verify/verification.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

#define FILE_LIMIT ((size_t)1 << 20)

/* ---- a key that was changed meanwhile ---- */

/* The setting "signer"; all zeros where no key was ever changed. */
static int setting_read(
	struct database *database, unsigned char open[KEY_PUBLIC_SIZE], struct dd_error *err)
{
	struct statement statement =
		statement_begin(database, "SELECT value FROM setting WHERE key = 'signer'");

	memset(open, 0, KEY_PUBLIC_SIZE);
	if (statement_row(&statement) &&
		sqlite3_column_bytes(statement.handle, 0) == KEY_PUBLIC_SIZE)
		memcpy(open, sqlite3_column_blob(statement.handle, 0), KEY_PUBLIC_SIZE);
	return statement_end(&statement, err);
}

/*
 * The files change after book.db has, and we look at book.db as it was. So whoever finds them
 * otherwise looks whether it has gone on since, which takes a second connection.
 */
static int changed_since(struct verification *verification, bool *changed)
{
	struct database *ours = &verification->book->database;
	struct database now = {.path = ours->path, .lock_fd = -1, .wait_ms = ours->wait_ms};
	unsigned char was[KEY_PUBLIC_SIZE], is[KEY_PUBLIC_SIZE];
	int rc = setting_read(ours, was, verification->err);

	if (!rc)
		rc = database_open(&now, now.path, verification->err);
	if (!rc)
		rc = setting_read(&now, is, verification->err);
	*changed = !rc && memcmp(was, is, sizeof was) != 0;
	database_forget(&now);
	sqlite3_close(now.sqlite);
	return rc;
}

static int key_tell(struct verification *verification, const char *where, const char *what)
{
	struct finding finding = {.kind = "key", .where = where};
	bool changed;
	int rc = changed_since(verification, &changed);

	return rc || changed ? rc : finding_tell(verification, &finding, "%s %s", where, what);
}

/* ---- the files ---- */

/* The public half of a key file. */
static int key_read(struct verification *verification, const char *name,
	unsigned char open[KEY_PUBLIC_SIZE], struct dd_error *reason)
{
	CLEANUP(free) char *path = NULL;
	CLEANUP(key) struct key *key = NULL;
	int rc = book_path(verification->book, name, &path, reason);

	if (!rc)
		rc = key_load(path, &key, reason);
	if (!rc)
		key_public(key, open);
	return rc;
}

/* That a file of keys/ was not read is a finding, unless it is for want of memory. */
static int unread_tell(
	struct verification *verification, const char *name, int rc, const struct dd_error *reason)
{
	struct finding finding = {.kind = "key", .where = name};
	bool changed;

	if (rc == DD_NO_MEMORY)
		return error_no_memory(verification->err);
	rc = changed_since(verification, &changed);
	return rc || changed ? rc : finding_tell(verification, &finding, "%s", reason->message);
}

/* The setting is there once a key was changed. */
static int setting_check(struct verification *verification, const struct signer *signer)
{
	struct statement statement = statement_begin(
		&verification->book->database, "SELECT value FROM setting WHERE key = 'signer'");
	struct finding finding = {.kind = "key", .where = "book.db"};
	bool same = true;
	int rc;

	if (statement_row(&statement))
		same = sqlite3_column_bytes(statement.handle, 0) == KEY_PUBLIC_SIZE &&
		       memcmp(sqlite3_column_blob(statement.handle, 0), signer->open,
			       KEY_PUBLIC_SIZE) == 0;
	else
		same = verification->signers.count == 1 || !signer->after;
	rc = statement_end(&statement, verification->err);
	return rc || same ? rc
			  : finding_tell(verification, &finding,
				    "book.db names another signing key than the branch \"book\"");
}

static int public_check(struct verification *verification, const struct signer *signer)
{
	CLEANUP(text) struct text line = TEXT_INIT;
	CLEANUP(text) struct text allowed = TEXT_INIT;
	CLEANUP(text) struct text due = TEXT_INIT;
	CLEANUP(free) char *host_path = NULL;
	CLEANUP(free) char *allowed_path = NULL;
	unsigned char open[KEY_PUBLIC_SIZE];
	struct dd_error *err = verification->err;
	struct dd_error reason = {0};
	int rc = book_path(verification->book, "keys/host.pub", &host_path, err);

	if (!rc)
		rc = book_path(verification->book, "keys/allowed_signers", &allowed_path, err);
	if (!rc)
		rc = signers_file(verification->book, &due, err);
	if (rc)
		return rc;
	rc = file_read(host_path, FILE_LIMIT, &line, &reason);
	if (rc && rc != DD_NOT_FOUND)
		rc = unread_tell(verification, "keys/host.pub", rc, &reason);
	else if (rc || !key_words_read(text_string(&line), open) ||
		 memcmp(open, signer->open, sizeof open) != 0)
		rc = key_tell(verification, "keys/host.pub", "is not the key that signs now");
	if (rc)
		return rc;
	rc = file_read(allowed_path, FILE_LIMIT, &allowed, &reason);
	if (rc && rc != DD_NOT_FOUND)
		return unread_tell(verification, "keys/allowed_signers", rc, &reason);
	return !rc && allowed.size == due.size &&
			       strcmp(text_string(&allowed), text_string(&due)) == 0
		       ? 0
		       : key_tell(verification, "keys/allowed_signers",
				 "is not the one that the branch \"book\" has");
}

static int files_check(struct verification *verification, const struct signer *signer)
{
	unsigned char open[KEY_PUBLIC_SIZE];
	struct dd_error reason = {0};
	int rc = key_read(verification, "keys/host.next", open, &reason);

	/* on the way to its place: whoever signs next moves it */
	if (!rc && memcmp(open, signer->open, sizeof open) == 0)
		return 0;
	if (rc == DD_NO_MEMORY || rc == DD_SYSTEM)
		return unread_tell(verification, "keys/host.next", rc, &reason);
	rc = key_read(verification, "keys/host", open, &reason);
	if (rc)
		return unread_tell(verification, "keys/host", rc, &reason);
	if (memcmp(open, signer->open, sizeof open) != 0)
		return key_tell(verification, "keys/host", "is not the key that the book names");
	return public_check(verification, signer);
}

/* ---- tags ---- */

static void cleanup_odb_object(git_odb_object **object)
{
	git_odb_object_free(*object);
}

/* A tag as its row has it. */
struct tag_row {
	const char *uuid;
	git_oid oid, version, owner_book; /* the last one all zeros: none */
};

/* What is wrong with a tag's object that was read; NULL: nothing. */
static int tag_judge(struct verification *verification, const struct tag_row *tag,
	git_odb_object *object, const char **wrong)
{
	unsigned char open[KEY_PUBLIC_SIZE];
	char hex[COMMIT_SIZE], target[COMMIT_SIZE + 8];
	const char *data = git_odb_object_data(object), *signature;
	size_t size = git_odb_object_size(object);
	bool known = true;
	int rc = 0;

	*wrong = NULL;
	snprintf(target, sizeof target, "object %s\n",
		git_oid_tostr(hex, sizeof hex, &tag->version));
	signature = memmem(data, size, SIGNATURE_HEAD, sizeof SIGNATURE_HEAD - 1);
	if (size < strlen(target) || memcmp(data, target, strlen(target)) != 0)
		*wrong = "names another version than book.db says";
	else if (!signature || signature_check(signature, size - (size_t)(signature - data), data,
				       (size_t)(signature - data), open) != SIGNATURE_GOOD)
		*wrong = "has no signature that holds";
	else if (verification->signers.count)
		rc = host_signs(verification, tag->uuid,
			git_oid_is_zero(&tag->owner_book) ? NULL : &tag->owner_book, open, &known);
	if (!known)
		*wrong = "is signed with a key that is not the book's";
	return rc;
}

static int tag_check(
	struct verification *verification, const struct tag_row *tag, const char **wrong)
{
	CLEANUP(odb_object) git_odb_object *object = NULL;
	struct book *book = verification->book;
	int code = git_odb_read(&object, book->objects, &tag->oid);
	int rc =
		code ? object_failure(book, code, &tag->oid, "cannot read a tag", verification->err)
		     : 0;

	if (!rc)
		return tag_judge(verification, tag, object, wrong);
	*wrong = "cannot be read";
	if (rc == DD_CORRUPT)
		*verification->err = (struct dd_error){0};
	return rc == DD_CORRUPT ? 0 : rc;
}

static int tags_check(struct verification *verification)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(&verification->book->database,
		"SELECT d.uuid, t.label, t.number, t.oid, v.oid, d.owner_book FROM tag t"
		" JOIN domain d ON d.id = t.domain"
		" LEFT JOIN version v ON v.domain = t.domain AND v.number = t.number"
		" WHERE ?1 IS NULL OR d.uuid = ?1");
	int rc = 0;

	statement_text(&statement, verification->uuid);
	while (!rc && statement_row(&statement)) {
		struct finding finding = {
			.kind = "signature",
			.where = "book.git",
			.uuid = statement_string(&statement, 0),
			.version = (uint32_t)statement_integer(&statement, 2),
			.until = (uint32_t)statement_integer(&statement, 2),
		};
		const char *wrong = "is not of a version that book.db knows";
		struct tag_row tag = {.uuid = finding.uuid};

		(void)statement_oid_maybe(&statement, 5, &tag.owner_book);
		if (statement_oid_maybe(&statement, 3, &tag.oid) &&
			statement_oid_maybe(&statement, 4, &tag.version))
			rc = tag_check(verification, &tag, &wrong);
		if (!rc && wrong)
			rc = finding_tell(verification, &finding, "the tag '%s' of version %u %s",
				statement_string(&statement, 1), finding.version, wrong);
	}
	return rc ? rc : statement_end(&statement, verification->err);
}

int verify_keys(struct verification *verification)
{
	const struct signer *signer = signers_newest(&verification->signers);
	int rc = 0;

	if (signer && !verification->uuid)
		rc = setting_check(verification, signer);
	if (!rc && signer && !verification->uuid)
		rc = files_check(verification, signer);
	return rc ? rc : tags_check(verification);
}
