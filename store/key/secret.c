/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets, sealed. A row of the table `secret` is
 *
 *   name    32 hexadecimal digits, drawn at random: says nothing, and versions may name it for ever
 *   uuid    of the domain that it belongs to
 *   sealed  nonce (24 bytes), and behind it the secret, padded to a multiple of 64 bytes and
 *           encrypted with XChaCha20-Poly1305 under the key of keys/secrets. The tag covers uuid
 * and name too, so a row cannot be put in another's place.
 *
 * Rows are added and removed, never changed. With the first one comes the setting `secrets-since`:
 * the newest place in the chain of then. A book that was made anew from its history alone has no
 * row of what was sealed before, and lacks none. The key is made when the first secret comes: a
 * file of mode 0600 with 32 random bytes in hexadecimal. It is in no pack, no clone and no version.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/folder.h"
#include "store/key/secret.h"
#include "store/room.h"
#include "store/secrets.h"

#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_SIZE crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define KEY_TEXT_SIZE (2 * KEY_SIZE + 1) /* and a newline */
#define PAD_SIZE 64
#define SUBJECT_SIZE (UUID_SIZE + BOOK_SECRET_NAME_SIZE) /* what the tag covers besides */

static const char table[] =
	"CREATE TABLE secret("
	"  name TEXT PRIMARY KEY, uuid TEXT NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;";

int secret_table_make(struct database *database, struct dd_error *err)
{
	return database_execute(database, table, err);
}

/* ---- the key ---- */

struct sealing_key {
	unsigned char bytes[KEY_SIZE];
};

static void cleanup_sealing_key(struct sealing_key *key)
{
	sodium_memzero(key, sizeof *key);
}

static int key_path(const struct book *book, char **path, struct dd_error *err)
{
	if (sodium_init() < 0)
		return error_set(err, DD_SYSTEM, "no source of random numbers");
	return book_path(book, "keys/secrets", path, err);
}

static int key_read(const char *path, struct sealing_key *key, struct dd_error *err)
{
	CLEANUP(close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[KEY_TEXT_SIZE + 2] = "";
	struct stat status;
	ssize_t got;
	int bad;

	if (fd < 0 && errno == ENOENT) {
		error_set(err, DD_REFUSED, "the key %s is missing", path);
		return error_hint(err, "bring it back from a backup");
	}
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno(err, errno, "cannot open the key %s", path);
	if (status.st_mode & 077) {
		error_set(err, DD_REFUSED, "the key %s may be read by others", path);
		error_hint(err, "chmod 600 %s", path);
		return DD_REFUSED;
	}
	got = read(fd, text, sizeof text - 1);
	if (got < 0)
		return error_errno(err, errno, "cannot read the key %s", path);
	bad = got != KEY_TEXT_SIZE || text[KEY_TEXT_SIZE - 1] != '\n' ||
	      sodium_hex2bin(key->bytes, sizeof key->bytes, text, KEY_TEXT_SIZE - 1, NULL, NULL,
		      NULL) != 0;
	sodium_memzero(text, sizeof text);
	return bad ? error_set(err, DD_CORRUPT, "%s is no key of ours", path) : 0;
}

/* Whole before it has its name, and the first one to give it that wins. */
static int key_write(const struct book *book, const char *path, struct dd_error *err)
{
	CLEANUP(sealing_key) struct sealing_key key;
	CLEANUP(free) char *folder = NULL;
	CLEANUP(free) char *made = NULL;
	char text[KEY_TEXT_SIZE + 1];
	int rc = book_path(book, "keys", &folder, err);

	randombytes_buf(key.bytes, sizeof key.bytes);
	sodium_bin2hex(text, sizeof text, key.bytes, sizeof key.bytes);
	text[KEY_TEXT_SIZE - 1] = '\n';
	if (!rc)
		rc = string_format(&made, err, "%s.%ld.new", path, (long)getpid());
	if (!rc)
		rc = file_replace(made, 0600, text, KEY_TEXT_SIZE, err);
	sodium_memzero(text, sizeof text);
	if (rc)
		return rc;
	if (link(made, path) < 0 && errno != EEXIST)
		rc = error_errno(err, errno, "cannot make the key %s", path);
	(void)unlink(made);
	return rc ? rc : folder_sync(folder, err);
}

static int key_need(
	const struct book *book, bool make, struct sealing_key *key, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	bool there = true;
	int rc = key_path(book, &path, err);

	if (!rc && make)
		rc = file_there(path, &there, err);
	if (!rc && !there)
		rc = key_write(book, path, err);
	return rc ? rc : key_read(path, key, err);
}

/* ---- sealing ---- */

int book_secret_name(char name[BOOK_SECRET_NAME_SIZE], struct dd_error *err)
{
	unsigned char bytes[(BOOK_SECRET_NAME_SIZE - 1) / 2];

	if (sodium_init() < 0)
		return error_set(err, DD_SYSTEM, "no source of random numbers");
	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2hex(name, BOOK_SECRET_NAME_SIZE, bytes, sizeof bytes);
	return 0;
}

static void subject_fill(char subject[SUBJECT_SIZE], const char *uuid, const char *name)
{
	memset(subject, 0, SUBJECT_SIZE);
	snprintf(subject, SUBJECT_SIZE, "%s %s", uuid, name);
}

/* *sealed is owned by the caller. */
static int seal(const struct sealing_key *key, const char *uuid, const struct secret_draft *draft,
	unsigned char **sealed, size_t *size, struct dd_error *err)
{
	size_t padded = (strlen(draft->value) / PAD_SIZE + 1) * PAD_SIZE;
	unsigned char *plain = calloc(1, padded);
	unsigned char *out = calloc(1, NONCE_SIZE + padded + TAG_SIZE);
	char subject[SUBJECT_SIZE];

	if (!plain || !out) {
		free(plain);
		free(out);
		return error_no_memory(err);
	}
	memcpy(plain, draft->value, strlen(draft->value));
	(void)sodium_pad(NULL, plain, strlen(draft->value), PAD_SIZE, padded);
	subject_fill(subject, uuid, draft->name);
	randombytes_buf(out, NONCE_SIZE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_SIZE, NULL, plain, padded,
		(const unsigned char *)subject, sizeof subject, NULL, out, key->bytes);
	sodium_memzero(plain, padded);
	free(plain);
	*sealed = out;
	*size = NONCE_SIZE + padded + TAG_SIZE;
	return 0;
}

static int unseal(const struct sealing_key *key, const char *uuid, const char *name,
	const unsigned char *sealed, size_t size, struct text *out, struct dd_error *err)
{
	char subject[SUBJECT_SIZE];
	unsigned char *plain;
	size_t length = 0;
	bool good = size > NONCE_SIZE + TAG_SIZE;

	if (!good)
		return DD_CORRUPT;
	plain = malloc(size);
	if (!plain)
		return error_no_memory(err);
	subject_fill(subject, uuid, name);
	size -= NONCE_SIZE + TAG_SIZE;
	good = crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed + NONCE_SIZE,
		       size + TAG_SIZE, (const unsigned char *)subject, sizeof subject, sealed,
		       key->bytes) == 0 &&
	       sodium_unpad(&length, plain, size, PAD_SIZE) == 0;
	if (good)
		text_add(out, plain, length);
	sodium_memzero(plain, size);
	free(plain);
	if (!good)
		return DD_CORRUPT;
	return text_failed(out) ? error_no_memory(err) : 0;
}

/* ---- rows ---- */

struct rows {
	struct book *book;
	const char *uuid;
	const struct secret_draft *drafts;
	size_t count;
	const struct sealing_key *key;
};

static int since_write(struct book *book, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"INSERT INTO setting(key, value)"
		" SELECT 'secrets-since', (SELECT coalesce(max(seq), 0) FROM version)"
		" WHERE NOT EXISTS (SELECT 1 FROM secret) ON CONFLICT DO NOTHING");

	return statement_run(&statement, err);
}

static int rows_write(void *context, struct dd_error *err)
{
	const struct rows *rows = context;
	int rc = since_write(rows->book, err);

	for (size_t i = 0; !rc && i < rows->count; i++) {
		CLEANUP(free) unsigned char *sealed = NULL;
		size_t size = 0;
		struct statement statement;

		rc = seal(rows->key, rows->uuid, &rows->drafts[i], &sealed, &size, err);
		if (rc)
			break;
		statement = statement_begin(&rows->book->database,
			"INSERT INTO secret(name, uuid, sealed) VALUES(?, ?, ?)");
		statement_text(&statement, rows->drafts[i].name);
		statement_text(&statement, rows->uuid);
		statement_blob(&statement, sealed, size);
		rc = statement_run(&statement, err);
	}
	return rc;
}

static int rows_delete(void *context, struct dd_error *err)
{
	const struct rows *rows = context;
	int rc = 0;

	for (size_t i = 0; !rc && i < rows->count; i++) {
		struct statement statement = statement_begin(
			&rows->book->database, "DELETE FROM secret WHERE name = ? AND uuid = ?");

		statement_text(&statement, rows->drafts[i].name);
		statement_text(&statement, rows->uuid);
		rc = statement_run(&statement, err);
	}
	return rc;
}

int book_secrets_put(struct book *book, const char *uuid, const struct secret_draft *drafts,
	size_t count, struct dd_error *err)
{
	CLEANUP(sealing_key) struct sealing_key key;
	struct rows rows = {book, uuid, drafts, count, &key};
	int rc = key_need(book, true, &key, err);

	return rc ? rc : database_change(&book->database, "secrets", rows_write, &rows, err);
}

int book_secrets_drop(struct book *book, const char *uuid, const struct secret_draft *drafts,
	size_t count, struct dd_error *err)
{
	struct rows rows = {book, uuid, drafts, count, NULL};

	return database_change(&book->database, "secrets", rows_delete, &rows, err);
}

int book_secret_list(struct book *book, const char *uuid, book_secret_fn secret, void *context,
	struct dd_error *err)
{
	CLEANUP(statement)
	struct statement statement = statement_begin(
		&book->database, "SELECT name FROM secret WHERE uuid = ? ORDER BY name");
	int rc = 0;

	statement_text(&statement, uuid);
	while (!rc && statement_row(&statement))
		rc = secret(statement_string(&statement, 0), context);
	return rc ? rc : statement_end(&statement, err);
}

int book_secret_get(struct book *book, const char *uuid, const char *name, struct text *out,
	struct dd_error *err)
{
	CLEANUP(sealing_key) struct sealing_key key;
	CLEANUP(statement)
	struct statement statement = statement_begin(
		&book->database, "SELECT sealed FROM secret WHERE name = ? AND uuid = ?");
	int rc;

	statement_text(&statement, name);
	statement_text(&statement, uuid);
	if (!statement_row(&statement)) {
		rc = statement_end(&statement, err);
		return rc ? rc : error_set(err, DD_NOT_FOUND, "it is not in this book");
	}
	rc = key_need(book, false, &key, err);
	if (rc)
		return rc;
	rc = unseal(&key, uuid, name, sqlite3_column_blob(statement.handle, 0),
		(size_t)sqlite3_column_bytes(statement.handle, 0), out, err);
	if (rc == DD_CORRUPT)
		error_set(err, DD_CORRUPT,
			"it is damaged, or was sealed with another key than keys/secrets");
	return rc;
}

/* Whether there is any row, and the setting, -1 where it is none. */
static int since_read(struct book *book, bool *any, int64_t *since, struct dd_error *err)
{
	struct statement statement = statement_begin(&book->database,
		"SELECT EXISTS (SELECT 1 FROM secret),"
		" coalesce((SELECT value FROM setting WHERE key = 'secrets-since'), -1)");

	*any = false;
	*since = -1;
	if (statement_row(&statement)) {
		*any = statement_integer(&statement, 0) != 0;
		*since = statement_integer(&statement, 1);
	}
	return statement_end(&statement, err);
}

static int key_there(const struct book *book, bool *there, struct dd_error *err)
{
	CLEANUP(free) char *path = NULL;
	int rc = book_path(book, "keys/secrets", &path, err);

	return rc ? rc : file_there(path, there, err);
}

int book_secret_due(
	struct book *book, const char *uuid, uint32_t number, bool *due, struct dd_error *err)
{
	bool any, there = false;
	int64_t since;
	int rc = since_read(book, &any, &since, err);

	if (!rc && !any && since < 0)
		rc = key_there(book, &there, err);
	if (rc)
		return rc;
	*due = any || since >= 0 || there;
	if (!*due || since < 0)
		return 0;

	struct statement statement = statement_begin(&book->database,
		"SELECT min(v.seq) <= ?3 FROM version v JOIN domain d ON d.id = v.domain"
		" WHERE d.uuid = ?1 AND v.number >= ?2");

	statement_text(&statement, uuid);
	statement_number(&statement, number);
	statement_number(&statement, since);
	if (statement_row(&statement))
		*due = !statement_integer(&statement, 0);
	return statement_end(&statement, err);
}
