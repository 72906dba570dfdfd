/* SPDX-License-Identifier: Apache-2.0 */
#include "store/git/digest.h"

#include <sodium.h>

void digest_hex(const void *data, size_t size, char out[DIGEST_SIZE])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, data, size);
	sodium_bin2hex(out, DIGEST_SIZE, digest, sizeof digest);
}
