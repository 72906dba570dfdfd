/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_FRAME_H
#define MIGRATE_FRAME_H

/*
 * A frame: a piece of what two hosts say to each other, sealed. Pure: bytes in, bytes out.
 *
 *   kind      1 byte
 *   size      3 bytes, big-endian: of the data, at most FRAME_DATA_MAX
 *   data      sealed with an AEAD, kind and size being authenticated with it
 *   tag       16 bytes
 *
 * Each direction has its own key, and its frames are counted from 0; the count is the nonce and not
 * sent. So a frame that is changed, lost, doubled, out of order or reflected does not open, and the
 * conversation ends there. Where frames end shows to who listens, and so does what kind they are.
 */

#include <openssl/types.h>
#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FRAME_DATA_MAX 65536
#define FRAME_HEAD_SIZE 4
#define FRAME_TAG_SIZE 16
#define FRAME_EXTRA (FRAME_HEAD_SIZE + FRAME_TAG_SIZE)
#define FRAME_MAX (FRAME_DATA_MAX + FRAME_EXTRA)
#define FRAME_KEY_SIZE 32

/* Bits: two hosts say which they can, and take the fastest that both can. */
enum cipher {
	CIPHER_CHACHA20 = 1, /* ChaCha20-Poly1305 (RFC 8439), on every machine */
	CIPHER_AES256 = 2,   /* AES-256-GCM, where the processor has it: a tenth faster */
};
#define CIPHERS_KNOWN 3

/* Those that this machine can. key_start() was called. */
unsigned ciphers_here(void);

/*
 * Looks up what frames are sealed with, which takes a millisecond for the first time. Whoever has
 * something else to wait for may do so beside that; any thread.
 */
void ciphers_start(void);

enum frame_kind {
	FRAME_PART = 1,  /* of a message that goes on: exactly FRAME_DATA_MAX bytes */
	FRAME_END,       /* of a message: its last bytes, or all of them */
	FRAME_BYTES,     /* of a relay: at least one */
	FRAME_BYTES_END, /* the sender's stream has ended; no data */
	FRAME_CLOSE,     /* nothing comes after it; no data */
};

/* The key of one direction, at one of its ends, and how many frames went by. */
struct frame_key {
	EVP_CIPHER_CTX *context; /* libcrypto's, with the key; it is overwritten when it goes */
	enum cipher cipher;
	bool seals; /* or opens */
	uint64_t count;
};

/* One that seals, or one that opens; released by the caller. DD_NO_MEMORY. */
int frame_key_init(struct frame_key *key, enum cipher cipher, bool seals,
	const unsigned char bytes[FRAME_KEY_SIZE], struct dd_error *err);
void frame_key_release(struct frame_key *key); /* all zeros: nothing */
static inline void cleanup_frame_key(struct frame_key *key)
{
	frame_key_release(key);
}

/* Writes size + FRAME_EXTRA bytes to out, and returns how many these are. */
size_t frame_seal(struct frame_key *key, enum frame_kind kind, const void *data, size_t size,
	unsigned char *out);

/*
 * What the first FRAME_HEAD_SIZE bytes say: the size of the whole frame. DD_CORRUPT: of no frame
 * there can be; nothing has to be kept for such a one.
 */
int frame_measure(const unsigned char head[FRAME_HEAD_SIZE], size_t *whole, struct dd_error *err);

/*
 * Opens a whole frame in place: its data begins after its head. DD_CORRUPT: it is not the next one
 * that was sealed.
 */
int frame_open(struct frame_key *key, unsigned char *frame, enum frame_kind *kind, size_t *size,
	struct dd_error *err);

#endif
