/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/offer.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/evidence.h"
#include "schema/secret.h"
#include "store/secrets.h"

/* ---- tokens ---- */

#define TOKEN_BYTES ((TOKEN_SIZE - 1) / 2)
#define ID_BYTES ((MIGRATION_ID_SIZE - 1) / 2)

static void token_hash(const char *token, char hash[TOKEN_SIZE])
{
	unsigned char bytes[TOKEN_BYTES];

	crypto_generichash(
		bytes, sizeof bytes, (const unsigned char *)token, TOKEN_SIZE - 1, NULL, 0);
	sodium_bin2hex(hash, TOKEN_SIZE, bytes, sizeof bytes);
}

void token_draw(char token[TOKEN_SIZE], char hash[TOKEN_SIZE])
{
	unsigned char bytes[TOKEN_BYTES];

	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2hex(token, TOKEN_SIZE, bytes, sizeof bytes);
	sodium_memzero(bytes, sizeof bytes);
	token_hash(token, hash);
}

bool token_fits(const char *token, const char *hash)
{
	char own[TOKEN_SIZE];

	if (!token || !hash || strlen(token) != TOKEN_SIZE - 1 || strlen(hash) != TOKEN_SIZE - 1)
		return false;
	token_hash(token, own);
	return sodium_memcmp(own, hash, sizeof own) == 0;
}

void migration_id_draw(char id[MIGRATION_ID_SIZE])
{
	unsigned char bytes[ID_BYTES];

	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2hex(id, MIGRATION_ID_SIZE, bytes, sizeof bytes);
}

/* ---- making one ---- */

#define OLD_SECRETS_MAX ((uint64_t)1 << 20) /* bytes, beside what the domain has now */

struct packing {
	const struct operation *op;
	struct json *secrets;
	uint64_t bytes; /* of those that go along */
	unsigned left;  /* how many do not */
	struct dd_error *err;
};

/* What is not here either is another host's before; what is damaged only keeps what is now. */
static int secret_pack(struct packing *packing, const char *name, bool old)
{
	const struct operation *op = packing->op;
	CLEANUP(text) struct text value = TEXT_INIT;
	struct dd_error reason = {0};
	int rc = book_secret_get(op->host->book, op->row.uuid, name, &value, &reason);

	if (!rc)
		json_put_string(packing->secrets, name, text_string(&value));
	else if (rc == DD_NOT_FOUND || (old && rc == DD_CORRUPT))
		rc = 0;
	else if (packing->err)
		*packing->err = reason;
	packing->bytes += value.size;
	if (value.data)
		sodium_memzero(value.data, value.size);
	return rc;
}

/* Those of what it is now. */
static int secrets_add(
	struct packing *packing, const struct document *document, struct dd_error *err)
{
	CLEANUP(secret_list) struct secret_list list = {.items = NULL};
	int rc = document ? secrets_find(document, &list, err) : 0;

	for (size_t i = 0; !rc && i < list.count; i++) {
		const char *name = secret_name(&list.items[i]);

		if (name && !json_get(packing->secrets, name))
			rc = secret_pack(packing, name, false);
	}
	return rc;
}

/* One of an earlier version, to which somebody may want to go back. */
static int secret_add_old(const char *name, void *context)
{
	struct packing *packing = context;

	if (json_get(packing->secrets, name))
		return 0;
	if (packing->bytes < OLD_SECRETS_MAX)
		return secret_pack(packing, name, true);
	packing->left++;
	return 0;
}

static int secrets_pack(const struct operation *op, const struct document *live, struct json *out,
	struct dd_error *err)
{
	struct packing packing = {.op = op, .secrets = out, .err = err};
	int rc = secrets_add(&packing, op->config, err);

	if (!rc)
		rc = secrets_add(&packing, live, err);
	if (!rc)
		rc = book_secret_list(op->host->book, op->row.uuid, secret_add_old, &packing, err);
	if (!rc && packing.left)
		host_warn(op->host,
			"%u passwords of earlier versions of '%s' do not go along: they are too "
			"many",
			packing.left, op->row.name);
	return rc;
}

int offer_new(const struct operation *op, const char *id, const char *token_hash,
	const struct document *live, struct json **out, struct dd_error *err)
{
	CLEANUP(json) struct json *offer = json_object();
	struct json *secrets = json_object();
	struct json *disks = NULL;
	int rc = secrets_pack(op, live, secrets, err);

	json_put(offer, "secrets", secrets);
	json_put_string(offer, "id", id);
	json_put_string(offer, "uuid", op->row.uuid);
	json_put_string(offer, "name", op->row.name);
	json_put_bool(offer, "live", live != NULL);
	json_put_bool(offer, "paused", op->paused);
	json_put_bool(offer, "autostart", op->row.autostart);
	json_put_string(offer, "token_hash", token_hash);
	json_put_string(offer, "author_name", op->author.name);
	json_put_string(offer, "author_email", op->author.email);
	json_put_number(offer, "uid", op->caller.uid);
	json_put_number(offer, "acting_uid", op->caller.acting);
	json_put_string(offer, "program", op->program);
	if (op->reason)
		json_put_string(offer, "reason", op->reason);
	if (!rc && live)
		rc = detail_put_document(offer, "running", live, err);
	if (!rc)
		rc = evidence_tell(
			live ? live : op->config, live ? op->guest : NULL, true, &disks, err);
	json_put(offer, "disks", disks);
	if (!rc && json_failed(offer))
		rc = error_no_memory(err);
	if (!rc)
		*out = TAKE(offer);
	return rc;
}

bool offer_put_heads(struct json *offer, const struct parcel_heads *heads)
{
	json_put_string(offer, "head", heads->head);
	json_put_string(offer, "book", heads->book);
	json_put_number(offer, "version", heads->version);
	json_put_number(offer, "epoch", heads->epoch);
	return json_put_number(offer, "objects", (int64_t)heads->objects);
}

bool offer_put_peer(struct json *offer, const char *peer, const unsigned char key[KEY_PUBLIC_SIZE])
{
	char hex[2 * KEY_PUBLIC_SIZE + 1];

	json_put_string(offer, OFFER_PEER, peer);
	return json_put_string(
		offer, "peer_key", sodium_bin2hex(hex, sizeof hex, key, KEY_PUBLIC_SIZE));
}

/* ---- reading one ---- */

static bool is_commit(const char *word)
{
	return word && strlen(word) == COMMIT_SIZE - 1 &&
	       strspn(word, "0123456789abcdef") == COMMIT_SIZE - 1;
}

static bool is_count(const struct json *offer, const char *key, int64_t most)
{
	int64_t number = json_get_number(offer, key, -1);

	return number >= 1 && number <= most;
}

static int secret_check(const char *name, const struct json *value, void *context)
{
	(void)context;
	return strlen(name) == SECRET_NAME_SIZE - 1 &&
			       strspn(name, "0123456789abcdef") == SECRET_NAME_SIZE - 1 &&
			       json_as_string(value)
		       ? 0
		       : -1;
}

/* Which of the heads' members is missing or malformed; NULL: none. */
static const char *heads_fault(const struct json *offer)
{
	if (!is_commit(json_get_string(offer, "head")))
		return "head";
	if (!is_commit(json_get_string(offer, "book")))
		return "book";
	if (!is_count(offer, "version", UINT32_MAX - 1))
		return "version";
	if (!is_count(offer, "epoch", UINT32_MAX - 1))
		return "epoch";
	return is_count(offer, "objects", INT64_MAX) ? NULL : "objects";
}

static const char *offer_fault(const struct json *offer)
{
	const char *hash = json_get_string(offer, "token_hash");

	if (!migration_id_valid(json_get_string(offer, "id")))
		return "id";
	if (!migration_uuid_valid(json_get_string(offer, "uuid")))
		return "uuid";
	if (!json_get_string(offer, "name"))
		return "name";
	if (!hash || strlen(hash) != TOKEN_SIZE - 1)
		return "token_hash";
	if (json_get_bool(offer, "live", false) != (json_get_string(offer, "running") != NULL))
		return "running";
	if (json_each(json_get(offer, "secrets"), secret_check, NULL))
		return "secrets";
	if (!json_get_string(offer, "author_name") || !json_get_string(offer, "author_email") ||
		!json_get_string(offer, "program"))
		return "author";
	return heads_fault(offer);
}

static int refuse(const char *fault, struct dd_error *err)
{
	return fault ? error_set(err, DD_INVALID,
			       "what the other host tells of a domain has no valid '%s'", fault)
		     : 0;
}

int offer_check(const struct json *offer, struct dd_error *err)
{
	return refuse(offer_fault(offer), err);
}

int offer_heads(const struct json *offer, struct parcel_heads *out, struct dd_error *err)
{
	int rc = refuse(heads_fault(offer), err);

	if (rc)
		return rc;
	memcpy(out->head, json_get_string(offer, "head"), COMMIT_SIZE);
	memcpy(out->book, json_get_string(offer, "book"), COMMIT_SIZE);
	out->version = (uint32_t)json_get_number(offer, "version", 0);
	out->epoch = (uint32_t)json_get_number(offer, "epoch", 0);
	out->objects = (uint64_t)json_get_number(offer, "objects", 0);
	return 0;
}

int offer_key(const struct json *offer, unsigned char key[KEY_PUBLIC_SIZE], struct dd_error *err)
{
	const char *hex = json_get_string(offer, "peer_key");
	size_t size = 0;

	if (hex && sodium_hex2bin(key, KEY_PUBLIC_SIZE, hex, strlen(hex), NULL, &size, NULL) == 0 &&
		size == KEY_PUBLIC_SIZE)
		return 0;
	return error_set(
		err, DD_CORRUPT, "what was put aside of an offer does not say whose it is");
}

/* ---- secrets ---- */

struct drafts {
	struct secret_draft *items;
	size_t count;
	struct dd_error *err;
};

static void cleanup_drafts(struct drafts *drafts)
{
	free(drafts->items);
}

static int draft_add(const char *name, const struct json *value, void *context)
{
	struct drafts *drafts = context;
	struct secret_draft *items = reallocarray(drafts->items, drafts->count + 1, sizeof *items);

	if (!items)
		return error_no_memory(drafts->err);
	drafts->items = items;
	memcpy(items[drafts->count].name, name, SECRET_NAME_SIZE);
	items[drafts->count++].value = json_as_string(value);
	return 0;
}

int offer_secrets_put(struct book *book, const struct json *offer, struct dd_error *err)
{
	CLEANUP(drafts) struct drafts drafts = {.err = err};
	int rc = json_each(json_get(offer, "secrets"), draft_add, &drafts);

	if (rc || !drafts.count)
		return rc;
	/* a domain that comes back finds its own: they are sealed anew */
	rc = book_secrets_drop(
		book, json_get_string(offer, "uuid"), drafts.items, drafts.count, err);
	return rc ? rc
		  : book_secrets_put(
			    book, json_get_string(offer, "uuid"), drafts.items, drafts.count, err);
}

int offer_secrets_drop(struct book *book, const struct json *offer, struct dd_error *err)
{
	CLEANUP(drafts) struct drafts drafts = {.err = err};
	int rc = json_each(json_get(offer, "secrets"), draft_add, &drafts);

	if (rc || !drafts.count)
		return rc;
	return book_secrets_drop(
		book, json_get_string(offer, "uuid"), drafts.items, drafts.count, err);
}
