/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/channel/handshake.h"

#include <assert.h>
#include <string.h>

#define MAGIC "domesday-peer" /* with its NUL */
#define HEAD_SIZE (sizeof MAGIC + 2)
#define FRESH_SIZE crypto_scalarmult_curve25519_BYTES
#define REST_SIZE (2 + FRESH_SIZE) /* ciphers, zero, fresh key */
#define HELLO_SIZE (HEAD_SIZE + REST_SIZE)
#define TAG_SIZE crypto_aead_chacha20poly1305_ietf_ABYTES
#define NONCE_SIZE crypto_aead_chacha20poly1305_ietf_NPUBBYTES
#define PROOF_SIZE (KEY_PUBLIC_SIZE + KEY_SIGNATURE_SIZE)
#define HASH_SIZE 32
#define KEY_CONTEXT "DDpeer01" /* of crypto_kdf */

_Static_assert(HELLO_SIZE + PROOF_SIZE + TAG_SIZE <= HANDSHAKE_MOST, "a message is too long");
_Static_assert(1 + HASH_SIZE + KEY_PUBLIC_SIZE <= KEY_VOUCH_MAX, "too much to vouch for");

/* Who says it, in what is signed; and the number of the direction's key. */
enum side { CALLED = 0, CALLER = 1 };
static const unsigned char letters[] = {[CALLED] = 'R', [CALLER] = 'I'};

/* Numbers of the keys that come from one secret. */
enum { KEY_SEALS = 1, KEY_VERDICT = 3, KEY_FRAMES = 4 };

enum step {
	STEP_HEAD,    /* the part of a hello that is alike in all versions */
	STEP_HELLO,   /* the rest of it; to the caller with the proof */
	STEP_PROOF,   /* of the caller */
	STEP_JUDGE,   /* it is for the owner of the handshake to judge */
	STEP_VERDICT, /* on the caller */
	STEP_DONE,
	STEP_NO_CALLER,
};

struct handshake {
	struct handshake_self self;
	enum side side;
	enum step step;
	bool pinned, proved;
	unsigned ciphers; /* that are offered; then the one that is taken */
	unsigned char expected[KEY_PUBLIC_SIZE];
	unsigned char peer[KEY_PUBLIC_SIZE];
	unsigned char fresh_secret[FRESH_SIZE], fresh[FRESH_SIZE];
	unsigned char hash[HASH_SIZE];             /* of all that went before */
	unsigned char secret[crypto_kdf_KEYBYTES]; /* for the handshake itself */
	unsigned char frames[crypto_kdf_KEYBYTES]; /* for what comes after it */
	unsigned char head[HEAD_SIZE];             /* of the other's hello */
};

/* ---- what both sides do ---- */

static void hash_add(struct handshake *handshake, const void *data, size_t size)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, HASH_SIZE);
	crypto_generichash_update(&state, handshake->hash, HASH_SIZE);
	crypto_generichash_update(&state, data, size);
	crypto_generichash_final(&state, handshake->hash, HASH_SIZE);
}

static void bytes_add(struct handshake_bytes *bytes, const void *data, size_t size)
{
	assert(bytes->size + size <= sizeof bytes->data);
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

static int changed(struct dd_error *err)
{
	return error_set(err, DD_CORRUPT, "what came is no sound handshake");
}

static void head_make(unsigned char head[HEAD_SIZE])
{
	memcpy(head, MAGIC, sizeof MAGIC);
	head[HEAD_SIZE - 2] = HANDSHAKE_VERSION >> 8;
	head[HEAD_SIZE - 1] = HANDSHAKE_VERSION & 0xff;
}

static void hello_add(struct handshake *handshake, unsigned ciphers, struct handshake_bytes *out)
{
	unsigned char head[HEAD_SIZE];
	const unsigned char choice[] = {(unsigned char)ciphers, 0};
	const size_t before = out->size;

	head_make(head);
	bytes_add(out, head, sizeof head);
	bytes_add(out, choice, sizeof choice);
	bytes_add(out, handshake->fresh, FRESH_SIZE);
	hash_add(handshake, out->data + before, HELLO_SIZE);
}

/* A key for one thing, from a secret. */
static void derive(
	const unsigned char secret[crypto_kdf_KEYBYTES], unsigned number, unsigned char key[32])
{
	(void)crypto_kdf_derive_from_key(key, 32, number, KEY_CONTEXT, secret);
}

/* Each key seals one thing, so that the nonce may be the same. */
static void seal(const struct handshake *handshake, unsigned number, const void *data, size_t size,
	unsigned char *out)
{
	static const unsigned char nonce[NONCE_SIZE];
	unsigned char key[32];

	derive(handshake->secret, number, key);
	crypto_aead_chacha20poly1305_ietf_encrypt(
		out, NULL, data, size, handshake->hash, HASH_SIZE, NULL, nonce, key);
	sodium_memzero(key, sizeof key);
}

static bool unseal(const struct handshake *handshake, unsigned number, const unsigned char *sealed,
	size_t size, unsigned char *out)
{
	static const unsigned char nonce[NONCE_SIZE];
	unsigned char key[32];
	int bad;

	derive(handshake->secret, number, key);
	bad = crypto_aead_chacha20poly1305_ietf_decrypt(
		out, NULL, NULL, sealed, size, handshake->hash, HASH_SIZE, nonce, key);
	sodium_memzero(key, sizeof key);
	return bad == 0;
}

/*
 * The secret of both fresh keys, bound to both hellos. What comes from a point of low order is
 * known to everybody and refused.
 */
static bool agree(struct handshake *handshake, const unsigned char fresh[FRESH_SIZE])
{
	unsigned char shared[FRESH_SIZE];
	bool good = memcmp(fresh, handshake->fresh, FRESH_SIZE) != 0 &&
		    crypto_scalarmult_curve25519(shared, handshake->fresh_secret, fresh) == 0;

	if (good)
		crypto_generichash(handshake->secret, sizeof handshake->secret, handshake->hash,
			HASH_SIZE, shared, sizeof shared);
	sodium_memzero(shared, sizeof shared);
	sodium_memzero(handshake->fresh_secret, sizeof handshake->fresh_secret);
	return good;
}

/* What a side signs: which one it is, all that was said, and who it is. */
struct statement_signed {
	unsigned char data[1 + HASH_SIZE + KEY_PUBLIC_SIZE];
};

static struct statement_signed state(
	const struct handshake *handshake, enum side side, const unsigned char *key)
{
	struct statement_signed said;

	said.data[0] = letters[side];
	memcpy(said.data + 1, handshake->hash, HASH_SIZE);
	memcpy(said.data + 1 + HASH_SIZE, key, KEY_PUBLIC_SIZE);
	return said;
}

/* Adds who this side is, and the proof, sealed. */
static int proof_add(struct handshake *handshake, struct handshake_bytes *out, struct dd_error *err)
{
	unsigned char proof[PROOF_SIZE], sealed[PROOF_SIZE + TAG_SIZE];
	const struct handshake_self *self = &handshake->self;
	struct statement_signed said;
	int rc = self->identity(self->context, proof, err);

	if (rc)
		return rc;
	said = state(handshake, handshake->side, proof);
	rc = self->vouch(self->context, said.data, sizeof said.data, proof + KEY_PUBLIC_SIZE, err);
	if (rc)
		return rc;
	seal(handshake, KEY_SEALS + handshake->side, proof, sizeof proof, sealed);
	hash_add(handshake, sealed, sizeof sealed);
	bytes_add(out, sealed, sizeof sealed);
	return 0;
}

static int proof_check(
	struct handshake *handshake, const unsigned char *sealed, struct dd_error *err)
{
	enum side other = handshake->side == CALLED ? CALLER : CALLED;
	unsigned char proof[PROOF_SIZE];
	struct statement_signed said;

	if (!unseal(handshake, KEY_SEALS + other, sealed, PROOF_SIZE + TAG_SIZE, proof))
		return changed(err);
	said = state(handshake, other, proof);
	if (!key_vouched(proof, said.data, sizeof said.data, proof + KEY_PUBLIC_SIZE))
		return error_set(err, DD_CORRUPT,
			"the other side does not have the key that it says is its own");
	hash_add(handshake, sealed, PROOF_SIZE + TAG_SIZE);
	memcpy(handshake->peer, proof, KEY_PUBLIC_SIZE);
	handshake->proved = true;
	return 0;
}

static void frames_agree(struct handshake *handshake)
{
	unsigned char key[32];

	derive(handshake->secret, KEY_FRAMES, key);
	crypto_generichash(handshake->frames, sizeof handshake->frames, handshake->hash, HASH_SIZE,
		key, sizeof key);
	sodium_memzero(key, sizeof key);
}

/* ---- beginning and end ---- */

static int begin(const struct handshake_self *self, enum side side, unsigned ciphers,
	struct handshake **out, struct dd_error *err)
{
	struct handshake *handshake;
	int rc = key_start(err);

	if (rc)
		return rc;
	handshake = sodium_malloc(sizeof *handshake);
	if (!handshake)
		return error_no_memory(err);
	memset(handshake, 0, sizeof *handshake);
	handshake->side = side;
	handshake->ciphers = ciphers;
	if (self)
		handshake->self = *self;
	randombytes_buf(handshake->fresh_secret, FRESH_SIZE);
	crypto_scalarmult_curve25519_base(handshake->fresh, handshake->fresh_secret);
	*out = handshake;
	return 0;
}

int handshake_call(const struct handshake_self *self, const unsigned char *expected,
	unsigned ciphers, struct handshake **handshake, struct handshake_bytes *out,
	struct dd_error *err)
{
	int rc = begin(self, CALLER, ciphers, handshake, err);

	if (rc)
		return rc;
	if (expected) {
		(*handshake)->pinned = true;
		memcpy((*handshake)->expected, expected, KEY_PUBLIC_SIZE);
	}
	out->size = 0;
	hello_add(*handshake, ciphers, out);
	return 0;
}

int handshake_answer(const struct handshake_self *self, unsigned ciphers,
	struct handshake **handshake, struct dd_error *err)
{
	return begin(self, CALLED, ciphers, handshake, err);
}

void handshake_free(struct handshake *handshake)
{
	sodium_free(handshake);
}

enum handshake_state handshake_state(const struct handshake *handshake)
{
	switch (handshake->step) {
	case STEP_JUDGE:
		return HANDSHAKE_JUDGES;
	case STEP_DONE:
		return HANDSHAKE_DONE;
	case STEP_NO_CALLER:
		return HANDSHAKE_NO_CALLER;
	default:
		return HANDSHAKE_HEARS;
	}
}

size_t handshake_wants(const struct handshake *handshake)
{
	switch (handshake->step) {
	case STEP_HEAD:
		return HEAD_SIZE;
	case STEP_HELLO:
		return REST_SIZE + (handshake->side == CALLER ? PROOF_SIZE + TAG_SIZE : 0);
	case STEP_PROOF:
		return PROOF_SIZE + TAG_SIZE;
	case STEP_VERDICT:
		return 1 + TAG_SIZE;
	default:
		return 0;
	}
}

const unsigned char *handshake_peer(const struct handshake *handshake)
{
	return handshake->proved ? handshake->peer : NULL;
}

/* ---- hearing ---- */

/* The called tells its own version even to another one, for that one to say so. */
static int hear_head(struct handshake *handshake, const unsigned char *bytes,
	struct handshake_bytes *out, struct dd_error *err)
{
	unsigned version = (unsigned)bytes[HEAD_SIZE - 2] << 8 | bytes[HEAD_SIZE - 1];

	if (memcmp(bytes, MAGIC, sizeof MAGIC) != 0)
		return error_set(err, DD_CORRUPT, "the other side is no domesdayd");
	if (version != HANDSHAKE_VERSION) {
		if (handshake->side == CALLED) {
			head_make(out->data);
			out->size = HEAD_SIZE;
		}
		return error_set(err, DD_UNSUPPORTED,
			"the other side speaks version %u of the peer protocol, this one %d",
			version, HANDSHAKE_VERSION);
	}
	memcpy(handshake->head, bytes, HEAD_SIZE);
	handshake->step = STEP_HELLO;
	return 0;
}

static void hash_hello(struct handshake *handshake, const unsigned char *rest)
{
	unsigned char hello[HELLO_SIZE];

	memcpy(hello, handshake->head, HEAD_SIZE);
	memcpy(hello + HEAD_SIZE, rest, REST_SIZE);
	hash_add(handshake, hello, sizeof hello);
}

static int hear_caller(struct handshake *handshake, const unsigned char *rest,
	struct handshake_bytes *out, struct dd_error *err)
{
	unsigned both = handshake->ciphers & rest[0];
	int rc;

	if (!(both & CIPHER_CHACHA20) || rest[1])
		return changed(err);
	handshake->ciphers = both & CIPHER_AES256 ? CIPHER_AES256 : CIPHER_CHACHA20;
	hash_hello(handshake, rest);
	hello_add(handshake, handshake->ciphers, out);
	rc = agree(handshake, rest + 2) ? proof_add(handshake, out, err) : changed(err);
	if (rc)
		out->size = 0;
	handshake->step = STEP_PROOF;
	return rc;
}

static int other_key(const struct handshake *handshake, struct dd_error *err)
{
	char found[KEY_WORDS_SIZE], expected[KEY_WORDS_SIZE];

	key_fingerprint(handshake->peer, found);
	key_fingerprint(handshake->expected, expected);
	return error_set(err, DD_REFUSED, "the host there has the key %s, and not %s, as is pinned",
		found, expected);
}

static int hear_called(struct handshake *handshake, const unsigned char *rest,
	struct handshake_bytes *out, struct dd_error *err)
{
	int rc;

	if ((rest[0] != CIPHER_CHACHA20 && rest[0] != CIPHER_AES256) ||
		!(rest[0] & handshake->ciphers) || rest[1])
		return changed(err);
	handshake->ciphers = rest[0];
	hash_hello(handshake, rest);
	if (!agree(handshake, rest + 2))
		return changed(err);
	rc = proof_check(handshake, rest + REST_SIZE, err);
	if (rc)
		return rc;
	if (!handshake->pinned) {
		handshake->step = STEP_NO_CALLER;
		return 0;
	}
	if (memcmp(handshake->peer, handshake->expected, KEY_PUBLIC_SIZE) != 0)
		return other_key(handshake, err);
	rc = proof_add(handshake, out, err);
	handshake->step = STEP_VERDICT;
	return rc;
}

static int not_wanted(
	const struct handshake *handshake, unsigned char verdict, struct dd_error *err)
{
	const struct handshake_self *self = &handshake->self;
	char print[KEY_WORDS_SIZE], words[KEY_WORDS_SIZE];
	unsigned char key[KEY_PUBLIC_SIZE];
	int rc = self->identity(self->context, key, err);

	if (rc)
		return rc;
	key_fingerprint(key, print);
	key_words(key, words);
	error_set(err, DD_REFUSED, "the host there %s this host's key %s",
		verdict == VERDICT_REVOKED ? "has revoked" : "does not know", print);
	return error_hint(err, "%sthere: domesday peer add %s ADDRESS '%s'",
		verdict == VERDICT_REVOKED ? "if it is to be trusted again, " : "", self->name,
		words);
}

static int hear_verdict(
	struct handshake *handshake, const unsigned char *bytes, struct dd_error *err)
{
	unsigned char verdict;

	if (!unseal(handshake, KEY_VERDICT, bytes, 1 + TAG_SIZE, &verdict))
		return changed(err);
	if (verdict != VERDICT_KNOWN)
		return not_wanted(handshake, verdict, err);
	frames_agree(handshake);
	handshake->step = STEP_DONE;
	return 0;
}

int handshake_hear(struct handshake *handshake, const unsigned char *bytes,
	struct handshake_bytes *out, struct dd_error *err)
{
	int rc;

	out->size = 0;
	switch (handshake->step) {
	case STEP_HEAD:
		return hear_head(handshake, bytes, out, err);
	case STEP_HELLO:
		return handshake->side == CALLER ? hear_called(handshake, bytes, out, err)
						 : hear_caller(handshake, bytes, out, err);
	case STEP_PROOF:
		rc = proof_check(handshake, bytes, err);
		handshake->step = STEP_JUDGE;
		return rc;
	case STEP_VERDICT:
		return hear_verdict(handshake, bytes, err);
	default:
		return changed(err);
	}
}

/* ---- the called has the last word ---- */

int handshake_judge(struct handshake *handshake, enum handshake_verdict verdict,
	struct handshake_bytes *out, struct dd_error *err)
{
	const unsigned char word = (unsigned char)verdict;
	char key[KEY_WORDS_SIZE];

	assert(handshake->step == STEP_JUDGE);
	seal(handshake, KEY_VERDICT, &word, 1, out->data);
	out->size = 1 + TAG_SIZE;
	if (verdict == VERDICT_KNOWN) {
		frames_agree(handshake);
		handshake->step = STEP_DONE;
		return 0;
	}
	key_fingerprint(handshake->peer, key);
	return error_set(err, DD_REFUSED,
		verdict == VERDICT_REVOKED ? "the caller's key %s is revoked"
					   : "this host does not know the caller's key %s",
		key);
}

int handshake_keys(const struct handshake *handshake, struct frame_key *send,
	struct frame_key *receive, struct dd_error *err)
{
	unsigned char keys[2][FRAME_KEY_SIZE];
	enum side other = handshake->side == CALLED ? CALLER : CALLED;
	int rc;

	assert(handshake->step == STEP_DONE);
	for (unsigned i = 0; i < 2; i++)
		derive(handshake->frames, i, keys[i]);
	rc = frame_key_init(send, handshake->ciphers, true, keys[handshake->side], err);
	if (!rc) {
		rc = frame_key_init(receive, handshake->ciphers, false, keys[other], err);
		if (rc)
			frame_key_release(send);
	}
	sodium_memzero(keys, sizeof keys);
	return rc;
}
