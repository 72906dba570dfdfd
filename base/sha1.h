/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SHA1_H
#define BASE_SHA1_H

/*
 * SHA-1 (FIPS 180-4) of bytes that come in pieces: what git closes each of its files with. It finds
 * damage; what must withstand malice is signed, and its objects are named by libgit2, which knows
 * the known attacks on SHA-1.
 */

#include <stddef.h>
#include <stdint.h>

#define SHA1_SIZE 20

struct sha1 {
	uint32_t state[5];
	uint64_t size; /* bytes so far */
	unsigned char block[64];
};

void sha1_init(struct sha1 *sha1);
void sha1_add(struct sha1 *sha1, const void *data, size_t size);
void sha1_end(struct sha1 *sha1, unsigned char out[SHA1_SIZE]);

#endif
