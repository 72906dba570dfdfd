/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/channel/frame.h"

#include <assert.h>
#include <string.h>

#define NONCE_SIZE 12 /* of both ciphers; four zeros, then the count, little-endian */

_Static_assert(crypto_aead_aes256gcm_NPUBBYTES == NONCE_SIZE &&
		       crypto_aead_chacha20poly1305_ietf_NPUBBYTES == NONCE_SIZE,
	"one nonce for both");
_Static_assert(crypto_aead_aes256gcm_ABYTES == FRAME_TAG_SIZE &&
		       crypto_aead_chacha20poly1305_ietf_ABYTES == FRAME_TAG_SIZE,
	"one tag for both");

unsigned ciphers_here(void)
{
	return CIPHER_CHACHA20 | (crypto_aead_aes256gcm_is_available() ? CIPHER_AES256 : 0u);
}

void frame_key_init(
	struct frame_key *key, enum cipher cipher, const unsigned char bytes[FRAME_KEY_SIZE])
{
	key->cipher = cipher;
	key->count = 0;
	memcpy(key->key, bytes, FRAME_KEY_SIZE);
	if (cipher == CIPHER_AES256)
		crypto_aead_aes256gcm_beforenm(&key->aes, bytes);
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

size_t frame_seal(struct frame_key *key, enum frame_kind kind, const void *data, size_t size,
	unsigned char *out)
{
	unsigned char nonce[NONCE_SIZE];
	unsigned char *sealed = out + FRAME_HEAD_SIZE;

	assert(size <= FRAME_DATA_MAX);
	nonce_next(key, nonce);
	head_write(out, kind, size);
	if (key->cipher == CIPHER_AES256)
		crypto_aead_aes256gcm_encrypt_afternm(
			sealed, NULL, data, size, out, FRAME_HEAD_SIZE, NULL, nonce, &key->aes);
	else
		crypto_aead_chacha20poly1305_ietf_encrypt(
			sealed, NULL, data, size, out, FRAME_HEAD_SIZE, NULL, nonce, key->key);
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
	unsigned char nonce[NONCE_SIZE];
	unsigned char *sealed = frame + FRAME_HEAD_SIZE;
	size_t length = head_size(frame);
	int bad;

	nonce_next(key, nonce);
	if (key->cipher == CIPHER_AES256)
		bad = crypto_aead_aes256gcm_decrypt_afternm(sealed, NULL, NULL, sealed,
			length + FRAME_TAG_SIZE, frame, FRAME_HEAD_SIZE, nonce, &key->aes);
	else
		bad = crypto_aead_chacha20poly1305_ietf_decrypt(sealed, NULL, NULL, sealed,
			length + FRAME_TAG_SIZE, frame, FRAME_HEAD_SIZE, nonce, key->key);
	if (bad)
		return error_set(
			err, DD_CORRUPT, "what came was changed on its way: a frame does not open");
	*kind = frame[0];
	*size = length;
	return 0;
}
