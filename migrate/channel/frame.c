/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ciphers are libcrypto's, which are more than twice as fast as libsodium's and make the same
 * of the same; all else that is secret here, the keys before all, is libsodium's.
 */
#include "migrate/channel/frame.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define NONCE_SIZE 12 /* of both ciphers; four zeros, then the count, little-endian */

unsigned ciphers_here(void)
{
	return CIPHER_CHACHA20 | (crypto_aead_aes256gcm_is_available() ? CIPHER_AES256 : 0u);
}

/* ---- keys ---- */

/* Looked up once; whatever the host's configuration of libcrypto says is for others. */
static EVP_CIPHER *cipher_of(enum cipher cipher)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	return EVP_CIPHER_fetch(
		NULL, cipher == CIPHER_AES256 ? "AES-256-GCM" : "ChaCha20-Poly1305", NULL);
}

void ciphers_start(void)
{
	EVP_CIPHER_free(cipher_of(CIPHER_AES256));
	EVP_CIPHER_free(cipher_of(CIPHER_CHACHA20));
}

int frame_key_init(struct frame_key *key, enum cipher cipher, bool seals,
	const unsigned char bytes[FRAME_KEY_SIZE], struct dd_error *err)
{
	EVP_CIPHER *found = cipher_of(cipher);
	EVP_CIPHER_CTX *context = found ? EVP_CIPHER_CTX_new() : NULL;
	int good = context && EVP_CipherInit_ex2(context, found, bytes, NULL, seals, NULL);

	EVP_CIPHER_free(found);
	if (!good) {
		EVP_CIPHER_CTX_free(context);
		return error_no_memory(err);
	}
	*key = (struct frame_key){.context = context, .cipher = cipher, .seals = seals};
	return 0;
}

void frame_key_release(struct frame_key *key)
{
	EVP_CIPHER_CTX_free(key->context);
	key->context = NULL;
}

static void nonce_next(struct frame_key *key, unsigned char nonce[NONCE_SIZE])
{
	memset(nonce, 0, NONCE_SIZE);
	for (size_t i = 0; i < sizeof key->count; i++)
		nonce[NONCE_SIZE - sizeof key->count + i] = (unsigned char)(key->count >> (8 * i));
	key->count++;
}

/* ---- sealing ---- */

static void head_write(unsigned char head[FRAME_HEAD_SIZE], enum frame_kind kind, size_t size)
{
	head[0] = (unsigned char)kind;
	head[1] = (unsigned char)(size >> 16);
	head[2] = (unsigned char)(size >> 8);
	head[3] = (unsigned char)size;
}

/* Of what belongs to the next frame; false: libcrypto does not do it. */
static bool frame_begin(struct frame_key *key, const unsigned char head[FRAME_HEAD_SIZE])
{
	unsigned char nonce[NONCE_SIZE];
	int none;

	nonce_next(key, nonce);
	return EVP_CipherInit_ex2(key->context, NULL, NULL, nonce, key->seals, NULL) &&
	       EVP_CipherUpdate(key->context, NULL, &none, head, FRAME_HEAD_SIZE);
}

static bool frame_data(
	struct frame_key *key, const unsigned char *data, size_t size, unsigned char *out)
{
	int made = 0;

	return !size ||
	       (EVP_CipherUpdate(key->context, out, &made, data, (int)size) && made == (int)size);
}

size_t frame_seal(struct frame_key *key, enum frame_kind kind, const void *data, size_t size,
	unsigned char *out)
{
	unsigned char *sealed = out + FRAME_HEAD_SIZE;
	int none;

	assert(size <= FRAME_DATA_MAX && key->seals);
	head_write(out, kind, size);
	/* with a key that was taken nothing is left that may fail; but what is not sealed never
	 * goes: the other side is sent what is no frame */
	if (!frame_begin(key, out) || !frame_data(key, data, size, sealed) ||
		!EVP_CipherFinal_ex(key->context, sealed + size, &none) ||
		!EVP_CIPHER_CTX_ctrl(
			key->context, EVP_CTRL_AEAD_GET_TAG, FRAME_TAG_SIZE, sealed + size))
		sodium_memzero(out, size + FRAME_EXTRA);
	return size + FRAME_EXTRA;
}

/* ---- opening ---- */

static size_t head_size(const unsigned char head[FRAME_HEAD_SIZE])
{
	return (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
}

/* What size a frame of that kind may have. */
static bool fits(enum frame_kind kind, size_t size)
{
	switch (kind) {
	case FRAME_PART:
		return size == FRAME_DATA_MAX;
	case FRAME_END:
		return size <= FRAME_DATA_MAX;
	case FRAME_BYTES:
		return size && size <= FRAME_DATA_MAX;
	case FRAME_BYTES_END:
	case FRAME_CLOSE:
		return size == 0;
	}
	return false;
}

int frame_measure(const unsigned char head[FRAME_HEAD_SIZE], size_t *whole, struct dd_error *err)
{
	if (!fits(head[0], head_size(head)))
		return error_set(err, DD_CORRUPT, "what came is no frame");
	*whole = head_size(head) + FRAME_EXTRA;
	return 0;
}

int frame_open(struct frame_key *key, unsigned char *frame, enum frame_kind *kind, size_t *size,
	struct dd_error *err)
{
	unsigned char *sealed = frame + FRAME_HEAD_SIZE;
	size_t length = head_size(frame);
	int none;

	assert(!key->seals);
	if (!frame_begin(key, frame) || !frame_data(key, sealed, length, sealed) ||
		!EVP_CIPHER_CTX_ctrl(
			key->context, EVP_CTRL_AEAD_SET_TAG, FRAME_TAG_SIZE, sealed + length) ||
		!EVP_CipherFinal_ex(key->context, sealed + length, &none))
		return error_set(
			err, DD_CORRUPT, "what came was changed on its way: a frame does not open");
	*kind = frame[0];
	*size = length;
	return 0;
}
