/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha1.h"

#include <string.h>

#define BLOCK 64

static uint32_t rotate(uint32_t value, int bits)
{
	return value << bits | value >> (32 - bits);
}

static uint32_t word_read(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static void word_write(unsigned char *bytes, uint32_t word)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (unsigned char)(word >> (24 - 8 * i));
}

static void block_add(uint32_t state[5], const unsigned char *block)
{
	uint32_t word[80];
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

	for (int i = 0; i < 16; i++)
		word[i] = word_read(block + 4 * i);
	for (int i = 16; i < 80; i++)
		word[i] = rotate(word[i - 3] ^ word[i - 8] ^ word[i - 14] ^ word[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		uint32_t mixed, constant, next;

		if (i < 20) {
			mixed = d ^ (b & (c ^ d));
			constant = 0x5a827999;
		} else if (i < 40 || i >= 60) {
			mixed = b ^ c ^ d;
			constant = i < 40 ? 0x6ed9eba1 : 0xca62c1d6;
		} else {
			mixed = (b & c) | (d & (b | c));
			constant = 0x8f1bbcdc;
		}
		next = rotate(a, 5) + mixed + e + constant + word[i];
		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

void sha1_init(struct sha1 *sha1)
{
	*sha1 = (struct sha1){
		.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

void sha1_add(struct sha1 *sha1, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	while (size) {
		size_t used = sha1->size % BLOCK;
		size_t part = BLOCK - used < size ? BLOCK - used : size;

		memcpy(sha1->block + used, bytes, part);
		sha1->size += part;
		bytes += part;
		size -= part;
		if (sha1->size % BLOCK == 0)
			block_add(sha1->state, sha1->block);
	}
}

void sha1_end(struct sha1 *sha1, unsigned char out[SHA1_SIZE])
{
	static const unsigned char padding[BLOCK] = {0x80};
	uint64_t bits = sha1->size * 8;
	size_t used = sha1->size % BLOCK;
	unsigned char length[8];

	word_write(length, (uint32_t)(bits >> 32));
	word_write(length + 4, (uint32_t)bits);
	sha1_add(sha1, padding, (used < 56 ? 56 : 56 + BLOCK) - used);
	sha1_add(sha1, length, sizeof length);
	for (int i = 0; i < 5; i++)
		word_write(out + 4 * i, sha1->state[i]);
}
