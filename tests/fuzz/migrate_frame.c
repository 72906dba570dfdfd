/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "migrate/channel/frame.h"
#include "store/key/key.h"

#define FRAMES 8
#define PIECE 40 /* bytes of data in the first; each has one less */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char words[PIECE] = "what two hosts have to say to each other";

/* As a channel reads them: measured, waited for, opened. What opens is what was sealed, in order.
 */
static void read_frames(enum cipher cipher, unsigned char *bytes, size_t size, bool forged)
{
	static const unsigned char secret[FRAME_KEY_SIZE] = {2};
	CLEANUP(frame_key) struct frame_key key = {.context = NULL};
	size_t whole, length;
	enum frame_kind kind;

	if (frame_key_init(&key, cipher, false, secret, NULL))
		return;
	for (size_t i = 0; size >= FRAME_HEAD_SIZE; i++, bytes += whole, size -= whole) {
		struct dd_error err = {0};

		if (frame_measure(bytes, &whole, &err)) {
			assert(err.code == DD_CORRUPT);
			return;
		}
		assert(whole >= FRAME_EXTRA && whole <= FRAME_MAX);
		if (whole > size)
			return;
		if (frame_open(&key, bytes, &kind, &length, &err)) {
			assert(err.code == DD_CORRUPT);
			return;
		}
		assert(!forged && i < FRAMES && length == PIECE - i && kind == FRAME_END);
		assert(memcmp(bytes + FRAME_HEAD_SIZE, words, length) == 0);
	}
}

/* The frames of somebody who has the key; then they are cut, doubled and changed. */
static void edit_frames(enum cipher cipher, const uint8_t *edits, size_t size)
{
	static const unsigned char secret[FRAME_KEY_SIZE] = {2};
	CLEANUP(frame_key) struct frame_key key = {.context = NULL};
	unsigned char frames[FRAMES][FRAME_EXTRA + PIECE];
	CLEANUP(text) struct text stream = TEXT_INIT;

	if (frame_key_init(&key, cipher, true, secret, NULL))
		return;
	for (size_t i = 0; i < FRAMES; i++)
		frame_seal(&key, FRAME_END, words, PIECE - i, frames[i]);
	/* each edit: which frame comes next, which byte of it is changed, and how */
	for (; size >= 3; edits += 3, size -= 3) {
		size_t which = edits[0] % FRAMES;
		size_t whole = FRAME_EXTRA + PIECE - which;

		text_add(&stream, frames[which], whole);
		if (!text_failed(&stream))
			stream.data[stream.size - whole + edits[1] % whole] ^= (char)edits[2];
	}
	if (!text_failed(&stream))
		read_frames(cipher, (unsigned char *)stream.data, stream.size, false);
}

/*
 * The first byte: bit 0 the cipher, bit 1 what the rest is: bytes of somebody who has no key, or
 * edits of the frames of somebody who has.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum cipher cipher;

	if (key_start(NULL) || !size)
		return 0;
	cipher = data[0] & 1 && ciphers_here() & CIPHER_AES256 ? CIPHER_AES256 : CIPHER_CHACHA20;
	if (data[0] & 2) {
		edit_frames(cipher, data + 1, size - 1);
		return 0;
	}

	CLEANUP(text) struct text bytes = TEXT_INIT;

	text_add(&bytes, data + 1, size - 1);
	if (!text_failed(&bytes) && bytes.size)
		read_frames(cipher, (unsigned char *)bytes.data, bytes.size, true);
	return 0;
}
