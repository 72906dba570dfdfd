/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/peer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "domain/reason.h"
#include "migrate/row.h"

#define ROW "peer/" /* and the name, of the book's settings */

_Static_assert(DD_KEY_SIZE == KEY_WORDS_SIZE && DD_ADDRESS_SIZE == ADDRESS_MAX &&
		       DD_HOST_NAME_SIZE == PEER_NAME_MAX,
	"handed on as they are");

/* ---- this host ---- */

int dd_host_identity(struct dd_host *host, struct dd_identity *out, struct dd_error *err)
{
	unsigned char key[KEY_PUBLIC_SIZE];
	int rc = book_identity(host->book, key, err);

	if (rc)
		return rc;
	snprintf(out->name, sizeof out->name, "%s", book_host_name(host->book));
	key_words(key, out->key);
	key_fingerprint(key, out->fingerprint);
	return 0;
}

/* ---- rows ---- */

/* What is known of a peer, as it is kept; its words belong to json. */
struct row {
	struct json *json;
	unsigned char key[KEY_PUBLIC_SIZE];
	struct dd_peer told;
	char words[DD_KEY_SIZE], fingerprint[DD_KEY_SIZE];
};

static void row_release(struct row *row)
{
	json_free(row->json);
	row->json = NULL;
}

static void cleanup_row(struct row *row)
{
	row_release(row);
}

static const char *words_of(const struct json *json, const char *member)
{
	const char *words = json_get_string(json, member);

	return words ? words : "";
}

/* row->told points into row, which therefore stays where it is. */
static int row_read(const char *name, const char *value, struct row *row, struct dd_error *err)
{
	int rc = json_parse(value, strlen(value), &row->json, err);

	if (rc || !key_words_read(words_of(row->json, "key"), row->key)) {
		row_release(row);
		return error_set(err, DD_CORRUPT, "the book's peer '%s' cannot be read", name);
	}
	key_words(row->key, row->words);
	key_fingerprint(row->key, row->fingerprint);
	row->told = (struct dd_peer){
		.name = name,
		.address = words_of(row->json, "address"),
		.key = row->words,
		.fingerprint = row->fingerprint,
		.since = json_get_number(row->json, "since", 0),
		.who = words_of(row->json, "who"),
		.reason = words_of(row->json, "reason"),
		.revoked = json_get_number(row->json, "revoked", 0),
		.revoked_by = words_of(row->json, "revoked_by"),
		.revoked_reason = words_of(row->json, "revoked_reason"),
	};
	return 0;
}

static int setting_name(const char *name, char **out, struct dd_error *err)
{
	return string_format(out, err, ROW "%s", name);
}

static int row_write(
	struct dd_host *host, const char *name, const struct json *json, struct dd_error *err)
{
	CLEANUP(free) char *setting = NULL;
	CLEANUP(text) struct text value = TEXT_INIT;
	int rc = setting_name(name, &setting, err);

	if (!rc)
		rc = json ? json_write(json, &value, err) : error_no_memory(err);
	return rc ? rc : book_setting_put(host->book, setting, text_string(&value), err);
}

static int unknown(struct dd_host *host, const char *name, struct dd_error *err)
{
	if (strcmp(name, book_host_name(host->book)) == 0) {
		error_set(err, DD_NOT_FOUND, "'%s' is this host itself, and no peer of it", name);
		return error_hint(err, "to another QEMU on this host: migrate NAME --local");
	}
	error_set(err, DD_NOT_FOUND, "there is no peer '%s'", name);
	return error_hint(err, "domesday peer add %s ADDRESS KEY", name);
}

static int row_find(struct dd_host *host, const char *name, struct row *row, struct dd_error *err)
{
	CLEANUP(free) char *setting = NULL;
	CLEANUP(text) struct text value = TEXT_INIT;
	int rc = setting_name(name, &setting, err);

	if (!rc)
		rc = book_setting_get(host->book, setting, &value, err);
	if (rc == DD_NOT_FOUND)
		return unknown(host, name, err);
	return rc ? rc : row_read(name, text_string(&value), row, err);
}

struct rows_visit {
	dd_peer_fn tell;
	void *context;
	struct dd_error *err;
};

static int tell_row(const char *name, const char *value, void *context)
{
	const struct rows_visit *visit = context;
	CLEANUP(row) struct row row = {.json = NULL};
	int rc = row_read(name + strlen(ROW), value, &row, visit->err);

	return rc ? rc : visit->tell(&row.told, visit->context);
}

int dd_peers(struct dd_host *host, dd_peer_fn peer, void *context, struct dd_error *err)
{
	struct rows_visit visit = {peer, context, err};

	return book_setting_list(host->book, ROW, tell_row, &visit, err);
}

/* ---- finding one ---- */

static int peer_fill(const struct dd_peer *told, struct peer *out)
{
	snprintf(out->name, sizeof out->name, "%s", told->name);
	snprintf(out->address, sizeof out->address, "%s", told->address);
	out->revoked = told->revoked != 0;
	return key_words_read(told->key, out->key) ? 0 : DD_CORRUPT;
}

int peer_find(struct dd_host *host, const char *name, struct peer *out, struct dd_error *err)
{
	CLEANUP(row) struct row row = {.json = NULL};
	int rc = row_find(host, name, &row, err);

	return rc ? rc : peer_fill(&row.told, out);
}

struct key_visit {
	char words[DD_KEY_SIZE];
	struct peer *out;
};

#define FOUND 1

static int match_key(const struct dd_peer *told, void *context)
{
	const struct key_visit *visit = context;

	if (strcmp(told->key, visit->words) != 0)
		return 0;
	return peer_fill(told, visit->out) ? DD_CORRUPT : FOUND;
}

int peer_trusted(const struct peer *peer, struct dd_error *err)
{
	if (!peer->revoked)
		return 0;
	error_set(err, DD_REFUSED, "the peer '%s' is revoked", peer->name);
	return error_hint(err, "if it is to be trusted again: domesday peer add %s %s 'KEY'",
		peer->name, peer->address);
}

int peer_find_key(struct dd_host *host, const unsigned char key[KEY_PUBLIC_SIZE], struct peer *out,
	struct dd_error *err)
{
	struct key_visit visit = {.out = out};
	char fingerprint[KEY_WORDS_SIZE];
	int rc;

	key_words(key, visit.words);
	rc = dd_peers(host, match_key, &visit, err);
	if (rc == FOUND || rc < 0)
		return rc == FOUND ? 0 : rc;
	key_fingerprint(key, fingerprint);
	return error_set(err, DD_NOT_FOUND, "no peer has the key %s", fingerprint);
}

/* ---- adding and revoking ---- */

/* A key is one host's, and not ours. */
static int key_check(struct dd_host *host, const char *name,
	const unsigned char key[KEY_PUBLIC_SIZE], struct dd_error *err)
{
	unsigned char own[KEY_PUBLIC_SIZE];
	struct peer other;
	int rc = book_identity(host->book, own, err);

	if (rc)
		return rc;
	if (memcmp(own, key, sizeof own) == 0)
		return error_set(err, DD_REFUSED, "that is this host's own key");
	rc = peer_find_key(host, key, &other, err);
	if (rc == DD_NOT_FOUND)
		return 0;
	if (rc || strcmp(other.name, name) == 0)
		return rc;
	error_set(err, DD_EXISTS, "the peer '%s' has that key%s", other.name,
		other.revoked ? ", and is revoked" : "");
	return error_hint(err,
		"if that host is called '%s' now: make it another key there, by domesday key "
		"rotate, and add it with that one",
		name);
}

static int name_check(struct dd_host *host, const char *name, struct dd_error *err)
{
	if (!host_name_valid(name))
		return error_set(err, DD_INVALID, "'%s' is no host name", name);
	if (strcmp(name, book_host_name(host->book)) != 0)
		return 0;
	error_set(err, DD_REFUSED, "'%s' is this host's own name", name);
	return error_hint(err, "domains go by their hosts' names, so each has to have its own");
}

static int who(struct dd_host *host, char **out, struct dd_error *err)
{
	return string_format(out, err, "%s <%s>", host->author_name, host->author_email);
}

int dd_peer_add(struct dd_host *host, const struct dd_peer_pin *pin, struct dd_error *err)
{
	CLEANUP(json) struct json *json = json_object();
	CLEANUP(free) char *author = NULL;
	unsigned char key[KEY_PUBLIC_SIZE];
	char address[ADDRESS_MAX], words[KEY_WORDS_SIZE];
	const char *reason = NULL;
	struct address parsed;
	int rc = name_check(host, pin->name, err);

	if (!rc)
		rc = address_parse(pin->address, &parsed, err);
	if (!rc && strspn(parsed.port, "0") == strlen(parsed.port))
		rc = error_set(err, DD_INVALID, "'%s' has port 0, at which nobody can be reached",
			pin->address);
	if (!rc && !key_words_read(pin->key, key)) {
		error_set(err, DD_INVALID, "'%s' is no key", pin->key);
		error_hint(err, "\"" KEY_TYPE " AAAA…\", as domesday identity tells it there");
		rc = DD_INVALID;
	}
	if (!rc)
		rc = key_check(host, pin->name, key, err);
	if (!rc)
		rc = reason_find(host, "peer", pin->reason, &reason, err);
	if (!rc)
		rc = who(host, &author, err);
	if (rc)
		return rc;
	address_format(&parsed, address);
	key_words(key, words);
	json_put_string(json, "address", address);
	json_put_string(json, "key", words);
	json_put_number(json, "since", time(NULL));
	json_put_string(json, "who", author);
	if (reason)
		json_put_string(json, "reason", reason);
	return row_write(host, pin->name, json, err);
}

int dd_peer_revoke(struct dd_host *host, const char *name, const char *reason, struct dd_error *err)
{
	CLEANUP(row) struct row row = {.json = NULL};
	CLEANUP(free) char *author = NULL;
	int rc = row_find(host, name, &row, err);

	if (!rc && row.told.revoked)
		rc = error_set(err, DD_REFUSED, "the peer '%s' is revoked already", name);
	if (!rc)
		rc = reason_find(host, "peer", reason, &reason, err);
	if (!rc)
		rc = who(host, &author, err);
	if (rc)
		return rc;
	json_put_number(row.json, "revoked", time(NULL));
	json_put_string(row.json, "revoked_by", author);
	if (reason)
		json_put_string(row.json, "revoked_reason", reason);
	rc = row_write(host, name, row.json, err);
	return rc ? rc : migration_peer_call_off(host, name, err);
}

/* One that is revoked stays: its key would be a stranger's, of which one is asked by hand only. */
int dd_peer_remove(struct dd_host *host, const char *name, const char *reason, struct dd_error *err)
{
	CLEANUP(row) struct row row = {.json = NULL};
	CLEANUP(free) char *setting = NULL;
	int rc = row_find(host, name, &row, err);

	if (!rc && row.told.revoked) {
		error_set(err, DD_REFUSED,
			"the peer '%s' is revoked, and stays, so that its key is not taken for a "
			"new one",
			name);
		rc = error_hint(err, "'peer add' with its key trusts it again");
	}
	if (!rc)
		rc = migration_peer_free(host, name, err);
	if (!rc)
		rc = reason_find(host, "peer", reason, &reason, err);
	if (!rc)
		rc = setting_name(name, &setting, err);
	return rc ? rc : book_setting_drop(host->book, setting, err);
}
