/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key/rotation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "store/commit/chain.h"
#include "store/commit/commit.h"
#include "store/commit/message.h"
#include "store/folder.h"
#include "store/key/genesis.h"
#include "store/key/latest.h"
#include "store/key/signers.h"

#define KEY "keys/host"
#define KEY_NEXT "keys/host.next"

/* ---- which key counts ---- */

/* False where no key was ever changed. */
static int signer_read(
	struct book *book, unsigned char open[KEY_PUBLIC_SIZE], bool *named, struct dd_error *err)
{
	struct statement statement =
		statement_begin(&book->database, "SELECT value FROM setting WHERE key = 'signer'");

	*named = statement_row(&statement);
	if (*named && sqlite3_column_bytes(statement.handle, 0) == KEY_PUBLIC_SIZE)
		memcpy(open, sqlite3_column_blob(statement.handle, 0), KEY_PUBLIC_SIZE);
	else if (*named)
		statement.code = SQLITE_CORRUPT;
	return statement_end(&statement, err);
}

static bool key_is(const struct key *key, const unsigned char open[KEY_PUBLIC_SIZE])
{
	unsigned char own[KEY_PUBLIC_SIZE];

	key_public(key, own);
	return memcmp(own, open, sizeof own) == 0;
}

static int load(struct book *book, const char *name, struct key **out, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = book_path(book, name, &path, err);

	return rc ? rc : key_load(path, out, err);
}

/* What others read follows what the book says. */
static int publish(struct book *book, const struct key *key, struct dd_error *err)
{
	CLEANUP(text) struct text signers = TEXT_INIT;
	CLEANUP(free) char *host = NULL;
	CLEANUP(free) char *allowed = NULL;
	int rc = signers_file(book, &signers, err);

	if (!rc)
		rc = book_path(book, "keys/host.pub", &host, err);
	if (!rc)
		rc = book_path(book, "keys/allowed_signers", &allowed, err);
	if (!rc)
		rc = key_publish(key, host, book->committer_email, err);
	return rc ? rc : file_replace(allowed, 0644, signers.data, signers.size, err);
}

/* Step 3. */
static int install(struct book *book, const struct key *key, struct dd_error *err)
{
	CLEANUP(free) char *from = NULL;
	CLEANUP(free) char *to = NULL;
	CLEANUP(free) char *folder = NULL;
	int rc = book_path(book, KEY_NEXT, &from, err);

	if (!rc)
		rc = book_path(book, KEY, &to, err);
	if (!rc)
		rc = book_path(book, "keys", &folder, err);
	if (!rc)
		rc = publish(book, key, err);
	if (!rc && rename(from, to) < 0 && errno != ENOENT)
		rc = error_errno(err, errno, "cannot move the new key to %s", to);
	return rc ? rc : folder_sync(folder, err);
}

/* Finds the key that the book names by now: in its place, or still on the way there. */
static int find_alone(struct book *book, unsigned char open[KEY_PUBLIC_SIZE], struct key **out,
	struct dd_error *err)
{
	CLEANUP(key) struct key *key = NULL;
	CLEANUP(key) struct key *next = NULL;
	struct dd_error reason = {0}, unread = {0};
	bool named;
	int next_rc, rc = signer_read(book, open, &named, err);

	if (rc)
		return rc;
	rc = load(book, KEY, &key, &reason);
	if (!rc && key_is(key, open)) {
		*out = TAKE(key);
		return 0;
	}
	next_rc = load(book, KEY_NEXT, &next, &unread);
	if (!next_rc && key_is(next, open)) {
		rc = install(book, next, err);
		if (!rc)
			*out = TAKE(next);
		return rc;
	}
	/* it may be the one */
	if (!rc && next_rc && next_rc != DD_NOT_FOUND && next_rc != DD_CORRUPT) {
		rc = next_rc;
		reason = unread;
	}
	if (rc && err)
		*err = reason;
	if (rc)
		return rc;
	error_set(err, DD_CORRUPT, "%s/" KEY " is not the key that the book names", book->folder);
	return error_hint(err, "bring back that key from a backup");
}

/* Of two who find it on the way one would move it away from under the other. */
static int find(struct book *book, unsigned char open[KEY_PUBLIC_SIZE], struct key **out,
	struct dd_error *err)
{
	CLEANUP(key) struct key *key = NULL;
	int rc;

	if (load(book, KEY, &key, NULL) == 0 && key_is(key, open)) {
		*out = TAKE(key);
		return 0;
	}
	rc = database_lock(&book->database, SLOT_KEY, "key", book->wait_ms, err);
	if (rc)
		return rc;
	rc = find_alone(book, open, out, err);
	database_unlock(&book->database, SLOT_KEY);
	return rc;
}

/*
 * The key that opened the book, where none has followed it. A book that is not opened yet names
 * none, and that one cannot be read is verify's to tell.
 */
static int first_read(
	struct book *book, unsigned char open[KEY_PUBLIC_SIZE], bool *named, struct dd_error *err)
{
	CLEANUP(text) struct text signers = TEXT_INIT;
	struct dd_error reason = {0};
	int rc = signers_file(book, &signers, &reason);

	*named = !rc && key_words_read(text_string(&signers), open);
	return !rc || rc == DD_CORRUPT ? 0 : error_set(err, rc, "%s", reason.message);
}

int signing_key(struct book *book, struct dd_error *err)
{
	unsigned char open[KEY_PUBLIC_SIZE];
	struct key *key = NULL;
	bool named;
	int rc = signer_read(book, open, &named, err);

	if (rc || (book->key && (!named || key_is(book->key, open))))
		return rc;
	if (!named)
		rc = first_read(book, open, &named, err);
	if (rc)
		return rc;
	rc = named ? find(book, open, &key, err) : load(book, KEY, &key, err);
	if (rc)
		return rc;
	key_release(book->key);
	book->key = key;
	return 0;
}

/* ---- changing it ---- */

struct rotation {
	struct book *book;
	const struct person *author;
	const char *body;
	const char *adopted; /* why the old key cannot sign; NULL: it does */
	unsigned char old[KEY_PUBLIC_SIZE];
	struct key *next;
	struct latest latest; /* of what the old key has signed */
	int64_t now;
};

/* The lines that are there end now, and one more begins. */
static int signers_extend(const struct rotation *rotation, struct text *out, struct dd_error *err)
{
	CLEANUP(text) struct text old = TEXT_INIT;
	unsigned char open[KEY_PUBLIC_SIZE];
	char words[KEY_WORDS_SIZE], until[32];
	time_t end = (time_t)(rotation->latest.when > rotation->now ? rotation->latest.when
								    : rotation->now);
	struct tm tm;
	int rc = signers_file(rotation->book, &old, err);

	if (rc)
		return rc;
	if (!gmtime_r(&end, &tm) || !strftime(until, sizeof until, "%Y%m%d%H%M%SZ", &tm))
		return error_set(err, DD_SYSTEM, "the clock shows a time that cannot be");
	for (const char *line = text_string(&old); *line;) {
		size_t length = strcspn(line, "\n");
		const char *words_of = memmem(line, length, " " KEY_TYPE " ", sizeof KEY_TYPE + 1);

		if (words_of && !memmem(line, length, "valid-before=", 13)) {
			text_add(out, line, (size_t)(words_of - line));
			text_printf(out, ",valid-before=\"%s\"", until);
			text_add(out, words_of, length - (size_t)(words_of - line));
		} else {
			text_add(out, line, length);
		}
		text_putc(out, '\n');
		line += length + (line[length] == '\n');
	}
	key_public(rotation->next, open);
	key_words(open, words);
	text_printf(out, "%s namespaces=\"git\" %s\n", rotation->book->committer_email, words);
	return text_failed(out) ? error_no_memory(err) : 0;
}

static int message_make(const struct rotation *rotation, const struct chain_link *link,
	struct text *out, struct dd_error *err)
{
	const char *adopted = rotation->adopted;
	unsigned char open[KEY_PUBLIC_SIZE];
	char words[KEY_WORDS_SIZE], prev[GIT_OID_HEXSZ + 1];
	int rc = message_open(adopted ? "adopt a new key of the host" : "change the host's key",
		rotation->body, out, err);

	if (rc)
		return rc;
	key_words(rotation->old, words);
	text_printf(
		out, "Operation: %s\nOld-Key: %s\n", adopted ? "key-adopt" : "key-rotate", words);
	key_public(rotation->next, open);
	key_words(open, words);
	text_printf(out, "New-Key: %s\n", words);
	if (adopted)
		text_printf(out, "Adopted: %s\n", adopted);
	text_printf(out, "Host: %s\n", rotation->book->host_name);
	message_chain(out, link->seq, git_oid_tostr(prev, sizeof prev, &link->prev));
	return text_failed(out) ? error_no_memory(err) : 0;
}

/* In the chain it is a version of no domain: of the book itself. */
static int rows_write(
	struct rotation *rotation, const git_oid *oid, int64_t seq, struct dd_error *err)
{
	struct database *database = &rotation->book->database;
	unsigned char open[KEY_PUBLIC_SIZE];
	struct statement statement =
		statement_begin(database, "UPDATE setting SET value = ? WHERE key = 'book-head'");
	int rc;

	statement_blob(&statement, oid->id, sizeof oid->id);
	rc = statement_run(&statement, err);
	if (rc)
		return rc;
	statement = statement_begin(database,
		"INSERT INTO version(domain, number, oid, seq) VALUES(0,"
		" (SELECT coalesce(max(number), 0) + 1 FROM version WHERE domain = 0), ?, ?)");
	statement_blob(&statement, oid->id, sizeof oid->id);
	statement_number(&statement, seq);
	rc = statement_run(&statement, err);
	if (rc)
		return rc;
	key_public(rotation->next, open);
	statement = statement_begin(database, "INSERT INTO setting(key, value) VALUES('signer', ?)"
					      " ON CONFLICT DO UPDATE SET value = excluded.value");
	statement_blob(&statement, open, sizeof open);
	return statement_run(&statement, err);
}

/* The new key signs in the place of the newest that there is. */
static int self_begin(struct rotation *rotation, struct dd_error *err)
{
	CLEANUP(signers) struct signers signers = {0};
	struct book *book = rotation->book;
	const struct signer *newest;
	int rc = signers_read(book, &signers, err);

	if (rc)
		return rc;
	newest = signers_newest(&signers);
	if (!newest)
		return error_set(err, DD_CORRUPT, "the branch \"book\" names no key that counts");
	memcpy(rotation->old, newest->open, sizeof rotation->old);
	key_release(TAKE(book->key));
	return load(book, KEY_NEXT, &book->key, err);
}

static int old_begin(struct rotation *rotation, struct dd_error *err)
{
	int rc = signing_key(rotation->book, err);

	if (!rc)
		key_public(rotation->book->key, rotation->old);
	return rc;
}

static int rotation_write(void *context, struct dd_error *err)
{
	struct rotation *rotation = context;
	struct book *book = rotation->book;
	CLEANUP(object_set) struct object_set set = {0};
	CLEANUP(text) struct text signers = TEXT_INIT;
	CLEANUP(text) struct text message = TEXT_INIT;
	struct branch_draft draft = {
		.signers = &signers,
		.message = &message,
		.author = *rotation->author,
		.when = rotation->now,
	};
	struct chain_link link;
	git_oid head, oid;
	int rc = rotation->adopted ? self_begin(rotation, err) : old_begin(rotation, err);

	if (!rc)
		rc = chain_next(book, &link, err);
	if (!rc)
		rc = book_own_oid(book, "book-head", &head, err);
	/* what came since, and no more: others wait */
	if (!rc)
		rc = latest_find(book, &rotation->latest, err);
	if (!rc)
		rc = signers_extend(rotation, &signers, err);
	if (!rc)
		rc = message_make(rotation, &link, &message, err);
	draft.parent = &head;
	if (!rc)
		rc = branch_commit(book, &draft, &set, &oid, err);
	if (!rc)
		rc = object_set_stage(&set, &book->database, 0, err);
	return rc ? rc : rows_write(rotation, &oid, link.seq, err);
}

static int rotate(struct rotation *rotation, struct dd_error *err)
{
	struct book *book = rotation->book;
	CLEANUP(free) char *path = NULL;
	CLEANUP(free) char *folder = NULL;
	int rc = book_path(book, KEY_NEXT, &path, err);

	/* what somebody left who died has its end first, as the file is needed again */
	if (!rc && !rotation->adopted)
		rc = signing_key(book, err);
	if (!rc)
		rc = latest_begin(book, &rotation->latest, err);
	if (!rc)
		rc = latest_find(book, &rotation->latest, err);
	if (!rc)
		rc = book_path(book, "keys", &folder, err);
	/* nobody else makes one now */
	if (!rc)
		rc = folder_clean(folder, "host.next.", ".new", err);
	if (!rc)
		rc = key_generate(path, book->committer_email, err);
	if (!rc)
		rc = key_load(path, &rotation->next, err);
	if (!rc)
		rc = database_change(&book->database, "key rotate", rotation_write, rotation, err);
	/* the key at hand may be the new one, which is not in its place yet */
	key_release(TAKE(book->key));
	/* the new key is in force: what fails from here on is left to whoever signs next */
	if (!rc)
		(void)signing_key(book, NULL);
	return rc;
}

static int rotate_locked(struct rotation *rotation, struct dd_error *err)
{
	struct book *book = rotation->book;
	int rc;

	repository_forget(book);
	rc = clock_check(err);
	if (!rc)
		rc = repository_need(book, err);
	if (!rc)
		rc = database_lock(&book->database, SLOT_CREATE, "key rotate", book->wait_ms, err);
	if (rc)
		return rc;
	rc = rotate(rotation, err);
	database_unlock(&book->database, SLOT_CREATE);
	key_release(rotation->next);
	return rc;
}

int book_rotate_key(
	struct book *book, const struct person *author, const char *body, struct dd_error *err)
{
	struct rotation rotation = {
		.book = book, .author = author, .body = body, .now = time(NULL)};

	return rotate_locked(&rotation, err);
}

int book_adopt_key(
	struct book *book, const struct person *author, const char *why, struct dd_error *err)
{
	struct rotation rotation = {
		.book = book, .author = author, .adopted = why, .now = time(NULL)};

	return rotate_locked(&rotation, err);
}

int book_take_key(struct book *book, const char *file, struct dd_error *err)
{
	CLEANUP(signers) struct signers signers = {0};
	CLEANUP(key) struct key *key = NULL;
	CLEANUP(free) char *path = NULL;
	char is[KEY_WORDS_SIZE], due[KEY_WORDS_SIZE];
	unsigned char open[KEY_PUBLIC_SIZE];
	const struct signer *newest;
	int rc = key_load(file, &key, err);

	if (!rc)
		rc = signers_read(book, &signers, err);
	if (!rc)
		rc = book_path(book, KEY, &path, err);
	if (rc)
		return rc;
	newest = signers_newest(&signers);
	if (!newest)
		return error_set(err, DD_CORRUPT, "the branch \"book\" names no key that counts");
	if (!key_is(key, newest->open)) {
		key_public(key, open);
		key_fingerprint(open, is);
		key_fingerprint(newest->open, due);
		return error_set(err, DD_REFUSED, "the key %s is %s, and the book's newest is %s",
			file, is, due);
	}
	rc = key_save(key, path, book->committer_email, err);
	return rc ? rc : publish(book, key, err);
}

/* ---- looking ---- */

int book_keys(struct book *book, int (*visit)(const struct key_info *key, void *context),
	void *context, struct dd_error *err)
{
	CLEANUP(signers) struct signers signers = {0};
	int rc = signers_read(book, &signers, err);

	for (size_t i = 0; !rc && i < signers.count; i++) {
		const struct signer *signer = &signers.list[i];
		char words[KEY_WORDS_SIZE], fingerprint[KEY_WORDS_SIZE];
		struct key_info info = {
			.number = (uint32_t)i + 1,
			.words = words,
			.fingerprint = fingerprint,
			.since = signer->when,
			.who = signer->who,
			.place = signer->after,
			.current = signer == signers_newest(&signers),
			.adopted = signer->adopted,
			.fault = signer->fault,
		};

		key_words(signer->open, words);
		key_fingerprint(signer->open, fingerprint);
		git_oid_tostr(info.commit, sizeof info.commit, &signer->commit);
		rc = visit(&info, context);
	}
	return rc;
}
